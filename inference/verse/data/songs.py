"""Reads the Song lyrics (宋词) of the npm package chinese-poetry (2.0.1, MIT), in simplified script; see tang.py."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FILE = re.compile(r"songci/ci\.song\.\d+\.json$")
_MARKS = re.compile(r"[^㐀-鿿𠀀-𱍏□]+")


class Song(NamedTuple):
    """A lyric; its title is the tune."""

    author: str
    title: str
    lines: tuple[str, ...]


def songs(archive: Path) -> Iterator[Song]:
    """Every lyric that is whole: □ stands for a character that was lost."""
    with tarfile.open(archive) as package:
        for member in package:
            file = package.extractfile(member) if _FILE.search(member.name) else None
            for song in json.load(file) if file else ():
                lines = tuple(line for line in _MARKS.split("".join(song["paragraphs"])) if line)
                if lines and "□" not in "".join(lines):
                    yield Song(song["author"], song["rhythmic"], lines)
