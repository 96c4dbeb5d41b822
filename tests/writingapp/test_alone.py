"""Ratings with no pair: who learns from them, from which, and that what is taken back is taken back of these too."""

import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone, translation

from tests.training import tiny_base
from training.pairs import split_of
from writingapp.models import Adapter, Candidate, Inspiration, Rating, TrainingRun, User
from writingapp.services import alone, fates, leaving, letters, nightly, rating, runs, sessions
from writingapp.services.pairing import pair_up

NOW = timezone.now()
TEXTS = ("rain on the {0}\nand rain over {0}", "dust over all of {0}\nonly dust at {0}")
Asked = Callable[..., list[Candidate]]


@pytest.fixture
def asked(people: Callable[[str], User], settings: Any) -> Asked:
    """An ask of hers, on the side that is learnt from, with two finished texts."""
    settings.TRAIN_UNREVIEWED, settings.TRAIN_FEWEST = True, 1
    people("writer")
    User.objects.update(consents=True)
    writer = User.objects.get()

    def ask(wish: str = "lake", texts: tuple[str, ...] = TEXTS, **more: Any) -> list[Candidate]:
        session = sessions.start(user=writer, minutes=10, theme="湖", goal=None, now=NOW)
        keys = (uuid.uuid4() for _ in range(1000))
        key = next(key for key in keys if split_of(str(key), settings.PAIRS_SPLIT_KEY.encode()) == "train")
        fields: dict[str, Any] = {
            "kind": "poem",
            "form": "free",
            "language": "en",
            "messages": [{"role": "user", "content": wish}],
        }
        row = Inspiration.objects.create(pk=key, session=session, key=uuid.uuid4(), wish=wish, **fields | more)
        fields = {"sampling": {}, "status": "done", "queued_at": NOW, "finished_at": NOW}
        made = [text.format(wish) for text in texts]
        return [
            Candidate.objects.create(inspiration=row, position=at, text=text, **fields) for at, text in enumerate(made)
        ]

    return ask


def star(text: Candidate, score: int) -> Rating:
    writer = User.objects.get()
    return rating.score(user=writer, candidate=text, line=None, score=score, tags=None, now=NOW)


def neither(text: Candidate) -> Rating:
    writer = User.objects.get()
    return rating.compare(user=writer, inspiration=text.inspiration, kind="both_bad", better=None, tags=None, now=NOW)


def learnt() -> dict[str, bool]:
    """What the night would learn, by the first word of each text."""
    pair_up(night=NOW.date(), now=NOW)
    groups = runs.material("kto").groups
    assert not any(group["held_out"] for group in groups)
    return {text["text"].split(" ")[0]: text["label"] for group in groups for text in group["completions"]}


def test_stars_for_one_text_and_a_no_to_both_are_learnt_alone(asked: Asked) -> None:
    star(asked("lake")[0], 5)
    assert learnt() == {"rain": True}
    star(asked("hill")[1], 1)
    assert learnt() == {"rain": True, "dust": False}
    neither(asked("road", ("fog by the {0}\ngrey fog there", "mud upon {0}\nbrown mud here"))[0])
    assert learnt() == {"rain": True, "dust": False, "fog": False, "mud": False}


def test_the_same_stars_for_both_are_of_each_alone(asked: Asked) -> None:
    for text in asked():
        star(text, 4)
    assert learnt() == {"rain": True, "dust": True}


def test_what_says_nothing_or_contradicts_itself_is_not_learnt(asked: Asked) -> None:
    star(asked("lake")[0], 3)
    both = asked("hill")
    neither(both[0])
    star(both[0], 5)
    assert learnt() == {"dust": False}


def test_an_inspiration_that_has_a_pair_speaks_by_it(asked: Asked) -> None:
    one, other = asked()
    star(one, 5)
    star(other, 1)
    pair_up(night=NOW.date(), now=NOW)
    assert alone.trainable() == []
    assert [len(group["pairs"]) for group in runs.material("kto").groups] == [1]


@pytest.mark.parametrize(
    ("texts", "score", "more"),
    [
        (("rain rain rain rain rain rain rain rain rain rain rain rain", TEXTS[1]), 5, {}),
        (("no quatrain at all", TEXTS[1]), 5, {"form": "wujue", "language": "zh"}),
        (TEXTS, 5, {"kind": "swap"}),
    ],
    ids=["it repeats itself", "out of its form", "a line without its poem"],
)
def test_what_would_be_held_back_in_a_pair_is_not_learnt_alone(
    asked: Asked, texts: tuple[str, ...], score: int, more: dict[str, str]
) -> None:
    star(asked("lake", texts, **more)[0], score)
    assert learnt() == {}


def test_where_staff_look_first_and_by_other_methods_none_is_learnt(asked: Asked, settings: Any) -> None:
    star(asked()[0], 5)
    pair_up(night=NOW.date(), now=NOW)
    assert runs.material("dpo").groups == []
    settings.TRAIN_UNREVIEWED = False
    assert runs.material("kto").groups == []


def test_what_is_held_out_or_not_to_train_is_not_learnt(asked: Asked, settings: Any) -> None:
    said = star(asked()[0], 5)
    pair_up(night=NOW.date(), now=NOW)
    ids = (f"key {n}" for n in range(1000))
    settings.PAIRS_SPLIT_KEY = next(key for key in ids if split_of(str(said.inspiration_id), key.encode()) != "train")
    assert alone.trainable() == []
    settings.PAIRS_SPLIT_KEY = next(key for key in ids if split_of(str(said.inspiration_id), key.encode()) == "train")
    assert [each.rating for each in alone.trainable()] == [said]
    rating.allow(rating=said, consent=False, now=NOW)
    assert alone.trainable() == []


def begun() -> TrainingRun:
    pair_up(night=NOW.date(), now=NOW)
    run, _ = runs.begin(method="kto", now=NOW, holder="here:1:x")
    assert (run.state, run.manifest["alone"]) == ("training", 1)
    return run


def test_what_was_learnt_alone_says_so_and_is_told_again_the_next_night(asked: Asked) -> None:
    said = star(asked()[0], 5)
    runs.have_trained(begun())
    said.refresh_from_db()
    assert said.fate == "trained"
    neither(asked("hill")[0])
    pair_up(night=NOW.date(), now=NOW)
    assert len(alone.trainable()) == 2
    with translation.override("en"):
        entry = fates.entry(fates.with_fates(Rating.objects.filter(pk=said.pk)).get())
        assert (entry.fate, len(entry.walks)) == ("It made no pair. A model was trained on it alone.", 1)
        assert "ratings without a pair: 1" in letters.paragraph(TrainingRun.objects.get(), "en")


def test_a_partner_that_comes_later_makes_a_pair_that_nobody_has_learnt(asked: Asked) -> None:
    one, other = asked()
    said = star(one, 5)
    runs.have_trained(begun())
    star(other, 1)
    pair_up(night=NOW.date(), now=NOW)
    said.refresh_from_db()
    assert said.fate == "paired"


@pytest.mark.parametrize("how", ["withdrawn", "refused", "changed", "gone"])
def test_a_run_is_clean_until_she_says_otherwise(asked: Asked, how: str) -> None:
    said = star(asked()[0], 5)
    run = begun()
    adapter = Adapter.objects.create(name="a", folder="/nowhere", base="tiny", rank=4, state="serving")
    TrainingRun.objects.update(adapter=adapter)
    assert runs.is_clean(run)
    if how == "withdrawn":
        rating.withdraw(rating=said, now=NOW)
    elif how == "refused":
        rating.allow(rating=said, consent=False, now=NOW)
    elif how == "changed":
        assert said.candidate is not None
        star(said.candidate, 1)
    else:
        leaving.leave(user=User.objects.get(), now=NOW)
    assert not runs.is_clean(TrainingRun.objects.get())
    adapter.refresh_from_db()
    assert (adapter.state == "retired", adapter.tainted_at is not None) == (how != "changed",) * 2


def test_her_wishes_are_canaries_and_the_gate_hears_whose_they_are(asked: Asked) -> None:
    wish = "a slow boat that nobody has untied since the spring floods"
    star(asked(wish)[0], 5)
    run = begun()
    TrainingRun.objects.update(config={"served_as": "tiny"})
    run.refresh_from_db()
    assert any("slow boat" in each or "slowboat" in each for each in runs.own_words(run))
    judge = nightly.to_judge(run=run, node=None)
    assert (dict(judge["pairs_of"]), len(judge["writer_of"])) == ({User.objects.get().pseudonym: 1}, 1)


def test_it_trains(asked: Asked, settings: Any, tmp_path: Path) -> None:
    settings.RUNS, settings.ADAPTERS = tmp_path / "runs", tmp_path / "adapters"
    for n in range(6):
        star(asked(f"place {n}")[n % 2], 5 - 4 * (n % 2))
    knobs = ["rank=4", "alpha=8", "threads=1", "method=kto"]
    call_command("train", base=tiny_base.write(tmp_path / "base"), served_as="tiny", set=knobs, stdout=StringIO())
    run = TrainingRun.objects.get()
    assert run.adapter is not None
    assert (run.method, run.alone.count(), run.pairs.count()) == ("kto", 6, 0)
    assert set(Rating.objects.values_list("fate", flat=True)) == {"trained"}
