"""docs/protocol.md is whole: each message with its fields, each code of a refusal, each form, each close code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from inference.verse.forms import FORMS
from writingapp import consumers, feed, rating_wire, wire
from writingapp.models import Inspiration
from writingapp.options_wire import OptionsIn
from writingapp.refusals import SENTENCES

ROOT = Path(wire.__file__).parent
PAGE = (ROOT.parent / "docs/protocol.md").read_text(encoding="utf-8")
SPANS = re.findall(r"`([^`]+)`", PAGE)  # what the page shows as code
ENDS_OF_TEXTS = ("engine_", "not_served", "too_many_attempts")  # codes of a candidate, and how they begin


def parsed(*files: Path) -> Iterator[ast.AST]:
    for file in files:
        yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def words(*spans: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(spans)))


def payloads() -> list[dict[str, ast.expr]]:
    """The objects that are built for the wire: key and value."""
    dicts = [node for node in parsed(ROOT / "wire.py", ROOT / "rating_wire.py") if isinstance(node, ast.Dict)]
    told = [
        {key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)}
        for node in dicts
    ]
    return [{str(key): value for key, value in each.items()} for each in told if each]


def heard() -> dict[str, type[BaseModel]]:
    """The messages of a client, by type."""
    return {name: model for model in get_args(wire.Message) for name in get_args(model.model_fields["type"].annotation)}


def refused() -> set[str]:
    """The codes that a verb may answer: those of the doors and of the services behind them."""
    doors = [ROOT / f"{name}.py" for name in ("doors", "rating_doors", "photo_doors", "verse_doors", "wire", "pace")]
    behind = {
        alias.name
        for node in parsed(*doors)
        if isinstance(node, ast.ImportFrom) and node.module == "writingapp.services"
        for alias in node.names
    }
    calls = parsed(*doors, *(ROOT / "services" / f"{name}.py" for name in behind))
    said = {
        node.args[0].value
        for node in calls
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Refusal"
        and isinstance(node.args[0], ast.Constant)
    }
    return {str(code) for code in said} | {code for code in SENTENCES if code.startswith(("photo_", *ENDS_OF_TEXTS))}


def test_the_readers_of_the_code_find_what_is_there() -> None:
    assert {"no_line", "rating_off", "resend_whole", "too_fast", "photo_full", "engine_down"} <= refused()
    assert {"save", "swap", "pause", "ping"} <= set(heard())
    assert {"id", "of", "line", "chips"} <= set().union(*payloads())


@pytest.mark.parametrize("name", heard())
def test_each_message_of_a_client_is_told_with_its_fields(name: str) -> None:
    spans = [span for span in SPANS if span.startswith(f"{name} {{")]
    assert spans
    assert set(heard()[name].model_fields) - {"type"} <= words(*spans)


@pytest.mark.parametrize("model", [rating_wire.Compare, rating_wire.Score, rating_wire.Allow, rating_wire.Answer])
def test_each_body_of_a_judgement_is_told(model: type[BaseModel]) -> None:
    assert any(set(model.model_fields) <= words(span) for span in SPANS)


def test_each_object_of_the_server_is_told_with_its_fields() -> None:
    for told in payloads():
        fields, kind = set(told) - {"type"}, told.get("type")
        name = str(kind.value) if isinstance(kind, ast.Constant) else ""
        assert any(span.startswith(name) and fields <= words(span) for span in SPANS), (name, fields)


def test_each_option_of_a_poem_is_told() -> None:
    assert set(OptionsIn.model_fields) <= set(SPANS)


def test_each_form_and_each_kind_is_told() -> None:
    assert set(FORMS) <= set(SPANS)
    assert set(Inspiration.Kind.values) <= set(SPANS)


def test_each_code_of_a_refusal_is_told() -> None:
    assert refused() | {"busy", "crowded"} <= set(SPANS)


def test_each_close_code_is_told() -> None:
    named = (consumers.FLOOD, consumers.NO_LOGIN, consumers.NO_SESSION, consumers.TOO_MANY, feed.CLOSE_SLOW)
    told = words(PAGE.split("Close codes:")[1].split("\n\n")[0])
    assert {str(code) for code in named} <= told
    assert str(consumers.MOST_SOCKETS) in told
