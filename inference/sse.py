"""Reads the event stream of any OpenAI-compatible server, and is strict about how it may end.

Servers differ in what they send around the text (comments, usage, nulls, errors inside a 200), never in the text
itself. A stream that stops without a finish reason is broken, however politely the connection was closed.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp
import orjson

from inference import cadence
from inference.errors import EngineError

LONGEST_LINE = 1 << 20  # bytes; a token's event has a few hundred
LONGEST_REFUSAL = 1 << 16
ASKS_FAULT = {400, 422}  # these speak of the ask; any other status speaks of the node: its key, its address, its limits
FINISHES = {"stop": "stop", "eos": "stop", "eos_token": "stop", "stop_sequence": "stop", "length": "length"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: until connected, until the first text, between two texts, and for all of it."""

    connect: float = 3.0
    first: float = 25.0
    between: float = 10.0
    whole: float = 180.0


class Piece(NamedTuple):
    """Some whole characters. `finish` is empty until the last piece, then "stop" or "length".

    `conforms` is said with the last piece by engines that cannot hold a shape: whether the text came out with it.
    `logprob` is how likely the model thought the text before any constraint, if that was asked for and told.
    """

    text: str
    tokens: int = 0
    finish: str = ""
    conforms: bool | None = None
    logprob: float | None = None


class Reader:
    """Bytes in, in any pieces; texts out. `done` once the server has said all, or has said something impossible."""

    __slots__ = ("_failure", "_finish", "_rest", "_tokens", "_usage", "done")

    def __init__(self) -> None:
        self._rest = b""
        self._failure: EngineError | None = None
        self._finish = ""
        self._tokens = 0
        self._usage = 0
        self.done = False

    def feed(self, data: bytes) -> list[Piece]:
        """The texts completed by these bytes; a failure waits for `end`, so that no text before it is lost."""
        if self._rest:
            data = self._rest + data
        lines = data.split(b"\n")
        self._rest = lines.pop()
        pieces: list[Piece] = []
        try:
            for line in lines:
                if self.done:
                    break
                if line:  # every other one is empty
                    self._line(line, pieces)
            if len(self._rest) > LONGEST_LINE:
                raise EngineError("engine_broken", "endless line")
        except EngineError as failure:
            self._failure, self.done = failure, True
        except (AttributeError, TypeError, KeyError, ValueError, OverflowError):  # JSON, of no shape that we know
            self._failure, self.done = EngineError("engine_broken", "not an event"), True
        return pieces

    def end(self) -> Piece:
        """The last piece, once `done` or once the connection has closed; raises if that was no proper end."""
        if self._failure:
            raise self._failure
        if not self._finish:
            raise EngineError("engine_broken", "no finish reason")
        return Piece("", max(0, self._usage - self._tokens), self._finish)

    def _line(self, line: bytes, pieces: list[Piece]) -> None:
        if line.startswith(b"data:"):
            payload = line[5:].strip()
            if payload == b"[DONE]":
                self.done = True
            else:
                self._event(_json(payload), pieces)
        elif line.startswith(b"error:"):  # llama.cpp's own way to say it
            raise refusal(500, line[6:])

    def _event(self, event: dict[str, Any], pieces: list[Piece]) -> None:
        if "error" in event:
            raise refusal(500, event)
        usage = event.get("usage")
        if usage:
            self._usage = int(usage.get("completion_tokens") or 0)
        for choice in event.get("choices") or ():
            text = (choice.get("delta") or {}).get("content") or choice.get("text")  # of a chat, of a plain text
            if text:
                self._tokens += 1
                pieces.append(Piece(storable(text), 1, "", None, _logprob(choice)))
            reason = choice.get("finish_reason")
            if reason:
                self._finish = _finish(reason)


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL, and a model that nothing holds may say one. As long as it was, so that places hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _json(payload: bytes) -> Any:
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise EngineError("engine_broken", "not JSON") from error
    if not isinstance(event, dict):
        raise EngineError("engine_broken", "not an event")
    return event


def _logprob(choice: dict[str, Any]) -> float | None:
    """Of all tokens of an event; None where it says nothing of them."""
    told = (choice.get("logprobs") or {}).get("content")
    return sum(each["logprob"] for each in told) if told else None


def _finish(reason: str) -> str:
    if reason not in FINISHES:
        raise EngineError("engine_broken", f"finish reason {reason[:20]}")
    return FINISHES[reason]


def refusal(status: int, answer: Any) -> EngineError:
    """The typed error for an engine's own words about what went wrong; the words themselves are not kept."""
    words = str(answer).lower()
    if "context" in words and any(word in words for word in ("exceed", "length", "size", "too long")):
        return EngineError("too_long", f"status {status}")
    if status == 503:
        return EngineError("engine_loading", "status 503")
    if status == 429:
        return EngineError("engine_busy", "status 429")
    if status == 404 or any(said in words for said in ("never been loaded", "lora is not enabled")):  # SGLang's 400
        return EngineError("not_served", f"status {status}")
    return EngineError("engine_refused" if status in ASKS_FAULT else "engine_broken", f"status {status}")


async def stream(
    http: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    key: str = "",
    limits: Limits | None = None,
) -> AsyncGenerator[Piece, None]:
    """POST `body` and yield the texts of the answer. Closing the generator closes the connection, not just our end.

    The first is yielded at once, the others in step with those of other answers if the session has a cadence.
    """
    limits = limits or Limits()
    clock = asyncio.get_running_loop().time
    end = clock() + limits.whole
    until = min(clock() + limits.first, end)
    response = await _open(http, url, body, key, limits, until)
    watch = _Watch(response, until)
    line: cadence.Line | None = None
    try:
        reader, begun = Reader(), False
        while not reader.done:
            data = await _read(response, watch)
            if not data:
                reader.feed(b"\n")  # a last line may lack its end
                break
            pieces = reader.feed(data)
            for piece in pieces:
                yield piece
            if pieces:
                watch.extend(min(clock() + limits.between, end))
                if not begun:
                    begun, line = True, cadence.join(http, response)
            if line:
                line.rest()
        yield reader.end()
    finally:
        if line:
            line.leave()
        watch.handle.cancel()
        response.close()


class _Watch:
    """Closes a response once `until` has passed: one timer a stream, for a timeout a read would cost as much as it."""

    __slots__ = ("_loop", "_response", "_until", "expired", "handle", "reading")

    def __init__(self, response: aiohttp.ClientResponse, until: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._until = until
        self.reading = False
        self.expired = False
        self.handle = self._loop.call_at(until, self._look)

    def extend(self, until: float) -> None:
        self._until = until
        if until < self.handle.when():  # the time between texts is shorter than the time for the first
            self.handle.cancel()
            self.handle = self._loop.call_at(until, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if self._until > now:
            self.handle = self._loop.call_at(self._until, self._look)
        elif not self.reading:  # whoever reads us is busy, and what has come meanwhile still waits to be read
            self.handle = self._loop.call_at(now + 1, self._look)
        else:
            self.expired = True
            self._response.close()


async def _open(
    http: aiohttp.ClientSession, url: str, body: Mapping[str, Any], key: str, limits: Limits, until: float
) -> aiohttp.ClientResponse:
    # llama.cpp closes after a stream without saying so beforehand; a kept connection would fail the next request.
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "Connection": "close"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    waits = aiohttp.ClientTimeout(total=None, sock_connect=limits.connect)
    try:
        async with asyncio.timeout_at(until):
            response = await http.post(
                url, data=orjson.dumps(body), headers=headers, timeout=waits, allow_redirects=False
            )
            if response.status != 200:
                raise await _refused(response)
            return response
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise EngineError("engine_down", type(error).__name__) from error
    except TimeoutError as error:
        raise EngineError("engine_timeout", "before the first text") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineError("engine_broken", type(error).__name__) from error


async def _refused(response: aiohttp.ClientResponse) -> EngineError:
    try:
        return refusal(response.status, await response.content.read(LONGEST_REFUSAL))
    finally:
        response.close()


async def _read(response: aiohttp.ClientResponse, watch: _Watch) -> bytes:
    """What has arrived, or nothing at the end of the stream."""
    watch.reading = True
    try:
        return await response.content.readany()
    except (aiohttp.ClientError, OSError) as error:
        if watch.expired:
            raise EngineError("engine_timeout", "silent") from error
        raise EngineError("engine_broken", type(error).__name__) from error
    finally:
        watch.reading = False
