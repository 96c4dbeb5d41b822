"""Texts in the making, for stand-ins: each is made by a task of its own, whether or not anybody reads it."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from inference.request import rough_tokens
from tests.engines.standins import babble

JSON = {"array": list, "boolean": bool, "integer": int, "null": type(None), "number": (int, float), "object": dict}
KINDS: dict[str, Any] = JSON | {"string": str}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(Exception):
    """An ask that the server says no to."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass(eq=False)
class Making:
    """One text. Iterating gives its pieces, then ("", why it ended)."""

    tokens: list[str]
    most: int
    rate: float
    adapter: str = ""
    half: str = ""  # what is told of a character that the limit cuts
    pieces: "asyncio.Queue[tuple[str, str]]" = field(default_factory=asyncio.Queue)
    task: "asyncio.Task[None] | None" = None
    said: int = 0

    async def make(self) -> None:
        try:
            cut = len(self.tokens) > self.most
            told = [*self.tokens[: self.most - 1], self.half] if cut else self.tokens
            for token in told:
                await asyncio.sleep(1 / self.rate)
                self.said += 1
                self.pieces.put_nowait((token, ""))
            self.pieces.put_nowait(("", "length" if cut else "stop"))
        except asyncio.CancelledError:
            self.pieces.put_nowait(("", "abort"))

    async def __aiter__(self) -> AsyncIterator[tuple[str, str]]:
        finish = ""
        while not finish:
            text, finish = await self.pieces.get()
            yield text, finish


@dataclass
class Desk:
    """The texts being made, by the name that they can be aborted by."""

    rate: float = 60.0
    making: dict[str, Making] = field(default_factory=dict)

    def begin(self, name: str, making: Making) -> Making:
        self.making[name] = making
        making.task = asyncio.create_task(making.make())
        making.task.add_done_callback(lambda _: self.making.pop(name, None))
        return making

    def abort(self, name: str) -> bool:
        """Whether there was such a text."""
        making = self.making.get(name)
        if making is None or making.task is None:
            return False
        making.task.cancel()
        return True

    async def ended(self, adapter: str) -> None:
        """Until nothing is made with the adapter any more."""
        tasks = [making.task for making in self.making.values() if making.adapter == adapter and making.task]
        await asyncio.gather(*tasks, return_exceptions=True)


def made_of(asked: dict[str, Any], pattern: str, seed: Any, rate: float, adapter: str) -> Making:
    """A text of that shape; the same one for the same seed and messages, if there is a seed."""
    dice = random.Random(None if seed is None else json.dumps([seed, asked["messages"]]))
    tokens = babble.tokens_of(babble.text_of(pattern or "[湖山月风露花]{300}", dice))
    return Making(tokens, asked.get("max_tokens") or len(tokens), rate, adapter)


def length_of(messages: list[dict[str, Any]]) -> int:
    """About how many tokens a chat has; a picture has a hundred."""
    parts = [part for message in messages for part in _parts(message["content"])]
    return sum(rough_tokens(part["text"]) if part["type"] == "text" else 100 for part in parts)


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def fields_of(kind: str) -> dict[str, dict[str, list[str]]]:
    """The fields of their classes and their types, as a test keeps them true to the source."""
    told: dict[str, dict[str, list[str]]] = json.loads(Path(__file__).with_name(f"{kind}.json").read_text("utf-8"))
    return told


def judged(asked: dict[str, Any], fields: dict[str, list[str]]) -> dict[str, Any]:
    """The body, if every field is known and of a type it may have. Theirs pass over what they do not know; we must
    not send it.
    """
    for name, value in asked.items():
        kinds = fields.get(name)
        if kinds is None:
            raise Refusal(400, f"body.{name}: the stand-in has not heard of it")
        if kinds != ["any"] and not any(isinstance(value, KINDS[kind]) for kind in kinds):
            raise Refusal(400, f"body.{name}: wrong type")
    return asked


async def event(response: web.StreamResponse, told: dict[str, Any]) -> None:
    await response.write(b"data: " + orjson.dumps(told) + b"\n\n")


def chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "standin", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}


def usage(model: str, making: Making) -> dict[str, Any]:
    counted = {"prompt_tokens": 1, "completion_tokens": making.said, "total_tokens": making.said + 1}
    return {"id": "standin", "object": "chat.completion.chunk", "model": model, "choices": [], "usage": counted}


async def body_of(request: web.Request) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(await request.read())
    return told
