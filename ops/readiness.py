"""Asks the web process and the engine whether they answer."""

import http.client
import urllib.error
import urllib.request

SECONDS = 1.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy: it is this machine


def status_of(url: str) -> int | None:
    """The HTTP status an address answers with, redirects followed; None while nothing answers."""
    try:
        with OPENER.open(url, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return None


def web_works(status: int | None) -> bool:
    """Any answer but a server error: a page, a login, or a refusal of this machine's bare address behind a proxy."""
    return status is not None and status < 500
