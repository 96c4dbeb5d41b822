"""The socket, through the real web process, worker, Redis and a fake engine: protocol version 1, message by message."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.client import Writer, socket, tab
from tests.house import House
from tests.writingapp.page import TERMINAL, Message

Seat = tuple[Writer, str]


@pytest.fixture(scope="session")
def queue_of_seats(the_house: House) -> Iterator[Seat]:
    """Writers, each with a session of her own, made all at once because that is much quicker."""
    made = the_house.sit_down(*(f"writer-{number}" for number in range(80)))
    return iter([(Writer(the_house, cookie), session_id) for cookie, session_id in made])


@pytest.fixture
def seats(queue_of_seats: Iterator[Seat]) -> list[Seat]:
    return [next(queue_of_seats), next(queue_of_seats)]


@pytest.fixture
def seat(queue_of_seats: Iterator[Seat]) -> Seat:
    return next(queue_of_seats)


def has_han(words: object) -> bool:
    return any("一" <= char <= "鿿" for char in str(words))


async def save(one: Any, base_rev: int, text: str, **more: Any) -> Message:
    await one.send("save", save_id=str(uuid.uuid4()), base_rev=base_rev, text=text, **more)
    return dict(await one.hear())


# --- asking ----------------------------------------------------------------------------------------------------------
async def test_frames_arrive_one_by_one_and_end_as_the_row(seat: Seat, the_house: House) -> None:
    async with tab(*seat) as one:
        inspiration = await one.inspire(form="wujue", candidates=2)
        assert inspiration["lines"] == 4
        first, second = (each["id"] for each in inspiration["candidates"])
        shown = [await one.ended(first), await one.ended(second)]
    frames = [each for each in one.page.heard if each["type"] == "frame" and each["candidate"] == first]
    assert len(frames) > 3
    assert "".join(each["text"] for each in frames) == shown[0].text
    assert [the_house.row(each) for each in (first, second)] == [("done", each.text) for each in shown]


async def test_a_repeated_key_is_the_same_ask(seat: Seat) -> None:
    async with tab(*seat) as one:
        key = str(uuid.uuid4())
        told = []
        for _ in range(2):
            await one.send("inspire", key=key, kind="line", candidates=1)
            told.append(await one.expect("queued"))
    assert told[0]["inspiration"]["id"] == told[1]["inspiration"]["id"]


async def test_faults_of_an_ask_are_told_beside_their_fields(seat: Seat) -> None:
    async with tab(*seat) as one:
        await one.send("inspire", key=str(uuid.uuid4()), kind="poem", form="ode", wish="长" * 501)
        assert set((await one.expect("invalid"))["errors"]) == {"form", "wish"}


async def test_a_hint_is_neither_answered_nor_recorded(seat: Seat) -> None:
    async with tab(*seat) as one:
        await one.send("hint", kind="poem", form="wujue", wish="清晨的湖")
        await one.send("hint", kind="ode")
        await one.send("ping", t=1)
        assert (await one.hear())["type"] == "pong"
        async with tab(*seat) as two:
            assert two.page.heard[0]["inspirations"] == []


async def test_a_third_ask_is_told_how_long_to_wait(seat: Seat) -> None:
    async with tab(*seat) as one:
        for _ in range(2):
            await one.inspire(candidates=2)
        await one.send("inspire", key=str(uuid.uuid4()), kind="line")
        told = await one.expect("busy")
        assert told["retry_after_ms"] > 0
        for candidate in one.page.shown:
            await one.ended(candidate)


async def test_stop_ends_both_candidates_and_keeps_what_was_made(seat: Seat, the_house: House) -> None:
    async with tab(*seat) as one:
        inspiration = await one.inspire(candidates=2, form="free")
        first, second = (each["id"] for each in inspiration["candidates"])
        await one.until(lambda page: bool(page.shown[first].text))
        await one.send("stop", inspiration=inspiration["id"])
        shown = [await one.ended(first), await one.ended(second)]
    assert [each.status for each in shown] == ["stopped", "stopped"]
    assert shown[0].text
    assert the_house.row(first) == ("stopped", shown[0].text)


async def test_a_second_tab_sees_it_all(seat: Seat) -> None:
    async with tab(*seat) as one, tab(*seat) as two:
        inspiration = await one.inspire(form="wujue")
        candidate = inspiration["candidates"][0]["id"]
        await two.expect("queued")
        assert (await two.ended(candidate)) == (await one.ended(candidate))
        await one.send("take", candidate=candidate)
        assert (await one.expect("taken"))["candidate"] == candidate
        assert (await two.expect("taken"))["candidate"] == candidate


async def test_a_tab_that_comes_in_the_middle_gets_the_rest(seat: Seat) -> None:
    async with tab(*seat) as one:
        candidate = (await one.inspire(form="free"))["candidates"][0]["id"]
        await one.until(lambda page: len(page.shown[candidate].text) > 2)
        async with tab(*seat) as late:
            assert late.page.shown[candidate].text
            assert (await late.ended(candidate)) == (await one.ended(candidate))


async def test_attach_brings_what_a_client_lacks(seat: Seat) -> None:
    async with tab(*seat) as one:
        candidate = (await one.inspire(form="wujue"))["candidates"][0]["id"]
        whole = await one.ended(candidate)
        await one.send("attach", candidate=candidate, attempt=0, seq=0)
        assert (await one.expect("end"))["text"] == whole.text


async def test_a_model_that_breaks_off_ends_honestly_in_the_language_of_the_page(seat: Seat) -> None:
    async with tab(*seat, language="en") as one:
        candidate = (await one.inspire(form="free", wish="#error"))["candidates"][0]["id"]
        shown = await one.ended(candidate)
    assert shown.status in ("failed", "interrupted")
    told = next(each for each in one.page.heard if each["type"] == "end")
    assert told["error"]["message"]
    assert not has_han(told["error"]["message"])


async def test_a_wrong_ask_is_refused_in_the_language_of_the_page(seat: Seat) -> None:
    for page, latin in (("en", True), ("zh-hans", False), ("tlh", False)):
        async with tab(*seat, language=page) as one:
            await one.send("inspire", key=str(uuid.uuid4()), kind="poem", form="no-such-form", candidates=1)
            errors = (await one.expect("invalid"))["errors"]
            assert has_han(errors["form"]) != latin, errors


# --- saving ----------------------------------------------------------------------------------------------------------
async def test_saved_is_said_after_the_commit(seat: Seat) -> None:
    async with tab(*seat) as one:
        assert (await save(one, 0, "露从今夜白"))["rev"] == 1
        async with tab(*seat) as two:
            assert two.page.heard[0]["manuscript"] == {"rev": 1, "text": "露从今夜白"}


async def test_another_tab_gets_the_patch_and_a_late_one_its_conflict(seat: Seat) -> None:
    async with tab(*seat) as one, tab(*seat) as two:
        await save(one, 0, "露从今夜白")
        told = await two.expect("revision")
        assert told["patch"] == {"start": 0, "end": 0, "text": "露从今夜白"}
        conflict = await save(two, 0, "月是故乡明")
        assert (conflict["type"], conflict["rev"], conflict["text"]) == ("conflict", 1, "露从今夜白")


async def test_a_manuscript_of_the_greatest_length_fits_through_the_socket(seat: Seat) -> None:
    async with tab(*seat) as one:
        assert (await save(one, 0, "字" * 500_000))["type"] == "saved"
        told = await save(one, 1, "字" * 500_001)
        assert (told["type"], told["code"]) == ("error", "too_long")


async def test_a_patch_that_does_not_fit_asks_for_the_whole(seat: Seat) -> None:
    async with tab(*seat) as one:
        await one.send(
            "save", save_id=str(uuid.uuid4()), base_rev=0, patch={"start": 0, "end": 9, "text": ""}, length=0
        )
        assert (await one.expect("error"))["code"] == "resend_whole"


# --- the clock -------------------------------------------------------------------------------------------------------
async def test_every_tab_follows_the_clock(seat: Seat) -> None:
    async with tab(*seat) as one, tab(*seat) as two:
        for verb, state in (("pause", "paused"), ("resume", "running")):
            await one.send(verb)
            assert (await one.expect("session"))["state"] == state
            assert (await two.expect("session"))["state"] == state
        before = [each for each in one.page.heard if each["type"] == "session"][-1]["deadline_ms"]
        await one.send("extend", seconds=300)
        assert (await one.expect("session"))["deadline_ms"] == before + 300_000
        await one.send("finish")
        assert (await one.expect("session"))["state"] == "finished"
        await one.send("pause")
        assert (await one.expect("error"))["code"] == "finished"
        await one.send("inspire", key=str(uuid.uuid4()), kind="line")
        assert (await one.expect("error"))["code"] == "finished"
        assert (await save(one, 0, "还有一句"))["type"] == "saved"


async def test_it_tells_the_time(seat: Seat) -> None:
    async with tab(*seat) as one:
        await one.send("ping", t=12.5)
        told = await one.expect("pong")
        assert told["t"] == 12.5
        assert abs(told["now_ms"] - one.page.heard[0]["now_ms"]) < 60_000


# --- nonsense --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "malformed"),
        ("{", "malformed"),
        ("[]", "malformed"),
        ("null", "malformed"),
        ("3", "malformed"),
        ('"ping"', "malformed"),
        ("{}", "unknown_type"),
        ('{"type": "dance"}', "unknown_type"),
        ('{"type": 7}', "unknown_type"),
        ('{"type": "ping"}', "malformed"),
        ('{"type": "ping", "t": "soon"}', "malformed"),
        ('{"type": "save", "save_id": "x", "base_rev": 0}', "malformed"),
        ('{"type": "save", "save_id": "00000000-0000-0000-0000-000000000000", "base_rev": -1}', "malformed"),
        ('{"type": "extend", "seconds": 999999999}', "malformed"),
        ('{"type": "attach", "candidate": "../../x", "attempt": 0, "seq": 0}', "malformed"),
        ('{"type": "ack", "candidate": "00000000-0000-0000-0000-000000000000", "seq": 1e400}', "malformed"),
        (b"\x00\xff", "malformed"),
        ("[" * 5000, "malformed"),
    ],
)
async def test_nonsense_is_answered_and_the_socket_lives(seat: Seat, raw: str | bytes, code: str) -> None:
    async with tab(*seat) as one:
        await one.socket.send(raw)
        assert (await one.expect("error"))["code"] == code
        await one.send("ping", t=1)
        await one.expect("pong")


async def test_a_flood_is_told_to_wait_and_the_socket_lives(seat: Seat) -> None:
    async with tab(*seat) as one:
        for n in range(400):
            await one.send("ping", t=n)
        answers = [await one.hear() for _ in range(400)]
        refused = [each for each in answers if each["type"] == "error"]
        assert {each["code"] for each in refused} == {"too_fast"}
        assert len(refused) < 400
        await asyncio.sleep(0.2)  # the bucket refills with time, so time it is
        await one.send("ping", t=-1)
        assert (await one.hear())["t"] == -1


async def test_a_flood_of_long_saves_is_told_which_one_to_try_again(seat: Seat) -> None:
    async with tab(*seat) as one:
        for rev in range(12):
            save_id = str(uuid.uuid4())
            await one.send("save", save_id=save_id, base_rev=rev, text="字" * 499_000 + str(rev))
            told = await one.hear()
            if told["type"] == "error":
                break
        else:
            pytest.fail("twelve times half a million characters passed at once")
        assert (told["code"], told["ref"]) == ("too_fast", save_id)


async def test_a_message_over_the_limit_of_the_socket_closes_it(seat: Seat) -> None:
    async with tab(*seat) as one:
        with contextlib.suppress(ConnectionClosed):
            await one.socket.send("x" * (5 * 1024 * 1024))
        with pytest.raises(ConnectionClosed):
            await one.expect("never")


# --- who may come in -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("origin", [None, "http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1", "null"])
async def test_a_foreign_page_cannot_open_a_socket(seat: Seat, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with socket(*seat, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_another_writer_s_session_is_not_there(seats: list[Seat]) -> None:
    (one, _), (_, hers) = seats
    async with socket(one, hers) as opened:
        with pytest.raises(ConnectionClosed):
            await opened.recv()
    assert opened.close_code == 4404


async def test_an_invented_session_is_not_there_either(seat: Seat) -> None:
    async with socket(seat[0], str(uuid.uuid4())) as opened:
        with pytest.raises(ConnectionClosed):
            await opened.recv()
    assert opened.close_code == 4404


async def test_nobody_gets_no_session(seat: Seat, the_house: House) -> None:
    async with socket(Writer(the_house, "forged"), seat[1]) as opened:
        with pytest.raises(ConnectionClosed):
            await opened.recv()
    assert opened.close_code == 4401


def photograph(house: House, session_id: str) -> str:
    """The id of one in her session."""
    make = "from writingapp.models import Photo; print(Photo.objects.create(session_id=%r, state='seen').pk)"
    return house.inside(make % session_id).strip()


async def test_every_message_about_another_writer_s_things_is_not_found(seats: list[Seat], the_house: House) -> None:
    mine, hers = seats
    async with tab(*hers) as her_tab:
        told = await her_tab.inspire(form="wujue")
        candidate = told["candidates"][0]["id"]
        whole = await her_tab.ended(candidate)
    async with tab(*mine) as one:
        for thing in (candidate, str(uuid.uuid4())):
            for kind, message in (
                ("attach", {"candidate": thing, "attempt": 0, "seq": 0}),
                ("take", {"candidate": thing}),
                ("swap", {"candidate": thing, "line": 0, "key": str(uuid.uuid4())}),
            ):
                await one.send(kind, **message)
                assert (await one.expect("error"))["code"] == "not_found"
        for thing in (told["id"], str(uuid.uuid4())):
            await one.send("stop", inspiration=thing)
            assert (await one.expect("error"))["code"] == "not_found"
        for thing in (await asyncio.to_thread(photograph, the_house, hers[1]), str(uuid.uuid4())):
            await one.send("inspire", key=str(uuid.uuid4()), kind="poem", form="wujue", photo_id=thing)
            assert (await one.expect("error"))["code"] == "not_found"
        await one.send("ack", candidate=candidate, seq=9)  # has no answer, and no effect
        await one.send("ping", t=1)
        await one.expect("pong")
        assert candidate not in one.page.shown
    async with tab(*hers) as her_tab:
        assert her_tab.page.shown[candidate].text == whole.text
        assert whole.status in TERMINAL


async def test_a_logout_closes_her_sockets(seat: Seat) -> None:
    async with tab(*seat) as one:
        status, _ = await asyncio.to_thread(seat[0].request, "POST", "/accounts/logout/", {})
        assert status in (200, 302)
        with pytest.raises(ConnectionClosed):
            await one.expect("never")
    assert one.socket.close_code == 4401
