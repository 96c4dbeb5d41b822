"""Photographs through the whole house: taken in, shown to her alone, asked about, kept or gone; nothing else stays."""

import asyncio
import contextlib
import io
import json
import socket as std_socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pillow_heif
import pytest
import redis
from django.utils import timezone
from PIL import Image, ImageCms, PngImagePlugin
from twisted.web import http as http_server
from twisted.web.test.requesthelper import DummyChannel

from inference.vision.opening import Opened
from tests.client import CSRF, Tab, Writer, socket, tab
from tests.house import FakeEngine, House, house
from tests.inference.vision.test_gate import GOOD, MARK, gps, misty, saved
from tests.writingapp.sending import photo_notices, send
from writingapp import access, bodies
from writingapp.access import NotHere
from writingapp.models import Photo, User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import inspiring, photos, sessions
from writingapp.services.inspiring import Asked, Invalid

NOW = timezone.now()
FACTS: dict[str, Any] = {"brightness": 0.8, "contrast": 0.1, "saturation": 0.1, "warmth": 0.0, "greenness": 0.0}


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


# --- the real processes ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def the_photo_house() -> Iterator[House]:
    with house(FakeEngine(rate=200.0)) as built:
        yield built


def noisy() -> bytes:
    """Longer than what Daphne would lay on disk, with a mark in each slot that holds words."""
    picture = Image.effect_noise((700, 500), 60).convert("RGB")
    return saved("JPEG", picture, quality=95, exif=gps(), comment=MARK, xmp=b"<x>" + MARK + b"</x>")


def test_no_body_is_laid_on_disk_on_its_way(settings: Any) -> None:
    bodies.keep_in_memory()
    request: Any = cast("Any", http_server.Request)(cast("Any", DummyChannel)(), True)
    request.gotLength(bodies.MOST)
    assert type(request.content) is bodies.InMemory
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE > bodies.MOST
    with pytest.raises(bodies.TooLong):
        request.content.write(b"\0" * (bodies.MOST + 1))


def test_a_picture_comes_and_goes_and_leaves_nothing_of_its_own(the_photo_house: House) -> None:
    [(cookie, session), (stranger, _)] = the_photo_house.sit_down("photographer", "stranger")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    raw = noisy()
    assert len(raw) > 100_000
    status, _, body = send(writer, "POST", path, raw)
    assert status == 200, body
    photo = json.loads(body)
    for kind in ("png-text", "webp-exif"):
        assert send(writer, "POST", path, GOOD[kind]())[0] == 200
    status, headers, jpeg = send(writer, "GET", f"{path}/{photo['id']}.jpg")
    assert (status, headers["content-type"], headers["x-content-type-options"]) == (200, "image/jpeg", "nosniff")
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["cache-control"] == "private, no-store"
    assert Image.open(io.BytesIO(jpeg)).size == (700, 500)
    assert send(Writer(the_photo_house, stranger), "GET", f"{path}/{photo['id']}.jpg")[0] == 404
    assert send(Writer(the_photo_house, stranger), "DELETE", f"{path}/{photo['id']}")[0] == 404
    canary(the_photo_house)
    assert send(writer, "DELETE", f"{path}/{photo['id']}")[0] == 200
    assert not (the_photo_house.folder / "photos" / f"{photo['id']}.jpg").exists()
    assert send(writer, "GET", f"{path}/{photo['id']}.jpg")[0] == 404


def canary(built: House) -> None:
    """Neither the mark nor anything of it lies in the house's folder (database, logs, pictures) or in Redis."""
    for file in built.folder.rglob("*"):
        assert not file.is_file() or MARK not in file.read_bytes(), file
    for number in range(3):
        with redis.Redis.from_url(f"{built.redis.url}/{number}") as client:
            assert all(MARK not in (client.dump(key) or b"") for key in client.scan_iter())


def test_what_is_no_picture_is_told_in_one_sentence(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("prankster")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    status, _, body = send(writer, "POST", path, b"%PDF-1.7")
    assert (status, json.loads(body)["code"]) == (400, "photo_not_a_picture")
    status, _, body = send(writer, "POST", path, saved("JPEG", misty()) + b"\0" * (12 << 20))
    assert (status, json.loads(body)["code"]) == (413, "photo_too_big")
    assert send(writer, "GET", path)[2] == b"[]"


def test_a_kept_picture_is_on_the_page_of_its_morning(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("keeper")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    kept, gone = (json.loads(send(writer, "POST", path, saved("JPEG"))[2])["id"] for _ in range(2))
    assert send(writer, "POST", f"{path}/{kept}/keep?kept=true")[0] == 200
    assert writer.request("POST", f"/api/v1/sessions/{session}/finish")[0] == 200
    _, page = writer.request("GET", f"/sessions/{session}/finished/")
    assert kept in page
    assert gone not in page
    assert send(writer, "GET", f"{path}/{gone}.jpg")[0] == 404
    assert send(writer, "POST", f"/sessions/{session}/photos/{kept}/forget/")[0] == 302
    assert send(writer, "GET", f"{path}/{kept}.jpg")[0] == 404


# --- a model that sees ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def the_seeing_house() -> Iterator[House]:
    with house(FakeEngine(rate=200.0), ENGINE_SEES="yes") as built:
        yield built


async def test_a_seeing_node_takes_over_and_every_tab_hears_of_it(the_seeing_house: House) -> None:
    [(cookie, session)] = await asyncio.to_thread(the_seeing_house.sit_down, "seer")
    writer, path = Writer(the_seeing_house, cookie), f"/api/v1/sessions/{session}/photos"
    async with tab(writer, session) as page:
        status, _, body = await asyncio.to_thread(send, writer, "POST", path, saved("JPEG", misty((900, 600))))
        assert status == 200
        sent = json.loads(body)
        assert sent["source"] == "measured"
        seen = await photo_notices(page, "vlm")
        assert (seen["id"], seen["chips"]) == (sent["id"], ["远山", "孤舟", "芦苇", "晨光", "深秋", "宁静", "青", "灰"])
        asked = await page.inspire(form="wujue", photo_id=seen["id"], chips=seen["chips"][:2])
        assert (await page.ended(asked["candidates"][0]["id"])).status == "done"
        async with socket(writer, session) as opened:
            hello = await Tab(opened).expect("hello")
            assert [photo["chips"] for photo in hello["photos"]] == [seen["chips"]]
        await asyncio.to_thread(send, writer, "DELETE", f"{path}/{seen['id']}")
        while (notice := await page.expect("notice"))["kind"] != "photo_gone":
            pass
        assert notice["id"] == seen["id"]


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


# --- what takes long ------------------------------------------------------------------------------------------------
def half_sent(writer: Writer, path: str, raw: bytes) -> std_socket.socket:
    """A request that has sent its head and half of its body, and keeps the line."""
    line = std_socket.create_connection(("127.0.0.1", writer.house.web_port))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{writer.house.web_port}\r\nOrigin: {writer.house.url}\r\n"
    head += f"Cookie: session={writer.cookie}; csrf={CSRF}\r\nX-CSRFToken: {CSRF}\r\nContent-Type: image/jpeg\r\n"
    line.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw[: len(raw) // 2])
    return line


def test_an_upload_that_is_cancelled_leaves_nothing(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("hesitant")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    before = {file.name for file in (the_photo_house.folder / "photos").glob("*")}
    half_sent(writer, path, noisy()).close()
    assert send(writer, "GET", path)[2] == b"[]"  # the same process, after it
    assert {file.name for file in (the_photo_house.folder / "photos").glob("*")} == before
    canary(the_photo_house)


def test_a_slow_upload_holds_up_nobody(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("slow")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    raw = noisy()
    with contextlib.ExitStack() as lines:
        slow = [lines.enter_context(half_sent(writer, path, raw)) for _ in range(20)]
        assert send(writer, "POST", path, saved("JPEG"))[0] == 200
        slow[0].sendall(raw[len(raw) // 2 :])
        assert b" 200 " in slow[0].recv(100)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "JPEG", "PNG", "WEBP"])
def test_no_slot_for_words_of_any_format_comes_through(the_photo_house: House, kind: str) -> None:
    [(cookie, session)] = the_photo_house.sit_down(f"traveller-{kind}".lower())
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    slots: dict[str, Any] = {"exif": gps(), "xmp": b"<x>" + MARK + b"</x>"}
    slots |= {"JPEG": {"comment": MARK, "icc_profile": profile()}, "WEBP": {"icc_profile": profile()}}.get(kind, {})
    if kind == "PNG":
        slots = {"exif": gps(), "pnginfo": told_twice(), "icc_profile": profile()}
    pillow_heif.register_heif_opener()
    raw = saved(kind, misty((640, 480)), **slots) + MARK
    assert raw.count(MARK) >= 2
    assert send(writer, "POST", path, raw)[0] == 200
    canary(the_photo_house)


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + MARK


def told_twice() -> PngImagePlugin.PngInfo:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", MARK.decode())
    told.add_itxt("XML:com.adobe.xmp", MARK.decode())
    return told
