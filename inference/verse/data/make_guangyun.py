"""Makes guangyun.txt, the checker's table: the rhyme book 广韵 of 1008, its 206 rhymes merged into the 106 of 平水韵.

    pip install qieyun==0.13.3 opencc==1.4.2
    python -m inference.verse.data.make_guangyun chinese-poetry-2.0.1.tgz

The generator's table comes from another book by another script (make_pingshui.py).
"""

import csv
import importlib.resources
import io
import sys
from collections import Counter, defaultdict
from pathlib import Path

from opencc import OpenCC

from inference.verse.data import tang

GROUPS = "东冬江支微鱼虞齐佳灰真文元寒删先萧肴豪歌麻阳庚青蒸尤侵覃盐咸"  # the level rhymes of 平水韵
MERGED = (  # and the rhymes of 广韵 that are one of them, in the same order
    *("東", "冬鍾", "江", "支脂之", "微", "魚", "虞模", "齊", "佳皆", "灰咍"),
    *("真諄臻", "文欣", "元魂痕", "寒桓", "刪山", "先仙", "蕭宵", "肴", "豪", "歌戈"),
    *("麻", "陽唐", "庚耕清", "青", "蒸登", "尤侯幽", "侵", "覃談", "鹽添嚴", "咸銜凡"),
)
GROUP_OF = {rhyme: group for group, rhymes in zip(GROUPS, MERGED, strict=True) for rhyme in rhymes}

# What verse writes, and how the book writes it, where OpenCC does not know the two for one.
VARIANTS = dict(
    zip(
        "魂茲皓崑崙胸煮剎瀟享湧髭鞍裙聯棋烹拆秘你閑窗峰劍恒托爺琉緲撐",
        "䰟兹晧崐崘胷煑刹潚亯涌頾鞌帬聨棊亨坼祕伱閒窻峯劒恆託耶瑠渺撑",
        strict=True,
    )
)

# Readings that verse uses and the book has not: character, then its level rhyme or 仄.
ADDED = {
    "忘": "阳", "歎": "寒", "嘆": "寒", "漫": "寒", "探": "仄", "跳": "萧", "攢": "寒", "涯": "麻", "強": "仄",
}  # fmt: skip

KEPT = 0.05  # the share of places from which on a reading counts as used, where metre shows which of two it is
SHOWN = 60  # so many places, or the book is believed
LIVING = "望歎嘆間中空衣王要幾與卷料應"  # seldom shown inside a line, but each of the two readings is a word of its own

Readings = dict[str, set[str]]


def book() -> Readings:
    """Each head character with its level rhymes, and 仄 for a reading of any other tone."""
    found: Readings = defaultdict(set)
    text = (importlib.resources.files("Qieyun") / "rhyme_book.csv").read_text(encoding="utf-8")
    for entry in csv.DictReader(io.StringIO(text)):
        if entry["資料名稱"] != "廣韻" or not entry["最簡描述"]:
            continue
        level = entry["最簡描述"][-1] == "平"
        char = entry["字頭"] or entry["字頭覈校前"]
        found[char].add(GROUP_OF[entry["韻部原貌"]] if level else "仄")
    for char, group in ADDED.items():
        found[char].add(group)
    return found


def tones(readings: Readings) -> Readings:
    return {char: {"仄" if each == "仄" else "平" for each in has} for char, has in readings.items()}


def in_use(readings: Readings, shown: dict[str, Counter[str]]) -> Readings:
    """Without readings that regulated verse of the Tang does not use."""
    kept: Readings = {}
    for char, has in readings.items():
        seen = shown.get(char, Counter())
        places = seen.total()
        unused = {tone for tone in "平仄" if places >= SHOWN and char not in LIVING and seen[tone] < KEPT * places}
        kept[char] = {each for each in has if ("仄" if each == "仄" else "平") not in unused} or has
    return kept


def with_variants(readings: Readings, seen: Counter[str]) -> Readings:
    """Also the characters that the book writes otherwise."""
    simplified = OpenCC("t2s").convert
    like: dict[str, set[str]] = defaultdict(set)
    for char, has in readings.items():
        like[simplified(char)] |= has
    found = dict(readings)
    for char in seen:
        if tang.HAN.fullmatch(char) and char not in found:
            has = readings.get(VARIANTS.get(char, ""), set()) or like.get(simplified(char), set())
            if has:
                found[char] = has
    return found


def with_simplified(readings: Readings, seen: Counter[str]) -> Readings:
    """Also simplified characters, each with the readings of all those it stands for and that verse writes.

    A simplified character may look like a rare old one with another reading (虫, 听, 机); that reading is dropped.
    """
    simplified = OpenCC("t2s").convert
    stands_for: dict[str, list[str]] = defaultdict(list)
    for char in readings:
        stands_for[simplified(char)].append(char)
    found = dict(readings)
    for char, old in stands_for.items():
        enough = max(seen[each] for each in old) * 0.03
        found[char] = set().union(*(readings[each] for each in old if seen[each] >= enough))
    return found


def main() -> None:
    archive = Path(sys.argv[1])
    seen = tang.counts(archive)
    raw = with_variants(book(), seen)
    readings = with_simplified(in_use(raw, tang.use(tang.regulated(archive), tones(raw))), seen)
    rows = [
        "# Tones and level rhymes: 广韵 (1008), merged into the rhymes of 平水韵. Made by make_guangyun.py.",
        "# Source: rhyme_book.csv of the package qieyun 0.13.3 by the nk2028 project, CC0 1.0 (public domain).",
        "# A line: a level rhyme, or 仄 for every other tone; then its characters. Some are on several lines.",
    ]
    for group in (*GROUPS, "仄"):
        rows.append(group + "\t" + "".join(sorted(char for char, has in readings.items() if group in has)))
    Path(__file__).with_name("guangyun.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
