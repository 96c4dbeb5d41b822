"""Deleting an account: all of it goes, what has learnt from her too, and nothing of anybody else's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from tests.conftest import PASSWORD
from tests.tiny_adapter import tiny_adapter
from tests.writingapp.pairs import pair
from writingapp.models import Adapter, Pair, Photo, School, TrainingRun, User, WritingSession
from writingapp.services import adapters, auditing, leaving, runs

CHINESE = {"Accept-Language": "zh-CN"}
NOW = timezone.now()


def rows_there() -> dict[str, int]:
    """How many rows each table has."""
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("writingapp").get_models()}


def photo(session: WritingSession, settings: Any, folder: Path) -> Photo:
    settings.PHOTOS = folder
    row = Photo.objects.create(session=session, state=Photo.State.SEEN)
    row.path.write_bytes(b"a picture")
    return row


def leave_by_the_page(client: Client, password: str = PASSWORD) -> str:
    asked = client.post("/account/leave/", headers=CHINESE)
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/"), "her password is asked for"
    said = {"password": password, "next": "/account/leave/"}
    return client.post("/accounts/reauthenticate/", said, follow=True, headers=CHINESE).content.decode()


def test_all_that_is_hers_goes_and_nothing_else(
    client: Client, owner: User, other: User, settings: Any, tmp_path: Path
) -> None:
    pair(other)
    School.objects.get_or_create(pk=1)
    before = rows_there()
    file = photo(pair(owner).inspiration.session, settings, tmp_path).path
    client.force_login(owner)
    assert "一起删去" in client.get("/account/leave/", headers=CHINESE).content.decode()
    assert User.objects.filter(pk=owner.pk).exists()
    assert "账户已经注销" in leave_by_the_page(client)
    assert rows_there() == before | {"User": before["User"] - 1}
    assert not file.exists()
    assert client.get("/account/").status_code == 302


def test_without_the_password_nothing_goes(client: Client, owner: User) -> None:
    client.force_login(owner)
    leave_by_the_page(client, "wrong")
    assert User.objects.filter(pk=owner.pk).exists()


def test_what_has_learnt_from_her_is_retired_and_a_night_that_learns_sees_it(
    owner: User, settings: Any, tmp_path: Path
) -> None:
    settings.ADAPTERS = tmp_path / "registry"
    row = adapters.register(folder=tiny_adapter(tmp_path / "made"), label="night", base="qwen")
    Adapter.objects.update(state=Adapter.State.SERVING)
    learnt = pair(owner, state=Pair.State.APPROVED)
    for adapter, state in ((row, TrainingRun.State.PROMOTED), (None, TrainingRun.State.TRAINING)):
        run = TrainingRun.objects.create(adapter=adapter, state=state, manifest={"pairs": {"train": 1}})
        run.pairs.add(learnt)
    leaving.leave(user=owner, now=NOW)
    row.refresh_from_db()
    assert row.state == Adapter.State.RETIRED
    assert row.tainted_at is not None
    assert not runs.is_clean(TrainingRun.objects.get(state=TrainingRun.State.TRAINING))


def test_whoever_stands_in_the_trail_stays_whole(client: Client, people: Callable[[str], User]) -> None:
    staff = people("staff")
    pair(staff)
    auditing.note(staff, "queue.viewed", now=NOW)
    before = rows_there()
    client.force_login(staff)
    assert "审计记录" in leave_by_the_page(client)
    assert rows_there() == before
    assert not Pair.objects.filter(state=Pair.State.WITHDRAWN).exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_the_door(client: Client, rows: None, method: str) -> None:
    assert getattr(client, method)("/account/leave/").headers["Location"].startswith("/accounts/login/")
