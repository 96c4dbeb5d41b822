"""A server that plays a model hub: ranges, redirects, listings, and every bad manner a network has."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One request: what for, and from which byte."""

    path: str
    start: int | None


@dataclass
class Offer:
    """How one path is answered."""

    body: bytes
    then: bytes | None = None  # what later requests get
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)  # break the connection after so many bytes, once each
    then_status: int | None = None  # once the cuts are used up
    stall_after: int | None = None  # stop sending until go_on
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    to: str = ""  # a redirect
    kind: str = "application/octet-stream"
    times: int = 0


class Hub:
    """What the server offers and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.offers: dict[str, Offer] = {}
        self.requests: list[Asked] = []

    def serve(self, path: str, body: bytes, **manners: object) -> Offer:
        self.offers[path] = Offer(body, **manners)  # type: ignore[arg-type]
        return self.offers[path]

    def redirect(self, path: str, to: str) -> None:
        self.offers[path] = Offer(b"", to=to)

    def tell(self, path: str, value: object) -> None:
        self.offers[path] = Offer(json.dumps(value).encode(), kind="application/json")


def handler_for(hub: Hub) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers from the hub's offers."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            offer = hub.offers.get(self.path)
            asked = self.headers.get("Range", "")
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else None
            if offer is None:
                self._head(404, {"Content-Length": "0"})
            elif offer.to:
                self._head(302, {"Location": offer.to, "Content-Length": "0"})
            else:
                hub.requests.append(Asked(self.path, start))
                self._offer(offer, start if offer.ranges else None)

        def _offer(self, offer: Offer, start: int | None) -> None:
            offer.times += 1
            if offer.then_status is not None and not offer.cut_after:
                self._head(offer.then_status, {"Content-Length": "0"})
                return
            body = offer.body if offer.then is None or offer.times == 1 else offer.then
            rest = body[start or 0 :]
            heads = {"Content-Length": str(len(rest)), "Content-Type": offer.kind}
            if start is not None:
                heads["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self._head(206 if start is not None else 200, heads)
            self._send(offer, rest)

        def _send(self, offer: Offer, rest: bytes) -> None:
            if offer.cut_after:
                self.wfile.write(rest[: offer.cut_after.pop(0)])
                self.close_connection = True
            elif offer.stall_after is not None and not offer.go_on.is_set():
                self.wfile.write(rest[: offer.stall_after])
                self.wfile.flush()
                offer.reached.set()
                offer.go_on.wait(60)
                self.wfile.write(rest[offer.stall_after :])
            else:
                self.wfile.write(rest)

        def _head(self, status: int, heads: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in heads.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True  # the client was killed: that is what some tests do

    return Handler


@contextmanager
def played_hub() -> Iterator[Hub]:
    """A hub on a free port."""
    hub = Hub("")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        for offer in hub.offers.values():
            offer.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
