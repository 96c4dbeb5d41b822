"""The verbs over HTTP: paced like her sockets, and with an answer for whatever comes."""

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from writingapp import doors, pace
from writingapp.models import Inspiration, User, WritingSession
from writingapp.services import sessions

Post = Callable[..., Any]


@pytest.fixture
def hers(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="", goal=None, now=timezone.now())


@pytest.fixture
def post(client: Client, owner: User, hers: WritingSession) -> Post:
    """Sends a verb of her session; half a character travels as JSON writes it."""
    client.force_login(owner)

    def send(verb: str, **body: Any) -> Any:
        known = {"save_id": str(uuid.uuid4()), "base_rev": 0, "key": str(uuid.uuid4()), "kind": "line"}
        raw = json.dumps(known | body)
        return client.post(f"/api/v1/sessions/{hers.pk}/{verb}", raw, content_type="application/json")

    return send


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("save", {"base_rev": 10**20, "text": "露"}),
        ("save", {"text": "露\ud83d"}),
        ("save", {"patch": {"start": 10**20, "end": 10**20, "text": ""}}),
        ("save", {"patch": {"start": 0, "end": 0, "text": "\udc00"}, "length": 1}),
        ("inspire", {"wish": "湖\ud83d"}),
        ("inspire", {"kind": "\ud83d"}),
        ("inspire", {"chips": ["\ud83d"]}),
        ("inspire", {"kind": "poem", "form": "wujue", "options": {"head": "\ud83d"}}),
        ("inspire", {"kind": "poem", "form": "wujue", "options": {"pins": [[10**20, "湖"]]}}),
        ("swap", {"candidate": str(uuid.uuid4()), "line": 10**20}),
    ],
)
def test_what_no_column_holds_is_malformed(post: Post, verb: str, body: dict[str, Any]) -> None:
    answer = post(verb, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert not Inspiration.objects.exists()


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff\xfe", b"[1", b"null", b'"\xe9\x9c\xb2"'])
def test_what_is_no_message_is_malformed_too(client: Client, owner: User, hers: WritingSession, raw: bytes) -> None:
    client.force_login(owner)
    answer = client.post(f"/api/v1/sessions/{hers.pk}/save", raw, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert (answer.json()["type"], answer.json()["code"]) == ("error", "malformed")


@pytest.mark.django_db
def test_who_is_not_logged_in_is_told_so_in_the_form_of_every_refusal(client: Client) -> None:
    answer = client.post(f"/api/v1/sessions/{uuid.uuid4()}/save", b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (401, "error", "no_login")


def test_a_request_from_elsewhere_is_told_so_too(owner: User, hers: WritingSession) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    answer = strict.post(f"/api/v1/sessions/{hers.pk}/pause", b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "error", "no_token")


def test_a_nul_is_made_harmless_and_nothing_else_is_lost(post: Post, hers: WritingSession) -> None:
    assert post("save", text="露\0白").status_code == 200
    assert post("inspire", wish="湖\0光").status_code == 200
    hers.refresh_from_db()
    assert (hers.text, Inspiration.objects.get().wish) == ("露\ufffd白", "湖\ufffd光")


def test_a_fault_that_nobody_foresaw_is_told_as_a_refusal_and_logged_without_her_words(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*said: object) -> None:
        raise RuntimeError(f"cannot keep {said}")

    monkeypatch.setattr(doors, "save", broken)
    with caplog.at_level(logging.ERROR):
        answer = post("save", text="只有她知道")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (500, "error", "unavailable")
    assert "RuntimeError" in caplog.text
    assert "in broken" in caplog.text
    assert "只有她知道" not in caplog.text


# --- pace ------------------------------------------------------------------------------------------------------------
def test_too_many_requests_are_told_to_wait(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MESSAGES", (3.0, 0.0))
    answers = [post("pause") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "too_fast"


def test_her_sockets_and_requests_draw_on_one_bucket(
    post: Post, owner: User, other: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MESSAGES", (3.0, 0.0))
    for writer in (owner, other, other, other):  # as consumers.py does at each message
        pace.of(writer.pk).step(1)
    assert [post("pause").status_code for _ in range(3)] == [200, 200, 429]


def test_a_long_body_is_paid_for_by_the_next(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "CHARACTERS", (5_000.0, 0.0))
    assert [post("save", base_rev=rev, text="露" * 1_000).status_code for rev in range(3)] == [200, 429, 429]


def test_what_a_conflict_brings_back_counts_too(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "CHARACTERS", (100_000.0, 0.0))
    post("save", text="a" * 20_000)
    post("save", base_rev=1, text="a" * 20_001)
    nothing = {"base_rev": 1, "patch": {"start": 0, "end": 0, "text": ""}, "length": 20_000}
    answers = [post("save", **nothing) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[0].json()["type"] == "conflict"


def test_only_those_who_spoke_lately_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 0.0

        @classmethod
        def monotonic(cls) -> float:
            return cls.now

    monkeypatch.setattr(pace, "time", Clock)
    monkeypatch.setattr(pace, "_paces", {})
    for writer in range(100):
        pace.of(writer).step(1)
    pace.of(0).owe(10_000_000)
    Clock.now = 30.0
    pace.of(100).step(1)
    assert sorted(pace._paces) == [0, 100]
    Clock.now = 60.0
    pace.of(101).step(1)
    assert sorted(pace._paces) == [101]
