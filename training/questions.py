"""What every model is asked at the gate, night after night the same: poems, plain prose, and asks to be answered.

The poems of `fixed/poems.jsonl` are well-known old ones, which the corpus leaves out, and a few of our own; the prose
of `fixed/prose.jsonl` and the asks of `fixed/asks.jsonl` are ours.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from inference.request import Ask, Kind, messages, sampling
from inference.verse.forms import conforms

FIXED = Path(__file__).with_name("fixed")
SEED = 20_261  # of the first draw; a later one has the next number


@dataclass(frozen=True, slots=True)
class Question:
    """One ask and one draw. `id` names both; `prompt` names the ask only."""

    ask: Ask
    draw: int

    @property
    def prompt(self) -> str:
        return f"{self.ask.form or self.ask.kind} {self.ask.wish or self.ask.theme}"

    @property
    def id(self) -> str:
        return f"{self.prompt} #{self.draw}"

    @property
    def messages(self) -> list[dict[str, str]]:
        return messages(self.ask)

    @property
    def sampling(self) -> dict[str, Any]:
        """As the house draws a first candidate."""
        return sampling(self.ask, 0, SEED + self.draw)

    def conforms(self, text: str) -> bool | None:
        """Whether the text has its form; None where none was asked for."""
        return conforms(self.ask.form, text, self.ask.language) if self.ask.form else None


def questions(asks: int, draws: int) -> list[Question]:
    """The first `asks` of them (0: all), each `draws` times."""
    rows = list(_rows("asks.jsonl"))
    chosen = [Ask(**row | {"kind": Kind(row["kind"])}) for row in rows[: asks or len(rows)]]
    return [Question(ask, draw) for draw in range(draws) for ask in chosen]


@cache
def poems() -> dict[str, dict[str, Any]]:
    """By name, each as a group of `training.batch`: the house's prompt, and the poem as its one completion."""
    return {row["id"]: _poem(row) for row in _rows("poems.jsonl")}


def _poem(row: dict[str, str]) -> dict[str, Any]:
    ask = Ask(Kind.POEM, row["form"], row["wish"], "", "", row["language"])
    return {"id": row["id"], "prompt": messages(ask), "completions": [{"text": row["text"]}]}


@cache
def prose() -> dict[str, str]:
    """By name."""
    return {row["id"]: row["text"] for row in _rows("prose.jsonl")}


@cache
def digest() -> str:
    """Changes with anything that is asked, so that nothing is compared with answers to other questions."""
    asked = [[each.messages, each.sampling] for each in questions(0, 1)]
    told = json.dumps([asked, poems(), prose()], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _rows(name: str) -> Iterator[dict[str, Any]]:
    for line in (FIXED / name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
