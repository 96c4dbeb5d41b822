"""Today: the theme, the form, and one session for one intention."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from writingapp.models import User, WritingSession
from writingapp.services import almanac, sessions

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

CHINESE, ENGLISH = {"Accept-Language": "zh-CN,zh;q=0.9"}, {"Accept-Language": "en-GB,en;q=0.9"}


def start(client: Client, **fields: str) -> "Response":
    return client.post(
        "/", {"suggestion": "霜", "own_theme": "", "length": "10", "goal": "", **fields}, headers=CHINESE
    )


def test_today_shows_the_term_and_its_theme(client: Client, owner: User) -> None:
    client.force_login(owner)
    day = almanac.writer_day(owner.time_zone, timezone.now())
    chinese, english = (client.get("/", headers=language).content.decode() for language in (CHINESE, ENGLISH))
    assert almanac.term_on(day).name.zh in chinese
    assert almanac.theme_of_the_day(day).zh in chinese
    assert almanac.theme_of_the_day(day).en in english


def test_another_theme_can_be_had_without_scripts(client: Client, owner: User) -> None:
    client.force_login(owner)
    themes = almanac.themes_for(almanac.writer_day(owner.time_zone, timezone.now()))
    for asked, place in (("1", 1), (str(len(themes)), 0), ("x", 0), ("-1", 0), ("9" * 50, 0), ("²", 0)):
        page = client.get("/", {"theme": asked}, headers=CHINESE).content.decode()
        assert f'name="suggestion" value="{themes[place].zh}"' in page


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ({"length": "5"}, 5),
        ({"length": "25"}, 25),
        ({"length": "other", "other_minutes": "1"}, 1),
        ({"length": "other", "other_minutes": "180"}, 180),
        ({"length": "other", "other_minutes": "４２"}, 42),
        ({"length": "none", "other_minutes": ""}, None),
    ],
)
def test_she_starts_for_as_long_as_she_likes(
    client: Client, owner: User, fields: dict[str, str], minutes: int | None
) -> None:
    client.force_login(owner)
    response = start(client, **fields)
    session = WritingSession.objects.get()
    assert response.headers["Location"] == reverse("session", kwargs={"session_id": session.pk})
    assert (session.user, session.minutes, session.theme, session.goal) == (owner, minutes, "霜", None)


def test_her_own_theme_comes_before_ours_and_stands_on_one_line(client: Client, owner: User) -> None:
    client.force_login(owner)
    start(client, own_theme="  写给\t外婆\n 的信 ", goal="800")
    session = WritingSession.objects.get()
    assert (session.theme, session.goal) == ("写给 外婆 的信", 800)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"length": ""}, "选一下想写多久。"),
        ({"length": "7"}, "请从这里面选一个。"),
        ({"length": "other", "other_minutes": ""}, "写几分钟？1 到 180 之间都可以。"),
        ({"length": "other", "other_minutes": "0"}, "最少一分钟。"),
        ({"length": "other", "other_minutes": "181"}, "最多 180 分钟。想写得更久，请选不限时。"),
        ({"length": "other", "other_minutes": "十"}, "分钟请写成整数。"),
        ({"goal": "0"}, "目标至少一个字；不想要目标，留空就好。"),
        ({"goal": "500001"}, "一份手稿最多 50 万字，目标请不要超过它。"),
        ({"goal": "many"}, "目标请写成整数。"),
        ({"own_theme": "长" * 201}, "题目最多 200 字，这一个有 201 字。"),
    ],
)
def test_a_mistake_is_told_and_what_she_filled_in_is_kept(
    client: Client, owner: User, fields: dict[str, str], sentence: str
) -> None:
    client.force_login(owner)
    response = start(client, **{"own_theme": "我的题目", "goal": "777", **fields})
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    for value in ({"own_theme": "我的题目", "goal": "777"} | fields).values():
        assert f'value="{value}"' in page or value in ("7",)
    assert not WritingSession.objects.exists()


def test_a_button_pressed_twice_starts_one_session(client: Client, owner: User) -> None:
    client.force_login(owner)
    together = Barrier(2)

    def press() -> str:
        page = Client()
        page.cookies = client.cookies
        together.wait(timeout=20)
        try:
            return start(page).headers["Location"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as fingers:
        led_to = {press.result() for press in [fingers.submit(press), fingers.submit(press)]}
    session = WritingSession.objects.get()
    assert led_to == {reverse("session", kwargs={"session_id": session.pk})}


def test_another_choice_starts_another_session(client: Client, owner: User) -> None:
    client.force_login(owner)
    start(client)
    start(client, length="25")
    assert WritingSession.objects.count() == 2


def test_she_is_led_back_to_what_she_has_not_finished(client: Client, owner: User, other: User) -> None:
    now = timezone.now()
    today = sessions.start(user=owner, minutes=10, theme="今晨的", goal=None, now=now)
    earlier = sessions.start(user=owner, minutes=10, theme="前天的", goal=None, now=now - timedelta(days=2))
    foreign = sessions.start(user=other, minutes=10, theme="别人的", goal=None, now=now)
    client.force_login(owner)
    page = client.get("/", headers=CHINESE).content.decode()
    assert page.index("回到今晨") < page.index("今晨的") < page.index("前天的")
    assert str(today.pk) in page
    assert str(earlier.pk) in page
    assert "前天的" in page
    assert str(foreign.pk) not in page
    assert "别人的" not in page


def test_last_times_length_is_chosen_again(client: Client, owner: User) -> None:
    client.force_login(owner)
    start(client, length="other", other_minutes="42")
    page = client.get("/", headers=CHINESE).content.decode()
    assert 'value="other" checked' in page
    assert 'value="42"' in page
