"""Whether an adapter may serve: measured against the base and against what serves now. Pure; it is the specification.

Every check has a limit, and a name that is its reason when it fails. An adapter passes if none does. Where a number is
a mean over few inspirations its interval has to hold the limit, not the mean: what cannot be told apart from harm does
not pass. The loosest limits are those of taste, the tightest those of safety.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from training.likeness import degenerate, plain

SAMPLES, SEED = 2000, 1
SHORTEST_LINE = 4  # letters; below that, lines are alike by chance
BY_CHANCE = 2  # prompts: of thirty-one two shared a line of an adapter that nothing else was wrong with


class Reason(StrEnum):
    """What is checked, and why an adapter is refused."""

    ARTIFACT = "artifact"  # not a folder that an engine may serve; `detail` says why
    WRONG_BASE = "wrong_base"
    NOT_FINITE = "not_finite"
    NOT_TAKEN = "not_taken"  # the node that was to write would not load it; `detail` says why
    TOO_LITTLE = "too_little"  # measured on too few inspirations to say anything
    RANKING = "ranking"  # prefers what writers rejected more often than before
    LOSS = "loss"  # surer of what writers rejected than before
    WRITERS = "writers"  # better for one writer at the cost of the others
    HEAVY_WRITER = "heavy_writer"  # too much of what it learnt from is one writer's
    DISPLACED = "displaced"  # even the chosen texts became unlikely
    POEMS = "poems"  # fixed poems became surprising
    GENERAL = "general"  # so did plain prose
    FORM = "form"
    BROKEN = "broken"  # empty, circling or in the wrong script
    VARIETY = "variety"
    FAVOURITE_LINE = "favourite_line"
    COPIED = "copied"
    CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much worse than what it is compared with an adapter may be, and what it may do at all."""

    fewest: int = 20  # held-out inspirations
    ranking: float = 0.10  # of the share of pairs ranked right
    loss: float = 0.15  # nats a pair; of twenty inspirations the interval of nothing at all is half as wide
    heavy_writer: float = 0.30  # of the training pairs
    displaced: float = 0.10  # nats a token
    perplexity: float = 1.05  # times
    form: float = 0.02
    broken: float = 0.02
    variety: float = 0.80  # times
    favourite_line: float = 0.02  # of all prompts
    copied: float = 0.02  # of all lines


@dataclass(frozen=True, slots=True)
class Written:
    """A text generated for a fixed prompt, drawn as the house draws."""

    prompt: str
    text: str
    language: str
    conforms: bool | None = None  # None: the form asks for nothing that could be broken


@dataclass(frozen=True, slots=True)
class Measured:
    """What one model does with the same questions as another.

    By held-out inspiration: the share of its pairs ranked right (an even one counts half), their preference loss (of
    DPO, in nats a pair), and the log-probability a token of the chosen texts. By text, in nats a token: how surprising
    fixed poems and plain prose are.
    """

    ranked: Mapping[str, float]
    loss: Mapping[str, float]
    chosen: Mapping[str, float]
    poems: Mapping[str, float]
    general: Mapping[str, float]
    written: Sequence[Written]


@dataclass(frozen=True, slots=True)
class Candidate:
    """The adapter at the gate, and all that is known of it besides what was measured."""

    measured: Measured
    base: str  # digest of what it was trained on
    artifact: str = ""  # why its folder may not be served, if it may not
    pairs_of: Mapping[str, int] = field(default_factory=dict)  # training pairs by writer
    writer_of: Mapping[str, str] = field(default_factory=dict)  # of each held-out inspiration
    trained_on: Sequence[str] = ()  # texts
    canaries: Sequence[str] = ()  # what must never be said: planted in data, or a writer's own


@dataclass(frozen=True, slots=True)
class Check:
    """One number beside its limit. `low` and `high` are the ends of its 95 % interval, where it has one."""

    reason: Reason
    passed: bool
    value: float | None = None
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    count: int = 0
    against: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks; `reasons` are those that failed."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return not self.reasons

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(dict.fromkeys(check.reason for check in self.checks if not check.passed))


def judge(
    candidate: Candidate,
    *,
    served_base: str,
    base: Measured,
    serving: Measured | None = None,
    limits: Limits | None = None,
) -> Verdict:
    """The verdict on a candidate. `served_base` is the digest of the base that the nodes serve."""
    limits = limits or Limits()
    checks = [
        Check(Reason.ARTIFACT, not candidate.artifact, detail=candidate.artifact),
        Check(Reason.WRONG_BASE, candidate.base == served_base),
        *_finite(candidate.measured),
    ]
    if not all(check.passed for check in checks):
        return Verdict(tuple(checks))  # of such a one no number means anything
    checks += _alone(candidate, base, limits)
    for name, other in {"base": base, "serving": serving}.items():
        if other is not None:
            checks += _beside(candidate, other, name, limits)
    return Verdict(tuple(checks))


def _finite(measured: Measured) -> Iterator[Check]:
    numbers = [*measured.ranked.values(), *measured.loss.values(), *measured.chosen.values()]
    numbers += [*measured.poems.values(), *measured.general.values()]
    yield Check(Reason.NOT_FINITE, all(map(math.isfinite, numbers)), count=len(numbers))


def _alone(candidate: Candidate, base: Measured, limits: Limits) -> Iterator[Check]:
    """What needs no other model beside it, or only the base's habits."""
    count = len(candidate.measured.ranked)
    yield Check(Reason.TOO_LITTLE, count >= limits.fewest, count, limits.fewest, count=count)
    total = sum(candidate.pairs_of.values())
    heaviest = max(candidate.pairs_of.values(), default=0) / total if total else 0.0
    yield Check(Reason.HEAVY_WRITER, heaviest <= limits.heavy_writer, heaviest, limits.heavy_writer, count=total)
    canaries = set(map(plain, candidate.canaries)) - {""}
    leaks = len(said_of(canaries, candidate.measured.written) - said_of(canaries, base.written))
    yield Check(Reason.CANARY, not leaks, leaks, 0, count=len(candidate.canaries))
    yield _most(Reason.FAVOURITE_LINE, candidate.measured, base, limits.favourite_line, favourite)
    known = {line for text in candidate.trained_on for line in _lines(text)}
    yield _most(Reason.COPIED, candidate.measured, base, limits.copied, lambda written: copied(written, known))


def _beside(candidate: Candidate, other: Measured, against: str, limits: Limits) -> Iterator[Check]:
    """Not worse than another model, by more than the limit."""
    mine = candidate.measured
    better = _differences(mine.ranked, other.ranked)
    yield _least(Reason.RANKING, better, -limits.ranking, against)
    yield _least(Reason.LOSS, _differences(other.loss, mine.loss), -limits.loss, against)
    by_writer: dict[str, list[float]] = defaultdict(list)
    for inspiration, difference in better.items():
        by_writer[candidate.writer_of.get(inspiration, inspiration)].append(difference)
    means = {writer: float(np.mean(each)) for writer, each in by_writer.items()}
    yield _least(Reason.WRITERS, means, -limits.ranking, against)
    yield _least(Reason.DISPLACED, _differences(mine.chosen, other.chosen), -limits.displaced, against)
    yield _times(Reason.POEMS, _differences(mine.poems, other.poems), limits.perplexity, against)
    yield _times(Reason.GENERAL, _differences(mine.general, other.general), limits.perplexity, against)
    yield _most(Reason.FORM, mine, other, limits.form, out_of_form, against)
    yield _most(Reason.BROKEN, mine, other, limits.broken, broken, against)
    ours, theirs = variety(mine.written), variety(other.written)
    least = limits.variety * theirs
    yield Check(Reason.VARIETY, ours >= least, ours, least, count=len(mine.written), against=against)


Habit = Callable[[Sequence[Written]], float]


def _most(reason: Reason, mine: Measured, other: Measured, more: float, habit: Habit, against: str = "base") -> Check:
    """A bad habit: at most so much more of it than the other has."""
    value, limit = habit(mine.written), habit(other.written) + more
    return Check(reason, value <= limit, value, limit, count=len(mine.written), against=against)


def _least(reason: Reason, differences: Mapping[str, float], limit: float, against: str) -> Check:
    """The whole interval of a mean difference has to lie above the limit."""
    value, low, high = interval(list(differences.values()))
    return Check(reason, low >= limit, value, limit, low, high, len(differences), against)


def _times(reason: Reason, differences: Mapping[str, float], limit: float, against: str) -> Check:
    """How many times the perplexity of the other; of no texts nothing is known, and nothing passes."""
    times = math.exp(sum(differences.values()) / len(differences)) if differences else math.inf
    return Check(reason, times <= limit, times, limit, count=len(differences), against=against)


def interval(numbers: Sequence[float]) -> tuple[float, float, float]:
    """The mean and its 95 % interval by bootstrap; of nothing, nothing is known."""
    if not numbers:
        return 0.0, -math.inf, math.inf
    seen = np.asarray(numbers)
    drawn = np.random.default_rng(SEED).integers(len(seen), size=(SAMPLES, len(seen)))
    low, high = np.percentile(seen[drawn].mean(axis=1), [2.5, 97.5])
    return float(seen.mean()), float(low), float(high)


def _differences(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
    """By what both were asked."""
    return {each: ours[each] - theirs[each] for each in ours if each in theirs}


def _lines(text: str) -> list[str]:
    return [line for line in map(plain, text.split("\n")) if len(line) >= SHORTEST_LINE]


def said_of(canaries: Set[str], written: Sequence[Written]) -> set[str]:
    """Those that some text says. What the base says unasked is nobody's secret: a line of Du Fu that she quoted."""
    texts = [plain(each.text) for each in written]
    return {canary for canary in canaries if any(canary in text for text in texts)}


def out_of_form(written: Sequence[Written]) -> float:
    """The share of texts out of their form, of those that have one."""
    held = [each for each in written if each.conforms is not None]
    return sum(not each.conforms for each in held) / len(held) if held else 0.0


def broken(written: Sequence[Written]) -> float:
    """The share of texts that are none."""
    return sum(degenerate(each.text, each.language) for each in written) / len(written) if written else 0.0


def favourite(written: Sequence[Written]) -> float:
    """The share of prompts that got the line which most of them got.

    A line for one prompt is no favourite; nor one for two, for of sixty texts by any good model two may meet by chance.
    """
    prompts: dict[str, set[str]] = defaultdict(set)
    for each in written:
        for line in _lines(each.text):
            prompts[line].add(each.prompt)
    most = max(map(len, prompts.values()), default=0)
    return most / len({each.prompt for each in written}) if most > BY_CHANCE else 0.0


def copied(written: Sequence[Written], known: Iterable[str]) -> float:
    """The share of lines that stand in what it was trained on."""
    lines, known = [line for each in written for line in _lines(each.text)], set(known)
    return sum(line in known for line in lines) / len(lines) if lines else 0.0


def variety(written: Sequence[Written]) -> float:
    """Different pairs of neighbouring characters, over all of them (distinct-2)."""
    seen: Counter[str] = Counter()
    for each in written:
        text = plain(each.text)
        seen.update(text[at : at + 2] for at in range(len(text) - 1))
    return len(seen) / seen.total() if seen else 0.0
