"""Runs as rows: which pairs a run learns from, what its folder says, and what became of it.

Nothing here trains, and nothing here lets an adapter write: that is for the gate.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from training.likeness import plain
from training.pairs import Rules, cap_of
from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, TrainingRun
from writingapp.services import alone, exporting, promoting, swapping
from writingapp.services.alone import Alone

State = TrainingRun.State
LEASE = timedelta(seconds=60)  # who holds a run and is not heard of for so long has lost it
HER_OWN = (Inspiration.Kind.LINE, Inspiration.Kind.CONTINUE)  # their prompts end in her text
SENTENCE_END = re.compile(r"[\n。！？；!?;.]")
HAN = re.compile(r"[\u4e00-\u9fff]")
BEFORE_TRAINED = (Rating.Fate.PAIRED, Rating.Fate.HELD, Rating.Fate.APPROVED)
SECRET = 12  # characters; of letters, three times as many
Group = dict[str, Any]  # a line of a run's data.jsonl, see training.batch
Said = Pair | Alone  # what is learnt: each has a writer, and the side of the split that it lies on


@dataclass(frozen=True, slots=True)
class Material:
    """What a run learns from. `set_aside`: how much more of one writer there was than the house's share."""

    pairs: list[Pair]
    alone: list[Alone]
    set_aside: int

    @property
    def said(self) -> list[Said]:
        return [*self.pairs, *self.alone]

    @property
    def groups(self) -> list[Group]:
        return groups_of(self.pairs) + alone.groups_of(self.alone)

    @property
    def manifest(self) -> dict[str, Any]:
        learnt_alone = {"alone": len(self.alone)} if self.alone else {}
        return {"pairs": dict(Counter(pair.split for pair in self.pairs)), **learnt_alone}

    def give(self, run: TrainingRun) -> None:
        """The run's rows name what it learns from."""
        run.pairs.set(self.pairs)
        run.alone.set([each.rating for each in self.alone])


def material(method: str) -> Material:
    """All that may be learnt by a method of training.config at this moment."""
    found: list[Said] = [*trainable(), *(alone.trainable() if method == "kto" else [])]
    kept = evened(found)
    pairs = [each for each in kept if isinstance(each, Pair)]
    return Material(pairs, [each for each in kept if isinstance(each, Alone)], len(found) - len(kept))


def trainable() -> QuerySet[Pair]:
    """What staff approved, and what nobody has looked at where the house says so; her word is asked again."""
    states = [Pair.State.APPROVED, *([Pair.State.WAITING] if settings.TRAIN_UNREVIEWED else [])]
    found = exporting.consented(Pair.objects.filter(state__in=states))
    return found.select_related("inspiration__of__inspiration", "chosen", "rejected").order_by("inspiration_id", "id")


def evened(said: Sequence[Said]) -> list[Said]:
    """Without what one writer has beyond the house's share of all that is learnt, so that the gate need not refuse it.

    Which of hers stay is drawn blindly, and the same ones every night. With too few writers, or too little of all but
    one, no share can hold: then all stay.
    """
    counts = _by_writer(said)
    rules = Rules(a_writer=max(counts.values(), default=0), share=settings.PAIRS_SHARE / 100)
    most, left = cap_of(counts, rules), Counter[str]()
    if sum(min(each, most) for each in counts.values()) < settings.TRAIN_FEWEST:
        return list(said)
    beyond = set()
    for each in sorted(said, key=lambda each: blake2b(each.pk.bytes).digest()):
        if each.split == Pair.Split.TRAIN:
            left[each.writer] += 1
            beyond |= {each.pk} if left[each.writer] > most else set()
    return [each for each in said if each.pk not in beyond]


def heaviest(said: Iterable[Said]) -> float:
    """The share of what is learnt that is one writer's, 0 to 1."""
    counts = _by_writer(said)
    return max(counts.values(), default=0) / max(1, counts.total())


def _by_writer(said: Iterable[Said]) -> Counter[str]:
    """How much each gives to learn from."""
    return Counter(each.writer for each in said if each.split == Pair.Split.TRAIN)


@transaction.atomic
def begin(*, method: str, now: datetime, holder: str) -> tuple[TrainingRun, list[Group]]:
    """A run by hand over all that may be learnt, and its data; skipped, if that is too little."""
    found = material(method)
    groups = found.groups
    few = too_few(groups)
    run = TrainingRun.objects.create(
        state=State.SKIPPED if few else State.TRAINING,
        why="too_few_pairs" if few else "",
        method=method,
        manifest=found.manifest | {"fewest": settings.TRAIN_FEWEST},
        holder=holder,
        lease_until=None if few else now + LEASE,
        started_at=now,
        finished_at=now if few else None,
    )
    if not few:
        found.give(run)
    return run, groups


def too_few(groups: Iterable[Group]) -> bool:
    """Whether there is less to learn from than the house asks for; what is held out is not learnt."""
    learnt = [group for group in groups if not group["held_out"]]
    return sum(len(group["pairs"]) or len(group["completions"]) for group in learnt) < settings.TRAIN_FEWEST


def groups_of(pairs: Iterable[Pair]) -> list[Group]:
    """One group an inspiration: its prompt once, its texts, and their pairs; each inspiration weighs the same.

    Another line is learnt as part of its poem: alone, it would teach that a poem ends where a line does.
    """
    of_ask: dict[Inspiration, list[Pair]] = defaultdict(list)
    for pair in pairs:
        of_ask[pair.inspiration].append(pair)
    return [_group(ask, given) for ask, given in of_ask.items()]


def _group(ask: Inspiration, pairs: list[Pair]) -> Group:
    rows: dict[Any, Candidate] = {}
    for pair in pairs:
        rows |= {pair.chosen.pk: pair.chosen, pair.rejected.pk: pair.rejected}
    at = {pk: place for place, pk in enumerate(rows)}
    texts = {pk: swapping.as_model_wrote(swapping.within(row), ask) for pk, row in rows.items()}
    return {
        "id": str(ask.pk),
        "prompt": (ask.of.inspiration if ask.of else ask).messages,
        "completions": [
            {"text": text, "label": _liked(pk, pairs), "weight": 1 / len(texts)} for pk, text in texts.items()
        ],
        "pairs": [
            {
                "chosen": at[pair.chosen.pk],
                "rejected": at[pair.rejected.pk],
                "gap": pair.gap,
                "weight": 1 / len(pairs),
            }
            for pair in pairs
        ],
        "held_out": pairs[0].split == Pair.Split.HELD_OUT,
    }


def _liked(text: Any, pairs: list[Pair]) -> bool | None:
    """Of a text alone, for methods that know no pairs; one that won here and lost there is neither."""
    won = any(text == pair.chosen_id for pair in pairs)
    lost = any(text == pair.rejected_id for pair in pairs)
    return None if won and lost else won


@transaction.atomic
def learnt(*, run: TrainingRun, adapter: Adapter, manifest: dict[str, Any], now: datetime) -> None:
    """The adapter of a run by hand enters the registry, unjudged. What was withdrawn meanwhile taints it at once."""
    have_trained(run)
    registered(run=run, adapter=adapter, now=now)
    run.manifest |= manifest
    run.save(update_fields=["manifest"])
    ended(run=run, state=State.STOPPED, why="not_judged", now=now)


@transaction.atomic
def registered(*, run: TrainingRun, adapter: Adapter, now: datetime) -> None:
    """The adapter's row and what it has seen, in one commit: nobody can take back a word in between unheard.

    Whoever takes one back holds the school's row, see promoting.taint: she finds the adapter by its run, or is found.
    """
    promoting.school()
    if adapter._state.adding:
        adapter.save()
    run.adapter = adapter
    run.save(update_fields=["adapter"])
    taint_unclean(run, now=now)


def taint_unclean(run: TrainingRun, *, now: datetime) -> None:
    """An adapter that somebody behind it does not let train any more is marked, and never writes."""
    if run.adapter_id is not None and not is_clean(run):
        promoting.taint(Adapter.objects.filter(pk=run.adapter_id), now=now)


@transaction.atomic
def imported(*, adapter: Adapter, verdict: dict[str, Any], saw: list[Pair], now: datetime) -> None:
    """An adapter that was trained elsewhere, and what it may have seen of ours, gets a run as any other has."""
    promoting.school()  # as in `registered`
    adapter.origin, adapter.gate = Adapter.Origin.IMPORT, verdict
    adapter.save()
    run = TrainingRun.objects.create(adapter=adapter, gate=verdict, started_at=now)
    run.pairs.set(saw)
    ended(run=run, state=State.STOPPED, why="imported", now=now)
    if exporting.consented(Pair.objects.filter(runs=run)).count() < len(saw):  # while it was judged
        promoting.taint(Adapter.objects.filter(pk=adapter.pk), now=now)


def have_trained(run: TrainingRun) -> None:
    """The ratings behind what it learnt from have come to that; what is held out has not, nor what she said since.

    A rating that was changed meanwhile waits for the night: told otherwise, it would never be read again.
    """
    learnt = run.pairs.filter(split=Pair.Split.TRAIN).exclude(state=Pair.State.WITHDRAWN)
    Rating.objects.filter(pairs__in=learnt, fate__in=BEFORE_TRAINED).update(fate=Rating.Fate.TRAINED)
    alone.have_trained(run)


def own_words(run: TrainingRun) -> set[str]:
    """Sentences of writers, out of what it learnt under; the gate looks whether it says them to anybody."""
    learnt = Q(pairs__in=run.pairs.filter(split=Pair.Split.TRAIN)) | Q(ratings__in=run.alone.all())
    return words_under(Inspiration.objects.filter(learnt).distinct())


def words_under(asks: Iterable[Inspiration]) -> set[str]:
    """Sentences of writers' own wishes, and of their texts where they asked for more. Short ones anybody may say."""
    told = {text for ask in asks for text in (ask.wish, ask.messages[-1]["content"] if ask.kind in HER_OWN else "")}
    sentences = {plain(each) for text in told for each in SENTENCE_END.split(text)}
    return {each for each in sentences if len(each) >= (SECRET if HAN.search(each) else 3 * SECRET)}


def is_clean(run: TrainingRun) -> bool:
    """Whether everybody behind it still lets it train; what is gone with its writer counts as a no."""
    learnt: int = sum(run.manifest["pairs"].values())
    if exporting.consented(Pair.objects.filter(runs=run)).count() != learnt:
        return False
    told: int = run.manifest.get("alone", 0)
    return alone.standing(run.alone.all()).count() == told


def ended(*, run: TrainingRun, state: str, why: str, now: datetime) -> None:
    """It came to nothing, and why."""
    run.state, run.why, run.finished_at, run.lease_until = State(state), why, now, None
    run.save(update_fields=["state", "why", "finished_at", "lease_until"])
