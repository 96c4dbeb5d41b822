"""The ledger: what became of each rating, in words; withdrawing, consent and export by form; the settings of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tests.writingapp.test_rating import LATER, NOW, compare, make, paired, score
from training.pairs import Reason
from writingapp.models import Inspiration, Rating, User
from writingapp.services import fates, rating, recalling

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}
ACCOUNT = {"language": "", "time_zone": "Asia/Shanghai", "email": ""}


@pytest.fixture
def hers(owner: User, client: Client) -> Inspiration:
    client.force_login(owner)
    return make(owner)


def page(client: Client, query: str = "") -> str:
    return client.get(f"/ratings/{query}", headers=CHINESE).content.decode()


def test_every_fate_and_every_reason_has_a_sentence() -> None:
    assert set(fates.FATES) == set(Rating.Fate.values)
    assert set(fates.REASONS) >= set(Reason)
    with translation.override("zh-hans"):
        assert all(fates.because(code) for code in Reason)
    assert fates.because("no such code") == ""


def test_an_empty_ledger_says_how_it_is_filled(client: Client, hers: Inspiration) -> None:
    said = page(client)
    assert "这里还空着" in said
    assert "全部撤回" not in said


def test_an_entry_tells_what_she_said_and_what_became_of_it(client: Client, hers: Inspiration) -> None:
    paired(compare(hers, place=1, tags=["fresh"]))
    said = page(client)
    assert said.index("湖上春来晚") < said.index("另一稿") < said.index("晓色入平湖")
    for words in ("五绝", "意象新", "已经用来训练过模型", "适配器 night-2"):
        assert words in said


def test_a_reason_is_told_in_words(client: Client, hers: Inspiration) -> None:
    compare(hers, "tie")
    Rating.objects.update(fate="not_paired", reason="tie")
    said = page(client)
    assert said.index("没有配成对。") < said.index("你觉得一样好，而配对要分出高下。")


def test_a_scored_line_shows_the_line(client: Client, hers: Inspiration) -> None:
    score(hers, 2, line=1)
    said = page(client)
    assert "惊起一滩鹭" in said
    assert "晓色入平湖" not in said


def test_text_of_a_model_is_only_text(client: Client, owner: User) -> None:
    client.force_login(owner)
    compare(make(owner, "<script>alert(1)</script>", "湖"), tags=["fresh"])
    assert "<script>alert" not in page(client)


@pytest.mark.parametrize(("show", "count"), [("", 4), ("waiting", 1), ("trained", 1), ("withdrawn", 1), ("no-such", 4)])
def test_filters(client: Client, hers: Inspiration, owner: User, show: str, count: int) -> None:
    compare(hers)
    for fate in ("waiting", "trained", "withdrawn"):
        row = compare(make(owner))
        Rating.objects.filter(pk=row.pk).update(fate=fate, withdrawn_at=NOW if fate == "withdrawn" else None)
    assert page(client, f"?show={show}").count('class="entry"') == count


def test_a_page_takes_the_same_few_queries_however_many_entries(
    client: Client, hers: Inspiration, owner: User, django_assert_max_num_queries: Any
) -> None:
    for place in range(25):
        paired(compare(make(owner), place=place % 2), adapter=f"night-{place}")
    with django_assert_max_num_queries(14):
        said = page(client)
    assert said.count('class="entry"') == 20
    assert page(client, "?page=2").count('class="entry"') == 5


def test_she_withdraws_one_and_comes_back_to_where_she_was(client: Client, hers: Inspiration) -> None:
    row = compare(hers)
    where = reverse("rating_withdraw", args=[row.pk])
    answer = client.post(where, {"back": "/ratings/?show=waiting&page=1"})
    assert answer.headers["Location"] == "/ratings/?show=waiting&page=1"
    assert client.post(where, {"back": "https://elsewhere.example/ratings/"}).headers["Location"] == "/ratings/"
    assert client.post(where, {"back": "//elsewhere.example/"}).headers["Location"] == "/ratings/"
    row.refresh_from_db()
    assert row.fate == Rating.Fate.WITHDRAWN


def test_consent_is_changed_for_one(client: Client, hers: Inspiration) -> None:
    row = compare(hers)
    where = reverse("rating_consent", args=[row.pk])
    for said, fate in (("yes", "waiting"), ("no", "no_consent"), ("maybe", "no_consent")):
        client.post(where, {"consent": said})
        row.refresh_from_db()
        assert row.fate == fate
    rating.withdraw(rating=row, now=LATER)
    told = client.post(where, {"consent": "yes"}, follow=True, headers=CHINESE).content.decode()
    assert "这次评稿已经撤回" in told


def test_all_are_withdrawn_after_a_second_word(client: Client, hers: Inspiration, other: User) -> None:
    compare(hers)
    stays = compare(make(other))
    assert "将撤回 1 次评稿" in client.get("/ratings/withdraw/", headers=CHINESE).content.decode()
    assert not Rating.objects.exclude(withdrawn_at=None).exists()
    client.post("/ratings/withdraw/")
    assert Rating.objects.get(withdrawn_at=None).pk == stays.pk
    assert "没有可以撤回的评稿" in client.get("/ratings/withdraw/", headers=CHINESE).content.decode()


def test_the_export_has_all_of_hers_and_nothing_of_anybody_else(client: Client, hers: Inspiration, other: User) -> None:
    row = compare(hers, tags=["music"])
    compare(hers, "tie", now=LATER)
    compare(make(other, "别人的", "也是别人的"))
    answer = client.get("/ratings/export/")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="bailu-ratings-')
    [told] = json.loads(answer.content)["ratings"]
    assert told["id"] == str(row.pk)
    assert [each["text"] for each in told["candidates"]] == [each.text for each in hers.candidates.all()]
    assert (told["kind"], told["history"][0]["kind"], told["tags"]) == ("tie", "prefer", ["music"])
    columns = {field.name for field in Rating._meta.concrete_fields} - {"user"}
    assert columns <= set(told)


def test_the_settings_keep_whether_she_rates_and_what_new_ratings_start_with(
    client: Client, hers: Inspiration, owner: User
) -> None:
    client.post("/account/", ACCOUNT | {"rates": "on"})
    owner.refresh_from_db()
    assert (owner.rates, owner.consents, owner.consent_asked_at) == (True, None, None)  # she has not been asked yet
    client.post("/account/", ACCOUNT | {"may_train": "on"})
    owner.refresh_from_db()
    assert (owner.rates, owner.consents) == (False, True)
    assert not rating.ask_once(user=owner, now=timezone.now())  # she has answered, so nobody asks
    client.post("/account/", ACCOUNT | {"rates": "on"})
    owner.refresh_from_db()
    assert owner.consents is False


# --- the same two again ----------------------------------------------------------------------------------------------
def a_week_later(row: Rating) -> None:
    Rating.objects.filter(pk=row.pk).update(updated_at=timezone.now() - timedelta(days=7, minutes=1))


def test_after_a_week_the_same_two_are_shown_once_more_the_other_way_round(client: Client, hers: Inspiration) -> None:
    row = compare(hers, now=timezone.now())
    second = hers.candidates.all()[1]
    assert "同样两稿" not in client.get("/", headers=CHINESE).content.decode()
    a_week_later(row)
    said = client.get("/", headers=CHINESE).content.decode()
    assert said.index("湖上春来晚") < said.index("晓色入平湖")
    where = reverse("rating_again", args=[row.pk])
    client.post(where, {"choice": str(second.pk)})
    told = Rating.objects.get(again=True)
    assert (told.candidate_id, told.swapped, told.reason) == (second.pk, True, "again")
    assert "同样两稿" not in client.get("/", headers=CHINESE).content.decode()
    assert "今天不再评这两稿" in client.post(where, {"choice": "tie"}, follow=True, headers=CHINESE).content.decode()
    assert Rating.objects.get(again=True).kind == "prefer"


def test_one_a_day_and_none_for_who_does_not_rate(client: Client, hers: Inspiration, owner: User) -> None:
    rows = [compare(each, now=timezone.now()) for each in (hers, make(owner))]
    for row in rows:
        a_week_later(row)
    client.post(reverse("rating_again", args=[rows[0].pk]), {"choice": "both_bad"})
    assert recalling.to_show_again(user=owner, now=timezone.now()) is None
    tomorrow = timezone.now() + timedelta(days=1)
    assert recalling.to_show_again(user=owner, now=tomorrow) == rows[1]
    owner.rates = False
    assert recalling.to_show_again(user=owner, now=tomorrow) is None


def test_nothing_is_judged_again_before_its_time_or_by_a_text_of_elsewhere(
    client: Client, hers: Inspiration, owner: User
) -> None:
    row = compare(hers, now=timezone.now())
    where = reverse("rating_again", args=[row.pk])
    client.post(where, {"choice": "tie"})
    a_week_later(row)
    for choice in ("", "prefer", str(make(owner).candidates.all()[0].pk)):
        assert client.post(where, {"choice": choice}).status_code == 404
    assert not Rating.objects.filter(again=True).exists()
