"""Makes known.txt: the poems of old that people look for, so that a line of theirs is not taken for a new one.

    npm pack chinese-poetry@2.0.1
    pip install opencc==1.4.2
    python -m inference.verse.data.make_known chinese-poetry-2.0.1.tgz

The package says how often search engines find each poem. Of Tang poems, Song poems and Song lyrics those found most
are kept, in simplified script, a poem a row: dynasty, author, title, lines.
"""

import json
import math
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from opencc import OpenCC

KEPT = {"tang": 5_000, "song": 2_500, "ci": 1_500}
DYNASTY = {"tang": "唐", "song": "宋", "ci": "宋"}
ENGINES = ("baidu", "so360", "bing")
LONGEST = 60  # lines
_NAMES = {
    "tang": (r"quantangshi/poet\.tang\.(\d+)\.json$", r"rank/poet/poet\.tang\.rank\.(\d+)\.json$"),
    "song": (r"quantangshi/poet\.song\.(\d+)\.json$", r"rank/poet/poet\.song\.rank\.(\d+)\.json$"),
    "ci": (r"songci/ci\.song\.(\d+)\.json$", r"rank/ci/ci\.song\.rank\.(\d+)\.json$"),
}
_MARKS = re.compile(r"[^㐀-鿿𠀀-𱍏]+")


class Found(NamedTuple):
    """A poem and how well known it is."""

    fame: float
    author: str
    title: str
    lines: tuple[str, ...]


def main(archive: Path, out: Path) -> None:
    simplified = OpenCC("t2s").convert
    texts, ranks = read(archive)
    rows: list[str] = []
    for kind, most in KEPT.items():
        found = sorted(found_in(texts[kind], ranks[kind]), reverse=True)[:most]
        rows += [
            simplified("\t".join((DYNASTY[kind], each.author, each.title, "/".join(each.lines)))) for each in found
        ]
    head = "# dynasty, author, title, lines; from chinese-poetry 2.0.1 (MIT), see make_known.py\n"
    out.write_text(head + "\n".join(dict.fromkeys(rows)) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(rows)} poems, {out.stat().st_size} bytes\n")


Files = dict[str, dict[int, list[dict[str, Any]]]]


def read(archive: Path) -> tuple[Files, Files]:
    texts: Files = {kind: {} for kind in _NAMES}
    ranks: Files = {kind: {} for kind in _NAMES}
    with tarfile.open(archive) as package:
        for member in package:
            for kind, patterns in _NAMES.items():
                for into, pattern in zip((texts, ranks), patterns, strict=True):
                    matched = re.search(pattern, member.name)
                    file = package.extractfile(member) if matched and "/error/" not in member.name else None
                    if matched and file:
                        into[kind][int(matched[1])] = json.load(file)
    return texts, ranks


def found_in(texts: dict[int, list[dict[str, Any]]], ranks: dict[int, list[dict[str, Any]]]) -> Iterator[Found]:
    """The two lists of one number tell of the same poems in the same order."""
    for number, poems in texts.items():
        for poem, rank in zip(poems, ranks.get(number, ()), strict=False):
            title = poem.get("title") or poem.get("rhythmic") or ""
            named = " ".join(title.split())
            if (rank.get("title") or rank.get("rhythmic")) != title or rank["author"] != poem["author"]:
                continue
            lines = tuple(line for line in _MARKS.split("".join(poem["paragraphs"])) if line)
            if 2 <= len(lines) <= LONGEST and len(named) <= 24:
                fame = sum(math.log1p(rank.get(engine, 0)) for engine in ENGINES)
                yield Found(fame, poem["author"], named, lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("known.txt"))
