"""The checker's own tables: tones and rhymes of a character in three rhyme books. Nothing that makes verse reads them.

平水韵 and 词林正韵 come from 广韵 (data/guangyun.txt), 中华新韵 from how Putonghua is read (data/putonghua.txt).
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources

LEVEL, OBLIQUE, EITHER, UNKNOWN = "平", "仄", "通", "？"
PINGSHUI, CILIN, XINYUN = "pingshui", "cilin", "xinyun"
_NUMBERS = "〇一二三四五六七八九"

Reading = tuple[str, str]  # tone and rhyme


def part_name(number: int) -> str:
    """A part of 词林正韵 as the book calls it: 第一部 … 第十九部."""
    tens, ones = divmod(number, 10)
    return "第" + ("十" if tens else "") + (_NUMBERS[ones] if ones else "") + "部"


@cache
def _tables() -> Mapping[str, Mapping[str, frozenset[Reading]]]:
    """By book and character. An oblique rhyme of 平水韵 has no name here: regulated verse rhymes on level tones."""
    found: dict[str, dict[str, frozenset[Reading]]] = {PINGSHUI: {}, CILIN: {}, XINYUN: {}}

    def note(book: str, chars: str, reading: Reading) -> None:
        for char in chars:
            found[book][char] = found[book].get(char, frozenset()) | {reading}

    for _, group, part, chars in _rows("guangyun.txt"):
        tone = OBLIQUE if group == OBLIQUE else LEVEL
        note(PINGSHUI, chars, (tone, "" if tone == OBLIQUE else group))
        note(CILIN, chars, (tone, part_name(int(part))))
    for rhyme, tone, chars in _rows("putonghua.txt"):
        note(XINYUN, chars, (tone, rhyme))
    return found


def _rows(name: str) -> list[list[str]]:
    text = (resources.files("inference.verse") / "data" / name).read_text("utf-8")
    return [row.split("\t") for row in text.splitlines() if not row.startswith("#")]


def readings(char: str, book: str = PINGSHUI) -> frozenset[Reading]:
    """Every reading of a character; none if the book has it not."""
    return _tables()[book].get(char, frozenset())


@cache
def names(book: str) -> frozenset[str]:
    """The rhymes that a book has."""
    return frozenset(rhyme for each in _tables()[book].values() for _, rhyme in each if rhyme)


def tone(char: str, book: str = PINGSHUI) -> str:
    """平, 仄, 通 (both, by its meaning) or ？."""
    tones = {tone for tone, _ in readings(char, book)}
    return EITHER if len(tones) > 1 else next(iter(tones), UNKNOWN)


def rhymes_of(char: str, book: str = PINGSHUI, tone: str = LEVEL) -> frozenset[str]:
    """The rhymes it belongs to in this tone."""
    return frozenset(rhyme for each, rhyme in readings(char, book) if each == tone and rhyme)
