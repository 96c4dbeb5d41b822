"""The whole main job with the real 0.5B model, in a real Chromium: from an empty sign-up form to a finished morning."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import LATE, Desk, Tables
from tests.house import RealEngine, house
from tests.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]


@pytest.fixture
def real(browser: Browser) -> Iterator[Tables]:
    with house(RealEngine()) as built:
        tables = Tables(browser, built)
        yield tables
        tables.leave()


def test_a_morning_from_signing_up_to_the_finished_page(real: Tables) -> None:
    page = real.context().new_page()
    _sign_up(page, real.house.url)
    desk = _begin(page)
    _write(desk)
    poem = _ask_and_watch(desk)
    _take_and_undo(desk, poem)
    _reload_midway_then_stop(real, desk)
    _second_tab(desk)
    _finish(desk, poem)


def _sign_up(page: Page, url: str) -> None:
    page.goto(f"{url}/accounts/signup/")
    page.get_by_label("名字").fill("林晚")
    page.get_by_label("密码").fill("晨露未晞2026")
    page.get_by_role("button", name="开好账户").click()
    page.wait_for_url(f"{url}/")


def _begin(page: Page) -> Desk:
    page.locator("input[name=length][value='10']").check(force=True)
    page.get_by_role("button", name="开始写").click()
    page.wait_for_url("**/sessions/*/")
    return Desk(page).ready()


def _write(desk: Desk) -> None:
    desk.compose("q", "qing chen", "qing chen de hu", commit="清晨的湖")
    desk.page.keyboard.type("，")
    desk.compose("w", "wu hai mei san", commit="雾还没散")
    expect(desk.count).to_have_text("8 字")
    desk.saved()
    assert desk.text == "清晨的湖，雾还没散"


def _ask_and_watch(desk: Desk) -> str:
    desk.watch()
    desk.ask("wujue", "清晨的湖")
    poem = desk.written()
    steps = [step.rstrip("\n") for step in desk.steps]
    assert len(steps) >= 8  # it arrived piece by piece
    assert all(later.startswith(earlier) for earlier, later in pairwise(steps))
    assert [len(line) for line in poem.split("\n")] == [6, 6, 6, 6]  # five characters and a mark
    desk.written(1)
    return poem


def _take_and_undo(desk: Desk, poem: str) -> None:
    before = desk.text
    line = poem.split("\n")[0]
    desk.come_to_the_text()
    desk.page.keyboard.press("Control+End")
    desk.cards.first.get_by_role("button", name=f"取这一句：{line}").click()
    assert desk.text == before + line
    desk.page.keyboard.press("Control+z")
    assert desk.text == before
    desk.cards.first.get_by_role("button", name="取用全诗").click()
    assert desk.text == f"{before}\n{poem}"
    desk.saved()


def _reload_midway_then_stop(tables: Tables, desk: Desk) -> None:
    desk.ask("free", "雾散之后的湖面，写长一点")
    expect(desk.page.locator(".inspiration")).to_have_count(2)
    expect(desk.verse.first).not_to_be_empty(timeout=LATE)
    manuscript, seen = desk.text, desk.verse.first.inner_text()
    desk.page.reload()
    desk.ready()
    assert desk.text == manuscript
    expect(desk.verse.first).to_contain_text(seen)
    desk.watch(1)
    wait_until(lambda: len(desk.steps) > 3, within=60, what="the second candidate to be written before our eyes")
    desk.page.locator(".inspiration").first.get_by_role("button", name="停下").click()
    for card, status in ((0, "done"), (1, "stopped")):
        text = desk.written(card, status)
        held = tables.house.row(desk.candidate(card))
        assert (status, text) == (held[0], held[1].rstrip("\n"))  # a line that has just been begun shows nothing


def _second_tab(desk: Desk) -> None:
    other = Desk(desk.page.context.new_page()).open(desk.page.url)
    assert other.text == desk.text
    other.come_to_the_text()
    other.page.keyboard.press("Control+End")
    other.page.keyboard.type("。")
    other.saved()
    expect(desk.editor.locator(".cm-line").last).to_contain_text("。。")
    other.page.close()


def _finish(desk: Desk, poem: str) -> None:
    desk.page.locator("[data-part=finish]").click()
    desk.lines.get_by_role("button", name="写完了").click()
    desk.page.wait_for_url("**/finished/")
    expect(desk.page.locator("#manuscript")).to_contain_text("清晨的湖，雾还没散")
    expect(desk.page.locator("#manuscript")).to_contain_text(poem.split("\n")[3])
