"""Makes guangyun.txt, the checker's table: the rhyme book 广韵 of 1008, its 206 rhymes beside those of later books.

Each rhyme is given the one of 平水韵 that it was merged into, if it is level, and its part (部) of 词林正韵.

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
from typing import NamedTuple

from opencc import OpenCC

from inference.verse.data import tang

GROUPS = "东冬江支微鱼虞齐佳灰真文元寒删先萧肴豪歌麻阳庚青蒸尤侵覃盐咸"  # the level rhymes of 平水韵
MERGED = (  # and the rhymes of 广韵 that are one of them, in the same order
    *("東", "冬鍾", "江", "支脂之", "微", "魚", "虞模", "齊", "佳皆", "灰咍"),
    *("真諄臻", "文欣", "元魂痕", "寒桓", "刪山", "先仙", "蕭宵", "肴", "豪", "歌戈"),
    *("麻", "陽唐", "庚耕清", "青", "蒸登", "尤侯幽", "侵", "覃談", "鹽添嚴", "咸銜凡"),
)
GROUP_OF = {rhyme: group for group, rhymes in zip(GROUPS, MERGED, strict=True) for rhyme in rhymes}
PARTS = (  # of 词林正韵 (戈载 1821), in its order: level, rising and departing tones together, 15 to 19 entering
    "東冬鍾 董腫 送宋用",
    "江陽唐 講養蕩 絳漾宕",
    "支脂之微齊灰 紙旨止尾薺賄 寘至志未霽祭隊廢",
    "魚虞模 語麌姥 御遇暮",
    "佳皆咍 蟹駭海 泰卦怪夬代",
    "真諄臻文欣魂痕 軫準吻隱混很 震稕問焮慁恨",
    "元寒桓刪山先仙 阮旱緩潸產銑獮 願翰換諫襇霰線",
    "蕭宵肴豪 篠小巧晧 嘯笑效号",
    "歌戈 哿果 箇過",
    "麻 馬 禡",
    "庚耕清青蒸登 梗耿靜迥拯等 映諍勁徑證嶝",
    "尤侯幽 有厚黝 宥候幼",
    "侵 寑 沁",
    "覃談鹽添嚴咸銜凡 感敢琰忝儼豏檻范 勘闞豔㮇釅陷鑑梵",
    "屋沃燭",
    "覺藥鐸",
    "質術櫛陌麥昔錫職德緝",
    "物迄月沒曷末黠鎋屑薛葉怗",
    "合盍業洽狎乏",
)
PART_OF = {rhyme: at for at, rhymes in enumerate(PARTS, 1) for rhyme in rhymes.replace(" ", "")}
# Rhymes that 词林正韵 divides: 泰 by its vowel, 佳 and 卦 too but for a few words, and 話 alone of its rhyme.
CLOSED = {"泰": 3, "佳": 10, "卦": 10}
TENTH = "佳涯崖話"

# What verse writes, and how the book writes it, where OpenCC does not know the two for one.
VARIANTS = dict(
    zip(
        "魂茲皓崑崙胸煮剎瀟享湧髭鞍裙聯棋烹拆秘你閑窗峰劍恒托爺琉緲撐",
        "䰟兹晧崐崘胷煑刹潚亯涌頾鞌帬聨棊亨坼祕伱閒窻峯劒恆託耶瑠渺撑",
        strict=True,
    )
)

# Readings that verse uses and the book has not, by a rhyme of the book.
ADDED = {
    "忘": "陽", "歎": "寒", "嘆": "寒", "漫": "桓", "探": "勘", "跳": "蕭", "攢": "桓", "涯": "麻", "強": "養",
}  # fmt: skip

KEPT = 0.05  # the share of places from which on a reading counts as used, where metre shows which of two it is
SHOWN = 60  # so many places, or the book is believed
LIVING = "望歎嘆間中空衣王要幾與卷料應"  # seldom shown inside a line, but each of the two readings is a word of its own


class Reading(NamedTuple):
    """A rhyme of 广韵, and its part of 词林正韵."""

    rhyme: str
    part: int

    @property
    def tone(self) -> str:
        return "平" if self.rhyme in GROUP_OF else "仄"


Readings = dict[str, set[Reading]]


def book() -> Readings:
    """Each head character with its readings."""
    found: Readings = defaultdict(set)
    text = (importlib.resources.files("Qieyun") / "rhyme_book.csv").read_text(encoding="utf-8")
    for entry in csv.DictReader(io.StringIO(text)):
        if entry["資料名稱"] == "廣韻" and entry["最簡描述"]:
            char = entry["字頭"] or entry["字頭覈校前"]
            found[char].add(_reading(char, entry["韻部原貌"], closed="開" not in entry["最簡描述"]))
    for char, rhyme in ADDED.items():
        found[char].add(_reading(char, rhyme, closed=False))
    return found


def _reading(char: str, rhyme: str, *, closed: bool) -> Reading:
    part = CLOSED.get(rhyme, PART_OF[rhyme]) if closed else PART_OF[rhyme]
    return Reading(rhyme, 10 if char in TENTH and part == PART_OF["佳"] else part)


def tones(readings: Readings) -> dict[str, set[str]]:
    return {char: {each.tone for each in has} for char, has in readings.items()}


def in_use(readings: Readings, shown: dict[str, Counter[str]]) -> Readings:
    """Without readings that regulated verse of the Tang does not use."""
    kept: Readings = {}
    for char, has in readings.items():
        seen = shown.get(char, Counter())
        places = seen.total()
        unused = {tone for tone in "平仄" if places >= SHOWN and char not in LIVING and seen[tone] < KEPT * places}
        kept[char] = {each for each in has if each.tone not in unused} or has
    return kept


def with_variants(readings: Readings, seen: Counter[str]) -> Readings:
    """Also the characters that the book writes otherwise."""
    simplified = OpenCC("t2s").convert
    like: Readings = defaultdict(set)
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
    by_rhyme: dict[Reading, list[str]] = defaultdict(list)
    for char in sorted(readings):
        for each in readings[char]:
            by_rhyme[each].append(char)
    rows = [
        "# Tones and rhymes by 广韵 (1008). Made by make_guangyun.py.",
        "# Source: rhyme_book.csv of the package qieyun 0.13.3 by the nk2028 project, CC0 1.0 (public domain).",
        "# A line: a rhyme; what it is in 平水韵, or 仄 for every other tone; its part of 词林正韵; its characters.",
    ]
    order = {rhyme: at for at, rhyme in enumerate(PART_OF)}
    for each in sorted(by_rhyme, key=lambda each: (order[each.rhyme], each.part)):
        group = GROUP_OF.get(each.rhyme, "仄")
        rows.append(f"{each.rhyme}\t{group}\t{each.part}\t{''.join(by_rhyme[each])}")
    Path(__file__).with_name("guangyun.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
