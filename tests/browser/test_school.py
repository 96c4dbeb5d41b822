"""The night school in a browser: curves that move and stop by themselves, the verdict, promote, roll back, pause."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Tables
from tests.house import House
from tests.processes import wait_until

pytestmark = pytest.mark.browser

HEAD = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.conf import settings
from tests.writingapp.school import head
who = head(%r)
store = SessionStore()
store[SESSION_KEY] = str(who.pk)
store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
store[HASH_SESSION_KEY] = who.get_session_auth_hash()
store.save()
print(json.dumps(store.session_key))
"""
GOING = """
import json
from tests.writingapp.school import going, tell
from writingapp.models import TrainingRun
TrainingRun.objects.all().delete()
run = going()
tell(run, 1, 10)
print(json.dumps(str(run.pk)))
"""
MORE = """
from tests.writingapp.school import tell
from writingapp.models import TrainingRun
tell(TrainingRun.objects.get(pk=%r), 11, 20)
"""
JUDGED = """
from tests.writingapp.school import REFUSED
from writingapp.models import TrainingRun
TrainingRun.objects.filter(pk=%r).update(state="refused", why="ranking", gate=REFUSED, lease_until=None)
"""
TWO = """
import json, tempfile
from pathlib import Path
from tests.tiny_adapter import tiny_adapter
from writingapp.models import Adapter, EngineNode
from writingapp.services import adapters
base = EngineNode.objects.get().model
names = []
for seed in (1, 2):
    with tempfile.TemporaryDirectory() as folder:
        row = adapters.register(folder=tiny_adapter(Path(folder) / "a", seed=seed), label=f"dew{seed}", base=base)
    Adapter.objects.filter(pk=row.pk).update(gate={"passed": True, "scale": 1.0})
    names.append(row.name)
print(json.dumps(names))
"""
STATES = """
import json
from writingapp.models import Adapter, School
print(json.dumps([dict(Adapter.objects.values_list("name", "state")), bool(School.objects.exclude(paused_at=None))]))
"""
LOOKING = """looking => {
  Object.defineProperty(document, "hidden", { get: () => !looking, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
Ask = Callable[[str], str]


@pytest.fixture
def ask(quiet_house: House) -> Ask:
    """Runs a piece of Python in the house, and answers what it prints."""
    return lambda code: quiet_house.inside(code)


@pytest.fixture
def sit(tables: Tables, ask: Ask) -> Callable[[str], Page]:
    return lambda name: tables.context(json.loads(ask(HEAD % name))).new_page()


def test_curves_move_without_a_reload_and_the_verdict_comes_by_itself(
    sit: Callable[[str], Page], ask: Ask, quiet_house: House
) -> None:
    page, run = sit("curves"), json.loads(ask(GOING))
    page.goto(f"{quiet_house.url}/school/runs/{run}/")
    page.evaluate("window.same = true")
    curve = page.locator(".curve-line").first
    before = curve.get_attribute("points")
    expect(page.locator(".steps p")).to_contain_text("10")
    ask(MORE % run)
    expect(page.locator(".steps p")).to_contain_text("20")
    assert curve.get_attribute("points") != before
    expect(page.locator("#gate")).to_have_count(0)
    ask(JUDGED % run)
    expect(page.locator("#gate .failed")).to_have_count(1)
    expect(page.locator(".sample")).to_have_count(1)
    expect(page.locator("[data-going]")).to_have_count(0)
    expect(page.locator("[data-said]")).not_to_be_empty()
    assert page.evaluate("window.same")


def test_nothing_is_asked_for_while_nobody_looks_nor_after_the_end(
    sit: Callable[[str], Page], ask: Ask, quiet_house: House
) -> None:
    page, run, asked = sit("hidden"), json.loads(ask(GOING)), []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/live/") else None)
    page.clock.install()
    page.goto(f"{quiet_house.url}/school/runs/{run}/")
    page.evaluate(LOOKING, False)
    page.clock.run_for(30_000)
    assert asked == []
    ask(JUDGED % run)
    page.evaluate(LOOKING, True)
    page.clock.run_for(5_000)
    expect(page.locator("#gate")).to_be_visible()
    page.clock.run_for(30_000)
    expect(page.locator("#gate")).to_be_visible()
    assert len(asked) == 1


def test_a_run_is_stopped_in_two_presses_of_a_key(sit: Callable[[str], Page], ask: Ask, quiet_house: House) -> None:
    page, run = sit("stopper"), json.loads(ask(GOING))
    page.goto(f"{quiet_house.url}/school/runs/{run}/")
    page.locator(".confirm summary").press("Enter")
    page.locator(".confirm button").press("Enter")
    expect(page.locator(".note.good")).to_be_visible()
    expect(page.locator("[data-going]")).to_have_count(0)
    expect(page.locator(".confirm")).to_have_count(0)


def test_promote_roll_back_and_pause(sit: Callable[[str], Page], ask: Ask, quiet_house: House) -> None:
    """The nodes load for real: the house's own worker fits them."""
    page, (one, two) = sit("promoter"), json.loads(ask(TWO))
    address = f"{quiet_house.url}/school/adapters/"
    for name in (one, two):
        page.goto(address)
        with page.expect_navigation():  # a reload in the middle of one finds no page
            _button(page, name, "load").click()
        _until_proved(page, name)
        _button(page, name, "promote").click()
        expect(page.locator(".lede")).to_contain_text(name)
    _card(page, two).locator(".confirm summary").first.click()
    _card(page, two).locator("form[action$='/back/'] button").click()
    expect(page.locator(".lede")).to_contain_text(one)
    page.goto(f"{quiet_house.url}/school/")
    page.locator("button[value=pause]").click()
    expect(page.locator("button[value=resume]")).to_be_visible()
    assert json.loads(ask(STATES)) == [{one: "serving", two: "retired"}, True]
    page.locator("button[value=resume]").click()
    expect(page.locator("button[value=pause]")).to_be_visible()


def _card(page: Page, name: str) -> Locator:
    return page.locator(f"[id='{name}']")


def _button(page: Page, name: str, verb: str) -> Locator:
    return page.locator(f"form[action$='/{name}/{verb}/'] button")


def _until_proved(page: Page, name: str) -> None:
    """Whoever waits reloads the page until each node has proved it."""

    def proved() -> bool:
        page.reload()
        return _button(page, name, "promote").get_attribute("class") == "button"

    wait_until(proved, within=60, what="the node to prove it")
