"""The review desk in a browser: fifty pairs by keyboard, many at once, taking back, an export; and without scripts."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Tables
from tests.house import House
from training.datasets import rows_of

pytestmark = pytest.mark.browser

PAIRS = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.conf import settings
from tests.writingapp.pairs import pair, reviewer
from writingapp.models import User
writer = User.objects.create_user(username=%(name)r + "-writer", language="zh-hans")
rows = [pair(writer, wish=%(name)r + str(at)) for at in range(%(count)d)]
who = reviewer(%(name)r, "view_auditevent")
store = SessionStore()
store[SESSION_KEY] = str(who.pk)
store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
store[HASH_SESSION_KEY] = who.get_session_auth_hash()
store.save()
print(json.dumps([store.session_key, writer.pseudonym]))
"""
STATES = """
import json
from writingapp.models import Pair
print(json.dumps(list(Pair.objects.filter(writer=%r).order_by("created_at", "id").values_list("state", "reason"))))
"""


Sitting = Callable[..., tuple[Page, str, Callable[[], list[list[str]]]]]


@pytest.fixture
def sit(tables: Tables, quiet_house: House) -> Sitting:
    """A reviewer at the queue of one writer with so many pairs: her page, its address, and the rows' states."""

    def sat(name: str, count: int, **options: object) -> tuple[Page, str, Callable[[], list[list[str]]]]:
        told = quiet_house.inside(PAIRS % {"name": name, "count": count})
        cookie, writer = json.loads(told)
        page = tables.context(cookie, **options).new_page()
        address = f"{quiet_house.url}/desk/?state=waiting&writer={writer}"
        page.goto(address)

        def states() -> list[list[str]]:
            rows: list[list[str]] = json.loads(quiet_house.inside(STATES % writer))
            return rows

        return page, address, states

    return sat


def test_fifty_pairs_by_keyboard_then_many_at_once_and_back_and_out(sit: Sitting) -> None:
    page, address, states = sit("fifty", 55)
    _begin(page)
    _clear(page, 50)
    assert states()[:50] == [["discarded", "garbled"] if at % 5 == 4 else ["approved", ""] for at in range(50)]
    page.keyboard.press("u")
    expect(page.locator(".wish")).to_have_text("fifty49")
    assert states()[49] == ["waiting", ""]
    _bulk(page, address)
    assert [state for state, _ in states()[49:]] == ["discarded"] * 6
    page.get_by_role("button", name="整批收回").click()
    expect(page.locator(".note.good")).to_be_visible()
    assert [state for state, _ in states()[49:]] == ["waiting"] * 6
    _export(page, address)


def _begin(page: Page) -> None:
    """Until the page listens: its list of keys is offered by the script that does."""
    page.keyboard.press("Enter")
    expect(page.locator("[data-help]")).to_be_visible()


def _clear(page: Page, count: int) -> None:
    for at in range(count):
        expect(page.locator(".wish")).to_have_text(f"fifty{at}")
        if at % 5 == 4:
            page.keyboard.press("d")
            expect(page.locator("[data-discard].armed")).to_be_visible()
            page.keyboard.press("6")
        else:
            page.keyboard.press("a")
    expect(page.locator(".wish")).to_have_text(f"fifty{count}")


def _bulk(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".pair-row")).to_have_count(6)
    page.locator("input[name=all]").check()
    page.locator("#bulk select[name=decision]").select_option("discard")
    page.locator("#bulk select[name=why]").select_option("both_weak")
    page.locator("#bulk button").click()
    expect(page.locator(".pair-row")).to_have_count(5)
    page.get_by_role("button", name="就这样判").click()
    page.wait_for_url("**/desk/batches/*/")


def _export(page: Page, address: str) -> None:
    page.goto(address.replace("waiting", "approved"))
    page.get_by_role("link", name="导出这些").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="导出").click()
    lines = waiting.value.path().read_text(encoding="utf-8").splitlines()
    assert len(rows_of([json.loads(line) for line in lines], "trl")) == 40


def test_the_other_keys_and_a_field_that_keeps_its_letters(sit: Sitting) -> None:
    page, address, states = sit("keys", 3)
    _begin(page)
    for key, wish in (("n", "keys1"), ("ArrowRight", "keys2"), ("p", "keys1"), ("ArrowLeft", "keys0"), ("s", "keys1")):
        page.keyboard.press(key)
        expect(page.locator(".wish")).to_have_text(wish)
    page.keyboard.press("f")
    expect(page.locator(".wish")).to_have_text("keys2")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert [state for state, _ in states()] == ["waiting", "flagged", "waiting"]
    page.goto(address)
    page.locator("input[name=words]").fill("a")
    page.locator("input[name=words]").press("d")
    expect(page.locator("input[name=words]")).to_have_value("ad")


def test_the_desk_works_without_scripts(sit: Sitting) -> None:
    page, _address, states = sit("plain", 2, java_script_enabled=False)
    page.locator("[data-begin]").click()
    page.locator("button[value=garbled]").click()
    expect(page.locator(".wish")).to_have_text("plain1")
    page.locator("button[value=approve]").click()
    assert states() == [["discarded", "garbled"], ["approved", ""]]
