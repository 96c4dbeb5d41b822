"""What a writer may ask of a poem besides its form: a rhyme, words, line heads, a script."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

BOOKS = ("pingshui", "cilin", "xinyun")  # 平水韵, 词林正韵, 中华新韵
SCRIPTS = ("hans", "hant")


class Impossible(ValueError):
    """No poem can be so. `field` is the option that asks for it, `code` says why, `at` which character or word."""

    def __init__(self, field: str, code: str, at: str = "") -> None:
        super().__init__(f"{field}: {code} {at}".strip())
        self.field, self.code, self.at = field, code, at


@dataclass(frozen=True, slots=True)
class Options:
    """Each is empty where she left it to us.

    `head` are the first characters of the lines, in order (藏头); `rhyme` is a rhyme's name in `book`; each of `words`
    has to stand somewhere; `size` is the characters a line where the form leaves them free (at most so many in free
    verse), `lines` how many lines; `pins` are lines that stay, by their place from 0, without their marks; `strict`
    takes the liberties of the metre away. All are in simplified script but for what `script` says of the poem.
    """

    head: str = ""
    rhyme: str = ""
    book: str = "pingshui"
    words: tuple[str, ...] = ()
    script: str = "hans"
    size: int = 0
    lines: int = 0
    strict: bool = False
    pins: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Options":
        """From JSON that this program wrote."""
        known = {field.name for field in fields(cls)}
        said = {name: value for name, value in told.items() if name in known}
        said |= {"words": tuple(said.get("words", ())), "pins": tuple((at, line) for at, line in said.get("pins", ()))}
        return cls(**said)

    def told(self) -> dict[str, Any]:
        """As JSON: only what she asked for."""
        lists = {"words": [*self.words], "pins": [[at, line] for at, line in self.pins]}
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: lists.get(name, value) for name, value in said.items() if value != getattr(FREE, name)}

    def named(self) -> str:
        """Every character that she asks for by name."""
        return self.head + "".join(self.words) + "".join(line for _, line in self.pins)


FREE = Options()
