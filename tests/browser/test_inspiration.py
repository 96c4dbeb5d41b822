"""Inspiration on the session page, in Chromium with the fake engine: frames, reload, stop, take, undo, faults."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.desk import Desk, Tables

pytestmark = pytest.mark.browser


def test_a_text_grows_in_steps_and_each_step_goes_on_from_the_last(tables: Tables) -> None:
    desk = tables.sit()
    desk.watch()
    desk.ask("free", "清晨的湖")
    text = desk.written()
    expect(desk.cards.first.locator(".card-state")).to_have_text("写好了")
    firsts = [step for step in desk.steps if text.startswith(step.rstrip("\n"))]
    assert len(firsts) >= 10
    assert all(later.startswith(earlier) for earlier, later in pairwise(firsts))


def test_nothing_above_the_text_moves_while_it_streams(tables: Tables) -> None:
    desk = tables.sit()
    desk.ask("wujue", "清晨的湖")
    expect(desk.verse.first).to_be_visible()
    before = desk.cards.nth(1).bounding_box()
    desk.written()
    desk.written(1)
    assert desk.cards.nth(1).bounding_box() == before


def test_a_reload_in_the_middle_loses_nothing(tables: Tables) -> None:
    desk = tables.sit()
    desk.ask("english", "the lake in the morning")
    expect(desk.verse.first).not_to_be_empty()
    seen = desk.verse.first.inner_text()
    desk.page.reload()
    desk.ready()
    desk.watch(1)
    expect(desk.verse.first).to_contain_text(seen)
    texts = [desk.written(card) for card in (0, 1)]
    assert len(desk.steps) > 3  # the second was written before our eyes
    rows = [tables.house.row(desk.candidate(card)) for card in (0, 1)]
    assert [text.strip() for text in texts] == [text.strip() for _, text in rows]


def test_stop_stops_and_keeps_what_was_there(tables: Tables) -> None:
    desk = tables.sit()
    desk.ask("english", "the lake in the morning")
    expect(desk.verse.nth(1)).to_be_visible()
    desk.page.locator(".inspiration").first.get_by_role("button", name="停下").click()
    text = desk.written(0, "stopped")
    expect(desk.cards.first.locator(".card-state")).to_have_text("已停下")
    expect(desk.cards.nth(1)).to_have_attribute("data-status", "stopped")
    assert len(text) > 3
    expect(desk.page.get_by_role("button", name="再求一次")).to_be_visible()


def test_a_line_or_a_whole_poem_is_taken_at_the_cursor_and_undo_takes_it_back(tables: Tables) -> None:
    desk = tables.sit()
    desk.type("湖上。雾")
    desk.ask("wujue", "清晨的湖")
    poem = desk.written()
    line = poem.split("\n")[1]
    desk.come_to_the_text()
    desk.page.keyboard.press("Control+End")
    desk.page.keyboard.press("ArrowLeft")
    desk.cards.first.get_by_role("button", name=f"取这一句：{line}").click()
    assert desk.text == f"湖上。{line}雾"
    expect(desk.editor).to_be_focused()
    expect(desk.cards.first.locator(".taken")).to_have_text("已取用")
    desk.cards.first.get_by_role("button", name="取用全诗").click()
    assert desk.text == f"湖上。{line}\n{poem}\n雾"
    desk.page.keyboard.press("Control+z")
    assert desk.text == f"湖上。{line}雾"
    desk.page.keyboard.press("Control+z")
    assert desk.text == "湖上。雾"
    desk.saved()


def test_earlier_inspirations_are_kept_and_folded(tables: Tables) -> None:
    desk = tables.sit()
    desk.ask("haiku", "晨雾")
    first = desk.written()
    desk.written(1)
    desk.page.get_by_role("button", name="再求一次").click()
    expect(desk.page.locator(".inspiration")).to_have_count(2)
    expect(desk.page.locator(".inspiration[open]")).to_have_count(1)
    desk.written(1)
    desk.page.locator(".inspiration").nth(1).locator("> summary").click()
    expect(desk.page.locator(".inspiration").nth(1).locator(".verse").first).to_have_text(first.replace("\n", ""))


def test_those_who_listen_hear_one_sentence_at_the_start_and_one_at_the_end(tables: Tables) -> None:
    desk = tables.sit()
    desk.page.evaluate("""() => {
      window.said = [];
      const heard = document.querySelector("[data-part=heard]");
      new MutationObserver(() => window.said.push(heard.textContent)).observe(heard, { childList: true });
    }""")
    desk.ask("wujue", "清晨的湖")
    expect(desk.cards.first.locator(".verse")).to_have_attribute("aria-busy", "true")
    desk.written()
    desk.written(1)
    expect(desk.cards.first.locator(".verse")).to_have_attribute("aria-busy", "false")
    assert desk.page.evaluate("window.said") == ["灵感正在写。", "灵感写好了。"]


def test_whoever_wants_less_motion_sees_whole_lines_only(tables: Tables) -> None:
    desk = tables.sit(reduced_motion="reduce")
    desk.watch()
    desk.ask("wujue", "清晨的湖")
    poem = desk.written().split("\n")
    shown = {line for step in desk.steps for line in step.split("\n") if line}
    assert shown <= {*poem, *desk.written(1).split("\n")}


def test_a_continuation_without_a_text_is_refused_beside_its_field(tables: Tables) -> None:
    desk = tables.sit()
    desk.page.locator("input[name=kind][value=continue]").check(force=True)
    desk.page.get_by_role("button", name="求一个灵感").click()
    expect(desk.page.locator("[data-error=kind]")).not_to_be_empty()
    expect(desk.page.locator(".inspiration")).to_have_count(0)
    desk.type("湖上有雾，")
    desk.page.keyboard.press("Control+Enter")
    desk.written()


def test_a_wish_that_is_too_long_is_told_beside_it(tables: Tables) -> None:
    desk = tables.sit()
    desk.ask("free", "愿" * 501)
    expect(desk.page.locator("#wish-error")).to_have_text(re.compile("最多 500 字.*501"))
    expect(desk.page.locator("#wish")).to_be_focused()


def test_an_ask_too_many_waits_honestly_and_is_made_in_its_turn(tables: Tables) -> None:
    desk = tables.sit()
    for wish in ("一", "二", "三"):
        desk.ask("english", wish)
        if wish != "三":
            expect(desk.page.locator(".inspiration .wish").first).to_have_text(wish)
    expect(desk.page.locator("[data-said]")).to_contain_text("秒后替你再求一次")
    expect(desk.page.locator(".inspiration .wish").first).to_have_text("三", timeout=60_000)


def test_a_text_that_fails_says_so_and_keeps_what_was_there(tables: Tables) -> None:
    desk = tables.sit()
    desk.ask("free", "#die 湖")
    expect(desk.cards.first).to_have_attribute("data-status", re.compile("failed|interrupted"), timeout=60_000)
    expect(desk.cards.first.locator(".card-state")).to_have_text(re.compile("没有写成。|断了，留下了这些"))
    expect(desk.page.get_by_role("button", name="再求一次")).to_be_visible(timeout=60_000)


def test_markup_in_a_text_is_only_text(tables: Tables) -> None:
    desk = tables.sit()
    desk.type("<img src=x onerror=alert(1)>")
    desk.saved()
    second = Desk(desk.page.context.new_page()).open(desk.page.url)
    assert second.text == "<img src=x onerror=alert(1)>"
    expect(second.editor.locator("img")).to_have_count(0)


def test_an_ask_without_a_line_goes_out_when_it_is_back_even_after_a_reload(tables: Tables) -> None:
    desk = tables.sit()
    desk.page.context.set_offline(True)
    expect(desk.state).to_have_text("已保存")
    desk.page.evaluate("dispatchEvent(new Event('offline'))")
    expect(desk.lines).to_contain_text("连接断开了")
    desk.ask("wujue", "清晨的湖")
    expect(desk.page.locator("[data-said]")).to_contain_text("连上就替你去求")
    desk.page.context.set_offline(False)
    desk.page.reload()
    desk.ready()
    desk.written()
    expect(desk.page.locator(".inspiration")).to_have_count(1)


def test_the_engine_hears_what_she_is_about_to_ask_once_her_hands_rest(tables: Tables) -> None:
    desk = tables.sit()
    hints: list[dict[str, str]] = []

    def note(frame: str | bytes) -> None:
        said = json.loads(frame)
        if said["type"] == "hint":
            hints.append(said)

    desk.page.on("websocket", lambda line: line.on("framesent", note))
    desk.page.reload()
    desk.ready()
    desk.choose("wujue")
    desk.page.locator("#wish").press_sequentially("清晨的湖", delay=20)
    while not hints or hints[-1]["wish"] != "清晨的湖":
        desk.page.wait_for_timeout(50)
    assert hints[-1] == {"type": "hint", "kind": "poem", "form": "wujue", "wish": "清晨的湖"}
    assert len(hints) <= 2
    expect(desk.page.locator(".inspiration")).to_have_count(0)
