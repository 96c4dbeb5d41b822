"""The pages: who sees them, what they say, and what they keep to themselves."""

import re
import uuid
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from writingapp.models import Candidate, Inspiration, User, WritingSession
from writingapp.services import almanac, manuscripts, sessions

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

CHINESE, ENGLISH = {"Accept-Language": "zh-CN,zh;q=0.9"}, {"Accept-Language": "en-GB,en;q=0.9"}
TEXT = "天还没亮。\n\n窗上有霜。"


class Markup(HTMLParser):
    """Collects what a strict policy forbids, and what a reader needs."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.elsewhere: list[str] = []
        self.lang, self.title, self._in = "", "", ""
        self.landmarks: list[str] = []
        self.labelled: set[str] = set()
        self.fields: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self._in = tag
        data_block = told.get("type") == "application/json"
        if (tag == "script" and "src" not in told and not data_block) or tag == "style":
            self.inline.append(tag)
        self.inline += [name for name in told if name.startswith("on") or name == "style"]
        self.elsewhere += [v for n, v in told.items() if n in ("src", "href", "action") and re.match(r"\w+:|//", v)]
        if tag == "html":
            self.lang = told.get("lang", "")
        if tag in ("main", "header", "nav", "footer"):
            self.landmarks.append(tag)
        if tag == "label" and "for" in told:
            self.labelled.add(told["for"])
        if tag == "input" and told.get("type") not in ("hidden", "radio", "checkbox"):
            self.fields.add(told.get("id", ""))

    def handle_data(self, data: str) -> None:
        if self._in == "title":
            self.title += data
            self._in = ""


def read(response: "Response") -> Markup:
    markup = Markup()
    markup.feed(response.content.decode())
    return markup


@pytest.fixture
def hers(owner: User) -> WritingSession:
    """A finished session of the owner's, written on time and a little beyond, with an inspiration."""
    began = timezone.now() - timedelta(minutes=30)
    session = sessions.start(user=owner, minutes=10, theme="霜落在谁的屋顶", goal=5, now=began)
    write(session, TEXT, began + timedelta(minutes=3))
    write(session, TEXT + "\n补一句。", began + timedelta(minutes=12))
    sessions.finish(session=session, now=began + timedelta(minutes=13))
    ask = Inspiration.objects.create(
        session=session, key=uuid.uuid4(), kind="poem", form="wujue", wish="写霜", language="zh", messages=[]
    )
    for position, (text, status) in enumerate([("晓色入平湖", "done"), ("<b>惊起", "interrupted")]):
        Candidate.objects.create(
            inspiration=ask,
            position=position,
            sampling={},
            text=text,
            status=status,
            queued_at=began,
            taken_at=None if position else began,
        )
    session.refresh_from_db()
    return session


def write(session: WritingSession, text: str, now: datetime) -> None:
    session.refresh_from_db()
    change = manuscripts.Change(text=text)
    manuscripts.save(session=session, save_id=uuid.uuid4(), base_rev=session.rev, change=change, now=now)


# ---- who comes in ----


PRIVATE = ["/mornings/", "/account/", "/accounts/password/change/"]


@pytest.mark.parametrize("path", PRIVATE)
def test_anonymous_is_led_to_the_login_page(client: Client, rows: None, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("name", ["session", "finish", "finished"])
def test_anonymous_learns_nothing_of_a_session(client: Client, hers: WritingSession, name: str) -> None:
    for session_id in (hers.pk, uuid.uuid4()):
        path = reverse(name, kwargs={"session_id": session_id})
        for response in (client.get(path), client.post(path)):
            assert response.status_code == 302
            assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", ["session", "finished"])
def test_an_outsider_gets_the_same_not_found_for_hers_and_for_nothing(
    client: Client, hers: WritingSession, other: User, name: str
) -> None:
    client.force_login(other)
    answers = []
    for session_id in (hers.pk, uuid.uuid4()):
        response = client.get(reverse(name, kwargs={"session_id": session_id}), headers=CHINESE)
        assert response.status_code == 404
        answers.append(re.sub(r'value="\w{64}"', "", response.content.decode()))
    assert answers[0] == answers[1]
    assert "霜" not in answers[0]


def test_the_page_she_writes_on_brings_the_token_that_its_scripts_read(
    client: Client, owner: User, hers: WritingSession
) -> None:
    client.force_login(owner)
    client.get(reverse("session", kwargs={"session_id": hers.pk}))
    assert client.cookies["csrf"].value
    assert not client.cookies["csrf"]["httponly"]


def test_an_outsider_cannot_finish_her_session(client: Client, owner: User, other: User) -> None:
    running = sessions.start(user=owner, minutes=10, theme="", goal=None, now=timezone.now())
    client.force_login(other)
    assert client.post(reverse("finish", kwargs={"session_id": running.pk})).status_code == 404
    running.refresh_from_db()
    assert running.state == WritingSession.State.RUNNING


def test_mornings_are_only_her_own(client: Client, hers: WritingSession, other: User) -> None:
    client.force_login(other)
    page = client.get("/mornings/", headers=CHINESE).content.decode()
    assert "这里还空着" in page
    assert hers.theme not in page


def test_the_front_page_says_what_this_is(client: Client, rows: None) -> None:
    page = client.get("/", headers=CHINESE).content.decode()
    assert "写几分钟" in page
    assert reverse("account_signup") in page
    assert client.post("/", {"length": "5"}).headers["Location"] == "/accounts/login/?next=/"
    assert not WritingSession.objects.exists()


# ---- a session and its end ----


def test_a_finished_session_shows_what_came_of_it(client: Client, owner: User, hers: WritingSession) -> None:
    client.force_login(owner)
    page = client.get(reverse("finished", kwargs={"session_id": hers.pk}), headers=CHINESE).content.decode()
    assert "<p>天还没亮。</p>" in page
    assert '<ins class="late">补一句。</ins>' in page
    assert "写在时间到了以后" in page
    assert "目标 5 字，写到了" in page
    assert "13 分钟" in page
    assert f"{hers.characters} 字" in page
    assert "五绝" in page
    assert "写霜" in page
    assert "收进了手稿" in page
    assert "断了，留下了这些" in page
    assert "&lt;b&gt;惊起" in page


@pytest.mark.parametrize(
    ("language", "options", "lang"),
    [("zh", {}, "zh-Hans"), ("zh", {"script": "hant"}, "zh-Hant"), ("en", {}, "en"), ("en", {"script": "hant"}, "en")],
)
def test_a_poem_on_the_finished_page_has_the_glyphs_of_its_script(
    client: Client, owner: User, hers: WritingSession, language: str, options: dict[str, str], lang: str
) -> None:
    hers.inspirations.update(language=language, options=options)
    client.force_login(owner)
    page = client.get(reverse("finished", kwargs={"session_id": hers.pk}), headers=CHINESE).content.decode()
    assert f'<blockquote class="verse" lang="{lang}">晓色入平湖' in page


def test_a_goal_not_reached_is_told_without_scolding(client: Client, owner: User) -> None:
    session = sessions.start(user=owner, minutes=10, theme="", goal=900, now=timezone.now())
    sessions.finish(session=session, now=timezone.now())
    client.force_login(owner)
    page = client.get(reverse("finished", kwargs={"session_id": session.pk}), headers=CHINESE).content.decode()
    assert "目标是 900 字" in page
    assert "纸上没有留下字" in page


def test_a_session_and_its_end_lead_to_each_other(client: Client, owner: User, hers: WritingSession) -> None:
    running = sessions.start(user=owner, minutes=10, theme="", goal=None, now=timezone.now())
    client.force_login(owner)
    from_end = client.get(reverse("finished", kwargs={"session_id": running.pk}))
    assert from_end.headers["Location"] == reverse("session", kwargs={"session_id": running.pk})
    from_desk = client.get(reverse("session", kwargs={"session_id": hers.pk}))
    assert from_desk.headers["Location"] == reverse("finished", kwargs={"session_id": hers.pk})


def test_a_session_can_be_finished_by_form_but_not_by_a_link(client: Client, owner: User) -> None:
    running = sessions.start(user=owner, minutes=10, theme="", goal=None, now=timezone.now())
    client.force_login(owner)
    path = reverse("finish", kwargs={"session_id": running.pk})
    assert client.get(path).status_code == 405
    assert client.post(path).headers["Location"] == reverse("finished", kwargs={"session_id": running.pk})
    running.refresh_from_db()
    assert running.state == WritingSession.State.FINISHED


def test_mornings_are_told_by_month_with_their_first_lines(client: Client, owner: User, hers: WritingSession) -> None:
    WritingSession.objects.filter(pk=hers.pk).update(text="\n\n  第一行\n第二行")
    client.force_login(owner)
    page = client.get("/mornings/", headers=CHINESE).content.decode()
    assert f"{hers.day.year}年{hers.day.month}月" in page
    assert hers.theme in page
    assert "第一行" in page
    assert "第二行" not in page
    assert almanac.term_on(hers.day).name.zh in page


def test_mornings_come_thirty_to_a_page(client: Client, owner: User) -> None:
    now = timezone.now()
    for days in range(32):
        sessions.start(user=owner, minutes=5, theme=f"第{days:02}天前", goal=None, now=now - timedelta(days=days))
    client.force_login(owner)
    first, second, beyond = (
        client.get("/mornings/", {"page": page}, headers=CHINESE).content.decode() for page in ("1", "2", "77")
    )
    assert "第00天前" in first
    assert "第30天前" not in first
    assert "第31天前" in second
    assert "第31天前" in beyond


# ---- what every page keeps ----

EVERYWHERE = ["/", "/mornings/", "/account/", "/accounts/password/change/", "/accounts/logout/", "finished", "session"]
OUTSIDE = ["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere/"]


def address(path: str, finished: WritingSession, running: WritingSession) -> str:
    kept = {"finished": finished, "session": running}
    return reverse(path, kwargs={"session_id": kept[path].pk}) if path in kept else path


@pytest.mark.parametrize("language", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize(("path", "inside"), [(p, True) for p in EVERYWHERE] + [(p, False) for p in OUTSIDE])
def test_every_page_is_strict_private_and_readable(
    client: Client, owner: User, hers: WritingSession, path: str, inside: bool, language: dict[str, str]
) -> None:
    if inside:
        client.force_login(owner)
    running = sessions.start(user=owner, minutes=10, theme="正在写的", goal=None, now=timezone.now())
    response = client.get(address(path, hers, running), headers=language)
    assert response.status_code == (404 if path == "/nowhere/" else 200)

    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert response.headers["Cache-Control"] == "private, no-store"
    assert {"Accept-Language", "Cookie"} <= {part.strip() for part in response.headers["Vary"].split(",")}

    markup = read(response)
    assert markup.inline == []
    assert markup.elsewhere == []
    assert markup.lang == ("en" if language is ENGLISH else "zh-Hans")
    assert markup.title.strip().endswith("Bailu" if language is ENGLISH else "白露")
    assert "main" in markup.landmarks
    assert markup.fields <= markup.labelled


@pytest.mark.parametrize("path", [path for path in EVERYWHERE if path != "session"])
def test_a_chinese_page_has_no_english_left(client: Client, owner: User, hers: WritingSession, path: str) -> None:
    client.force_login(owner)
    page = client.get(address(path, hers, hers), headers=CHINESE).content.decode()
    page = re.sub(r"<datalist.*?</datalist>|<head>.*?</head>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert set(re.findall(r"[A-Za-z]{2,}", page)) <= {"English", "owner", "lt", "gt"}
