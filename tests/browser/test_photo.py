"""A photograph on the session page, in Chromium: dropped, its chips changed, a poem of it; kept; on a phone too."""

import base64

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.desk import LATE, Desk, Tables
from tests.house import FakeEngine, house
from tests.inference.vision.test_gate import misty, saved

pytestmark = pytest.mark.browser
GIVE = """([way, target, kind, bytes]) => {
  const file = new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], "trees.jpg", { type: kind });
  const data = new DataTransfer();
  data.items.add(file);
  const told = way === "drop" ? { dataTransfer: data } : { clipboardData: data };
  const Kind = way === "drop" ? DragEvent : ClipboardEvent;
  document.querySelector(target).dispatchEvent(new Kind(way, { ...told, bubbles: true, cancelable: true }));
}"""


def give(desk: Desk, way: str, raw: bytes | None = None) -> None:
    """Onto the manuscript itself, which must not take it."""
    picture = base64.b64encode(raw if raw is not None else saved("JPEG", misty((900, 600)))).decode()
    desk.page.evaluate(GIVE, [way, ".cm-content", "image/jpeg", picture])


def test_a_dropped_picture_becomes_chips_and_a_poem(tables: Tables) -> None:
    desk = tables.sit()
    desk.type("湖上")
    give(desk, "drop")
    photo = desk.page.locator(".photo")
    expect(photo.locator("img")).to_have_js_property("naturalWidth", 900)
    chips = photo.locator("input.chip")
    expect(chips.first).to_have_value("明光")
    photo.get_by_placeholder("添一个").fill("疏林")
    photo.get_by_placeholder("添一个").press("Enter")
    expect(photo.locator(".photo-whose")).to_have_text("意象已由你改过，写诗时就用这些。")
    photo.get_by_role("button", name="去掉明光").click()
    desk.page.reload()
    desk.ready()
    expect(photo.locator("li input.chip").nth(-2)).to_have_value("疏林")
    expect(photo).to_have_count(1)
    expect(photo.locator(".photo-whose")).to_have_text("意象已由你改过，写诗时就用这些。")
    desk.ask("wujue", "清晨的湖")
    assert desk.written()
    assert desk.text == "湖上"
    photo.get_by_label("写完以后也留着").check()
    photo.get_by_role("button", name="删掉这张照片").click()
    expect(photo).to_have_count(0)


def test_a_pasted_picture_is_no_text(tables: Tables) -> None:
    desk = tables.sit()
    desk.type("湖")
    give(desk, "paste")
    expect(desk.page.locator(".photo img")).to_be_visible()
    assert desk.text == "湖"


def test_what_is_no_picture_is_told_in_its_place(tables: Tables) -> None:
    desk = tables.sit()
    give(desk, "drop", b"%PDF-1.7")
    expect(desk.page.locator(".photos .error")).to_contain_text("不是这里能打开的图片")
    assert all("400" in fault for fault in tables.faults)
    tables.faults.clear()  # the browser tells of every refusal


def test_a_phone_may_use_its_camera(tables: Tables) -> None:
    desk = tables.sit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    desk.page.get_by_role("button", name="灵感").click()
    camera = desk.page.locator(".photo_take input")
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": saved("JPEG", misty((600, 900)))})
    expect(desk.page.locator(".photo img")).to_be_visible()


def test_only_the_newest_goes_along_and_the_others_say_so(tables: Tables) -> None:
    desk = tables.sit()
    for count in (1, 2):
        give(desk, "drop")
        expect(desk.page.locator(".photo")).to_have_count(count)
        expect(desk.heard).to_contain_text("只由光线和颜色推断")
    newest, older = desk.page.locator(".photo").first, desk.page.locator(".photo").last
    expect(newest.locator(".photo-stays")).to_be_hidden()
    expect(older.locator(".photo-stays")).to_have_text("写诗时不用这张，只用最新的一张。")
    expect(older).to_have_css("opacity", "1")
    older.locator("input.chip").first.fill("疏林")
    older.locator("input.chip").first.press("Enter")
    expect(older.locator(".photo-whose")).to_be_hidden()
    newest.get_by_role("button", name="删掉这张照片").click()
    expect(desk.page.locator(".photo")).to_have_count(1)
    expect(desk.page.locator(".photo-whose")).to_have_text("意象已由你改过，写诗时就用这些。")
    expect(desk.page.locator(".photo-stays")).to_be_hidden()


def test_an_answer_that_comes_while_she_types_waits_and_her_words_win(browser: Browser) -> None:
    with house(FakeEngine(rate=10.0), ENGINE_SEES="yes") as built:
        tables = Tables(browser, built)
        desk = tables.sit()
        give(desk, "drop")
        chip = desk.page.locator(".photo input.chip").first
        expect(chip).to_have_value("明光")
        chip.fill("疏")
        other = Desk(desk.page.context.new_page()).open(desk.page.url)
        expect(other.page.locator(".photo input.chip").first).to_have_value("远山", timeout=LATE)
        desk.page.bring_to_front()
        expect(chip).to_be_focused()
        desk.page.keyboard.type("林")
        desk.page.keyboard.press("Enter")
        expect(desk.page.locator(".photo-whose")).to_have_text("意象已由你改过，写诗时就用这些。")
        expect(chip).to_have_value("疏林")
        tables.leave()
