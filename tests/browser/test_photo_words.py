"""A real photograph on the session page: guessed chips that say so, a poem, kept, gone; a slow line, and a cancel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.desk import Desk, Tables
from tests.browser.test_photo import give
from tests.house import FakeEngine, house
from tests.processes_inference import tagger_file
from tests.writingapp.sending import gate_at_work, long_work, pictures

pytestmark = [pytest.mark.browser, pytest.mark.tagger]
COFFEE = (Path(__file__).parents[1] / "photographs" / "coffee.jpg").read_bytes()
GUESSED = "由图像标签、光线和颜色推断"


@pytest.fixture(scope="module")
def guessing(browser: Browser) -> Iterator[Tables]:
    """A house with the classifier."""
    tagger_file()
    with house(FakeEngine(rate=60.0), PHOTO_TAGS="yes") as built:
        yield Tables(browser, built)


@pytest.fixture
def tables(guessing: Tables) -> Iterator[Tables]:
    yield guessing
    guessing.leave()


def test_a_cup_of_coffee_becomes_a_poem_and_is_kept(tables: Tables) -> None:
    desk = tables.sit()
    give(desk, "drop", COFFEE)
    photo = desk.page.locator(".photo")
    expect(photo.locator("input.chip").first).to_have_value("一盏热饮")
    expect(photo.locator(".photo-whose")).to_contain_text(GUESSED)
    expect(desk.heard).to_contain_text("一盏热饮")
    photo.locator("input.chip").first.fill("一盏热茶")
    photo.locator("input.chip").first.press("Enter")
    desk.ask("wujue", "")
    assert desk.written()
    photo.get_by_label("写完以后也留着").check()
    desk.page.reload()
    desk.ready()
    expect(photo.get_by_label("写完以后也留着")).to_be_checked()
    expect(photo.locator("input.chip").first).to_have_value("一盏热茶")
    desk.page.locator("[data-part=finish]").click()
    desk.lines.get_by_role("button", name="写完了").click()
    desk.page.wait_for_url("**/finished/")
    expect(desk.page.locator(".kept-photos img")).to_have_js_property("naturalWidth", 600)
    desk.page.locator(".kept-photos").get_by_role("button", name="删掉这张照片").click()
    expect(desk.page.locator(".kept-photos img")).to_have_count(0)


def test_a_second_tab_sees_the_picture_come_and_go(tables: Tables) -> None:
    desk = tables.sit()
    other = type(desk)(desk.page.context.new_page()).open(desk.page.url)
    give(desk, "drop", COFFEE)
    expect(other.page.locator(".photo input.chip").first).to_have_value("一盏热饮")
    desk.page.locator(".photo").get_by_role("button", name="删掉这张照片").click()
    expect(other.page.locator(".photo")).to_have_count(0)


def cancelled(desk: Desk) -> None:
    sending = desk.page.locator(".photo-sending")
    sending.get_by_role("button", name="取消").click()
    expect(sending).to_have_count(0)
    expect(desk.page.locator(".photos .error")).to_have_text("")


def test_an_upload_that_is_cancelled_on_its_way_leaves_nothing_on_the_page(tables: Tables) -> None:
    desk = tables.sit()
    held: list[Route] = []
    desk.page.route(
        "**/photos", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    give(desk, "drop", COFFEE)
    expect(desk.page.locator(".photo-sending progress")).to_be_visible()
    cancelled(desk)


def test_an_upload_that_is_cancelled_under_the_gate_leaves_nothing_in_the_house(tables: Tables) -> None:
    desk = tables.sit()
    before = pictures(tables.house)
    give(desk, "drop", long_work())
    with gate_at_work(tables.house):
        cancelled(desk)
    assert pictures(tables.house) == before
    desk.page.reload()
    desk.ready()
    expect(desk.page.locator(".photo")).to_have_count(0)


def test_a_phone_takes_a_picture(tables: Tables) -> None:
    desk = tables.sit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    desk.page.get_by_role("button", name="灵感").click()
    camera = desk.page.locator(".photo_take input")
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": COFFEE})
    expect(desk.page.locator(".photo input.chip").first).to_have_value("一盏热饮")
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
