"""词谱: the tunes of 词 as patterns of tones and rhymes, from data/cipu.txt, and the words that rhyme, by 词林正韵.

The checker (check_ci.py) shares nothing with this module.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from inference.verse.books import MODERN
from inference.verse.characters import LEANING

LEVEL, OBLIQUE, ENTERING = "平", "仄", "入"
AGAIN, SAME_END = "叠", "同"  # the line before once more, or its last character
_NUMBERS = "〇一二三四五六七"
_LINE = re.compile(r"(?P<tones>[平仄·]*)(?P<rhyme>\d?)(?P<copies>[叠同]?)(?P<mark>[，。])")


@dataclass(frozen=True, slots=True)
class Verse:
    """One line: its tones, the number of its rhyme or "", what it copies of the line before, its mark.

    `stanza` says that it begins one, after an empty line.
    """

    tones: str
    rhyme: str
    copies: str
    mark: str
    stanza: bool = False

    @property
    def end(self) -> tuple[str, str]:
        """Its rhyme and the tone of that; `·` cannot stand there."""
        return self.rhyme, self.tones[-1]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A tune in its usual form. `title` is what it is called (词牌)."""

    form: str
    title: str
    lines: tuple[Verse, ...]

    @property
    def rhymes(self) -> list[str]:
        """The numbers of its rhymes, in the order in which they come."""
        return list(dict.fromkeys(line.rhyme for line in self.lines if line.rhyme))

    @property
    def told(self) -> str:
        """Its name and how long its lines are, stanza by stanza: 浣溪沙（七七七／七七七）."""
        sizes = "".join("／" * line.stanza + _NUMBERS[len(line.tones)] for line in self.lines)
        return f"{self.title}（{sizes}）"


@cache
def patterns() -> dict[str, Pattern]:
    """Every tune by its form."""
    found: dict[str, Pattern] = {}
    for block in re.split(r"\n(?=[a-z])", _text("cipu.txt")):
        head, *rows = block.split("\n")
        form, title = head.split("\t")
        found[form] = Pattern(form, title, tuple(_verses(rows)))
    return found


def _verses(rows: list[str]) -> Iterator[Verse]:
    before = Verse("", "", "", "")
    stanza = False
    for row in rows:
        if found := _LINE.fullmatch(row):
            copies = found["copies"]
            tones = before.tones if copies == AGAIN else found["tones"]
            before = Verse(tones, found["rhyme"] or (before.rhyme if copies else ""), copies, found["mark"], stanza)
            yield before
        stanza = not row


def glyphs(form: str) -> tuple[str, ...]:
    """The tones of each line as a learner sees them: a level rhyme is 韵, an oblique one 叶."""
    return tuple(
        line.tones[:-1] + ({LEVEL: "韵", OBLIQUE: "叶"}[line.tones[-1]] if line.rhyme else line.tones[-1])
        for line in patterns()[form].lines
    )


def _text(name: str) -> str:
    text = (resources.files("inference.verse") / "data" / name).read_text("utf-8")
    return "\n".join(row for row in text.splitlines() if not row.startswith("#"))


@cache
def _table(name: str) -> dict[str, str]:
    return dict(row.split("\t") for row in _text(name).split("\n"))


@cache
def parts() -> list[str]:
    """The parts of 词林正韵, in order."""
    return list(dict.fromkeys(name[:-1] for name in _table("rhymed.txt")))


@cache
def words(part: str, tone: str) -> str:
    """The rhyme words of a part in a tone, the commonest first; in a part of the entering tone all are oblique."""
    names = (part + LEVEL,) if tone == LEVEL else (part + OBLIQUE, part + ENTERING)
    return "".join(
        char for name in names for char in _table("rhymed.txt").get(name, "") if char not in LEANING + MODERN
    )


def entering(part: str) -> bool:
    return part + ENTERING in _table("rhymed.txt")


@cache
def phrases(part: str) -> tuple[str, ...]:
    """Short lines of old, a level and an oblique character, that rhyme with a part."""
    return tuple(
        phrase
        for name in (part + OBLIQUE, part + ENTERING)
        for phrase in _table("phrases.txt").get(name, "").split()
        if phrase[1] in words(part, OBLIQUE)
    )
