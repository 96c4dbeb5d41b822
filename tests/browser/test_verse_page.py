"""Verse on the page: a chooser that teaches, what else she asks, a verdict below the poem, lines that stay."""

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.desk import LATE, Desk, Tables

pytestmark = pytest.mark.browser

OLD_LINE = """
from writingapp.models import Candidate
poem = Candidate.objects.get(pk=%r)
poem.text = "\\n".join(["白日依山尽，", *poem.text.split("\\n")[1:]])
poem.save()
"""


def poem_on(desk: Desk, form: str = "wujue") -> list[str]:
    desk.ask(form, "清晨的湖")
    desk.written(1)
    return desk.written().split("\n")


def characters(desk: Desk) -> Locator:
    """The characters of the first poem, each with its tone."""
    expect(desk.cards.first.locator(".checks")).to_be_visible()
    if not desk.cards.first.locator(".why").evaluate("fold => fold.open"):
        desk.cards.first.locator(".why > summary").click()
    return desk.cards.first.locator(".judged .cell")


def asked(desk: Desk) -> list[dict[str, object]]:
    """Every ask that goes out from here on."""
    heard: list[dict[str, object]] = []

    def note(frame: str | bytes) -> None:
        said = json.loads(frame)
        if said["type"] == "inspire":
            heard.append(said)

    desk.page.on("websocket", lambda line: line.on("framesent", note))
    desk.page.reload()
    desk.ready()
    return heard


def test_a_form_is_chosen_and_its_pattern_read(tables: Tables) -> None:
    desk = tables.sit()
    desk.choose("qilv")
    lesson = desk.page.locator(".lesson")
    expect(lesson.locator(".about")).to_contain_text("八句，每句七字")
    expect(lesson.locator(".scan li")).to_have_count(8)
    expect(lesson.locator(".source")).to_have_text("《锦瑟》 李商隐（唐）")
    signs = lesson.locator(".scan li").first.locator(".sign").all_text_contents()
    assert "".join(signs) == "⊙●○○⊙●△"
    lesson.get_by_label("平起不入韵").check(force=True)
    expect(lesson.locator(".source")).to_have_text("《客至》 杜甫（唐）")
    heard = lesson.locator(".scan li .visually-hidden").first
    expect(heard).to_have_text("舍南舍北皆春水， 可平可仄 平声 可平可仄 仄声 平声 平声 仄声")


def test_the_chooser_goes_by_keys_and_remembers_her_last_form(tables: Tables) -> None:
    desk = tables.sit()
    desk.choose("wujue")
    desk.page.locator("input[name=form][value=wujue]").focus()
    for _ in range(2):
        desk.page.keyboard.press("ArrowRight")
    expect(desk.page.locator("input[name=form][value=wulv]")).to_be_checked()
    expect(desk.page.locator(".lesson summary")).to_have_text("五律怎么写")
    desk.page.evaluate("sessionStorage.clear()")
    desk.page.reload()
    desk.ready()
    expect(desk.page.locator("input[name=form][value=wulv]")).to_be_checked()
    desk.page.locator("input[name=group][value=modern]").check(force=True)
    expect(desk.page.locator("input[name=form][value=free]")).to_be_checked()
    desk.page.locator("input[name=group][value=regulated]").check(force=True)
    expect(desk.page.locator("input[name=form][value=wulv]")).to_be_checked()


def test_the_lesson_stays_folded_once_it_is_folded(tables: Tables) -> None:
    desk = tables.sit()
    desk.choose("qijue")
    expect(desk.page.locator(".lesson .scan li")).to_have_count(4)
    desk.page.locator(".lesson > summary").click()
    desk.page.reload()
    desk.ready()
    expect(desk.page.locator(".lesson summary")).to_be_visible()
    expect(desk.page.locator(".lesson .about")).to_be_hidden()


def test_a_line_head_that_cannot_be_is_told_at_its_field_and_nothing_is_lost(tables: Tables) -> None:
    desk = tables.sit()
    desk.choose("wujue")
    desk.page.locator(".wants > summary").click()
    desk.page.locator("#want-head").fill("湖上清晨好")
    desk.ask("wujue", "清晨的湖")
    error = desk.page.locator("#head-error")
    expect(error).to_contain_text("4")
    expect(desk.page.locator("#want-head")).to_be_focused()
    expect(desk.page.locator("#want-head")).to_have_attribute("aria-invalid", "true")
    expect(desk.page.locator("#want-head")).to_have_value("湖上清晨好")
    expect(desk.page.locator("#wish")).to_have_value("清晨的湖")
    desk.page.locator("#want-head").fill("清晨湖上")
    expect(error).to_be_empty()
    desk.page.keyboard.press("Control+Enter")
    desk.written(1)
    assert "".join(line[0] for line in desk.written().split("\n")) == "清晨湖上"


def test_what_else_she_asks_is_only_what_the_form_takes(tables: Tables) -> None:
    desk = tables.sit()
    heard = asked(desk)
    desk.choose("qijue")
    desk.page.locator(".wants > summary").click()
    desk.page.locator("#want-rhyme").select_option("阳")
    desk.page.locator("[name=strict]").check()
    desk.page.locator("[data-words] .chip").fill("湖")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("[data-asked]")).to_have_text("（已设 3 项）")
    desk.ask("free", "湖")
    desk.ask("qijue", "湖")
    desk.written(1)
    assert [said.get("options") for said in heard] == [
        {"words": ["湖"]},
        {"rhyme": "阳", "words": ["湖"], "strict": True},
    ]
    expect(desk.cards.first.locator(".checks")).to_contain_text("下平七阳")


def test_a_verdict_stands_below_each_finished_poem(tables: Tables) -> None:
    desk = tables.sit()
    poem_on(desk)
    for card in (0, 1):
        checks = desk.cards.nth(card).locator(".checks")
        expect(checks.locator(".right")).to_have_count(3)
        expect(checks).to_have_text(re.compile("字数合.*平仄合.*押韵合.*[上下]平.*入韵"))
    expect(desk.cards.first.locator(".why > div")).to_be_hidden()


def test_a_character_tells_its_tone_and_rhyme_and_the_arrows_lead_through_the_poem(tables: Tables) -> None:
    desk = tables.sit()
    poem = poem_on(desk)
    cells = characters(desk)
    expect(cells).to_have_count(20)
    assert desk.cards.first.locator(".judged .cell[tabindex='0']").count() == 1
    cells.first.focus()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("End")
    rhyme = cells.nth(9)
    expect(rhyme).to_be_focused()
    said = rhyme.get_attribute("aria-label") or ""
    assert re.fullmatch(f"{poem[1][4]}，(平声|平仄两读)，[上下]平.*，此处要平声韵", said)
    expect(desk.cards.first.locator(".reading")).to_have_text(said)
    desk.page.keyboard.press("ArrowRight")
    expect(cells.nth(10)).to_be_focused()


def test_all_of_it_is_hidden_in_one_setting_and_comes_back(tables: Tables) -> None:
    desk = tables.sit()
    poem_on(desk)
    characters(desk)
    desk.cards.first.get_by_role("button", name="以后不讲格律").click()
    expect(desk.cards.first.locator(".checks")).to_be_hidden()
    expect(desk.page.locator(".lesson")).to_be_hidden()
    desk.page.reload()
    desk.ready()
    expect(desk.cards).to_have_count(2)
    expect(desk.page.locator(".checks:visible, .lesson:visible")).to_have_count(0)
    desk.page.get_by_label("讲解体裁、平仄与押韵").check()
    expect(desk.cards.first.locator(".checks")).to_be_visible()
    expect(desk.page.locator(".lesson")).to_be_visible()


def test_a_line_of_old_is_marked_with_its_poem(tables: Tables) -> None:
    desk = tables.sit()
    poem_on(desk)
    tables.house.inside(OLD_LINE % desk.candidate())
    desk.page.reload()
    desk.ready()
    mark = desk.cards.first.locator(".verse-row").first.locator(".old-line")
    expect(mark).to_have_attribute("aria-label", "此句见于王之涣（唐）《登鹳雀楼》。")
    expect(desk.cards.first.locator(".sources")).to_have_text("第 1 句：此句见于王之涣（唐）《登鹳雀楼》。")


def test_lines_are_kept_and_the_poem_is_asked_for_again_around_them(tables: Tables) -> None:
    desk = tables.sit()
    poem = poem_on(desk)
    desk.cards.first.get_by_role("button", name=f"下次留着这一句：{poem[1]}").click()
    desk.page.reload()
    desk.ready()
    pin = desk.cards.first.get_by_role("button", name=f"下次留着这一句：{poem[1]}")
    expect(pin).to_have_attribute("aria-pressed", "true")
    desk.cards.first.get_by_role("button", name="留着这几句，再求一次").click()
    expect(desk.page.locator(".inspiration")).to_have_count(2)
    for card in (0, 1):
        again = desk.written(card).split("\n")
        assert again[1] == poem[1]
    assert desk.written().split("\n") != poem
    expect(desk.cards.first.locator(".pin-line[aria-pressed=true]")).to_have_count(1)


def test_a_swapped_line_is_judged_and_kept_as_it_is_now(tables: Tables) -> None:
    desk = tables.sit()
    poem_on(desk)
    characters(desk)
    desk.cards.first.locator(".swap-line").nth(3).click()
    choices = desk.cards.first.locator(".swap-choices:not([hidden]) .swap-choice:enabled")
    expect(choices).to_have_count(2, timeout=LATE)
    line = choices.first.text_content() or ""
    choices.first.click()
    swapped = desk.cards.first.locator(".judged .cell").nth(15)
    expect(swapped).to_have_attribute("aria-label", re.compile(f"^{line[0]}，"))
    expect(swapped).to_be_visible()  # the fold is as she left it
    desk.cards.first.locator(".pin-line").nth(3).click()
    desk.cards.first.get_by_role("button", name="留着这几句，再求一次").click()
    expect(desk.page.locator(".inspiration")).to_have_count(2)
    assert desk.written().split("\n")[3] == line


def test_a_tune_keeps_its_lines_across_the_stanzas(tables: Tables) -> None:
    desk = tables.sit()
    poem = poem_on(desk, "pusaman")
    assert poem[4] == ""
    expect(desk.cards.first.locator(".checks .right")).to_have_count(3)
    desk.cards.first.get_by_role("button", name=f"下次留着这一句：{poem[6]}").click()
    desk.cards.first.get_by_role("button", name="留着这几句，再求一次").click()
    expect(desk.page.locator(".inspiration")).to_have_count(2)
    assert desk.written().split("\n")[6] == poem[6]
    expect(desk.cards.first.locator(".pinned .verse-line")).to_have_text(poem[6])


def test_by_touch_every_sign_is_large_enough(tables: Tables) -> None:
    desk = tables.sit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    desk.page.get_by_role("button", name="灵感", exact=True).tap()
    expect(desk.page.locator(".lesson > div")).to_be_hidden()
    poem_on(desk, "qijue")
    cell = characters(desk).nth(3)
    cell.tap()
    expect(desk.cards.first.locator(".reading")).to_have_text(cell.get_attribute("aria-label") or "")
    for sign in (desk.cards.first.locator(".pin-line").first, desk.page.locator(".lesson > summary")):
        box = sign.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
    width = desk.page.evaluate("document.querySelector('[data-part=well]').scrollWidth")
    assert width <= 390
