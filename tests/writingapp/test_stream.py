"""The log and the outlet, on a real server: positions, fencing, lost data, a server that comes back."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.processes import RedisServer
from writingapp import stream, wire
from writingapp.outlet import TOGETHER, Outlet
from writingapp.stream import FENCED, Frame, Log

SESSION = "s"


@pytest.fixture
async def log(own_redis: str) -> AsyncIterator[Log]:
    log = Log(stream.connect())
    yield log
    await log.redis.aclose()


@pytest.fixture
def candidate() -> str:
    return str(uuid.uuid4())


def frame(candidate: str, seq: int, text: str, attempt: int = 1) -> Frame:
    return Frame(SESSION, candidate, attempt, seq, text)


async def text_of(log: Log, candidate: str) -> str:
    replay = await log.replay(candidate)
    return replay.text if replay else ""


async def test_it_appends_by_position(log: Log, candidate: str) -> None:
    assert await log.append([frame(candidate, 0, "白露"), frame(candidate, 2, "为霜𠮷")]) == [2, 5]
    assert await text_of(log, candidate) == "白露为霜𠮷"


async def test_frames_that_leave_together_are_judged_each_for_itself(log: Log) -> None:
    whole, behind, fenced, new = (str(uuid.uuid4()) for _ in range(4))
    await log.append([frame(whole, 0, "白露"), frame(behind, 0, "白"), frame(fenced, 0, "蒹葭")])
    await log.begin(SESSION, fenced, 2, "蒹葭")
    leaving = [frame(whole, 2, "为霜"), frame(behind, 5, "霜"), frame(fenced, 2, "苍苍"), frame(new, 0, "所谓伊人")]
    assert await log.append(leaving) == [4, 1, FENCED, 4]
    assert [await text_of(log, each) for each in (whole, behind, fenced, new)] == ["白露为霜", "白", "蒹葭", "所谓伊人"]


async def test_a_repeated_frame_changes_nothing(log: Log, candidate: str) -> None:
    await log.append([frame(candidate, 0, "白露")])
    assert await log.append([frame(candidate, 0, "白露")]) == [2]
    assert await text_of(log, candidate) == "白露"


async def test_a_gap_is_answered_with_where_the_log_stands(log: Log, candidate: str) -> None:
    await log.append([frame(candidate, 0, "白露")])
    assert await log.append([frame(candidate, 7, "霜")]) == [2]


async def test_what_an_earlier_attempt_left_unread_is_not_mixed_into_a_later_one_s_text(
    log: Log, candidate: str
) -> None:
    await log.append([frame(candidate, 0, "白露为霜")])
    outlet = Outlet(log)  # of a worker that could not reach Redis when it took over, and knows the row's checkpoint
    sending = asyncio.create_task(outlet.run())
    text = outlet.open(SESSION, candidate, 2, "白露")
    outlet.write(text, "未晞")
    await outlet.close(text)
    sending.cancel()
    assert await text_of(log, candidate) == "白露未晞"
    assert await log.append([frame(candidate, 4, "所谓")]) == [FENCED]


async def test_an_earlier_attempt_is_fenced_off(log: Log, candidate: str) -> None:
    await log.append([frame(candidate, 0, "白露")])
    assert await log.begin(SESSION, candidate, 2, "白")
    assert await log.append([frame(candidate, 2, "为")]) == [FENCED]
    assert not await log.begin(SESSION, candidate, 1, "")
    assert await log.append([frame(candidate, 1, "云", attempt=2)]) == [2]
    assert await text_of(log, candidate) == "白云"


async def test_every_frame_is_published_as_it_was_logged(log: Log, candidate: str) -> None:
    async with log.redis.pubsub() as listening:
        await listening.subscribe(stream.ROOM + SESSION)
        await listening.get_message(timeout=5)
        await log.append([frame(candidate, 0, "白\n露")])
        said = await listening.get_message(timeout=5)
    live = stream.unpack(said["data"])
    assert (live.kind, live.candidate, live.attempt, live.seq, live.length) == ("frame", candidate, 1, 0, 3)
    assert live.body.decode() == wire.dumps(wire.frame(candidate, 1, 0, "白\n露"))


async def test_the_scripts_come_back_after_redis_lost_them(log: Log, candidate: str) -> None:
    await log.append([frame(candidate, 0, "白")])
    await log.redis.script_flush()
    assert await log.append([frame(candidate, 1, "露")]) == [2]


async def test_a_line_that_is_closing_takes_no_command_and_another_does(log: Log) -> None:
    pool = log.redis.connection_pool
    line = await pool.get_connection()  # type: ignore[no-untyped-call]
    line._writer.transport.close()
    await line.send_command("PING")
    assert await line.read_response() == b"PONG"
    await pool.release(line)


async def test_a_command_leaves_by_the_line_that_a_look_at_its_health_opened(log: Log, the_redis: RedisServer) -> None:
    pool = log.redis.connection_pool
    line = await pool.get_connection()  # type: ignore[no-untyped-call]
    line.retry = Retry(NoBackoff(), 1)  # without, the look itself fails
    the_redis.kill()
    the_redis.start()
    the_redis.wait()
    line.next_health_check = -1
    await line.send_command("ECHO", "白露")
    assert await line.read_response() == "白露".encode()
    await pool.release(line)


async def test_the_outlet_sends_everything_it_was_given(log: Log, candidate: str) -> None:
    outlet = Outlet(log)
    running = asyncio.create_task(outlet.run())
    texts = [outlet.open(SESSION, str(uuid.uuid4()), 1, "") for _ in range(20)]
    for character in "春眠不觉晓处处闻啼鸟":
        for each in texts:
            outlet.write(each, character)
        await asyncio.sleep(0)
    await asyncio.gather(*(outlet.close(each) for each in texts))
    running.cancel()
    assert {await text_of(log, each.candidate) for each in texts} == {"春眠不觉晓处处闻啼鸟"}


async def test_what_comes_in_one_moment_leaves_together(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    append, batches = log.append, list[int]()

    async def counting(frames: list[Frame]) -> list[int]:
        batches.append(len(frames))
        return await append(frames)

    outlet = Outlet(log)
    running = asyncio.create_task(outlet.run())
    texts = [outlet.open(SESSION, str(uuid.uuid4()), 1, "") for _ in range(2 * TOGETHER)]
    for each in texts:
        outlet.write(each, "白")
    await asyncio.gather(*(each.settled.wait() for each in texts))
    monkeypatch.setattr(log, "append", counting)
    for each in texts:
        outlet.write(each, "露")
    await asyncio.gather(*(each.settled.wait() for each in texts))
    running.cancel()
    assert batches == [TOGETHER, TOGETHER]


async def test_what_is_written_while_a_text_is_on_its_way_follows_it(
    log: Log, candidate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, under_way, on = log.append, asyncio.Event(), asyncio.Event()

    async def held(frames: list[Frame]) -> list[int]:
        under_way.set()
        await on.wait()
        return await append(frames)

    monkeypatch.setattr(log, "append", held)
    outlet = Outlet(log)
    running = asyncio.create_task(outlet.run())
    text = outlet.open(SESSION, candidate, 1, "")
    outlet.write(text, "明月")
    await under_way.wait()
    outlet.write(text, "松间照")
    await asyncio.sleep(0.01)  # the other loop has looked at it, and left it alone
    on.set()
    await text.settled.wait()
    running.cancel()
    assert await text_of(log, candidate) == "明月松间照"


async def test_the_outlet_makes_whole_what_redis_lost(log: Log, candidate: str) -> None:
    outlet = Outlet(log)
    running = asyncio.create_task(outlet.run())
    text = outlet.open(SESSION, candidate, 1, "")
    outlet.write(text, "明月")
    await text.settled.wait()
    await log.redis.flushall()
    outlet.write(text, "松间照")
    await outlet.close(text)
    running.cancel()
    assert await text_of(log, candidate) == "明月松间照"


async def test_the_outlet_holds_on_while_redis_is_away(log: Log, candidate: str, the_redis: RedisServer) -> None:
    outlet = Outlet(log)
    running = asyncio.create_task(outlet.run())
    text = outlet.open(SESSION, candidate, 1, "")
    outlet.write(text, "清泉")
    await text.settled.wait()
    the_redis.kill()
    outlet.write(text, "石上")
    await asyncio.sleep(0.5)  # long enough to fail at least once
    assert text.sent == 2
    the_redis.start()
    the_redis.wait()
    outlet.write(text, "流")
    await text.settled.wait()
    await outlet.close(text)
    running.cancel()
    assert await text_of(log, candidate) == "清泉石上流"


async def test_the_outlet_learns_that_it_was_fenced(log: Log, candidate: str) -> None:
    outlet = Outlet(log)
    running = asyncio.create_task(outlet.run())
    text = outlet.open(SESSION, candidate, 1, "")
    await log.begin(SESSION, candidate, 2, "")
    outlet.write(text, "迟了")
    await outlet.close(text)
    running.cancel()
    assert text.fenced
    assert await text_of(log, candidate) == ""
