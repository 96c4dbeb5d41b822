"""A writer judges: by keyboard and by touch, with tags, undo and consent; her ledger, and what she takes back."""

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.desk import Desk, Tables

pytestmark = pytest.mark.browser


def finished_pair(desk: Desk, form: str = "wujue") -> None:
    earlier = desk.page.locator(".inspiration").count()
    desk.ask(form, "清晨的湖")
    expect(desk.page.locator(".inspiration")).to_have_count(earlier + 1)
    desk.written(0)
    desk.written(1)
    expect(row(desk)).to_be_visible()


def row(desk: Desk) -> Locator:
    return desk.page.locator(".inspiration:first-child .rating-row")


def judged(desk: Desk, name: str) -> None:
    """Also where the sheet of a small screen is closed."""
    expect(row(desk).locator(".judge[aria-pressed=true]")).to_have_text(name)


def unjudged(desk: Desk) -> None:
    expect(row(desk).locator("[aria-pressed=true]")).to_have_count(0)


def test_with_the_keys_alone_she_judges_changes_her_mind_and_takes_it_back(tables: Tables) -> None:
    desk = tables.sit()
    finished_pair(desk)
    expect(desk.page.locator(".wrote:not(:empty)")).to_have_count(0)
    row(desk).locator("button").first.focus()
    for key, name in [("ArrowLeft", "第一稿更好"), ("ArrowRight", "第二稿更好"), ("=", "一样好"), ("0", "都不好")]:
        desk.page.keyboard.press(key)
        judged(desk, name)
        expect(desk.heard).to_have_text(f"记下了：{name}。")
    expect(desk.page.locator(".wrote").first).to_have_text("由底模写成")
    desk.page.keyboard.press("u")
    unjudged(desk)
    expect(desk.page.locator(".wrote").first).to_be_empty()
    desk.page.keyboard.press("ArrowLeft")
    judged(desk, "第一稿更好")


def test_stars_for_a_text_and_for_a_line_by_keyboard(tables: Tables) -> None:
    desk = tables.sit()
    finished_pair(desk)
    card = desk.cards.first
    card.locator(".star").first.focus()
    desk.page.keyboard.press("4")
    expect(card.locator(".card-rating > .stars .lit")).to_have_count(4)
    card.locator(".verse-line").nth(1).focus()
    desk.page.keyboard.press("2")
    card.locator(".by-line summary").click()
    expect(card.locator(".line-stars .stars").nth(1).locator(".lit")).to_have_count(2)
    expect(card.locator(".line-stars .stars").nth(0).locator(".lit")).to_have_count(0)
    expect(card.locator(".card-rating > .stars .lit")).to_have_count(4)


def test_no_key_judges_while_she_writes(tables: Tables) -> None:
    desk = tables.sit()
    finished_pair(desk)
    desk.type("五0=u12345")
    desk.page.keyboard.press("ArrowLeft")
    desk.saved()
    desk.page.locator("#wish").fill("")
    desk.page.locator("#wish").press_sequentially("0=u")
    unjudged(desk)
    expect(desk.page.locator("#wish")).to_have_value("0=u")


def test_by_touch_with_tags_and_a_reload_and_another_tab_show_the_same(tables: Tables) -> None:
    desk = tables.sit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    desk.page.get_by_role("button", name="灵感", exact=True).tap()
    finished_pair(desk, "haiku")
    second = Desk(desk.page.context.new_page()).open(desk.page.url)
    small = [
        button
        for button in desk.page.locator(":is(.judge, .star):visible").all()
        if (box := button.bounding_box()) and min(box["width"], box["height"]) < 44
    ]
    assert small == []
    row(desk).get_by_role("button", name="第二稿更好").tap()
    judged(desk, "第二稿更好")
    desk.page.get_by_role("button", name="意象新").tap()
    expect(desk.page.get_by_role("button", name="意象新")).to_have_attribute("aria-pressed", "true")
    desk.cards.first.locator(".card-rating > .stars .star").nth(2).tap()
    expect(desk.cards.first.locator(".card-rating > .stars .lit")).to_have_count(3)
    judged(second, "第二稿更好")  # the row is in the page, the sheet is closed
    desk.page.reload()
    judged(desk, "第二稿更好")
    expect(desk.page.locator(".tag[aria-pressed=true]")).to_have_text("意象新")


def test_she_is_asked_once_and_her_ledger_tells_and_takes_back(tables: Tables) -> None:
    desk = tables.sit()
    finished_pair(desk)
    row(desk).get_by_role("button", name="第一稿更好").click()
    question = desk.page.locator(".question:visible")
    expect(question).to_contain_text("可以用来训练这里的模型吗")
    question.get_by_role("button", name="可以").click()
    expect(question).to_have_count(0)
    expect(desk.page.get_by_label("可用于训练模型")).to_be_checked()
    finished_pair(desk, "haiku")
    row(desk).get_by_role("button", name="一样好").click()
    judged(desk, "一样好")
    expect(question).to_have_count(0)
    expect(desk.page.locator(".inspiration:first-child").get_by_label("可用于训练模型")).to_be_checked()

    page = desk.page
    page.get_by_role("link", name="评稿簿").first.click()
    entries = page.locator(".entry")
    expect(entries).to_have_count(2)
    expect(entries.nth(1)).to_contain_text("你更喜欢这一稿")
    expect(entries.nth(1).locator(".fate")).to_have_text("等夜里配对。")
    entries.nth(1).get_by_role("button", name="不再用于训练").click()
    expect(entries.nth(1).locator(".fate")).to_have_text("留给你自己，不用于训练。")
    with page.expect_download() as download:
        page.get_by_role("link", name="全部下载").click()
    told = json.loads(download.value.path().read_text("utf-8"))
    assert [each["kind"] for each in told["ratings"]] == ["prefer", "tie"]
    assert all(each["candidates"][0]["text"] for each in told["ratings"])
    entries.nth(0).get_by_role("button", name="撤回").click()
    expect(entries.nth(0).locator(".fate")).to_have_text("你撤回了它。")
    page.get_by_role("link", name="全部撤回").click()
    page.get_by_role("button", name="撤回全部").click()
    expect(page.locator(".entry[data-fate=withdrawn]")).to_have_count(2)
    page.get_by_role("link", name="等待中").click()
    expect(entries).to_have_count(0)


def test_whoever_turns_rating_off_sees_none_of_it(tables: Tables) -> None:
    desk = tables.sit()
    finished_pair(desk)
    session = desk.page.url
    desk.page.goto(f"{tables.house.url}/account/")
    desk.page.get_by_label("让我评模型写来的稿").uncheck()
    desk.page.get_by_role("button", name="保存").click()
    desk.open(session)
    desk.written(1)
    expect(desk.page.locator(".rating, .stars")).to_have_count(0)


def test_what_could_not_be_recorded_is_said_and_not_shown_as_judged(tables: Tables) -> None:
    desk = tables.sit()
    finished_pair(desk)
    desk.page.route(re.compile("/compare$"), lambda route: route.abort())
    row(desk).get_by_role("button", name="一样好").click()
    expect(desk.page.locator(".rating-said")).to_contain_text("这次没有记下")
    unjudged(desk)
    desk.page.unroute(re.compile("/compare$"))
    row(desk).get_by_role("button", name="一样好").click()
    judged(desk, "一样好")
    expect(desk.page.locator(".rating-said")).to_be_empty()
