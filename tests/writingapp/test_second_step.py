"""A second step at login: anybody may have one, staff must where the house says so."""

import re
import time
from types import SimpleNamespace

import pytest
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, validate_totp_code
from django.test import Client
from pytest_django import Settings

from tests.conftest import PASSWORD
from tests.writingapp.pairs import reviewer
from writingapp.models import User

ENGLISH = {"Accept-Language": "en"}
STEP = 30  # seconds that an app shows a code


def code_for(secret: str, at: float | None = None) -> str:
    """What her app shows now, or showed at some moment."""
    return str(format_hotp_value(hotp_value(secret, int(time.time() if at is None else at) // STEP)))


def log_in(client: Client, name: str) -> str:
    """Where the password leads to."""
    return client.post("/accounts/login/", {"login": name, "password": PASSWORD}).headers["Location"]


def set_up(client: Client) -> str:
    """Behind the password once more."""
    first = client.get("/accounts/2fa/totp/activate/")
    assert first.headers["Location"].startswith("/accounts/reauthenticate/")
    assert 'class="title"' in client.get(first.headers["Location"]).content.decode()
    told = {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"}
    assert client.post("/accounts/reauthenticate/", told).headers["Location"] == told["next"]
    page = client.get("/accounts/2fa/totp/activate/", headers=ENGLISH)
    assert "data:" in page.headers["Content-Security-Policy"]
    secret = re.search(r"<code[^>]*>(\w+)</code>", page.content.decode())
    assert secret
    wrong = client.post("/accounts/2fa/totp/activate/", {"code": "none"}, headers=ENGLISH)
    assert 'class="error"' in wrong.content.decode()
    assert client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret[1])}).status_code == 302
    return secret[1]


def test_a_writer_sets_it_up_and_is_asked_for_it(client: Client, owner: User) -> None:
    log_in(client, "owner")
    secret = set_up(client)
    for path in ("", "recovery-codes/", "recovery-codes/generate/", "totp/deactivate/"):
        page = client.get(f"/accounts/2fa/{path}", headers=ENGLISH)
        assert page.status_code == 200
        assert 'class="title"' in page.content.decode()
    codes = re.findall(r"<li><code>(\w+)</code>", client.get("/accounts/2fa/recovery-codes/").content.decode())
    assert len(codes) == 10
    client.logout()
    assert log_in(client, "owner") == "/accounts/2fa/authenticate/"
    assert client.get("/").context["user"].is_anonymous
    assert client.post("/accounts/2fa/authenticate/", {"code": codes[0]}).headers["Location"] == "/"
    assert client.get("/").context["user"] == owner
    assert secret not in client.get("/accounts/2fa/").content.decode()


@pytest.mark.parametrize("path", ["/desk/", "/desk/statistics/", "/staff/"])
def test_staff_without_it_are_led_to_it_where_the_house_asks(
    client: Client, rows: None, settings: Settings, path: str
) -> None:
    client.force_login(reviewer())
    assert client.get(path).status_code == 200
    settings.STAFF_NEEDS_TOTP = True
    assert client.get(path).headers["Location"] == "/accounts/2fa/totp/activate/"


def test_staff_with_it_come_in(client: Client, owner: User, settings: Settings) -> None:
    settings.STAFF_NEEDS_TOTP = True
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    log_in(client, "owner")
    set_up(client)
    assert client.get("/desk/").status_code == 200


def test_a_code_that_changed_while_she_typed_it_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, now = auth.generate_totp_secret(), 1_800_000_000.0
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: now))
    holds = [validate_totp_code(secret, code_for(secret, now - back * STEP)) for back in (0, 1, 2)]
    assert holds == [True, True, False]
