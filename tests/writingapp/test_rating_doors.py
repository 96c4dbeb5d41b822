"""Ratings over HTTP through the real house: what is answered, what her other tabs hear, what `hello` tells."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import Tab, Writer, tab
from tests.house import House
from tests.writingapp.page import Message

Seat = tuple[Writer, str]


@pytest.fixture(scope="module")
def queue_of_seats(the_house: House) -> Iterator[Seat]:
    made = the_house.sit_down(*(f"judge-{number}" for number in range(7)))
    return iter([(Writer(the_house, cookie), session_id) for cookie, session_id in made])


@pytest.fixture
def seat(queue_of_seats: Iterator[Seat]) -> Seat:
    return next(queue_of_seats)


async def finished(one: Tab, candidates: int = 2) -> Message:
    inspiration = await one.inspire(form="wujue", candidates=candidates)
    for each in inspiration["candidates"]:
        await one.ended(each["id"])
    return inspiration


async def post(seat: Seat, path: str, body: Message) -> tuple[int, Any]:
    """`path` is beside her session, or from the root of the API when it begins with a slash."""
    where = f"/api/v1{path}" if path.startswith("/") else f"/api/v1/sessions/{seat[1]}/{path}"
    return await asyncio.to_thread(seat[0].request, "POST", where, body)


async def test_every_tab_hears_what_she_says_and_a_later_one_is_told(seat: Seat) -> None:
    async with tab(*seat) as one, tab(*seat) as two:
        inspiration = await finished(one)
        assert inspiration["rating"] == {"comparison": None, "scores": [], "wrote": None}
        first, second = (each["id"] for each in inspiration["candidates"])
        said = {"kind": "prefer", "candidate": second, "tags": ["music"]}
        status, answer = await post(seat, f"inspirations/{inspiration['id']}/compare", said)
        heard = [await each.expect("rated") for each in (one, two)]
        async with tab(*seat) as three:
            [told] = three.page.heard[0]["inspirations"]
    assert status == 200
    assert answer.pop("ask") is True
    assert heard == [answer, answer]
    assert told["rating"] == answer["rating"]
    assert answer["rating"]["wrote"] == {first: "", second: ""}
    comparison = answer["rating"]["comparison"]
    assert (comparison["candidate"], comparison["tags"], comparison["consent"]) == (second, ["music"], False)


async def test_she_is_asked_once_and_a_yes_goes_to_this_one_and_the_next(seat: Seat) -> None:
    async with tab(*seat) as one:
        inspiration = await finished(one)
        where = f"inspirations/{inspiration['id']}/compare"
        _, first = await post(seat, where, {"kind": "tie"})
        _, again = await post(seat, where, {"kind": "both_bad"})
        assert (first["ask"], again["ask"]) == (True, False)
        rating = first["rating"]["comparison"]["id"]
        _, told = await post(seat, "/ratings/consent", {"consents": True, "rating": rating})
        assert told["rating"]["comparison"]["consent"] is True
        candidate = inspiration["candidates"][0]["id"]
        _, scored = await post(seat, f"candidates/{candidate}/score", {"score": 5, "line": 3})
        assert [(each["line"], each["consent"]) for each in scored["rating"]["scores"]] == [(3, True)]
        _, taken = await post(seat, f"/ratings/{rating}/consent", {"consent": False})
        assert taken["rating"]["comparison"]["consent"] is False


async def test_undo_hides_again_who_wrote_which(seat: Seat) -> None:
    async with tab(*seat) as one:
        inspiration = await finished(one)
        _, said = await post(seat, f"inspirations/{inspiration['id']}/compare", {"kind": "tie"})
        _, undone = await post(seat, f"/ratings/{said['rating']['comparison']['id']}/withdraw", {})
        assert undone["rating"] == {"comparison": None, "scores": [], "wrote": None}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("inspirations/{inspiration}/compare", {"kind": "best"}, 422, "malformed"),
        ("inspirations/{inspiration}/compare", {"kind": "prefer"}, 400, "malformed"),
        (
            "inspirations/{inspiration}/compare",
            {"kind": "prefer", "candidate": str(uuid.UUID(int=1))},
            404,
            "not_found",
        ),
        ("inspirations/{inspiration}/compare", {"kind": "tie", "tags": ["nice"]}, 422, "unknown_tag"),
        ("candidates/{candidate}/score", {"score": 6}, 422, "bad_score"),
        ("candidates/{candidate}/score", {"score": 3, "line": 4}, 422, "no_such_line"),
        ("candidates/{candidate}/score", {"score": "many"}, 422, "malformed"),
        ("/ratings/{candidate}/withdraw", {}, 404, "not_found"),
    ],
)
async def test_every_refusal_has_its_code_and_a_sentence(
    the_house: House, refused_seat: tuple[Seat, Message], path: str, body: Message, status: int, code: str
) -> None:
    seat, inspiration = refused_seat
    where = path.format(inspiration=inspiration["id"], candidate=inspiration["candidates"][0]["id"])
    answered, told = await post(seat, where, body)
    assert (answered, told["code"]) == (status, code)
    assert told["message"]


@pytest.fixture(scope="module")
def refused_seat(queue_of_seats: Iterator[Seat]) -> tuple[Seat, Message]:
    """One writer with two finished texts for all refusals: nothing is recorded, so nothing is shared."""
    seat = next(queue_of_seats)

    async def ask() -> Message:
        async with tab(*seat) as one:
            return await finished(one)

    return seat, asyncio.run(ask())


async def test_what_is_still_being_written_is_refused_and_one_alone_is_not_compared(seat: Seat) -> None:
    async with tab(*seat) as one:
        running = await one.inspire(form="english", candidates=2)
        _, told = await post(seat, f"inspirations/{running['id']}/compare", {"kind": "tie"})
        assert told["code"] == "not_finished"
        for each in running["candidates"]:
            await one.ended(each["id"])
        alone = await finished(one, candidates=1)
        _, told = await post(seat, f"inspirations/{alone['id']}/compare", {"kind": "tie"})
        assert told["code"] == "no_two"
        _, told = await post(seat, f"candidates/{alone['candidates'][0]['id']}/score", {"score": 4})
        assert told["rating"]["wrote"] == {alone["candidates"][0]["id"]: ""}
