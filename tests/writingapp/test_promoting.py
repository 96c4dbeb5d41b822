"""Which adapter writes: what may be promoted, the way back, the switch, and what a word taken back does at once."""

import os
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.nights.fitter import fitting_nodes
from tests.processes_inference import fake_node
from tests.tiny_adapter import tiny_adapter
from tests.writingapp.pairs import pair
from writingapp.models import Adapter, AuditEvent, EngineNode, TrainingRun, Trial, User
from writingapp.services import adapters, nodes, promoting, rating
from writingapp.services.promoting import NotPromoted

pytestmark = pytest.mark.usefixtures("rows")
NOW = timezone.now()
Make = Callable[..., Adapter]


@pytest.fixture
def make(settings: Any, tmp_path: Path) -> Make:
    """Adapters that the gate has passed, each with bytes of its own."""
    settings.ADAPTERS = tmp_path / "registry"

    def made(seed: int, **said: Any) -> Adapter:
        row = adapters.register(folder=tiny_adapter(tmp_path / str(seed), seed=seed), label=f"a{seed}", base="qwen")
        Adapter.objects.filter(pk=row.pk).update(**{"gate": {"passed": True}, **said})
        return Adapter.objects.get(pk=row.pk)

    return made


def node(name: str, **adapters: str) -> None:
    """Its row says so of adapters; nothing answers there."""
    nodes.put(name=name, kind="fake", url="http://127.0.0.1:9", model="qwen")
    told = {adapter: {"state": state, "why": "no_effect"} for adapter, state in adapters.items()}
    EngineNode.objects.filter(pk=name).update(adapters=told)


def everywhere(*made: Adapter) -> None:
    node("n", **{row.name: "proved" for row in made})


def promoted(*made: Adapter) -> None:
    """One after the other, an hour apart."""
    everywhere(*made)
    for hour, row in enumerate(made):
        promoting.promote(adapter=row, now=NOW + timedelta(hours=hour))


def states() -> dict[str, str]:
    return {row.name.split("-")[0]: row.state for row in Adapter.objects.all()}


def test_whoever_wrote_stays_loaded_and_whoever_wrote_before_is_let_go(make: Make) -> None:
    one, two, three = make(1), make(2), make(3)
    promoted(one, two, three)
    assert states() == {"a1": "ready", "a2": "loaded", "a3": "serving"}
    three.refresh_from_db()
    assert (three.parent, three.promoted_at) == (two, NOW + timedelta(hours=2))


def test_promoting_twice_is_promoting_once(make: Make) -> None:
    one = make(1)
    promoted(one)
    promoting.promote(adapter=one, now=NOW + timedelta(hours=5))
    one.refresh_from_db()
    assert (one.state, one.promoted_at) == ("serving", NOW)
    assert AuditEvent.objects.filter(action="adapter.promoted").count() == 1


def test_every_active_node_must_have_proved_it(make: Make) -> None:
    one = make(1)
    everywhere(one)
    node("late")
    with pytest.raises(NotPromoted, match="not_proved: late"):
        promoting.promote(adapter=one, now=NOW)
    nodes.turn(name="late", state="draining")  # who gets no more texts need not
    promoting.promote(adapter=one, now=NOW)
    assert states() == {"a1": "serving"}


def test_without_any_node_nothing_is_promoted(make: Make) -> None:
    with pytest.raises(NotPromoted, match="not_proved"):
        promoting.promote(adapter=make(1), now=NOW)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"gate": {}}, "not_judged"),
        ({"gate": {"passed": False}}, "not_judged"),
        ({"tainted_at": NOW}, "withdrawn"),
        ({"state": "retired"}, "retired"),
    ],
)
def test_what_may_not_write_is_refused(make: Make, said: dict[str, Any], code: str) -> None:
    one = make(1, **said)
    everywhere(one)
    with pytest.raises(NotPromoted, match=code):
        promoting.offer(adapter=one)
    with pytest.raises(NotPromoted, match=code):
        promoting.promote(adapter=one, now=NOW)
    assert adapters.serving() == ""


def test_while_the_school_is_paused_nothing_is_promoted(make: Make) -> None:
    one = make(1)
    everywhere(one)
    call_command("school", "pause", stdout=StringIO())
    with pytest.raises(NotPromoted, match="paused"):
        promoting.promote(adapter=one, now=NOW)
    call_command("school", "resume", stdout=StringIO())
    promoting.promote(adapter=one, now=NOW)
    assert [event.action for event in AuditEvent.objects.order_by("id")] == [
        "school.paused",
        "school.resumed",
        "adapter.promoted",
    ]


def test_a_rollback_is_one_call_to_the_one_before_and_in_the_end_to_the_base(make: Make) -> None:
    promoted(make(1), make(2), make(3))
    assert _rollback() == "a2"
    assert states() == {"a1": "ready", "a2": "serving", "a3": "retired"}
    assert _rollback() == "a1"
    assert _rollback() == "The base"
    assert (adapters.serving(), set(states().values())) == ("", {"retired"})
    with pytest.raises(CommandError, match="base already"):
        call_command("rollback")


def test_a_rollback_goes_back_to_no_adapter_of_another_base(make: Make) -> None:
    """MODEL was another one for a while, and is the first again."""
    other, row = make(1), make(2)
    promoted(other, row)
    Adapter.objects.filter(pk=other.pk).update(base="another")
    assert _rollback() == "The base"


def _rollback() -> str:
    out = StringIO()
    call_command("rollback", stdout=out)
    return out.getvalue().removesuffix(" writes.\n").split("-")[0]


def test_a_word_taken_back_retires_what_saw_it_and_the_last_clean_one_writes(make: Make, owner: User) -> None:
    one, two, three = make(1), make(2), make(3)
    promoted(one, two, three)
    given = pair(owner)
    for row in (two, three):
        TrainingRun.objects.create(state="promoted", adapter=row).pairs.add(given)
    rating.withdraw(rating=given.ratings.get(), now=NOW + timedelta(hours=9))
    assert states() == {"a1": "serving", "a2": "retired", "a3": "retired"}
    assert Adapter.objects.filter(tainted_at=None).get() == one


def test_what_saw_a_word_taken_back_is_deleted_once_no_node_has_it(make: Make, settings: Any, tmp_path: Path) -> None:
    settings.MODEL_CACHE = tmp_path / "models"
    tainted, retired, clean = make(1, tainted_at=NOW, state="retired"), make(2, state="retired"), make(3)
    for row in (tainted, retired):
        converted = settings.MODEL_CACHE / "adapters" / row.digest / f"{row.name}.gguf"
        converted.parent.mkdir(parents=True)
        converted.write_bytes(b"GGUF")
    everywhere(tainted)
    assert adapters.clear() == []
    assert Path(tainted.folder).is_dir()
    node("n")
    assert adapters.clear() == [tainted.name]
    assert adapters.clear() == []
    assert not Path(tainted.folder).exists()
    assert [path.name for path in (settings.MODEL_CACHE / "adapters").iterdir()] == [retired.digest]
    assert all(Path(row.folder).is_dir() for row in (retired, clean))
    assert Adapter.objects.filter(pk=tainted.pk).exists()


def test_what_somebody_left_who_was_killed_is_swept_and_what_is_being_made_is_not(
    make: Make, settings: Any, tmp_path: Path
) -> None:
    settings.MODEL_CACHE = tmp_path / "models"
    row, source = make(1), tiny_adapter(tmp_path / "2", seed=2)
    os.utime(source, (0, 0))  # its copy is young for all that
    astray = [Path(adapters.lay(folder=source, label="night", base="qwen").folder)]
    astray.append(settings.ADAPTERS / f".night-{'0' * 12}.{'1' * 32}")
    astray[1].mkdir()
    converted = [
        settings.MODEL_CACHE / "adapters" / name for name in ("d/gate-1.gguf", "d/.gate-2.gguf.77", "e/a.gguf")
    ]
    for file in converted:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"GGUF")
    (settings.ADAPTERS / "notes").mkdir()
    adapters.sweep(now=timezone.now())
    assert all(path.exists() for path in astray + converted)
    adapters.sweep(now=timezone.now() + adapters.ASTRAY + timedelta(minutes=1))
    assert {path.name for path in settings.ADAPTERS.iterdir()} == {row.name, "notes"}
    assert [path.name for path in (settings.MODEL_CACHE / "adapters").rglob("*")] == ["e", "a.gguf"]


def test_of_adapters_at_rest_only_the_newest_keep_their_files(make: Make, settings: Any, tmp_path: Path) -> None:
    settings.MODEL_CACHE, settings.ADAPTERS_KEPT = tmp_path / "models", 2
    rows = [make(number) for number in range(1, 7)]
    promoted(rows[0], rows[1])
    node("n", **{rows[2].name: "proved"})  # which a node has still to let go
    assert adapters.clear() == [rows[3].name]
    assert states() == {f"a{number}": "ready" for number in (5, 6)} | {
        "a1": "loaded",
        "a2": "serving",
        "a3": "retired",
        "a4": "retired",
    }
    assert {Path(row.folder).is_dir() for row in rows[:3] + rows[4:]} == {True}
    node("n")
    assert adapters.clear() == [rows[2].name]
    assert adapters.clear() == []


def test_a_word_taken_back_ends_the_trial_of_what_saw_it(make: Make, owner: User) -> None:
    one, two = make(1), make(2, state="loaded")
    promoted(one)
    trial = Trial.objects.create(challenger=two, champion=one, share=0.5)
    given = pair(owner)
    TrainingRun.objects.create(state="promoted", why="trial", adapter=two).pairs.add(given)
    rating.withdraw(rating=given.ratings.get(), now=NOW)
    trial.refresh_from_db()
    assert (trial.state, trial.figures["why"]) == ("stopped", "retired")
    assert states() == {"a1": "serving", "a2": "retired"}


def test_by_hand_it_is_loaded_proved_and_promoted(make: Make) -> None:
    one, out = make(1), StringIO()
    with fake_node(rate=0) as started, fitting_nodes():
        nodes.put(name="n", kind="fake", url=started.url, model="qwen")
        call_command("promote", one.name, stdout=out)
    assert (states(), out.getvalue()) == ({"a1": "serving"}, f"{one.name} writes.\n")


def test_a_node_that_cannot_load_it_is_named_and_nothing_changes(make: Make) -> None:
    one = make(1)
    with fake_node(rate=0) as good, fake_node(rate=0, noop=True) as deaf, fitting_nodes():
        nodes.put(name="good", kind="fake", url=good.url, model="qwen")
        nodes.put(name="deaf", kind="fake", url=deaf.url, model="qwen")
        with pytest.raises(CommandError, match=r"deaf \(\w+\)"):
            call_command("promote", one.name)
    assert states() == {"a1": "ready"}


def test_a_node_that_never_answers_is_named_too(make: Make) -> None:
    one = make(1)
    node("away")
    with pytest.raises(CommandError, match=r"in time.*away"):
        call_command("promote", one.name, minutes=0.01)
    assert states() == {"a1": "ready"}
