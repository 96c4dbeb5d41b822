"""Adapters and the blind trial on the school's pages: each button does what it says, once, or says why not."""

import uuid

import pytest
from django.test import Client
from django.utils import timezone

from tests.writingapp.school import night
from tests.writingapp.test_promoting import everywhere, make, node, promoted, states
from tests.writingapp.test_school_pages import Make, at_school, page, press
from writingapp.models import AuditEvent, Trial
from writingapp.services import schooling, trials

__all__ = ["at_school", "make"]
pytestmark = pytest.mark.usefixtures("rows")


def test_a_card_tells_where_it_comes_from_and_how_far_the_nodes_are(at_school: Client, make: Make) -> None:
    one, two = make(1), make(2)
    promoted(one, two)
    node("m", **{two.name: "failed"})
    run = night(adapter=two, state="promoted")
    body = page(at_school, "/school/adapters/")
    assert f"{two.name} writes." in body
    card = body[body.index(f'id="{two.name}"') :]
    for said in (
        f'href="#{one.name}"',
        two.digest,
        f"/school/runs/{run.pk}/",
        "could not load it",
        "no_effect",
        "proved",
        "Roll back now",
    ):
        assert said in card
    assert "serving" not in states()["a1"]


def test_promoting_by_its_button_and_being_refused_in_a_sentence(at_school: Client, make: Make) -> None:
    one, unjudged, tainted = make(1), make(2, gate={}), make(3, tainted_at=timezone.now())
    node("n", **{unjudged.name: "proved", tainted.name: "proved"})
    refused = {
        one: "Not every node has proved it: n.",
        unjudged: "No gate has passed it, so it may not be promoted.",
        tainted: "A writer took back something that it had learnt from, so it does not write.",
    }
    for row, why in refused.items():
        assert press(at_school, f"/school/adapters/{row.name}/promote/") == why
    assert "serving" not in states().values()
    everywhere(one)
    for _ in range(2):
        assert press(at_school, f"/school/adapters/{one.name}/promote/") == f"{one.name} writes from now on."
    assert states()["a1"] == "serving"
    assert AuditEvent.objects.filter(action="adapter.promoted", actor__username="head").count() == 1


def test_loading_and_unloading_are_each_noted_once(at_school: Client, make: Make) -> None:
    one = make(1)
    for _ in range(2):
        press(at_school, f"/school/adapters/{one.name}/load/")
    assert states() == {"a1": "loaded"}
    for _ in range(2):
        press(at_school, f"/school/adapters/{one.name}/unload/")
    assert states() == {"a1": "ready"}
    actions = AuditEvent.objects.filter(action__startswith="adapter.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["adapter.loaded", "adapter.unloaded"]


def test_rolling_back_twice_from_the_same_page_goes_back_once(at_school: Client, make: Make) -> None:
    one, two, three = make(1), make(2), make(3)
    promoted(one, two, three)
    everywhere(one, two, three)
    assert f"{two.name} writes again within a second" in page(at_school, "/school/adapters/")
    assert press(at_school, "/school/adapters/back/", wrote=three.name) == f"{two.name} writes again."
    assert "Something else holds by now" in press(at_school, "/school/adapters/back/", wrote=three.name)
    assert states() == {"a1": "ready", "a2": "serving", "a3": "retired"}
    assert press(at_school, "/school/adapters/back/", wrote="") == (
        "Something else holds by now, so nothing was changed. Please look once more."
    )


def test_with_nothing_that_writes_there_is_no_way_back(at_school: Client) -> None:
    assert press(at_school, "/school/adapters/back/", wrote="") == "No adapter writes; it is the base already."


def test_retiring_is_for_good(at_school: Client, make: Make) -> None:
    one = make(1)
    for _ in range(2):
        assert press(at_school, f"/school/adapters/{one.name}/retire/") == f"{one.name} is retired, for good."
    assert press(at_school, f"/school/adapters/{one.name}/load/") == "It is retired, and does not come back."
    assert AuditEvent.objects.filter(action="adapter.retired").count() == 1


def test_an_adapter_that_is_not_there_is_not_found(at_school: Client) -> None:
    for verb in ("load", "unload", "promote", "retire", "try"):
        assert at_school.post(f"/school/adapters/nobody/{verb}/").status_code == 404
    assert at_school.post(f"/school/trials/{uuid.uuid4()}/stop/").status_code == 404


# --- the trial
def test_a_trial_is_begun_widened_and_stopped_here(at_school: Client, make: Make) -> None:
    one, two = make(1), make(2)
    promoted(one)
    assert "Not every node" in press(at_school, f"/school/adapters/{two.name}/try/", share="20")
    everywhere(one, two)
    assert "has begun" in press(at_school, f"/school/adapters/{two.name}/try/", share="20")
    assert press(at_school, f"/school/adapters/{two.name}/try/", share="20") == "Another trial is running."
    assert "Stop that first" in press(at_school, f"/school/adapters/{two.name}/unload/")
    assert press(at_school, "/school/trial/share/", share="50") == "The trial’s share is 50 % now."
    trial = Trial.objects.get()
    assert trial.share == 0.5
    body = page(at_school, "/school/adapters/")
    assert "Evidence of 20 decides. 7 more sittings won in a row would promote it." in body
    assert "7 lost in a row would retire it." in body
    for said in ("The trial is stopped; nobody has won it.", "No trial is running."):
        assert press(at_school, f"/school/trials/{trial.pk}/stop/") == said
    assert states()["a2"] == "ready"
    assert press(at_school, "/school/trial/share/", share="50") == "No trial is running."


def test_the_stop_of_an_old_page_ends_no_later_trial(at_school: Client, make: Make) -> None:
    two = make(2)
    everywhere(two)
    old = trials.start(challenger=two, share=0.1, now=timezone.now())
    trials.stop(now=timezone.now())
    trials.start(challenger=two, share=0.1, now=timezone.now())
    assert "Something else holds by now" in press(at_school, f"/school/trials/{old.pk}/stop/")
    assert trials.running() is not None


@pytest.mark.parametrize("share", ["", "-1", "101", "1e9", "٣", "20.5", "9" * 5000])
def test_a_share_that_is_none_begins_nothing(at_school: Client, make: Make, share: str) -> None:
    one = make(1)
    everywhere(one)
    said = press(at_school, f"/school/adapters/{one.name}/try/", share=share)
    assert said == "A share goes from 0 to 100 percent."
    assert not Trial.objects.exists()


def test_what_is_still_needed_is_what_the_test_asks_for() -> None:
    assert schooling.still_to_win(0, 0) == 7
    assert schooling.still_to_win(7, 0) == 0
    assert schooling.still_to_win(0, 3000) is None
