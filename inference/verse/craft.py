"""How well a few lines are made, beyond being right: the better of several drafts is the one with the higher score.

It counts what a reader stumbles over: a character used up before, two characters that no poet ever put side by side,
a rhyme word that hangs on nothing, what everybody says, and what somebody else wrote long ago.
"""

import re
from functools import cache
from importlib import resources
from itertools import pairwise

from inference.verse.known import source

# What a small model says of any morning and any mountain: read in the poems of docs/verse.md.
_COMMON = """
花开花落 岁月如梭 岁月悠悠 鸟语花香 春意闹 春意盎 拂面 心旷神 心自 如画 入画 似画 诗意 画中游 人间四月 车水马龙
小桥流水 月如钩 无限好 好时光 醉人心 催人醉 万物生 生机 绿意 暖心 满人间 映晴 金秋 悠悠 轻拂 轻轻 思绪 心中 梦里花
照我心 入我心 无尽 无边 皆有意 笑语 美景 佳节 时光
"""
STOCK = tuple(_COMMON.split())
REPEAT, STRANGE, HANGING, COMMONPLACE, OLD = 1.0, 0.8, 1.2, 1.0, 4.0  # what each of them costs
_NO_WORD = re.compile(r"[^㐀-䶿一-鿿]+")


def score(lines: str, before: str = "") -> float:
    """At most 0. `before` is the poem so far; 依依 is no repeat, nor a word said twice in one breath."""
    cost = REPEAT * _repeats(lines, before) + COMMONPLACE * sum(lines.count(phrase) for phrase in STOCK)
    for line in filter(None, _NO_WORD.split(lines)):
        cost += STRANGE * _strange(line) + HANGING * (line[-2:] not in _pairs()) + OLD * (source(line) is not None)
    return -cost


def _repeats(lines: str, before: str) -> int:
    seen, found = set(_NO_WORD.sub("", before)), 0
    for last, char in pairwise("\n" + lines):
        if _NO_WORD.fullmatch(char):
            continue
        found += char in seen and char != last
        seen.add(char)
    return found


def _strange(line: str) -> float:
    """The share of a line's feet that stand in no poem at hand."""
    feet = [line[at : at + 2] for at in range(0, len(line) - 1, 2)]
    return sum(foot not in _pairs() for foot in feet) / max(1, len(feet))


@cache
def _pairs() -> frozenset[str]:
    """Every two characters that stand side by side in the poems of known.txt; 0.2 s where it is first asked for."""
    text = (resources.files("inference.verse") / "data" / "known.txt").read_text("utf-8")
    rows = (row.rpartition("\t")[2] for row in text.splitlines() if not row.startswith("#"))
    return frozenset(line[at : at + 2] for row in rows for line in row.split("/") for at in range(len(line) - 1))
