"""Makes putonghua.txt, the checker's table for 中华新韵: characters by rhyme and tone as Putonghua reads them.

    pip install pypinyin==0.55.0
    python -m inference.verse.data.make_putonghua

中华新韵 (2005) has fourteen rhymes; the first and second tone are level, the third and fourth oblique. A reading that
no word of the package's dictionary shows is dropped unless it is the first of its character.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from pypinyin import phrases_dict, pinyin_dict
from pypinyin.contrib.tone_convert import to_finals_tone3, to_normal

from inference.verse.data.tang import HAN

FINALS = {  # by rhyme, in the order of the book
    "麻": "a ia ua",
    "波": "o e uo",
    "皆": "ie ve ue ê",
    "开": "ai uai",
    "微": "ei ui uei",
    "豪": "ao iao",
    "尤": "ou iu iou",
    "寒": "an ian uan van",
    "文": "en in un uen vn",
    "唐": "ang iang uang",
    "庚": "eng ing ong iong ueng",
    "齐": "i er v",
    "支": "-i",
    "姑": "u",
}
RHYME_OF = {final: rhyme for rhyme, finals in FINALS.items() for final in finals.split()}
ADDED = {"哮": ("xiào",)}  # as 通用规范汉字字典 (2013) reads it
HEAD = (
    "# Tones and rhymes by Putonghua, in the fourteen rhymes of 中华新韵. Made by make_putonghua.py.",
    "# Source: the dictionaries of the package pypinyin 0.55.0, Copyright (c) 2016 mozillazg, MIT License.",
    "# A line: a rhyme, 平 or 仄, its characters.",
)


def heard() -> dict[str, Counter[str]]:
    """How many words read a character so."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for word, sounds in phrases_dict.phrases_dict.items():
        if len(word) == len(sounds):
            for char, sound in zip(word, sounds, strict=True):
                found[char][sound[0]] += 1
    return found


def readings(char: str, sounds: str, shown: Counter[str]) -> Iterator[tuple[str, str]]:
    """Rhyme and tone of each reading in use."""
    first, *others = sounds.split(",")
    for sound in (first, *ADDED.get(char, ()), *(each for each in others if shown[each])):
        final, number = re.fullmatch(r"(.*?)(\d?)", to_finals_tone3(sound, strict=True)).groups()  # type: ignore[union-attr]
        whistles = final == "i" and re.match(r"(zh?|ch?|sh?|r)i$", to_normal(sound))
        rhyme = RHYME_OF.get("-i" if whistles else final)
        if rhyme and number:
            yield rhyme, "平" if number in "12" else "仄"


def main() -> None:
    shown = heard()
    by_rhyme: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code, sounds in sorted(pinyin_dict.pinyin_dict.items()):
        if HAN.fullmatch(chr(code)):
            for reading in sorted(set(readings(chr(code), sounds, shown[chr(code)]))):
                by_rhyme[reading].append(chr(code))
    rows = [f"{rhyme}\t{tone}\t{''.join(by_rhyme[rhyme, tone])}" for rhyme in FINALS for tone in "平仄"]
    Path(__file__).with_name("putonghua.txt").write_text("\n".join((*HEAD, *rows)) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len({char for chars in by_rhyme.values() for char in chars})} characters\n")


if __name__ == "__main__":
    main()
