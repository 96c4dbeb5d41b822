"""The rhyme books as the makers of verse read them: the tones and rhymes of each character, from data/<book>.txt.

The checkers read other tables by code of their own.
"""

from collections import defaultdict
from functools import cache
from importlib import resources

from inference.verse import shape
from inference.verse.characters import LEANING
from inference.verse.shape import Shape

MODERN = "的们么这您她它很把呀"  # in verse of old a character, in a modern model a habit
_REST = "平"  # in 词林正韵: level characters that are no rhyme words
_NO_RHYME = ("仄", "疑")


@cache
def rows(book: str) -> dict[str, str]:
    """The rows of a table: a level rhyme, 仄, or what may not end a line; its characters, the commonest first."""
    if book == "cilin":
        return _cilin()
    return {name: "".join(char for char in chars if char not in MODERN) for name, chars in _table(book)}


def _table(name: str) -> list[tuple[str, str]]:
    text = (resources.files("inference.verse") / "data" / f"{name}.txt").read_text("utf-8")
    told = [row.partition("\t") for row in text.splitlines() if not row.startswith("#")]
    return [(row, chars) for row, _, chars in told]


def _cilin() -> dict[str, str]:
    """词林正韵: tones as in 平水韵, and parts that are unions of its level rhymes or of halves of them (rhymed.txt).

    A level character in no part's list of rhyme words stands in 平, which rhymes with nothing.
    """
    old = rows("pingshui")
    parts = {name.removesuffix("平"): chars for name, chars in _table("rhymed") if name.endswith("平")}
    level = dict.fromkeys(char for name, chars in old.items() if name[0] not in "仄疑撞" for char in chars)
    placed = set("".join(parts.values()))
    made = parts | {_REST: "".join(char for char in level if char not in placed), "仄": old["仄"], "疑": old["疑"]}
    for part, chars in parts.items():
        halves = [name for name in old if len(name) == 1 and name not in _NO_RHYME and set(old[name]) & set(chars)]
        made[f"撞{part}"] = "".join(dict.fromkeys("".join(old[f"撞{name}"] for name in halves)))
    return made


def _names(book: str) -> list[str]:
    return [name for name in rows(book) if name not in _NO_RHYME and not name.startswith("撞")]


@cache
def readings(book: str) -> dict[str, set[str]]:
    """Each character with its level rhymes, and 仄 for every other tone."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in (*_names(book), "仄"):
        for char in rows(book)[name]:
            found[char].add(name)
    return dict(found)


@cache
def rhymes(book: str = "pingshui") -> dict[str, str]:
    """The characters that may end a line in each level rhyme, the commonest first: those with no other reading."""
    return {
        name: "".join(char for char in rows(book)[name] if readings(book)[char] == {name} and char not in LEANING)
        for name in _names(book)
        if name != _REST
    }


@cache
def chars(tone: str, book: str, *, against: str = "", doubtful: bool = False, without: str = "") -> Shape:
    """The characters for a place of this tone. One with both tones stands only where either may, or if `doubtful`.

    `against` is the rhyme that the end of a line must not chime with (撞韵); empty inside a line, where no character
    of `without` stands.
    """
    fits = {
        "平": [char for char, has in readings(book).items() if (has != {"仄"} if doubtful else "仄" not in has)],
        "仄": [char for char, has in readings(book).items() if ("仄" in has if doubtful else has == {"仄"})],
        "·": list(readings(book)),
    }[tone]
    never = LEANING + rows(book).get("疑", "") + chimes(book, against) if against else without
    return shape.one_of("".join(char for char in fits if char not in never))


def chimes(book: str, rhyme: str) -> str:
    """Oblique characters that chime with a rhyme."""
    return rows(book).get(f"撞{rhyme}", "")


def may_be(char: str, tone: str, book: str) -> bool:
    """Whether a reading of it is of this tone. What the book has not may stand only where either tone may."""
    has = readings(book).get(char, set())
    return tone == "·" or ("仄" in has if tone == "仄" else bool(has - {"仄"}))
