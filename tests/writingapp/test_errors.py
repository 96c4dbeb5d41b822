"""Error pages: what happened, what is safe, what to do."""

import pytest
from django.test import Client, RequestFactory
from django.utils import translation
from pytest_django import Settings

from tests.processes import free_port
from writingapp.models import User
from writingapp.views import errors

CHINESE = {"Accept-Language": "zh-CN"}


def cache_away(settings: Settings) -> None:
    """Point the cache at a port where nothing listens."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{free_port()}/2",
        }
    }


def test_a_missing_page_says_where_the_manuscripts_are(client: Client, rows: None) -> None:
    response = client.get("/nowhere/", headers=CHINESE)
    assert response.status_code == 404
    assert "你的手稿都在「往日」里" in response.content.decode()


def test_an_old_form_is_refused_and_told_how_to_go_on(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    response = client.post("/", {"length": "5"}, headers=CHINESE)
    assert response.status_code == 403
    assert "这一页放得太久了" in response.content.decode()


def test_staff_pages_are_shut_to_writers(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.get("/staff/", follow=True, headers=CHINESE)
    assert response.status_code == 403
    assert "你写的都还在" in response.content.decode()


def test_login_without_the_cache_is_a_calm_503(client: Client, owner: User, settings: Settings) -> None:
    cache_away(settings)
    response = client.post("/accounts/login/", {"login": "owner", "password": "wrong"}, headers=CHINESE)
    page = response.content.decode()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "10"
    assert "显示已保存的都已保存" in page
    assert "Traceback" not in page


def test_writing_goes_on_without_the_cache(client: Client, owner: User, settings: Settings) -> None:
    client.force_login(owner)
    cache_away(settings)
    assert client.get("/").status_code == 200
    assert client.get("/mornings/").status_code == 200
    assert client.post("/", {"length": "5", "suggestion": "霜"}).status_code == 302


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_broken_server_answers_without_touching_the_database(language: str) -> None:
    # No database fixture: a query here would raise.
    with translation.override(language):
        response = errors.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert ("已保存" if language == "zh-hans" else "saved") in response.content.decode()


def test_a_program_is_told_in_its_own_way() -> None:
    response = errors.unavailable(RequestFactory().get("/api/v1/sessions/x"))
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/json"
    assert b'"unavailable"' in response.content
