"""People: signing up, coming in, and having the house as they like it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import PASSWORD
from writingapp import forms
from writingapp.accounts import keep_email
from writingapp.models import User

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

CHINESE, ENGLISH = {"Accept-Language": "zh-CN"}, {"Accept-Language": "en"}
ACCOUNT = {"language": "", "time_zone": "Asia/Shanghai", "show_clock": "on", "email": ""}


def sign_up(client: Client, **fields: str) -> "Response":
    told = {"username": "新来的", "password1": PASSWORD, "email": "", "time_zone": "Europe/Paris"}
    return client.post("/accounts/signup/", told | fields, headers=CHINESE)


def log_in(client: Client, password: str = PASSWORD, name: str = "owner") -> "Response":
    return client.post("/accounts/login/", {"login": name, "password": password}, headers=CHINESE)


def test_signing_up_needs_a_name_and_a_password_and_leads_to_today(client: Client, rows: None) -> None:
    response = sign_up(client)
    assert response.headers["Location"] == "/"
    user = User.objects.get(username="新来的")
    assert (user.time_zone, user.email, user.language) == ("Europe/Paris", "", "")
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize("told", ["", "Mars/Olympus", "../../etc/passwd", "x" * 500])
def test_a_time_zone_nobody_knows_becomes_the_houses_own(client: Client, rows: None, told: str) -> None:
    sign_up(client, time_zone=told)
    assert User.objects.get(username="新来的").time_zone == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"username": "owner"}, "这个名字已经有人用了，请换一个。"),
        ({"password1": "password"}, "这个密码太常见了。"),
        ({"password1": "短"}, "密码"),
        ({"email": "no address"}, "这不像一个邮箱地址。"),
    ],
)
def test_a_mistake_at_sign_up_is_told_and_makes_nobody(
    client: Client, owner: User, fields: dict[str, str], sentence: str
) -> None:
    response = sign_up(client, **fields)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert User.objects.count() == 1


def test_a_closed_house_says_so_and_takes_nobody(client: Client, rows: None, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False
    page = client.get("/accounts/signup/", headers=CHINESE).content.decode()
    assert "暂不开放注册" in page
    sign_up(client)
    assert not User.objects.exists()
    front = client.get("/", headers=CHINESE).content.decode()
    assert "/accounts/signup/" not in front
    assert "/accounts/login/" in front


def test_a_wrong_password_is_told_calmly(client: Client, owner: User) -> None:
    response = log_in(client, "wrong")
    assert "名字和密码对不上" in response.content.decode()
    assert client.get("/account/").status_code == 302


def test_an_unknown_name_gets_the_same_answer(client: Client, owner: User) -> None:
    assert "名字和密码对不上" in log_in(client, "wrong", "nobody").content.decode()


def test_after_five_failures_even_the_right_password_must_wait(client: Client, owner: User) -> None:
    for _ in range(5):
        log_in(client, "wrong")
    response = log_in(client)
    assert "短时间内试得太多" in response.content.decode()
    assert client.get("/account/").status_code == 302


def test_too_many_tries_from_one_place_are_answered_by_a_page_of_ours(client: Client, owner: User) -> None:
    for tries in range(31):
        response = log_in(client, "wrong", f"nobody{tries}")
    assert response.status_code == 429
    assert "这扇门要关几分钟" in response.content.decode()


def test_logging_out_takes_a_button_not_a_link(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.get("/accounts/logout/").status_code == 200
    assert client.get("/account/").status_code == 200
    assert client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"
    assert client.get("/account/").status_code == 302


def test_the_password_can_be_changed(client: Client, owner: User) -> None:
    client.force_login(owner)
    new = "芦花三十里-2027"
    told = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    page = client.post("/accounts/password/change/", told, follow=True, headers=CHINESE).content.decode()
    assert "密码已经改好。" in page
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_the_password_is_not_changed_without_the_old_one(client: Client, owner: User) -> None:
    client.force_login(owner)
    told = {"oldpassword": "wrong", "password1": "芦花三十里-2027", "password2": "芦花三十里-2027"}
    page = client.post("/accounts/password/change/", told, headers=CHINESE).content.decode()
    assert "这不是你现在的密码。" in page
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_lost_password_is_found_again_by_mail(client: Client, owner: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    keep_email(owner, "owner@example.org")
    page = client.post("/accounts/password/reset/", {"email": "owner@example.org"}, follow=True, headers=CHINESE)
    assert "链接已寄出" in page.content.decode()
    (letter,) = mail.outbox
    assert "设一个新密码" in letter.subject
    assert "从这个链接设新密码" in letter.body
    link = next(line for line in str(letter.body).splitlines() if "/accounts/password/reset/key/" in line)
    form = client.get(link.split("testserver")[1], follow=True, headers=CHINESE)
    new = "芦花三十里-2027"
    done = client.post(form.request["PATH_INFO"], {"password1": new, "password2": new}, follow=True, headers=CHINESE)
    assert "密码已经改好" in done.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(new)
    again = client.get(link.split("testserver")[1], follow=True, headers=CHINESE)
    assert "这个链接打不开了" in again.content.decode()


# ---- language ----


@pytest.mark.parametrize(
    ("browser", "lang"),
    [
        ("zh-CN", "zh-Hans"),
        ("zh-TW,zh", "zh-Hans"),
        ("en-GB", "en"),
        ("fr,en;q=0.5", "en"),
        ("fr", "zh-Hans"),
        ("", "zh-Hans"),
    ],
)
def test_a_stranger_is_spoken_to_as_her_browser_asks(client: Client, rows: None, browser: str, lang: str) -> None:
    response = client.get("/", headers={"Accept-Language": browser})
    assert f'<html lang="{lang}">' in response.content.decode()
    assert response.headers["Content-Language"] == lang.lower()


def test_a_stranger_can_choose_the_other_language(client: Client, rows: None) -> None:
    client.post("/language/setlang/", {"language": "en", "next": "/"})
    assert '<html lang="en">' in client.get("/", headers=CHINESE).content.decode()


def test_the_account_decides_before_the_browser(client: Client, owner: User) -> None:
    client.force_login(owner)
    client.post("/account/", ACCOUNT | {"language": "en"}, headers=CHINESE)
    assert '<html lang="en">' in client.get("/", headers=CHINESE).content.decode()


def test_no_other_language_can_be_chosen(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.post("/account/", ACCOUNT | {"language": "fr"}, headers=CHINESE).status_code == 422
    User.objects.filter(pk=owner.pk).update(language="fr")
    assert '<html lang="en">' in client.get("/", headers=ENGLISH).content.decode()


# ---- account ----


def test_what_she_chooses_is_kept_and_said(client: Client, owner: User) -> None:
    client.force_login(owner)
    told = {"language": "en", "time_zone": "America/New_York", "indent_paragraphs": "on", "email": ""}
    response = client.post("/account/", told, follow=True, headers=CHINESE)
    assert "Saved." in response.content.decode()
    owner.refresh_from_db()
    assert (owner.language, owner.time_zone) == ("en", "America/New_York")
    assert (owner.indent_paragraphs, owner.show_clock) == (True, False)
    assert f"It is {datetime.now(UTC).astimezone(ZoneInfo('America/New_York')):%H:}" in response.content.decode()


def test_her_address_moves_only_with_her_password_and_the_old_one_is_told(
    client: Client, owner: User, settings: Settings
) -> None:
    """Whoever finds her browser open must not get the account by its recovery address."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    keep_email(owner, "old@example.org")
    client.force_login(owner)
    told = ACCOUNT | {"email": "new@example.org", "language": "en"}
    asked = client.post("/account/", told, headers=CHINESE)
    owner.refresh_from_db()
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert (owner.email, owner.language, mail.outbox) == ("old@example.org", "", [])
    wrong = client.post(asked.headers["Location"], {"password": "wrong"}, headers=CHINESE)
    assert "密码" in wrong.content.decode()
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/account/"}, headers=CHINESE)
    owner.refresh_from_db()
    assert (owner.email, owner.language) == ("new@example.org", "en"), "nothing that she filled in is lost"
    (letter,) = mail.outbox
    assert letter.to == ["old@example.org"]


def test_a_refused_form_keeps_what_she_filled_in_and_changes_nothing(client: Client, owner: User) -> None:
    client.force_login(owner)
    told = ACCOUNT | {"time_zone": "Mars/Olympus", "email": "no", "language": "en"}
    response = client.post("/account/", told, headers=CHINESE)
    page = response.content.decode()
    assert response.status_code == 422
    assert "没有叫这个名字的时区，请从列表里选。" in page
    assert "这不像一个邮箱地址。" in page
    assert 'value="Mars/Olympus"' in page
    owner.refresh_from_db()
    assert (owner.language, owner.time_zone, owner.email) == ("", "Asia/Shanghai", "")


def test_her_address_is_one_and_can_be_taken_away(owner: User) -> None:
    for email in ("One@example.org", "two@example.org", ""):
        keep_email(owner, email)
        owner.refresh_from_db()
        assert owner.email == email
        known = list(EmailAddress.objects.filter(user=owner).values_list("email", flat=True))
        assert known == ([email.lower()] if email else [])


def test_the_zones_offered_are_real_and_told_by_their_distance() -> None:
    winter = dict(forms.time_zones(datetime(2026, 1, 15, 12, 34, tzinfo=UTC)))
    assert winter["Asia/Shanghai"] == "UTC+0800"
    assert winter["America/New_York"] == "UTC-0500"
    assert len(winter) > 300


def test_pages_tell_time_in_her_zone(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Pacific/Kiritimati")
    client.force_login(owner)
    there = timezone.now().astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert f"那里现在是 {there:%H:}" in client.get("/account/", headers=CHINESE).content.decode()
