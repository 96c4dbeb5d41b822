"""The desk's pages: who may see which, what never stands on them, and what they do."""

import asyncio
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import get_resolver

from tests.writingapp.pairs import CHOSEN, SECRET, pair, rating, reviewer
from tests.writingapp.test_access import routes
from training import parquet
from training.datasets import FORMATS, rows_of
from writingapp.models import AuditEvent, Candidate, Pair, Review, User
from writingapp.services import batches
from writingapp.services.choosing import Filter

TRAIL = "desk/audit/"
ROUTES = sorted({path for path, _ in routes(get_resolver()) if path.startswith("desk/")})
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def row(owner: User) -> Pair:
    return pair(owner)


@pytest.fixture
def at_desk(client: Client, row: Pair) -> Client:
    client.force_login(reviewer())
    return client


def fill(path: str, pair_id: object, batch_id: object) -> str:
    known = {"pair_id": pair_id, "batch_id": batch_id}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(known[str(found[1])]), path)


def whole(response: HttpResponseBase) -> bytes:
    """What a response says, streamed or not."""

    async def read(streamed: StreamingHttpResponse) -> bytes:
        return b"".join([piece async for piece in streamed])

    return (
        asyncio.run(read(response))
        if isinstance(response, StreamingHttpResponse)
        else cast("HttpResponse", response).content
    )


def test_the_routes_are_those_the_matrix_was_thought_for() -> None:
    assert len(ROUTES) == 11


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_without_the_permission_learns_that_there_is_a_desk(
    client: Client, row: Pair, owner: User, other: User, path: str, method: str
) -> None:
    real = fill(path, row.pk, uuid.uuid4())
    ask = getattr(client, method)
    assert ask(real).headers["Location"].startswith("/accounts/login/")
    staff = User.objects.create_user(username="staff", is_staff=True)
    demoted = reviewer("demoted")
    User.objects.filter(pk=demoted.pk).update(is_staff=False)
    for user in (owner, other, staff, demoted):
        client.force_login(user)
        answer = ask(real)
        assert answer.status_code in (404, 405), user
        assert CHOSEN[:5] not in answer.content.decode()
    assert not AuditEvent.objects.exists()


def test_the_trail_asks_for_a_permission_of_its_own(at_desk: Client) -> None:
    assert at_desk.get("/desk/audit/").status_code == 404
    at_desk.force_login(reviewer("auditor", "view_auditevent"))
    assert at_desk.get("/desk/audit/").status_code == 200


def test_no_response_to_staff_has_a_word_of_a_manuscript(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(consents=True)
    rows = [pair(owner, kind=kind, chosen_text=kind) for kind in ("poem", "line", "continue")]
    who = reviewer("reviewer", "view_auditevent")
    client.force_login(who)
    batch = uuid.uuid4()
    Review.objects.create(pair=rows[0], reviewer=who, decision="skip", batch=batch, created_at=rows[0].created_at)
    told = {"state": "waiting", "all": "1", "decision": "approve"}
    for path in ROUTES:
        for each in rows:
            real = fill(path, each.pk, batch)
            for response in (client.get(real), client.post(real, told), client.get(real, {"words": SECRET[:4]})):
                assert response.status_code in (200, 302, 405), real
                assert SECRET not in whole(response).decode()
    Pair.objects.update(state="waiting")
    for form in FORMATS:
        sent = client.post("/desk/export/", {"format": form, "as": "jsonl", "state": "waiting"})
        body = whole(sent)
        assert sent.status_code == 200
        assert SECRET.encode() not in body
        assert form == "hf" or "湖上的早晨".encode() in body


def test_no_filter_reaches_a_manuscript(at_desk: Client) -> None:
    for name in ("inspiration__session__text__startswith", "inspiration__messages__contains", "user__email"):
        assert "晓色入平湖" in at_desk.get("/desk/", {name: "x"}).content.decode()


def test_looking_is_written_down(at_desk: Client, row: Pair) -> None:
    at_desk.get("/desk/", {"words": "平湖"})
    at_desk.get(f"/desk/pairs/{row.pk}/")
    looked, queued = AuditEvent.objects.all()
    assert (looked.action, looked.subject) == ("pair.viewed", f"pair:{row.pk}")
    assert queued.action == "queue.viewed"
    assert queued.detail["pairs"] == [str(row.pk)]


def test_texts_are_text(at_desk: Client, owner: User) -> None:
    hostile = pair(owner, chosen_text="<script>alert(1)</script>", rejected_text="<img src=x>", wish="<b>", form="free")
    page = at_desk.get(f"/desk/pairs/{hostile.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src" not in page
    assert "&lt;" in page


def test_a_pair_shows_what_differs_and_how_the_metre_stands(at_desk: Client, row: Pair) -> None:
    page = at_desk.get(f"/desk/pairs/{row.pk}/", headers=ENGLISH).content.decode()
    assert "入<mark>平湖</mark>" in page
    assert "入<mark>空山</mark>" in page
    assert page.count('class="verdict') == 2
    assert "temperature" in page
    assert re.search(r'href="/desk/"[^>]*>Desk<', page)


def test_a_swapped_line_that_was_to_stay_is_no_fault_of_its_poem(at_desk: Client, owner: User) -> None:
    lines = CHOSEN.split("\n")
    pins = [[0, "晓色入平湖"], [1, "微霜渐可铺"]]
    swap = pair(owner, kind="swap", form="wujue", chosen_text="清霜渐可铺。", rejected_text="轻霜渐可铺。")
    swap.inspiration.of = pair(owner).chosen
    swap.inspiration.save()
    held = {"form": "wujue", "language": "zh", "options": {"pins": pins}, "instead": {"poem": CHOSEN, "line": 1}}
    Candidate.objects.filter(inspiration=swap.inspiration).update(sampling={"constraint": held})
    page = at_desk.get(f"/desk/pairs/{swap.pk}/", headers=ENGLISH).content.decode()
    assert lines[0] in page
    assert "留句" not in page
    assert page.count("The metre holds") == 2


def test_deciding_leads_to_the_next_and_taking_back_returns(at_desk: Client, row: Pair, owner: User) -> None:
    second = pair(owner)
    answer = at_desk.post(f"/desk/pairs/{row.pk}/decide/", {"decision": "discard", "why": "garbled"})
    assert answer.headers["Location"] == f"/desk/pairs/{second.pk}/?state=waiting"
    assert Pair.objects.get(pk=row.pk).reason == "garbled"
    answer = at_desk.post(f"/desk/pairs/{second.pk}/decide/", {"decision": "approve"})
    assert answer.headers["Location"] == "/desk/?state=waiting"
    answer = at_desk.post("/desk/undo/")
    assert answer.headers["Location"] == f"/desk/pairs/{second.pk}/?state=waiting"
    assert Pair.objects.get(pk=second.pk).state == "waiting"


def test_discarding_without_a_reason_says_what_is_missing(at_desk: Client, row: Pair) -> None:
    answer = at_desk.post(f"/desk/pairs/{row.pk}/decide/", {"decision": "discard"}, follow=True, headers=ENGLISH)
    assert "Discarding needs a reason" in answer.content.decode()
    assert Pair.objects.get().state == "waiting"


def test_a_filter_that_cannot_be_read_is_left_out_and_said(at_desk: Client) -> None:
    page = at_desk.get("/desk/", {"gap": "wide", "since": "2026-99-99"}, headers=ENGLISH).content.decode()
    assert "left out: wide." in page
    assert "left out: 2026-99-99." in page
    assert "晓色入平湖" in page


def test_a_place_that_cannot_be_read_is_the_first_page(at_desk: Client) -> None:
    for place in ("x", "2026-11-01T00:00:00+00:00~" + "x" * 36, "2026-11-01~", "~"):
        assert at_desk.get("/desk/", {"after": place}).status_code == 200


def test_active_filters_can_be_taken_away_one_by_one(at_desk: Client) -> None:
    page = at_desk.get("/desk/", {"form": "wujue", "gap": "0.2"}).content.decode()
    assert 'href="?state=waiting&amp;gap=0.2"' in page
    assert 'href="?state=waiting&amp;form=wujue"' in page


def test_many_at_once_by_ticks_after_a_preview(at_desk: Client, owner: User) -> None:
    ticked, left = pair(owner), pair(owner)
    form = {"pair": [str(ticked.pk), "no key"], "decision": "discard", "why": "other"}
    page = at_desk.post("/desk/bulk/", form, headers=ENGLISH).content.decode()
    assert "1 pair would be decided" in page
    assert not Review.objects.exists()
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert digest
    answer = at_desk.post("/desk/bulk/", form | {"digest": digest[1]})
    assert answer.status_code == 302
    assert Pair.objects.get(pk=ticked.pk).state == "discarded"
    assert Pair.objects.get(pk=left.pk).state == "waiting"
    at_desk.post(answer.headers["Location"] + "undo/")
    assert Pair.objects.get(pk=ticked.pk).state == "waiting"
    assert at_desk.get("/desk/batches/").status_code == 200


def test_a_batch_of_somebody_else_is_not_there(at_desk: Client, row: Pair) -> None:
    found = Filter().pairs(Pair.objects.all())
    batch, _ = batches.decide(
        found=found, expected=batches.preview(found).digest, reviewer=reviewer("second"), decision="approve",
        reason="", now=row.created_at,
    )  # fmt: skip
    assert at_desk.get(f"/desk/batches/{batch}/").status_code == 404
    assert at_desk.post(f"/desk/batches/{batch}/undo/").status_code == 404


@pytest.mark.parametrize("form", ["trl", "ms-swift", "llamafactory", "kto"])
def test_what_is_exported_reads_back_as_the_same_rows(at_desk: Client, tmp_path: Path, form: str) -> None:
    lines = whole(at_desk.post("/desk/export/", {"format": form, "as": "jsonl"}))
    [read] = rows_of([json.loads(line) for line in lines.splitlines()], form)
    assert read.chosen == CHOSEN
    (tmp_path / "pairs.parquet").write_bytes(whole(at_desk.post("/desk/export/", {"format": form, "as": "parquet"})))
    assert parquet.read(tmp_path / "pairs.parquet", form) == [read]
    assert [event.action for event in AuditEvent.objects.all()] == ["export.made"] * 2
    assert AuditEvent.objects.first().detail["rows"] == 1  # type: ignore[union-attr]


def test_a_dataset_folder_comes_as_a_zip_with_its_card(at_desk: Client, tmp_path: Path) -> None:
    sent = at_desk.post("/desk/export/", {"format": "hf", "as": "jsonl"})
    assert sent.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(whole(sent))) as packed:
        packed.extractall(tmp_path)
    assert (tmp_path / "README.md").exists()
    assert [read.chosen for read in parquet.read(tmp_path, "hf")] == [CHOSEN]


def test_consent_is_asked_again_at_the_moment_of_export(at_desk: Client, row: Pair, owner: User) -> None:
    taken = pair(owner, source="taken")
    taken.ratings.clear()
    row.ratings.update(consent=False)
    answer = at_desk.post("/desk/export/", {"format": "trl", "as": "jsonl"}, follow=True, headers=ENGLISH)
    assert "None of these pairs may be exported." in answer.content.decode()
    User.objects.filter(pk=owner.pk).update(consents=True)
    lines = whole(at_desk.post("/desk/export/", {"format": "trl", "as": "jsonl"})).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(taken.pk)]


def test_a_swapped_line_goes_out_only_if_its_text_was_a_poem(at_desk: Client, row: Pair, owner: User) -> None:
    for kind in ("poem", "line"):
        swap = pair(owner, kind="swap", form="wujue")
        swap.inspiration.of = pair(owner, kind=kind, state="held").chosen
        swap.inspiration.save()
    lines = whole(at_desk.post("/desk/export/", {"format": "trl", "as": "jsonl"})).splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["poem", "swap"]
    assert "2 pairs to export" in at_desk.get("/desk/export/", headers=ENGLISH).content.decode()


def test_no_account_is_in_an_export(at_desk: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(email="owner@example.org")
    body = whole(at_desk.post("/desk/export/", {"format": "trl", "as": "jsonl"})).decode()
    assert owner.pseudonym in body
    assert "owner@example.org" not in body
    assert '"owner"' not in body


def test_statistics_with_nothing_and_with_little(client: Client, people: Callable[[str], User]) -> None:
    client.force_login(reviewer())
    assert (
        "No two adapters have been compared yet." in client.get("/desk/statistics/", headers=ENGLISH).content.decode()
    )
    for name in ("anna", "berta"):
        writer = people(name)
        first = pair(writer, chosen_adapter="dew-2", rejected_adapter="dew-1")
        tied = pair(writer, chosen_adapter="dew-2", state="withdrawn").chosen
        rating(writer, tied, kind="tie", again=True)
        rating(writer, first.chosen, again=True)
    page = client.get("/desk/statistics/", headers=ENGLISH).content.decode()
    assert page.index("dew-2") < page.index("dew-1")
    assert "These are few; take it as a rumour." in page
    assert "<svg" in page
    assert "style=" not in page


def test_the_trail_is_filtered_and_walked(client: Client, owner: User) -> None:
    who = reviewer("auditor", "view_auditevent")
    client.force_login(who)
    row = pair(owner)
    client.get(f"/desk/pairs/{row.pk}/")
    for query, seen in (
        ({"subject": f"pair:{row.pk}"}, True),
        ({"actor": "auditor", "action": "pair.viewed"}, True),
        ({"action": "export.made"}, False),
        ({"below": "1"}, False),
        ({"below": "x"}, True),
    ):
        page = client.get("/desk/audit/", query).content.decode()
        assert (f"<code>pair:{row.pk}</code>" in page) is seen, query
