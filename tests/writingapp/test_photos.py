"""Photographs through the whole house: taken in, shown to her alone, asked about, kept or gone; nothing else stays."""

import asyncio
import contextlib
import io
import json
import socket as std_socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pillow_heif
import pytest
import redis
from django.utils import translation
from PIL import Image, ImageCms, PngImagePlugin

from inference.vision.bounds import CODES
from tests import databases
from tests.client import CSRF, Tab, Writer, socket, tab
from tests.house import FakeEngine, House, house
from tests.inference.vision.test_gate import BAD, GOOD, MARK, gps, misty, saved
from tests.writingapp.sending import gate_at_work, long_work, photo_notices, pictures, send
from writingapp import access, doors, photo_doors
from writingapp.refusals import sentence
from writingapp.services import photos


# --- the real processes ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def the_photo_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With a place of its own for what is laid down for a moment."""
    with house(FakeEngine(rate=200.0), TMPDIR=str(tmp_path_factory.mktemp("moment"))) as built:
        yield built


def noisy() -> bytes:
    """Longer than what Daphne would lay on disk, with a mark in each slot that holds words."""
    picture = Image.effect_noise((700, 500), 60).convert("RGB")
    return saved("JPEG", picture, quality=95, exif=gps(), comment=MARK, xmp=b"<x>" + MARK + b"</x>")


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
    """The mark lies nowhere: files of the house (logs, pictures), files of a moment, rows of the database, Redis."""
    for folder in (built.folder, Path(built.env["TMPDIR"])):
        for file in folder.rglob("*"):
            assert not file.is_file() or MARK not in file.read_bytes(), file
    for row in databases.rows(built.env["DATABASE_URL"]):
        assert MARK.decode() not in row
        assert MARK.hex() not in row.lower()
    for number in range(3):
        with redis.Redis.from_url(f"{built.redis.url}/{number}") as client:
            assert all(MARK not in (client.dump(key) or b"") for key in client.scan_iter())


def test_the_rows_that_are_searched_are_those_of_the_house(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("canary-bird")
    path = f"/api/v1/sessions/{session}/photos"
    ident = json.loads(send(Writer(the_photo_house, cookie), "POST", path, saved("JPEG"))[2])["id"]
    rows = list(databases.rows(the_photo_house.env["DATABASE_URL"]))
    assert any("canary-bird" in row for row in rows)
    assert any(ident in row or uuid.UUID(ident).hex in row for row in rows)


SAID = {"zh-hans": "zh-CN", "en": "en"}  # languages of ours, as browsers name them


def said(code: str, language: str) -> str:
    with translation.override(language):
        return sentence(f"photo_{code}")


def test_every_refusal_has_one_sentence_in_each_language() -> None:
    for language in SAID:
        told = [said(code, language) for code in CODES]
        assert len(set(told)) == len(CODES)
        assert said("nowhere", language) not in told
        assert all(each.isascii() == (language == "en") for each in told)


@pytest.mark.once
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_told_in_one_sentence(the_photo_house: House, name: str) -> None:
    code, make = BAD[name]
    [(cookie, session)] = the_photo_house.sit_down(f"prankster-{name}".lower())
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    for language, header in SAID.items():
        status, _, body = send(writer, "POST", path, make(), language=header)
        told = json.loads(body)
        assert (status, told["code"]) == (413 if code == "too_big" else 400, f"photo_{code}")
        assert told["message"] == said(code, language)
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


async def test_a_picture_that_is_gone_leaves_its_chips_to_ask_with(the_photo_house: House) -> None:
    [(cookie, session), (stranger, others)] = await asyncio.to_thread(the_photo_house.sit_down, "again", "not-hers")
    writer, other = Writer(the_photo_house, cookie), Writer(the_photo_house, stranger)
    path, foreign = (f"/api/v1/sessions/{each}/photos" for each in (session, others))
    hers, not_hers = [
        json.loads((await asyncio.to_thread(send, who, "POST", where, saved("JPEG")))[2])["id"]
        for who, where in ((writer, path), (other, foreign))
    ]
    async with tab(writer, session) as page:
        key, said = str(uuid.uuid4()), {"kind": "poem", "form": "wujue", "candidates": 1}
        await page.send("inspire", key=key, photo_id=hers, **said)
        first = (await page.expect("queued"))["inspiration"]
        assert (await page.ended(first["candidates"][0]["id"])).status == "done"
        await asyncio.to_thread(send, writer, "DELETE", f"{path}/{hers}")
        await page.send("inspire", key=key, photo_id=hers, **said)
        assert (await page.expect("queued"))["inspiration"]["id"] == first["id"]
        for ident in (hers, not_hers):
            again = await page.inspire(form="wujue", photo_id=ident, chips=["远山"])
            assert (again["photo_id"], again["chips"]) == (None, ["远山"])
            assert (await page.ended(again["candidates"][0]["id"])).status == "done"
            await page.send("inspire", key=str(uuid.uuid4()), photo_id=ident, **said)
            assert (await page.expect("error"))["code"] == "not_found"


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


# --- what takes long ------------------------------------------------------------------------------------------------
def half_sent(writer: Writer, path: str, raw: bytes, part: float = 0.5) -> std_socket.socket:
    """A request that has sent its head and half of its body, or another part, and keeps the line."""
    line = std_socket.create_connection(("127.0.0.1", writer.house.web_port))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{writer.house.web_port}\r\nOrigin: {writer.house.url}\r\n"
    head += f"Cookie: session={writer.cookie}; csrf={CSRF}\r\nX-CSRFToken: {CSRF}\r\nContent-Type: image/jpeg\r\n"
    line.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw[: int(len(raw) * part)])
    return line


def test_an_upload_that_is_cancelled_leaves_nothing(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("hesitant")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    before = {file.name for file in (the_photo_house.folder / "photos").glob("*")}
    half_sent(writer, path, noisy()).close()
    assert send(writer, "GET", path)[2] == b"[]"  # the same process, after it
    assert {file.name for file in (the_photo_house.folder / "photos").glob("*")} == before
    canary(the_photo_house)


def test_an_upload_that_is_cancelled_under_the_gate_leaves_nothing(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("undecided")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    before = pictures(the_photo_house)
    with half_sent(writer, path, long_work(), part=1.0) as line, gate_at_work(the_photo_house):
        line.close()
    assert send(writer, "GET", path)[2] == b"[]"
    assert pictures(the_photo_house) == before


async def test_whoever_goes_while_a_picture_is_laid_down_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    began, go = threading.Event(), threading.Event()
    laid, told = MagicMock(pk=7), AsyncMock()

    def slow(**_: object) -> MagicMock:
        began.set()
        go.wait(20)
        return laid

    monkeypatch.setattr(access, "session_for", MagicMock())
    monkeypatch.setattr(photos, "room", MagicMock())
    monkeypatch.setattr(photos, "weights", lambda: None)
    monkeypatch.setattr(photos, "receive", slow)
    monkeypatch.setattr(doors, "tell", told)
    coming = asyncio.ensure_future(photo_doors.receive(MagicMock(), "s", saved("JPEG"), "en"))
    assert await asyncio.to_thread(began.wait, 20)
    coming.cancel()
    asyncio.get_running_loop().call_later(0.1, go.set)
    with pytest.raises(asyncio.CancelledError):
        await coming
    laid.delete.assert_called_once_with()
    assert [each.args[1]["kind"] for each in told.await_args_list] == ["photo_gone"]


def test_a_slow_upload_holds_up_nobody(the_photo_house: House) -> None:
    [(cookie, session)] = the_photo_house.sit_down("slow")
    writer, path = Writer(the_photo_house, cookie), f"/api/v1/sessions/{session}/photos"
    raw = noisy()
    with contextlib.ExitStack() as lines:
        slow = [lines.enter_context(half_sent(writer, path, raw)) for _ in range(20)]
        assert send(writer, "POST", path, saved("JPEG"))[0] == 200
        slow[0].sendall(raw[len(raw) // 2 :])
        assert b" 200 " in slow[0].recv(100)


@pytest.mark.once
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
