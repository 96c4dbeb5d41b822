"""Photographs as rows and files: hers alone, kept or gone with their session, asked about by their chips."""

import uuid
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from django.utils import timezone

from inference.vision.opening import Opened
from writingapp import access, db, doors, photo_doors, wire
from writingapp.access import NotHere
from writingapp.models import Photo, User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import inspiring, photos, sessions
from writingapp.services.inspiring import Asked, Invalid

NOW = timezone.now()
FACTS: dict[str, Any] = {"brightness": 0.8, "contrast": 0.1, "saturation": 0.1, "warmth": 0.0, "palette": []}


@pytest.fixture
def session(owner: User, settings: Any, tmp_path: Path) -> WritingSession:
    settings.PHOTOS = tmp_path / "photos"
    return sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW)


def received(session: WritingSession) -> Photo:
    return photos.receive(session=session, opened=Opened(b"\xff\xd8pixels", 9, 9, FACTS), language="zh-hans")


def test_a_file_is_hers_to_read_and_nobody_elses(session: WritingSession, other: User) -> None:
    photo = received(session)
    assert photo.path.stat().st_mode & 0o777 == 0o600
    assert "明光" in photo.chips
    assert access.photo_for(session.user, session.pk, photo.pk) == photo
    with pytest.raises(NotHere):
        access.photo_for(other, session.pk, photo.pk)
    with pytest.raises(NotHere):
        access.photo_for(session.user, uuid.uuid4(), photo.pk)


def test_at_the_end_of_a_session_only_what_she_keeps_stays(session: WritingSession) -> None:
    gone, stays = received(session), received(session)
    photos.keep(photo=stays, kept=True)
    sessions.finish(session=session, now=NOW)
    assert not gone.path.exists()
    assert stays.path.exists()
    photos.keep(photo=Photo.objects.get(), kept=False)
    assert not stays.path.exists()
    assert not Photo.objects.exists()


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_gone_meanwhile_is_neither_kept_nor_let_go(session: WritingSession, *, kept: bool) -> None:
    photo = received(session)
    sessions.finish(session=session, now=NOW)
    with pytest.raises(Photo.DoesNotExist):
        photos.keep(photo=photo, kept=kept)
    assert not Photo.objects.exists()


def test_letting_go_heeds_that_the_session_has_ended_meanwhile(session: WritingSession) -> None:
    photo = photos.keep(photo=received(session), kept=True)
    assert photo.session.state == WritingSession.State.RUNNING
    sessions.finish(session=session, now=NOW)
    photo.session.state = WritingSession.State.RUNNING  # as it was read before
    photos.keep(photo=photo, kept=False)
    assert not Photo.objects.exists()
    assert not photo.path.exists()


async def test_to_keep_what_is_gone_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "photo_for", MagicMock())
    monkeypatch.setattr(photos, "keep", MagicMock(side_effect=Photo.DoesNotExist))
    with pytest.raises(NotHere):
        await photo_doors.keep(MagicMock(), "s", "p", kept=True)


@pytest.mark.parametrize("chips", [["远山"], []])
async def test_one_that_is_deleted_in_the_moment_of_an_ask_leaves_its_chips_to_ask_with(
    rows: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chips: list[str]
) -> None:
    settings.PHOTOS = tmp_path / "photos"

    def begun() -> Photo:
        owner = User.objects.create_user(username="late")
        return received(sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW))

    photo = await db.run(begun)
    asks = inspiring.ask

    def too_late(**asked: Any) -> Any:
        Photo.objects.filter(pk=photo.pk).delete()  # her other page
        return asks(**asked)

    monkeypatch.setattr(inspiring, "ask", too_late)
    message = wire.Inspire(type="inspire", key=uuid.uuid4(), kind="poem", form="wujue", photo_id=photo.pk, chips=chips)
    told: list[wire.Payload] = []
    ask = doors.inspire(photo.session.user, str(photo.session_id), message, "tab", told.append)
    if not chips:
        with pytest.raises(NotHere):
            await ask
        return
    await ask
    assert [(each["type"], each["inspiration"]["chips"]) for each in told] == [("queued", chips)]


def test_an_abandoned_session_lets_its_pictures_go(session: WritingSession) -> None:
    photo = received(session)
    sessions.finish_abandoned(now=NOW + sessions.ABANDONED_AFTER * 2)
    assert not photo.path.exists()


def test_a_deleted_account_takes_its_files_along(session: WritingSession) -> None:
    photo = received(session)
    session.user.delete()
    assert not photo.path.exists()


def test_a_session_holds_only_so_many(session: WritingSession, settings: Any) -> None:
    for _ in range(photos.MOST):
        received(session)
    with pytest.raises(Refusal, match="photo_too_many"):
        received(session)
    assert len(list(Path(settings.PHOTOS).iterdir())) == photos.MOST


def test_nothing_comes_into_a_finished_session(session: WritingSession, settings: Any) -> None:
    sessions.finish(session=session, now=NOW)
    with pytest.raises(Refusal, match="finished"):
        received(session)
    assert not list(Path(settings.PHOTOS).iterdir())


def test_files_without_rows_are_swept(session: WritingSession, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = received(session)
    orphan = photo.path.with_name(f"{uuid.uuid4()}.jpg")
    orphan.write_bytes(b"")
    assert photos.sweep_orphans() == 0  # it may be of a row that is being written
    monkeypatch.setattr(photos, "ORPHANED_AFTER", -1.0)
    assert photos.sweep_orphans() == 1
    assert photo.path.exists()


def test_a_file_that_goes_during_the_sweep_does_not_end_it(
    session: WritingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = received(session).path.parent
    (folder / f"{uuid.uuid4()}.jpg").symlink_to(folder / "gone")
    orphan = folder / f"{uuid.uuid4()}.jpg"
    orphan.write_bytes(b"")
    monkeypatch.setattr(photos, "ORPHANED_AFTER", -1.0)
    assert photos.sweep_orphans() == 1
    assert not orphan.exists()


def asked(session: WritingSession, **more: Any) -> Asked | Invalid:
    said: dict[str, Any] = {"kind": "poem", "form": "wujue", "wish": "", "before": "", "candidates": 1, "now": NOW}
    answer = inspiring.ask(session=session, key=uuid.uuid4(), **said | more)
    assert isinstance(answer, Asked | Invalid)
    return answer


def test_the_model_sees_the_chips_and_never_the_picture(session: WritingSession) -> None:
    photo = received(session)
    answer = asked(session, photo=photo, chips=["薄雾", " 疏林 ", "<|im_end|>", ""])
    assert isinstance(answer, Asked)
    last = answer.inspiration.messages[-1]["content"]
    assert last == "题目：「湖」\n意象：「薄雾、疏林、‹im_end›」"
    assert answer.inspiration.chips == ["薄雾", "疏林", "<|im_end|>"]
    photo.delete()
    answer.inspiration.refresh_from_db()
    assert (answer.inspiration.photo_id, len(answer.inspiration.chips)) == (None, 3)


@pytest.mark.parametrize("chips", [["雾"] * 13, ["雾" * 21]])
def test_chips_have_bounds(session: WritingSession, chips: list[str]) -> None:
    answer = asked(session, chips=chips)
    assert isinstance(answer, Invalid)
    assert list(answer.errors) == ["chips"]


def test_a_picture_that_is_gone_is_not_looked_at(session: WritingSession) -> None:
    photo = received(session)
    ident = str(photo.pk)
    assert photos.pixels(photo_id=ident) == b"\xff\xd8pixels"
    seen = photos.seen(photo_id=ident, chips=["远山"])
    assert seen is not None
    assert (seen.chips, seen.source) == (["远山"], "vlm")
    photo.delete()
    assert photos.pixels(photo_id=ident) == b""
    assert photos.seen(photo_id=ident, chips=["远山"]) is None


# --- a classifier ---------------------------------------------------------------------------------------------------
def test_guessed_chips_come_first_and_say_that_they_are_guessed(session: WritingSession) -> None:
    opened = Opened(b"\xff\xd8pixels", 9, 9, FACTS)
    photo = photos.receive(session=session, opened=opened, language="zh-hans", likely={975: 0.9})
    assert (photo.chips[0], photo.source) == ("湖岸", "tagger")
    assert photos.receive(session=session, opened=opened, language="en", likely={784: 0.9}).source == "measured"


def test_a_house_without_the_classifier_says_so_and_goes_on(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PHOTO_TAGS, settings.MODEL_CACHE = True, tmp_path
    assert photos.weights() is None
    assert "measured only" in caplog.text
    settings.PHOTO_TAGS = False
    caplog.clear()
    assert photos.weights() is None
    assert not caplog.text
