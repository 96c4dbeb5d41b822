"""The school's pages: who may see them, what stands on the runs', and that each button does what it says, once."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from tests.writingapp.pairs import SECRET, pair, reviewer
from tests.writingapp.school import PASSED, SAMPLE, going, head, night, tell
from tests.writingapp.test_access import routes
from tests.writingapp.test_promoting import make
from training import gate
from writingapp.models import Adapter, AuditEvent, School, TrainingRun, Trial, User
from writingapp.services import folders, nightly, promoting, schooling
from writingapp.services.nightly import LeaseLost
from writingapp.views.school import naming

__all__ = ["make"]
pytestmark = pytest.mark.usefixtures("rows")
Make = Callable[..., Adapter]
ROUTES = sorted({path for path, _ in routes(get_resolver()) if path.startswith("school/")})
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def runs_here(settings: Any, tmp_path: Path) -> None:
    settings.RUNS = tmp_path / "runs"


@pytest.fixture
def at_school(client: Client) -> Client:
    client.force_login(head())
    return client


def page(client: Client, path: str) -> str:
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == 200, path
    return answer.content.decode()


def press(client: Client, path: str, **said: object) -> str:
    """What the house answers, in one sentence."""
    body = client.post(path, said, follow=True, headers=ENGLISH).content.decode()
    found = re.search(r'<p class="note (?:good|wrong)">(.*?)</p>', body)
    return found[1] if found else ""


def fill(path: str, run: TrainingRun, adapter: Adapter, trial: Trial) -> str:
    known = {"run_id": run.pk, "trial_id": trial.pk, "name": adapter.pk}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(known[str(found[1])]), path)


# --- who
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_without_the_permission_learns_that_there_is_a_school(
    client: Client, make: Make, owner: User, path: str, method: str
) -> None:
    adapter, run = make(1), night()
    trial = Trial.objects.create(challenger=adapter, share=0.2)
    before = (adapter.state, trial.state)
    real, ask = fill(path, run, adapter, trial), getattr(client, method)
    assert ask(real).headers["Location"].startswith("/accounts/login/")
    staff = User.objects.create_user(username="staff", is_staff=True)
    demoted = head("demoted")
    User.objects.filter(pk=demoted.pk).update(is_staff=False)
    for user in (owner, staff, demoted, reviewer()):
        client.force_login(user)
        answer = ask(real)
        assert answer.status_code in (404, 405), user
        assert adapter.name not in answer.content.decode().replace(real, "")
    adapter.refresh_from_db()
    trial.refresh_from_db()
    assert (adapter.state, trial.state) == before
    assert not AuditEvent.objects.exists()


def test_staff_without_a_second_step_are_led_to_it(at_school: Client, settings: Any) -> None:
    settings.STAFF_NEEDS_TOTP = True
    assert at_school.get("/school/").headers["Location"] == "/accounts/2fa/totp/activate/"
    assert at_school.post("/school/turn/", {"turn": "pause"}).headers["Location"] == "/accounts/2fa/totp/activate/"
    assert not School.objects.exclude(paused_at=None).exists()


def test_a_forged_form_turns_nothing() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(head())
    assert client.post("/school/turn/", {"turn": "pause"}).status_code == 403
    assert not School.objects.exclude(paused_at=None).exists()


def test_a_head_who_is_no_reviewer_finds_the_school_and_no_queue(at_school: Client) -> None:
    body = page(at_school, "/school/")
    assert 'href="/school/adapters/"' in body
    assert 'href="/desk/"' not in body


def test_no_page_has_a_word_of_a_manuscript(at_school: Client, make: Make, owner: User) -> None:
    row = pair(owner, kind="continue", chosen_text="续写")
    run = night(adapter=make(1))
    run.pairs.add(row)
    for path in ("/school/", f"/school/runs/{run.pk}/", f"/school/runs/{run.pk}/live/", "/school/adapters/"):
        body = page(at_school, path)
        assert SECRET not in body
        assert "续写" not in body


# --- the runs
def test_a_school_without_a_night_says_so(at_school: Client) -> None:
    assert "No night has been yet" in page(at_school, "/school/")
    assert "There is no adapter yet" in page(at_school, "/school/adapters/")


def test_the_list_tells_of_each_run_under_the_newest_letter(at_school: Client, make: Make) -> None:
    night(19, state="skipped", why="too_few_pairs", gate={}, manifest={})
    night(20)
    body = page(at_school, "/school/")
    assert "Night of November 20, 2026." in body or "Night of Nov. 20, 2026." in body
    assert "refused: Pairs ranked right, difference" in body
    assert "There were too few pairs to learn from" in body
    assert '<td class="figure">252</td><td class="figure">37</td>' in body


def test_the_switch_is_turned_once_and_written_down(at_school: Client) -> None:
    for _ in range(2):
        assert press(at_school, "/school/turn/", turn="pause") == "The night school is paused."
    assert "Run tonight’s training now" not in page(at_school, "/school/")
    press(at_school, "/school/turn/", turn="resume")
    turned = AuditEvent.objects.filter(action__in=("school.paused", "school.resumed")).order_by("pk")
    assert [(event.action, event.actor.username) for event in turned if event.actor] == [
        ("school.paused", "head"),
        ("school.resumed", "head"),
    ]


def offered(client: Client) -> str:
    found = re.search(r'name="night" value="([\d-]+)"', page(client, "/school/"))
    assert found
    return found[1]


def test_a_night_by_hand_is_written_down_once_and_taken_up_by_a_worker(at_school: Client) -> None:
    shown = offered(at_school)
    assert "begins as soon as its worker is free" in press(at_school, "/school/begin/", night=shown)
    assert press(at_school, "/school/begin/", night=shown) == "A night is being worked on already."
    run = TrainingRun.objects.get()
    assert "It waits for the night worker" in page(at_school, f"/school/runs/{run.pk}/")
    taken = nightly.take(holder="here:1:x", now=timezone.now())
    assert taken is not None
    assert (taken.pk, taken.state, taken.attempt) == (run.pk, "pairing", 1)
    assert "It waits for the night worker" not in page(at_school, f"/school/runs/{run.pk}/")


def test_a_second_press_after_the_night_ended_begins_no_other(at_school: Client) -> None:
    shown = offered(at_school)
    press(at_school, "/school/begin/", night=shown)
    TrainingRun.objects.update(state="skipped")
    assert press(at_school, "/school/begin/", night=shown) == "This night has been already. There is one run a night."
    following = offered(at_school)
    assert following > shown
    press(at_school, "/school/begin/", night=following)
    TrainingRun.objects.update(state="skipped")
    assert schooling.next_night(timezone.now()) is None
    assert "Tonight’s training has been already" in page(at_school, "/school/")


@pytest.mark.parametrize("night", ["", "2027-01-01", "x" * 2000])
def test_a_night_that_nobody_offered_is_none(at_school: Client, night: str) -> None:
    assert press(at_school, "/school/begin/", night=night) == "This night has been already. There is one run a night."
    assert not TrainingRun.objects.exists()


def test_a_paused_school_begins_nothing(at_school: Client) -> None:
    shown = offered(at_school)
    promoting.turn_school(paused=True, now=timezone.now())
    assert press(at_school, "/school/begin/", night=shown) == "The night school is paused. Let it go on first."
    assert not TrainingRun.objects.exists()


# --- one run
def test_every_check_stands_with_its_number_limit_interval_count_and_rival(at_school: Client) -> None:
    body = page(at_school, f"/school/runs/{night().pk}/")
    row = re.search(r'<tr class="failed">(.*?)</tr>', body, re.S)
    assert row
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[1])
    assert cells == [
        "Pairs ranked right, difference", "base", "-2.1 points", "≥ -10.0 points", "-15.3 … +11.0", "40",
        "<strong>no</strong>",
    ]  # fmt: skip
    assert "× 1.012" in body
    assert "≤ × 1.050" in body
    assert "what writes now" in body


def test_strengths_and_samples_stand_beside_each_other_as_text(at_school: Client) -> None:
    body = page(at_school, f"/school/runs/{night(gate=PASSED, state='promoted', why='').pk}/")
    assert "passed at strength 0.5" in body
    assert "Five-character quatrain · 清晨的湖" in body
    for side in ("base", "serving"):
        assert SAMPLE[side] in body
    assert "&lt;b&gt;新的诗" in body


def test_every_reason_of_the_gate_has_a_name() -> None:
    assert set(naming.CHECKS) == {each.value for each in gate.Reason}


def test_curves_are_drawn_while_a_run_goes_and_say_what_they_show(at_school: Client) -> None:
    run = going()
    where = f"/school/runs/{run.pk}/live/"
    assert "<polyline" not in page(at_school, where)
    tell(run, 1, 10)
    first = page(at_school, where)
    tell(run, 11, 12)
    with (folders.folder_of(run) / "progress.jsonl").open("a") as file:
        file.write('{"step": 13, "planned": 40, "loss": NaN}\n{"step": "14"}\n[1]\n{"step": 1')
    second = page(at_school, where)
    assert first.count("<polyline") == second.count("<polyline") == 6
    assert 'aria-label="Loss: 0.69 → 0.6"' in first
    assert 'aria-label="Log-probability a token: chosen -2.01 → -2.11; rejected -2.23 → -2.45"' in first
    assert "step 10 of 40" in first
    assert "step 13 of 40" in second
    assert "15 minutes left" in first
    assert "data-going" in second
    assert not AuditEvent.objects.exists()


def test_a_long_run_is_drawn_from_few_points(at_school: Client) -> None:
    run = night()
    tell(run, 1, 5000, planned=5000)
    points = re.findall(r'points="([^"]*)"', page(at_school, f"/school/runs/{run.pk}/live/"))
    assert all(len(each.split()) <= 240 for each in points)
    assert "data-going" not in page(at_school, f"/school/runs/{run.pk}/live/")


def test_a_stopped_run_is_lost_to_whoever_held_it(at_school: Client) -> None:
    run = going()
    held = TrainingRun.objects.get(pk=run.pk)
    assert press(at_school, f"/school/runs/{run.pk}/stop/") == "It is stopped. Nothing of it will write."
    assert press(at_school, f"/school/runs/{run.pk}/stop/") == "This run has ended already."
    assert not nightly.keep(run=run.pk, holder="elsewhere:1:x", now=timezone.now())
    with pytest.raises(LeaseLost):
        nightly.judged(run=held, holder="elsewhere:1:x", verdict={"passed": True}, now=timezone.now())
    run.refresh_from_db()
    assert (run.state, run.why) == ("stopped", "terminated")
    assert "It was told to stop." in page(at_school, f"/school/runs/{run.pk}/")
    assert AuditEvent.objects.filter(action="run.stopped").count() == 1


def test_of_a_run_that_nobody_holds_no_words_stay_behind_a_stop(at_school: Client) -> None:
    run = going(lease_until=timezone.now() - timedelta(minutes=1))
    words = folders.folder_of(run) / "data.jsonl"
    words.write_text("her words")
    press(at_school, f"/school/runs/{run.pk}/stop/")
    assert not words.exists()


def test_a_run_of_a_terminal_is_not_stopped_here(at_school: Client) -> None:
    run = going()
    TrainingRun.objects.filter(pk=run.pk).update(night=None)
    assert "started at a terminal" in press(at_school, f"/school/runs/{run.pk}/stop/")
    run.refresh_from_db()
    assert run.state == "training"


def test_manifest_and_verdict_are_files_and_the_download_is_noted(at_school: Client) -> None:
    run = night()
    for name, kept in (("manifest", run.manifest), ("verdict", run.gate)):
        answer = at_school.get(f"/school/runs/{run.pk}/{name}.json")
        assert json.loads(answer.content) == kept
        assert f'filename="bailu-20261120-{str(run.pk)[:8]}-{name}.json"' in answer.headers["Content-Disposition"]
    assert AuditEvent.objects.filter(action="run.exported").count() == 2
    for name in ("config", "letter", "holder"):
        assert at_school.get(f"/school/runs/{run.pk}/{name}.json").status_code == 404
    assert at_school.get(f"/school/runs/{uuid.uuid4()}/verdict.json").status_code == 404
