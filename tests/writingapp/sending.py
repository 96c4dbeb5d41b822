"""Photographs over the wire, for tests and figures: bytes as a body, and what the socket tells of them."""

import http.client
from typing import Any

from tests.client import CSRF, Tab, Writer


def send(writer: Writer, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", writer.house.web_port, timeout=60)
    headers = {"Cookie": f"session={writer.cookie}; csrf={CSRF}", "X-CSRFToken": CSRF, "Origin": writer.house.url}
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
