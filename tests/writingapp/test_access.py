"""No other writer's row is reachable. Every route is walked as the resolver knows it: a new one is walked too."""

import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.http import Http404
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings

from writingapp import access
from writingapp.models import (
    Adapter,
    Candidate,
    Inspiration,
    Photo,
    Rating,
    TrainingRun,
    Trial,
    User,
    WritingSession,
)
from writingapp.services import inspiring, rating, sessions

# What may be seen without a login says nothing about anybody; the doors of allauth are its own to guard, but for these.
OPEN = {"", "healthz", "metrics", "language/setlang/", "api/v1/", "api/v1/openapi.json"}  # each judges by itself
METHODS = ["get", "post", "delete"]
GUARDED_DOORS = {"accounts/password/change/", "accounts/reauthenticate/"}


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        here = before + str(entry.pattern).replace("^", "").replace("$", "").replace("\\Z", "")
        if isinstance(entry, URLResolver):
            yield from routes(entry, here)
        else:
            yield here, entry


def own_routes() -> list[str]:
    """Everything but the staff's pages, which have their own tests."""
    walked = {path for path, _ in routes(get_resolver()) if not path.startswith(("staff/", "desk/"))}
    return sorted(walked)


@pytest.fixture
def hers(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="只有她知道", goal=None, now=timezone.now())


@pytest.fixture
def asked(hers: WritingSession) -> inspiring.Asked:
    answer = inspiring.ask(
        session=hers, key=uuid.uuid4(), kind="poem", form="wujue", wish="只有她知道", before="",
        candidates=1, now=timezone.now(),
    )  # fmt: skip
    assert isinstance(answer, inspiring.Asked)
    return answer


@pytest.fixture
def rated(asked: inspiring.Asked, owner: User) -> Rating:
    Candidate.objects.update(status=Candidate.Status.DONE, text="只有她知道")
    candidate = Candidate.objects.get()
    return rating.score(user=owner, candidate=candidate, line=None, score=5, tags=None, now=timezone.now())


@pytest.fixture
def real(
    hers: WritingSession, asked: inspiring.Asked, rated: Rating, settings: Settings, tmp_path: Path
) -> list[object]:
    """Her ids, in the order of `fill`."""
    settings.PHOTOS = tmp_path
    photo = Photo.objects.create(session=hers, state=Photo.State.SEEN, chips=["只有她知道"])
    photo.path.write_text("只有她知道", encoding="utf-8")
    run, adapter = TrainingRun.objects.create(), Adapter.objects.create(name="night-only", digest="d", rank=8)
    trial = Trial.objects.create(challenger=adapter)
    own = [hers.pk, asked.inspiration.pk, asked.candidates[0].pk, rated.pk, photo.pk]
    return [*own, run.pk, adapter.pk, trial.pk]


@pytest.fixture
def others(other: User) -> WritingSession:
    """A session of the outsider's own."""
    return sessions.start(user=other, minutes=10, theme="", goal=None, now=timezone.now())


KNOWN = ("session_id", "inspiration_id", "candidate_id", "rating_id", "photo_id", "run_id", "name", "trial_id")


def fill(path: str, *ids: object) -> str:
    known = dict(zip(KNOWN, ids, strict=True))
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(known[str(found[1])]), path)


def is_open(path: str) -> bool:
    return path in OPEN or (path.startswith("accounts/") and path not in GUARDED_DOORS)


def has_id(path: str) -> bool:
    return not path.startswith("accounts/") and "<" in path


@pytest.mark.parametrize("path", [path for path in own_routes() if has_id(path)])
@pytest.mark.parametrize("method", METHODS)
def test_an_outsider_gets_what_she_would_get_for_nothing(
    client: Client, real: list[object], other: User, path: str, method: str
) -> None:
    client.force_login(other)
    invented = [uuid.uuid4() for _ in real]
    _same(*(_ask(client, method, fill(path, *ids), ids) for ids in (real, invented)))


@pytest.mark.parametrize("path", [path for path in own_routes() if "session_id>" in path and path.count("<") > 1])
@pytest.mark.parametrize("method", METHODS)
def test_a_session_of_ones_own_leads_to_nothing_of_hers(
    client: Client, real: list[object], other: User, others: WritingSession, path: str, method: str
) -> None:
    client.force_login(other)
    hers, invented = [others.pk, *real[1:]], [others.pk, *(uuid.uuid4() for _ in real[1:])]
    _same(*(_ask(client, method, fill(path, *ids), ids) for ids in (hers, invented)))


@pytest.mark.parametrize(
    ("path", "field", "place"),
    [
        ("sessions/{}/swap", "candidate", 2),
        ("sessions/{}/inspire", "photo_id", 4),
        ("ratings/consent", "rating", 3),
    ],
)
def test_nor_does_an_id_of_hers_in_a_message(
    client: Client, real: list[object], other: User, others: WritingSession, path: str, field: str, place: int
) -> None:
    client.force_login(other)
    where, answers = f"/api/v1/{path.format(others.pk)}", []
    for thing in (real[place], uuid.uuid4()):
        body = _body(real) | {"kind": "poem", "form": "wujue", field: str(thing)}
        answer = client.post(where, body, content_type="application/json")
        answers.append((answer.status_code, answer.content.decode().replace(str(body["key"]), "KEY")))
    _same(*answers)
    assert not Rating.objects.filter(consent=True).exists()


def test_a_poem_of_chips_has_no_photograph_of_hers(
    client: Client, real: list[object], other: User, others: WritingSession
) -> None:
    client.force_login(other)
    body = {"key": str(uuid.uuid4()), "kind": "poem", "form": "wujue", "photo_id": str(real[4]), "chips": ["湖"]}
    answer = client.post(f"/api/v1/sessions/{others.pk}/inspire", body, content_type="application/json")
    assert (answer.json()["type"], answer.json()["inspiration"]["photo_id"]) == ("queued", None)


@pytest.mark.parametrize("path", [path for path in own_routes() if not is_open(path)])
@pytest.mark.parametrize("method", METHODS)
def test_nobody_is_led_to_the_login_page(client: Client, real: list[object], path: str, method: str) -> None:
    where = fill(path, *real)
    status, text = _ask(client, method, where, real)
    assert status in (302, 401, 405), f"{where} answers {status}"
    assert "只有她知道" not in text


def _body(ids: Sequence[object]) -> dict[str, object]:
    """Enough for every verb: what is refused as malformed has asked nobody whose it is."""
    body = {"save_id": str(uuid.uuid4()), "base_rev": 0, "text": "", "seconds": 60, "kind": "tie", "score": 3}
    body |= {"key": str(uuid.uuid4()), "consent": True, "consents": True, "candidate": str(ids[2]), "line": 0}
    body |= {"choice": "tie"}
    return body


def _same(hers: tuple[int, str], invented: tuple[int, str]) -> None:
    assert hers == invented
    assert hers[0] in (404, 405)
    assert "只有她知道" not in hers[1]


def _ask(client: Client, method: str, path: str, ids: Sequence[object]) -> tuple[int, str]:
    """A page is sent a form, the API its JSON."""
    if method == "post" and not path.startswith("/api/"):
        answer = client.post(path, _body(ids))
    else:
        more = {} if method == "get" else {"data": _body(ids), "content_type": "application/json"}
        answer = getattr(client, method)(path, **more)
    text = answer.content.decode() if not answer.streaming else ""
    return answer.status_code, text.replace(path, "PATH")


def test_a_forged_form_is_refused_even_with_her_cookie(owner: User, hers: WritingSession) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    for path in (f"/api/v1/sessions/{hers.pk}/finish", reverse("finish", args=[hers.pk])):
        assert client.post(path).status_code == 403
    hers.refresh_from_db()
    assert hers.state == WritingSession.State.RUNNING


@pytest.mark.parametrize("value", ["", "x", None, 7, "../../etc", "0" * 32, uuid.UUID(int=0)])
def test_whatever_is_no_id_is_not_there(owner: User, hers: WritingSession, value: Any) -> None:
    with pytest.raises(Http404):
        access.session_for(owner, value)
    with pytest.raises(Http404):
        access.candidate_for(owner, hers.pk, value)
    with pytest.raises(Http404):
        access.inspiration_for(owner, hers.pk, value)
    with pytest.raises(Http404):
        access.rating_for(owner, value)


def test_her_own_things_are_not_reached_through_another_session(
    owner: User, hers: WritingSession, asked: inspiring.Asked
) -> None:
    second = sessions.start(user=owner, minutes=5, theme="", goal=None, now=timezone.now())
    assert access.candidate_for(owner, hers.pk, asked.candidates[0].pk).pk == asked.candidates[0].pk
    with pytest.raises(Http404):
        access.candidate_for(owner, second.pk, asked.candidates[0].pk)
    with pytest.raises(Http404):
        access.inspiration_for(owner, second.pk, asked.inspiration.pk)
    assert Inspiration.objects.count() == Candidate.objects.count() == 1
