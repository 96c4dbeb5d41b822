"""The poems of the npm package chinese-poetry: every one, with its dynasty and how well known it is."""

import json
import math
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.verse.folding import fold

DYNASTIES = ("先秦", "三国", "唐", "五代", "宋", "元", "清")  # the earlier one wrote a line first
ENGINES = ("baidu", "so360", "bing")
TITLE = 40  # characters of a title that are kept
_NO_WORD = re.compile(r"[^㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")


@dataclass(frozen=True, slots=True)
class Collection:
    """Files of one kind: whose they are, which of their fields is what, and where their fame is told."""

    dynasty: str
    file: re.Pattern[str]
    text: str = "paragraphs"
    title: str = "title"
    author: str = ""  # of poems that name none
    fame: str = ""


COLLECTIONS = tuple(
    Collection(dynasty, re.compile(rf"package/dist/{file}\.json$"), **told)
    for dynasty, file, told in (
        ("先秦", "shijing/shijing", {"text": "content", "author": "诗经"}),
        ("先秦", "chuci/chuci", {"text": "content"}),
        ("三国", "caocaoshiji/caocao", {"author": "曹操"}),
        ("唐", r"quantangshi/poet\.tang\.(\d+)", {"fame": "poet.tang"}),
        ("五代", r"wudaishici/huajianji/huajianji-[1-9x]-juan", {}),
        ("五代", r"wudaishici/nantang/poetrys", {}),
        ("宋", r"quantangshi/poet\.song\.(\d+)", {"fame": "poet.song"}),
        ("宋", r"songci/ci\.song\.(\d+)", {"title": "rhythmic", "fame": "ci.song"}),
        ("元", "yuanqu/yuanqu", {}),
        ("清", "nalanxingde/[^/]+", {"text": "para"}),
    )
)
_FAME = re.compile(r"package/dist/rank/\w+/(poet\.tang|poet\.song|ci\.song)\.rank\.(\d+)\.json$")


@dataclass(frozen=True, slots=True)
class Poem:
    """In simplified characters. `place` is the file of a ranked collection and where in it the poem stands."""

    dynasty: str
    author: str
    title: str
    lines: tuple[str, ...]
    place: tuple[str, int, int]


Fame = dict[tuple[str, int, int], float]


def read(archive: Path, fame: Fame) -> Iterator[Poem]:
    """Every poem, in no order; `fame` is filled on the way, by the place of a poem."""
    unranked: dict[str, int] = defaultdict(int)
    with tarfile.open(archive) as package:
        for member in package:
            file = package.extractfile(member) if member.name.endswith(".json") else None
            if ranked := _FAME.search(member.name):
                for at, rank in enumerate(json.load(file) if file else ()):
                    fame[ranked[1], int(ranked[2]), at] = sum(math.log1p(rank.get(each) or 0) for each in ENGINES)
            for kind in COLLECTIONS:
                if file and (matched := kind.file.search(member.name)):
                    number = int(matched[1]) if kind.fame else unranked[kind.dynasty]
                    unranked[kind.dynasty] += not kind.fame
                    yield from _poems(kind, number, json.load(file))


def _poems(kind: Collection, number: int, told: list[dict[str, Any]]) -> Iterator[Poem]:
    for at, each in enumerate(told):
        lines = tuple(line for line in _NO_WORD.split(fold("，".join(each[kind.text]))) if line)
        author, title = each.get("author") or kind.author, each.get(kind.title) or each.get("rhythmic") or ""
        place = (kind.fame or kind.dynasty, number, at)
        yield Poem(kind.dynasty, _name(author), _name(title)[:TITLE], lines, place)


def _name(said: str) -> str:
    return " ".join(fold(said).split())
