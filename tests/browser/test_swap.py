"""Another line in the place of one: asked for at the line, chosen from two, taken along, put back."""

import json
import re

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.desk import LATE, Desk, Tables

pytestmark = pytest.mark.browser


def poem_on(desk: Desk) -> list[str]:
    desk.ask("wujue", "清晨的湖")
    desk.written(1)
    return desk.written().split("\n")


def swapped(desk: Desk, line: int, choice: int) -> str:
    """Ask for other lines and take one of the two; answers it."""
    desk.cards.first.locator(".swap-line").nth(line).click()
    choices = desk.cards.first.locator(".swap-choices:not([hidden]) .swap-choice:enabled")
    expect(choices).to_have_count(2, timeout=LATE)
    text = choices.nth(choice).text_content() or ""
    choices.nth(choice).click()
    expect(desk.cards.first.locator(".verse-line").nth(line)).to_have_text(text)
    return text


def lines_of(desk: Desk) -> list[str]:
    lines: list[str] = desk.cards.first.locator(".verse-line").evaluate_all("all => all.map(one => one.textContent)")
    return lines


def test_a_line_is_swapped_taken_along_and_put_back(tables: Tables) -> None:
    desk = tables.sit()
    poem = poem_on(desk)
    line = swapped(desk, 1, 1)
    assert line != poem[1]
    assert (len(line), line[-1]) == (len(poem[1]), poem[1][-1])
    expect(desk.heard).to_have_text(f"已换成：{line}")
    expect(desk.cards.first.locator(".swap-choices:visible")).to_have_count(0)
    now = [poem[0], line, *poem[2:]]
    desk.page.reload()
    desk.ready()
    expect(desk.cards.first.locator(".verse-line").nth(1)).to_have_text(line)
    desk.cards.first.get_by_role("button", name="取用全诗").click()
    assert desk.text == "\n".join(now)
    desk.cards.first.get_by_role("button", name=f"换回：{poem[1]}").click()
    expect(desk.cards.first.locator(".verse-line").nth(1)).to_have_text(poem[1])
    assert lines_of(desk) == poem


def test_another_tab_shows_what_was_chosen(tables: Tables) -> None:
    desk = tables.sit()
    poem_on(desk)
    other = Desk(desk.page.context.new_page()).open(desk.page.url)
    expect(other.cards).to_have_count(2)
    line = swapped(desk, 2, 0)
    expect(other.cards.first.locator(".verse-line").nth(2)).to_have_text(line)


def test_the_question_of_consent_waits_for_the_first_judgement(tables: Tables) -> None:
    desk = tables.sit()
    poem_on(desk)
    swapped(desk, 0, 0)
    expect(desk.page.locator(".question:visible")).to_have_count(0)
    desk.page.locator(".inspiration:first-child .judge").first.click()
    expect(desk.page.locator(".question:visible")).to_have_count(1)


def test_she_may_leave_it_as_it_is(tables: Tables) -> None:
    desk = tables.sit()
    poem = poem_on(desk)
    desk.cards.first.locator(".swap-line").first.click()
    expect(desk.cards.first.locator(".swap-choice:enabled")).to_have_count(2, timeout=LATE)
    desk.cards.first.get_by_role("button", name="不换了").click()
    expect(desk.cards.first.locator(".swap-choices:visible")).to_have_count(0)
    assert lines_of(desk) == poem


def test_one_that_finds_no_room_says_so_and_is_asked_again(tables: Tables) -> None:
    desk = tables.sit()
    swaps: list[str] = []

    def route(line: WebSocketRoute) -> None:
        house = line.connect_to_server()

        def sent(said: str | bytes) -> None:
            message = json.loads(said)
            if message["type"] == "swap":
                swaps.append(message["key"])
            if len(swaps) == 1 and message["type"] == "swap":
                busy = {
                    "type": "busy",
                    "key": message["key"],
                    "code": "busy",
                    "message": "正忙。",
                    "retry_after_ms": 2000,
                }
                line.send(json.dumps(busy))
            else:
                house.send(said)

        line.on_message(sent)

    desk.page.route_web_socket(re.compile("/ws/"), route)
    desk.page.reload()
    desk.ready()
    poem_on(desk)
    desk.cards.first.locator(".swap-line").first.click()
    expect(desk.cards.first.locator(".swap-said")).to_contain_text("正忙。 大约 2 秒后替你再求一次")
    expect(desk.page.locator("[data-said]")).to_have_text("")
    expect(desk.cards.first.locator(".swap-choice:enabled")).to_have_count(2, timeout=LATE)
    expect(desk.cards.first.locator(".swap-said")).to_have_text("")
    assert swaps == [swaps[0]] * 2


def test_by_touch_on_a_small_screen(tables: Tables) -> None:
    desk = tables.sit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    desk.page.get_by_role("button", name="灵感", exact=True).tap()
    poem_on(desk)
    sign = desk.cards.first.locator(".swap-line").nth(3)
    box = sign.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    swapped(desk, 3, 0)
