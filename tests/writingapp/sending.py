"""Photographs over the wire, for tests and figures: bytes as a body, and what the socket tells of them."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from tests.client import CSRF, Tab, Writer
from tests.house import House
from tests.inference.vision.test_gate import saved
from tests.processes import wait_until


def send(
    writer: Writer, method: str, path: str, body: bytes = b"", language: str = ""
) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", writer.house.web_port, timeout=60)
    headers = {"Cookie": f"session={writer.cookie}; csrf={CSRF}", "X-CSRFToken": CSRF, "Origin": writer.house.url}
    headers |= {"Accept-Language": language} if language else {}
    line.request(method, path, body or None, headers | {"Content-Type": "image/jpeg"})
    answer = line.getresponse()
    told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    line.close()
    return told


async def photo_notices(page: Tab, source: str) -> dict[str, Any]:
    """The next word of a photograph seen this way."""
    while True:
        notice = await page.expect("notice")
        if notice["kind"] == "photo" and notice["photo"]["source"] == source:
            return dict(notice["photo"])


def long_work() -> bytes:
    """A picture that a gate is at for a while."""
    return saved("PNG", Image.effect_noise((1800, 1800), 60).convert("RGB"), compress_level=1)


def gates(house: House) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(house.web.popen.pid).children():
        with suppress(psutil.Error):
            found += [each] if "inference.vision.gate" in each.cmdline() else []
    return found


@contextmanager
def gate_at_work(house: House) -> Iterator[psutil.Process]:
    """The house's gate, held in the middle of what comes in; afterwards it must have ended, long before its clock."""
    wait_until(lambda: bool(gates(house)), within=20, what="the gate")
    [gate] = gates(house)
    gate.suspend()
    yield gate
    wait_until(lambda: not gate.is_running(), within=5, what="the end of the gate")


def pictures(house: House) -> set[Path]:
    return set((house.folder / "photos").glob("*"))
