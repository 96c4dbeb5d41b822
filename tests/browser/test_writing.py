"""Writing on the session page, in a real Chromium: input methods, saves, two tabs, a broken line, the clock."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk import Desk, Line, Tables

pytestmark = pytest.mark.browser

SET_DEADLINE = """
from datetime import timedelta
from django.utils import timezone
from writingapp.models import WritingSession
WritingSession.objects.filter(pk=%r).update(deadline=timezone.now() + timedelta(seconds=%d))
"""
NO_HTTP = "window.fetch = () => Promise.reject(new Error('no way out'))"
WRONG_CLOCK = "const real = Date.now; Date.now = () => real() + 5 * 3600 * 1000;"


def test_pinyin_is_neither_counted_nor_saved_and_the_chosen_characters_are(tables: Tables) -> None:
    desk = tables.sit()
    sent: list[str] = []
    desk.page.on("websocket", lambda line: line.on("framesent", lambda frame: sent.append(str(frame))))
    desk.page.reload()
    desk.ready()
    desk.come_to_the_text()
    session = desk.page.context.new_cdp_session(desk.page)
    counts = []
    for stage in ("q", "qing", "qing chen", "qing'chen'de"):
        session.send(
            "Input.imeSetComposition", {"text": stage, "selectionStart": len(stage), "selectionEnd": len(stage)}
        )
        counts.append(desk.count.inner_text())
    desk.page.wait_for_timeout(3500)  # longer than the longest a save may wait
    assert not [frame for frame in sent if '"save"' in frame]
    session.send("Input.insertText", {"text": "清晨的"})
    expect(desk.count).to_have_text("3 字")
    assert set(counts) == {"0 字"}
    desk.saved()
    assert desk.text == "清晨的"
    assert "qing" not in "".join(sent)


def test_enter_never_asks_and_the_end_of_a_composition_neither(tables: Tables) -> None:
    desk = tables.sit()
    desk.type("湖")
    desk.page.keyboard.press("Enter")
    desk.compose("w", "wu", commit="雾")
    desk.page.keyboard.press("Enter")
    desk.saved()
    assert desk.text == "湖\n雾\n"
    expect(desk.page.locator(".inspiration")).to_have_count(0)


def test_a_second_tab_stays_in_step_with_text_turns_and_inspiration(tables: Tables) -> None:
    first = tables.sit()
    second = Desk(first.page.context.new_page()).open(first.page.url)
    first.type("湖上有雾。")
    first.saved()
    expect(second.editor).to_have_text("湖上有雾。")
    second.saved()
    second.type("桥")
    second.saved()
    expect(first.editor).to_have_text("桥湖上有雾。")
    first.page.locator("[data-part=pause]").click()
    expect(second.page.locator("[data-part=pause]")).to_have_text("继续")
    second.page.locator("[data-part=pause]").click()
    expect(first.page.locator("[data-part=pause]")).to_have_text("暂停")
    first.ask("wujue", "清晨的湖")
    assert first.written() == second.written()
    assert first.written(1) == second.written(1)


def cut_off(tables: Tables, cookie: str, url: str, before: str = "") -> tuple[Desk, Line]:
    """A desk with 晨 saved and 光 on the device only, its line broken; `before` runs ahead of the page's scripts."""
    page = tables.context(cookie).new_page()
    page.add_init_script(before)
    line = Line(page)
    desk = Desk(page).open(url)
    desk.type("晨")
    desk.saved()
    line.break_off()
    desk.type("光")
    expect(desk.state).to_have_text("只在这台设备上")
    return desk, line


def test_a_broken_line_is_told_truly_and_what_was_written_meanwhile_arrives(tables: Tables) -> None:
    desk, line = cut_off(tables, *tables.guest())
    expect(desk.lines).to_contain_text("连接断开了")
    line.mend()
    desk.saved()
    expect(desk.lines).not_to_contain_text("连接断开了")
    desk.page.reload()
    assert desk.ready().text == "晨光"


def test_a_page_that_dies_without_a_line_leaves_its_text_on_the_device(tables: Tables) -> None:
    cookie, url = tables.guest()
    desk, _ = cut_off(tables, cookie, url, NO_HTTP)
    desk.page.wait_for_timeout(500)  # the copy is kept after 200 ms
    desk.page.close()
    again = Desk(tables.contexts[-1].new_page()).open(url)
    expect(again.editor).to_have_text("晨光")
    again.saved()
    other = Desk(tables.context(cookie).new_page()).open(url)  # a device that knows nothing
    expect(other.editor).to_have_text("晨光")


def test_a_page_that_is_left_without_a_line_saves_by_http(tables: Tables) -> None:
    cookie, url = tables.guest()
    desk, _ = cut_off(tables, cookie, url)
    desk.page.goto(f"{tables.house.url}/account/")
    other = Desk(tables.context(cookie).new_page()).open(url)
    expect(other.editor).to_have_text("晨光")


def test_what_a_device_still_holds_reaches_a_session_that_was_finished_meanwhile(tables: Tables) -> None:
    cookie, url = tables.guest()
    desk, _ = cut_off(tables, cookie, url, NO_HTTP)
    desk.page.wait_for_timeout(500)  # the copy is kept after 200 ms
    desk.page.close()
    elsewhere = Desk(tables.context(cookie).new_page()).open(url)
    elsewhere.page.locator("[data-part=finish]").click()
    elsewhere.lines.get_by_role("button", name="写完了").click()
    expect(elsewhere.page.locator("#manuscript")).to_have_text("晨")
    again = tables.contexts[-2].new_page()
    again.goto(url)
    expect(again.locator("#manuscript")).to_have_text("晨光")
    elsewhere.page.reload()
    expect(elsewhere.page.locator("#manuscript")).to_have_text("晨光")


def test_two_texts_for_one_place_are_hers_to_choose_and_both_may_stay(tables: Tables) -> None:
    cookie, url = tables.guest()
    here = Desk(tables.context(cookie).new_page()).open(url)
    page = tables.context(cookie).new_page()
    line = Line(page)
    there = Desk(page).open(url)
    line.break_off()
    there.type("湖边有船")
    expect(there.state).to_have_text("只在这台设备上")
    here.type("湖上有雾")
    here.saved()
    line.mend()
    expect(there.state).to_have_text("有两份，请选一选")
    expect(there.lines).to_contain_text("湖上有雾")
    there.page.get_by_role("button", name="两份都留").click()
    there.saved()
    assert there.text == "湖边有船\n湖上有雾"
    expect(here.editor).to_have_text("湖边有船湖上有雾")  # the lines' texts without their break


def test_a_wrong_clock_on_this_machine_changes_nothing(tables: Tables) -> None:
    cookie, url = tables.guest()
    context = tables.context(cookie)
    context.add_init_script(WRONG_CLOCK)
    desk = Desk(context.new_page()).open(url)
    expect(desk.page.locator("[data-part=numerals]")).to_have_text(re.compile(r"^(10:00|9:\d\d)$"))


def test_the_line_of_dawn_moves_and_does_not_glide(tables: Tables) -> None:
    """What glides is painted sixty times a second, all morning, on her battery and beside the engine on her machine."""
    sun = tables.sit().page.locator("[data-part=sun]")
    before = sun.get_attribute("style")
    expect(sun).not_to_have_attribute("style", before or "")
    assert not any(sun.evaluate("sun => sun.getAnimations().length") for _ in range(100))


def test_the_last_minute_and_the_end_are_said_and_the_text_stays(tables: Tables) -> None:
    cookie, url = tables.guest()
    session = url.rstrip("/").rsplit("/", 1)[-1]
    tables.house.inside(SET_DEADLINE % (session, 62))
    desk = Desk(tables.context(cookie).new_page()).open(url)
    desk.type("晨")
    expect(desk.lines).to_contain_text("还有一分钟。要再写五分钟吗？")
    tables.house.inside(SET_DEADLINE % (session, -10))
    desk.page.reload()
    desk.ready()
    expect(desk.lines).to_contain_text("时间到了")
    desk.page.keyboard.press("Control+End")
    desk.type("光")
    expect(desk.editor.locator(".late")).to_have_text("光")
    desk.saved()
    desk.lines.get_by_role("button", name="再写五分钟").click()
    expect(desk.lines).not_to_contain_text("时间到了")
    expect(desk.page.locator("[data-part=numerals]")).to_have_text("5:00")


def test_more_than_the_limit_stays_on_the_device_and_is_saved_when_shorter(tables: Tables) -> None:
    desk = tables.sit()
    paste = """text => {
      const data = new DataTransfer();
      data.setData("text/plain", text);
      const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
      document.querySelector(".cm-content").dispatchEvent(paste);
    }"""
    desk.come_to_the_text()
    desk.page.evaluate(paste, "晨光。\n" * 125_000)
    desk.saved()
    expect(desk.count).to_have_text("250,000 字")
    desk.type("湖")
    expect(desk.state).to_have_text("太长，存不上去，只在这台设备上")
    expect(desk.lines).to_contain_text("最多能存 500,000 个字符")
    desk.page.keyboard.press("Backspace")
    desk.page.keyboard.press("Backspace")
    desk.saved()
    expect(desk.lines).not_to_contain_text("最多能存")


def test_leaving_and_coming_back_by_keyboard_alone_works(tables: Tables) -> None:
    desk = tables.sit()
    expect(desk.editor).to_be_focused()
    desk.page.locator("#wish").focus()
    desk.page.keyboard.press("Escape")
    expect(desk.editor).to_be_focused()
    desk.type("晨")
    desk.saved()
    desk.page.locator("[data-part=finish]").press("Enter")
    expect(desk.lines.get_by_role("button", name="写完了")).to_be_focused()
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url("**/finished/")
    expect(desk.page.locator("#manuscript")).to_contain_text("晨")
