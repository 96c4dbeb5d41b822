"""From the school's buttons to the worker: a night begun by hand comes to its end, and a stopped one leaves nothing."""

import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.nights.orders import give, told
from tests.processes import wait_until
from tests.writingapp.school import head
from tests.writingapp.test_nightly import node, said, school, writer
from writingapp.models import Adapter, TrainingRun, User
from writingapp.night import Watch
from writingapp.services import schooling

__all__ = ["node", "school", "writer"]
pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture
def at_school(client: Client) -> Client:
    client.force_login(head())
    return client


def begun(client: Client) -> TrainingRun:
    client.post("/school/begin/", {"night": str(schooling.next_night(timezone.now()))})
    return TrainingRun.objects.get()


def test_a_night_begun_by_its_button_trains_and_writes(at_school: Client, writer: User, node: None) -> None:
    said(writer)
    run = begun(at_school)
    carried = Watch().tick()
    assert carried is not None
    assert carried.pk == run.pk
    run.refresh_from_db()
    assert (run.state, run.why) == ("promoted", "")
    assert Adapter.objects.get(state="serving").name in at_school.get("/school/adapters/").content.decode()
    assert str(run.adapter_id) in at_school.get("/school/").content.decode()


def test_what_is_stopped_ends_its_process_and_leaves_no_words(
    at_school: Client, writer: User, node: None, school: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writingapp.night.BEAT", 0.1)
    give(school, train=60)
    said(writer)
    run = begun(at_school)

    def carry() -> None:
        Watch().tick()
        connection.close()

    worker = threading.Thread(target=carry)
    worker.start()
    wait_until(lambda: any(word.startswith("train ") for word in told(school)), within=60, what="the training")
    folder = settings.RUNS / str(run.pk)
    assert (folder / "data.jsonl").exists()
    at_school.post(f"/school/runs/{run.pk}/stop/")
    worker.join(timeout=60)
    assert not worker.is_alive()
    assert told(school)[-1].startswith("stopped ")
    assert not (folder / "data.jsonl").exists()
    run.refresh_from_db()
    assert (run.state, run.why, run.lease_until) == ("stopped", "terminated", None)
    assert not Adapter.objects.exists()
