"""What else she asks of a poem, as a message brings it: of a size that can be judged, whatever a client sends."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from inference.verse.options import FREE, Options
from inference.verse.plain import MARKS
from writingapp.text_wire import Number, Text

LONGEST = 200  # characters: no line is longer, of twelve English words either
Kept = Annotated[Text, Field(max_length=LONGEST)]


class OptionsIn(BaseModel):
    """What else she asks of a poem; judged one by one by the service, like the other fields of the ask."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    head: Text = Field(default="", max_length=64)
    rhyme: Text = Field(default="", max_length=16)
    book: Text = Field(default=FREE.book, max_length=16)
    words: list[Annotated[Text, Field(max_length=64)]] = Field(default_factory=list, max_length=16)
    script: Text = Field(default=FREE.script, max_length=16)
    size: int = Field(default=0, ge=0, le=999)
    lines: int = Field(default=0, ge=0, le=999)
    strict: bool = False
    pins: list[Annotated[tuple[Number, Kept], Field(strict=False)]] = Field(default_factory=list, max_length=64)

    def asked(self) -> Options:
        """Without the space and the marks that a hand leaves around words and lines."""
        words = dict.fromkeys(bare for word in self.words if (bare := word.strip()))
        pins = [(at, line.strip().rstrip(MARKS)) for at, line in self.pins]
        told = {"head": self.head.strip(), "rhyme": self.rhyme.strip(), "words": [*words], "pins": pins}
        return Options.of(self.model_dump() | told)
