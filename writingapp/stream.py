"""The token log in Redis: append, publish, replay, and the calls between processes.

Of a running candidate Redis holds its text so far (a string, appended to) and its attempt and length (a hash). A
frame's number is the position of its first character, so any two holders of a text can tell what the other lacks,
frames can be merged on the way, and a log that Redis lost is made whole by sending the text again from where Redis
says it stands.

Redis is disposable: the rows are the truth. What cannot be published is kept by the sender until it can.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.asyncio import Connection, ConnectionPool, Redis
from redis.exceptions import NoScriptError, RedisError

from writingapp import wire

ROOM = "room:"  # + session id: frames and events of one session
PERSON = "person:"  # + user id: logged out
CONTROL = "control"  # stop calls to the workers
AHEAD = "ahead"  # what is likely to be asked next
BELL = "rings"  # a list: asks (`bell.py`), each for the first worker that is free to hear of it
ENGINE = "engine"  # how the model is; both a channel and the key of its last state
ENGINE_TTL = 10  # seconds; no worker for so long means that nobody knows

LIVE_TTL = 3600  # seconds that an orphan of a log may live
ENDED_TTL = 900

FENCED = -1

# KEYS of each frame text, state · ARGV ttl, and of each frame attempt, seq, text, length after, channel, payload
# Answers per frame the log's length afterwards; other than asked means "send again from here"; -1 means a later attempt
# writes. What an earlier attempt left, and a later one could not read, may be another text: it goes, and all is sent
# again. Many frames in one call: a command of its own for each would cost its sender as much again as the frame does.
_APPEND = """
local function append(text, state, attempt, seq, said, after, channel, payload)
  local held = redis.call('HMGET', state, 'attempt', 'length')
  local known, length = tonumber(held[1] or 0), tonumber(held[2] or 0)
  if known > tonumber(attempt) then return -1 end
  if length ~= tonumber(seq) then
    if held[1] and known < tonumber(attempt) then
      redis.call('DEL', text, state)
      return 0
    end
    return length
  end
  redis.call('APPEND', text, said)
  redis.call('HSET', state, 'attempt', attempt, 'length', after)
  if length == 0 then redis.call('EXPIRE', text, ARGV[1]) redis.call('EXPIRE', state, ARGV[1]) end
  redis.call('PUBLISH', channel, payload)
  return tonumber(after)
end
local lengths = {}
for i = 1, #KEYS / 2 do
  local at = 6 * i - 4
  lengths[i] = append(KEYS[2 * i - 1], KEYS[2 * i], unpack(ARGV, at, at + 5))
end
return lengths
"""

# KEYS text, state · ARGV attempt, text, length, channel, payload, ttl: a later attempt goes on from `text`.
_BEGIN = """
local attempt = tonumber(redis.call('HGET', KEYS[2], 'attempt') or 0)
if attempt > tonumber(ARGV[1]) then return -1 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[6])
redis.call('HSET', KEYS[2], 'attempt', ARGV[1], 'length', ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[6])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return tonumber(ARGV[3])
"""


@dataclass(slots=True)
class Frame:
    """Text that begins at character `seq` of a candidate."""

    session: str
    candidate: str
    attempt: int
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What the log holds of a candidate."""

    attempt: int
    text: str


class Live(NamedTuple):
    """One published message: `kind` is frame, reset, end or event; `body` is the JSON that a client gets.

    An event carries its sender's id in `candidate`, so that the socket that caused it does not hear it twice.
    """

    kind: str
    candidate: str
    attempt: int
    seq: int
    length: int
    body: bytes


class _Connection(Connection):
    """redis-py's own, but for a task that it starts for every command, lest it wait for ever to write it."""

    async def send_packed_command(
        self,
        command: bytes | str | Iterable[bytes],
        check_health: bool = True,  # noqa: FBT001, FBT002 - redis-py's
    ) -> None:
        if check_health and self.is_connected:
            await self.check_health()  # type: ignore[no-untyped-call]
        writer = self._writer  # another one, perhaps: a line that is not well is opened anew
        if writer is not None and writer.transport.is_closing():  # uvloop would answer a write with RuntimeError
            await self.disconnect(nowait=True)
            writer = None
        if writer is None or writer.transport.get_write_buffer_size() or isinstance(command, bytes | str):
            return await super().send_packed_command(command, check_health=False)
        writer.writelines(command)  # nothing to wait for; a line that breaks is told by the answer that does not come


def connect(url: str | None = None) -> Redis:
    """A client with every time limit said: redis-py's defaults end an idle listener after five seconds."""
    pool = ConnectionPool.from_url(
        url or settings.REDIS_LOG,
        connection_class=_Connection,
        socket_timeout=2,
        socket_connect_timeout=2,
        health_check_interval=15,
    )
    return Redis.from_pool(pool)


class Parser(_AsyncHiredisParser):
    """redis-py's own, which also tells without waiting what it holds: its usual way costs three times as much."""

    def at_hand(self) -> Iterator[Any]:
        """The answers that have come whole and were not read yet."""
        while self._reader is not None and (said := self._reader.gets()) is not NOT_ENOUGH_DATA:
            yield said


def listener(url: str | None = None) -> Redis:
    """A client for subscriptions: reads wait without limit, a dead connection is found by health checks."""
    return Redis.from_url(
        url or settings.REDIS_LOG,
        socket_timeout=None,
        socket_connect_timeout=2,
        health_check_interval=5,
        socket_keepalive=True,
        parser_class=Parser,
    )


def pack(live: Live) -> bytes:
    head = f"{live.kind} {live.candidate} {live.attempt} {live.seq} {live.length}\n"
    return head.encode() + live.body


def unpack(raw: bytes) -> Live:
    head, _, body = raw.partition(b"\n")
    kind, candidate, attempt, seq, length = head.decode().split(" ")
    return Live(kind, candidate, int(attempt), int(seq), int(length), body)


class Log:
    """Reads and writes logs over one Redis client. Every call may raise RedisError."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._append = redis.register_script(_APPEND)
        self._begin = redis.register_script(_BEGIN)

    async def append(self, frames: list[Frame]) -> list[int]:
        """Append and publish in one round trip; per frame the log's length afterwards, or FENCED."""
        try:
            return await self._append_all(frames)
        except NoScriptError:  # Redis was restarted; no frame was taken
            await self.redis.script_load(_APPEND)
            return await self._append_all(frames)

    async def _append_all(self, frames: list[Frame]) -> list[int]:
        keys: list[str] = []
        args: list[Any] = [LIVE_TTL]
        for frame in frames:
            body = orjson.dumps(wire.frame(frame.candidate, frame.attempt, frame.seq, frame.text))
            length = len(frame.text)
            payload = pack(Live("frame", frame.candidate, frame.attempt, frame.seq, length, body))
            keys += _keys(frame.candidate)
            args += (frame.attempt, frame.seq, frame.text, frame.seq + length, ROOM + frame.session, payload)
        lengths: list[int] = await self.redis.evalsha(self._append.sha, len(keys), *keys, *args)
        return lengths

    async def begin(self, session: str, candidate: str, attempt: int, text: str) -> bool:
        """Start a later attempt from `text`; False when a still later one has."""
        body = orjson.dumps(wire.reset(candidate, attempt, len(text)))
        payload = pack(Live("reset", candidate, attempt, len(text), 0, body))
        told = await self._begin(
            keys=_keys(candidate), args=[attempt, text, len(text), ROOM + session, payload, LIVE_TTL]
        )
        return int(told) != FENCED

    async def end(self, session: str, candidate: str, attempt: int, length: int, payload: wire.Payload) -> None:
        """Tell every socket the final text, which is committed already, and let the log go soon."""
        pipeline = self.redis.pipeline(transaction=False)
        for key in _keys(candidate):
            pipeline.expire(key, ENDED_TTL)
        pipeline.publish(ROOM + session, pack(Live("end", candidate, attempt, length, 0, orjson.dumps(payload))))
        await pipeline.execute()

    async def replay(self, candidate: str) -> Replay | None:
        """All that the log holds of a candidate, or None when it holds nothing."""
        text_key, state_key = _keys(candidate)
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.hget(state_key, "attempt")
        pipeline.get(text_key)
        attempt, text = await pipeline.execute()
        return Replay(int(attempt), (text or b"").decode()) if attempt is not None else None

    async def announce(self, session: str, payload: wire.Payload, sender: str = "-") -> None:
        """Tell every other socket of a session."""
        await self.redis.publish(*_event(session, payload, sender))

    async def call_stop(self, inspiration: str) -> None:
        """Ask whichever worker is writing to stop. The row's flag is the truth; this is only faster."""
        await self.redis.publish(CONTROL, inspiration)

    async def ring(self, ring: str) -> None:
        """Tell one worker at once: the first that listens."""
        await self.redis.lpush(BELL, ring)

    async def call(self, ring: str, session: str, payload: wire.Payload, sender: str) -> None:
        """`ring` and `announce` in one round trip."""
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.lpush(BELL, ring)
        pipeline.publish(*_event(session, payload, sender))
        await pipeline.execute()

    async def silence(self, ring: str) -> bool:
        """Take a ring back; False: somebody has heard it."""
        return bool(await self.redis.lrem(BELL, 0, ring))

    async def call_ahead(self, seen: wire.Payload) -> None:
        """Tell the workers what is likely to be asked next; it stands nowhere but on the way."""
        await self.redis.publish(AHEAD, orjson.dumps(seen))

    async def say_engine(self, payload: wire.Payload) -> None:
        """Tell how the model is, to those who listen and to those who come later."""
        body = orjson.dumps(payload)
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.get(ENGINE)
        pipeline.set(ENGINE, body, ex=ENGINE_TTL)
        before, _ = await pipeline.execute()
        if before != body:
            await self.redis.publish(ENGINE, pack(Live("event", "-", 0, 0, 0, body)))

    async def engine(self) -> wire.Payload:
        """How the model is, as the worker last said; `away` when no worker has said anything lately."""
        try:
            said = await self.redis.get(ENGINE)
        except RedisError:
            said = None
        return orjson.loads(said) if said else wire.notice("engine", state="away", progress=None)


def _event(session: str, payload: wire.Payload, sender: str) -> tuple[str, bytes]:
    return ROOM + session, pack(Live("event", sender, 0, 0, 0, orjson.dumps(payload)))


def _keys(candidate: str | uuid.UUID) -> list[str]:
    return [f"log:{candidate}:text", f"log:{candidate}:state"]
