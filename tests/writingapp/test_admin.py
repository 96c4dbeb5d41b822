"""The staff desk: useful, and without a way to any manuscript."""

import uuid
from collections.abc import Callable

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.writingapp.pairs import SECRET as PAIRED_SECRET
from tests.writingapp.pairs import pair
from writingapp.admin import desk
from writingapp.models import Adapter, Candidate, EngineNode, Inspiration, Review, Revision, User, WritingSession
from writingapp.services import auditing, manuscripts, sessions

SECRET = "藏在手稿里的一句话"
PRIVATE_FIELDS = {"text", "snapshot", "inserted", "messages", "before"}


@pytest.fixture
def staff(client: Client, people: Callable[[str], User]) -> Client:
    boss = people("boss")
    User.objects.filter(pk=boss.pk).update(is_staff=True, is_superuser=True)
    boss.refresh_from_db()
    client.force_login(boss)
    return client


@pytest.fixture
def candidate(owner: User) -> Candidate:
    now = timezone.now()
    session = sessions.start(user=owner, minutes=10, theme="霜", goal=None, now=now)
    change = manuscripts.Change(text=SECRET)
    manuscripts.save(session=session, save_id=uuid.uuid4(), base_rev=0, change=change, now=now)
    ask = Inspiration.objects.create(
        session=session, key=uuid.uuid4(), kind="line", language="zh", messages=[{"role": "user", "content": SECRET}]
    )
    return Candidate.objects.create(inspiration=ask, position=0, sampling={}, text="晓色入平湖", queued_at=now)


def rows_of(candidate: Candidate) -> list[Model]:
    ask = candidate.inspiration
    return [candidate, ask, ask.session, ask.session.user]


def test_no_page_of_the_desk_shows_a_manuscript(staff: Client, candidate: Candidate) -> None:
    for row in rows_of(candidate):
        name = row._meta.model_name
        for page in (
            reverse(f"admin:writingapp_{name}_changelist"),
            reverse(f"admin:writingapp_{name}_change", args=[row.pk]),
            reverse(f"admin:writingapp_{name}_history", args=[row.pk]),
        ):
            response = staff.get(page)
            assert response.status_code == 200, page
            assert SECRET not in response.content.decode()


def test_nodes_and_adapters_are_shown_and_no_key_is(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_KEY", SECRET)
    node = EngineNode.objects.create(name="gpu-1", kind="vllm", url="http://10.0.0.5:8000", secret="GPU_KEY")
    adapter = Adapter.objects.create(name="dew-1", digest="d", folder="/adapters/dew-1", base="qwen", rank=64)
    for row, named in ((node, "GPU_KEY"), (adapter, "dew-1")):
        name = row._meta.model_name
        pages = [f"admin:writingapp_{name}_changelist", f"admin:writingapp_{name}_change"]
        for page in (reverse(pages[0]), reverse(pages[1], args=[row.pk])):
            shown = staff.get(page).content.decode()
            assert row.pk in shown
            assert SECRET not in shown
        assert named in shown
        assert staff.post(reverse(pages[1], args=[row.pk]), {"url": "http://elsewhere:1"}).status_code == 403


def test_revisions_are_not_on_the_desk() -> None:
    assert not desk.is_registered(Revision)
    shown = {"User", "WritingSession", "Inspiration", "Candidate", "EngineNode", "Adapter"}
    shown |= {"Rating", "Pair", "Review", "AuditEvent"}
    assert {model.__name__ for model in desk._registry} == shown


def test_no_private_field_is_a_column_a_field_a_filter_or_a_search() -> None:
    for model, rows in desk._registry.items():
        named = {
            str(part) for part in (*rows.list_display, *(rows.fields or ()), *rows.list_filter, *rows.search_fields)
        }
        allowed = {"text"} if model is Candidate else set()  # the model's own words
        assert named & PRIVATE_FIELDS <= allowed


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        ("writingsession", "text__startswith"),
        ("writingsession", "text__regex"),
        ("writingsession", "inspirations__messages__icontains"),
        ("writingsession", "revisions__snapshot__contains"),
        ("inspiration", "messages__icontains"),
        ("inspiration", "session__text__startswith"),
        ("candidate", "inspiration__messages__icontains"),
        ("candidate", "inspiration__session__text__startswith"),
        ("pair", "inspiration__session__text__startswith"),
        ("pair", "inspiration__messages__contains"),
        ("rating", "inspiration__session__text__startswith"),
        ("review", "pair__inspiration__messages__icontains"),
        ("auditevent", "actor__password__startswith"),
        ("user", "sessions__text__startswith"),
        ("user", "password__startswith"),
    ],
)
def test_a_manuscript_cannot_be_guessed_letter_by_letter(
    staff: Client, candidate: Candidate, model: str, lookup: str
) -> None:
    """Were the lookup taken, a right guess would list the row and a wrong one would not."""
    path = reverse(f"admin:writingapp_{model}_changelist")
    for guess in (SECRET[:1], "不"):
        response = staff.get(path, {lookup: guess})
        assert response.status_code == 400


def test_the_filters_on_show_work(staff: Client, candidate: Candidate) -> None:
    for model, query in (
        ("writingsession", {"state__exact": "running"}),
        ("inspiration", {"kind__exact": "line"}),
        ("inspiration", {"language": "zh"}),
        ("candidate", {"status__exact": "queued"}),
        ("candidate", {"error": ""}),
        ("user", {"is_active__exact": "1"}),
    ):
        assert staff.get(reverse(f"admin:writingapp_{model}_changelist"), query).status_code == 200


def test_what_writers_made_cannot_be_changed_added_or_deleted(staff: Client, candidate: Candidate) -> None:
    for row in rows_of(candidate)[:3]:
        name = row._meta.model_name
        change = reverse(f"admin:writingapp_{name}_change", args=[row.pk])
        delete = reverse(f"admin:writingapp_{name}_delete", args=[row.pk])
        assert staff.post(change, {"state": "finished"}).status_code == 403
        assert staff.post(delete, {"post": "yes"}).status_code == 403
        assert staff.get(reverse(f"admin:writingapp_{name}_add")).status_code == 403
    assert WritingSession.objects.get().state == WritingSession.State.RUNNING


def test_the_desk_is_entered_through_our_own_login(client: Client, owner: User) -> None:
    response = client.get(reverse("admin:login"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


def test_only_trusted_types_are_off_on_the_desk(staff: Client) -> None:
    policy = staff.get(reverse("admin:index")).headers["Content-Security-Policy"]
    assert "require-trusted-types-for" not in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_rows_of_the_review_desk_are_shown_and_stay_as_they_are(staff: Client, owner: User) -> None:
    boss = User.objects.get(username="boss")
    row, now = pair(owner), timezone.now()
    review = Review.objects.create(pair=row, reviewer=boss, decision="approve", created_at=now)
    event = auditing.note(boss, "pair.viewed", f"pair:{row.pk}", now=now)
    for each in (row, row.ratings.get(), review, event):
        name = each._meta.model_name
        pages = [reverse(f"admin:writingapp_{name}_{page}", args=[each.pk]) for page in ("change", "history")]
        for page in (reverse(f"admin:writingapp_{name}_changelist"), *pages):
            response = staff.get(page)
            assert response.status_code == 200, page
            assert PAIRED_SECRET not in response.content.decode()
        assert staff.post(pages[0], {"state": "approved"}).status_code == 403
        assert staff.post(reverse(f"admin:writingapp_{name}_delete", args=[each.pk])).status_code == 403


def test_the_rights_of_the_desk_are_given_in_the_admin_and_no_others(staff: Client, owner: User) -> None:
    page = staff.get(reverse("admin:writingapp_user_change", args=[owner.pk])).content.decode()
    assert page.count('name="user_permissions"') == 3
