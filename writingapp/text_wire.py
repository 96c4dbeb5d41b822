"""What any message may bring, by socket or HTTP: text that every database takes, numbers that a column holds."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _harmless(text: str) -> str:
    """PostgreSQL keeps no NUL: it becomes what the page makes of it. Half a character is none, and is not taken."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("half a character")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


Text = Annotated[str, AfterValidator(_harmless)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
