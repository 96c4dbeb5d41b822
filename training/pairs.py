"""From judgements to pairs: which text was preferred to which, how much, and why the rest is not used.

Pure, and meant to be read as the specification. Nobody is compared with anybody else: a pair is two texts that one
writer had before her for one inspiration. Every judgement comes out with a fate, and with a reason if it is not paired.
"""

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import Any, NamedTuple

from training.likeness import degenerate, distance, plain

TOO_CLOSE = 0.3  # pairs that differ in less drive down the likelihood of both texts (arXiv 2410.08847)
COMPARED = 0.5  # "better" says which, not how much: the middle. Stars say how much, a quarter a star
TAKEN = 0.15  # she took one and not the other: a sign, not a judgement
HELD_OUT = 0.1  # share of inspirations that are never trained on


class Reason(StrEnum):
    """Why a judgement is not paired, or why its pair is held back."""

    SAME_TEXT = "same_text"
    TOO_CLOSE = "too_close"
    DEGENERATE = "degenerate"
    OUT_OF_FORM = "out_of_form"  # the chosen one; to prefer a right text to a wrong one is worth learning
    COPIED = "copied"  # the chosen one has a line of the corpus
    CONTRADICTED = "contradicted"  # in one moment by another of hers
    OVERTAKEN = "overtaken"  # by a later one of hers
    CAPPED_INSPIRATION = "capped_inspiration"
    CAPPED_WRITER = "capped_writer"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    AGAIN = "again"  # the same two once more: it measures her, and trains nothing
    SWAPPED_ONCE = "swapped_once"  # shown the other way round she chose the other one
    NO_PARTNER = "no_partner"
    LINE_ALONE = "line_alone"  # one line has nothing beside it to be better than
    UNFINISHED = "unfinished"


class Fate(StrEnum):
    """What becomes of a judgement here; the values are those of the rows."""

    NO_CONSENT = "no_consent"
    NOT_PAIRED = "not_paired"
    HELD = "held"
    PAIRED = "paired"


class Source(StrEnum):
    """Where a pair comes from."""

    COMPARE = "compare"
    SCORE = "score"
    SWAP = "swap"
    TAKEN = "taken"


class Split(StrEnum):
    """Whether an inspiration's pairs are trained on."""

    TRAIN = "train"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True)
class RatedText:
    """A text and what it stood in. `taken`: into her text, and she lets that be learnt from."""

    id: str
    inspiration: str
    writer: str
    form: str
    kind: str
    language: str
    text: str
    position: int
    finished: bool = True
    taken: bool = False
    adapter: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> tuple[str, str, str, str]:
        return (self.writer, self.inspiration, self.form, self.kind)

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.split("\n") if line.strip()]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a writer said. `kind` is prefer, tie, both_bad or score; `candidate` is whom it names."""

    id: str
    writer: str
    inspiration: str
    kind: str
    at: datetime
    candidate: str = ""
    line: int | None = None
    score: int | None = None
    tags: tuple[str, ...] = ()
    consent: bool = False
    again: bool = False
    swapped: bool = False
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PairOf:
    """Two texts of one context. `weight` makes an inspiration count once, however many pairs it has."""

    chosen: RatedText
    rejected: RatedText
    gap: float
    source: Source
    ratings: tuple[str, ...]
    weight: float = 1.0
    held: Reason | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.chosen.id, self.rejected.id)


class Outcome(NamedTuple):
    """A fate and its reason, if it needs one."""

    fate: Fate
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """All that comes of one reading."""

    pairs: list[PairOf]
    fates: dict[str, Outcome]

    def counts(self) -> Counter[str]:
        """Judgements by what became of them, and why."""
        return Counter(f"{fate}: {reason}" if reason else str(fate) for fate, reason in self.fates.values())


@dataclass(frozen=True, slots=True)
class Rules:
    """What the house decides. `in_form` and `in_corpus` know what this room does not."""

    in_form: Callable[[RatedText], bool] = lambda text: True
    in_corpus: Callable[[str], bool] = lambda line: False
    an_inspiration: int = 6  # pairs
    a_writer: int = 40  # pairs a night
    share: float = 0.3  # of the night's pairs, for any one writer


HOUSE = Rules()


def pair(
    texts: Iterable[RatedText],
    judgements: Iterable[Judgement],
    rules: Rules = HOUSE,
    tonight: Mapping[str, int] | None = None,
) -> Pairing:
    """Make the pairs of these inspirations, each given whole. `tonight`: pairs that writers have got already."""
    together: dict[tuple[str, str, str, str], list[RatedText]] = defaultdict(list)
    for text in texts:
        together[text.context].append(text)
    said: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        said[judgement.writer, judgement.inspiration].append(judgement)
    fates = {each.id: Outcome(Fate.NOT_PAIRED, Reason.NO_PARTNER) for group in said.values() for each in group}
    pairs: list[PairOf] = []
    for context, group in sorted(together.items()):
        made, known = _Context(group, said[context[:2]], rules).read()
        pairs += made
        fates |= known
    pairs = _cap_writers(pairs, rules, tonight or {})
    return Pairing(_weighted(pairs), fates | _fates_of(pairs))


def split_of(inspiration: str, key: bytes) -> Split:
    """Decided by the inspiration alone, and by nobody who does not know the key."""
    drawn = hmac.digest(key, inspiration.encode(), "sha256")
    return Split.HELD_OUT if int.from_bytes(drawn[:8], "big") < HELD_OUT * 2**64 else Split.TRAIN


class _Said(NamedTuple):
    """What one way of judging says of two texts: who is better (None: neither), since when, by which judgements."""

    better: RatedText | None
    gap: float
    at: datetime
    ids: tuple[str, ...]
    source: Source
    reason: Reason | None = None


class _Context:
    """The texts of one inspiration, and all that its writer said of them."""

    def __init__(self, texts: list[RatedText], judgements: list[Judgement], rules: Rules) -> None:
        self.texts = {text.id: text for text in sorted(texts, key=lambda text: (text.position, text.id))}
        self.rules = rules
        self.judged = bool(judgements)
        self.fates: dict[str, Outcome] = {}
        self.compared: Judgement | None = None
        self.repeated: Judgement | None = None
        self.scores: dict[str, Judgement] = {}
        for each in sorted(judgements, key=lambda each: (each.at, each.id)):
            self._sort(each)

    def _sort(self, each: Judgement) -> None:
        """Into the slot of its kind; whatever stood there is overtaken."""
        older: Judgement | None = None
        if each.again:
            self._drop((each.id,), Reason.AGAIN)
            self.repeated = each
        elif not each.consent:
            self.fates[each.id] = Outcome(Fate.NO_CONSENT)
        elif each.line is not None:
            self._drop((each.id,), Reason.LINE_ALONE)
        elif each.candidate and each.candidate not in self.texts:
            self._drop((each.id,), Reason.NO_PARTNER)
        elif each.kind == "score":
            older, self.scores[each.candidate] = self.scores.get(each.candidate), each
        else:
            older, self.compared = self.compared, each
        if older:
            self._drop((older.id,), Reason.OVERTAKEN)

    def _drop(self, ids: tuple[str, ...], reason: Reason) -> None:
        self.fates |= {each: Outcome(Fate.NOT_PAIRED, reason) for each in ids}

    def read(self) -> tuple[list[PairOf], dict[str, Outcome]]:
        standing = [*self.scores.values(), *([self.compared] if self.compared else [])]
        self._drop(tuple(each.id for each in standing), Reason.NO_PARTNER)  # until a partner is found
        pairs = [made for one, other in combinations(self.texts.values(), 2) if (made := self._pair(one, other))]
        pairs.sort(key=lambda each: (each.held is not None, -each.gap, each.key))
        pairs = [
            _held(each, Reason.CAPPED_INSPIRATION, at >= self.rules.an_inspiration) for at, each in enumerate(pairs)
        ]
        return pairs, self.fates

    def _pair(self, one: RatedText, other: RatedText) -> PairOf | None:
        said = self._resolve(self._comparison(one, other), self._stars(one, other))
        if said is None and not self.judged:
            said = self._taking(one, other)
        if said is None or said.better is None:
            return None
        if not (one.finished and other.finished):
            self._drop(said.ids, Reason.UNFINISHED)
            return None
        worse = other if said.better is one else one
        source = Source.SWAP if one.kind == "swap" else said.source
        made = PairOf(said.better, worse, said.gap, source, said.ids)
        return replace(made, held=self._objection(made))

    def _comparison(self, one: RatedText, other: RatedText) -> _Said | None:
        said = self.compared
        if said is None:
            return None
        if said.kind == "prefer":
            better = {one.id: one, other.id: other}.get(said.candidate)
            return _Said(better, COMPARED, said.at, (said.id,), Source.COMPARE) if better else None
        return _Said(None, 0.0, said.at, (said.id,), Source.COMPARE, Reason(said.kind))

    def _stars(self, one: RatedText, other: RatedText) -> _Said | None:
        scores = [self.scores.get(text.id) for text in (one, other)]
        if not (scores[0] and scores[1]):
            return None
        first, second = (score.score or 0 for score in scores if score)
        ids, at = tuple(score.id for score in scores if score), max(score.at for score in scores if score)
        if first == second:
            return _Said(None, 0.0, at, ids, Source.SCORE, Reason.TIE)
        better = one if first > second else other
        return _Said(better, abs(first - second) / 4, at, ids, Source.SCORE)

    def _taking(self, one: RatedText, other: RatedText) -> _Said | None:
        """Only where she judged nothing, not even what may not be used, and took one of the two."""
        if one.taken == other.taken:
            return None
        return _Said(one if one.taken else other, TAKEN, datetime.min, (), Source.TAKEN)

    def _resolve(self, compared: _Said | None, stars: _Said | None) -> _Said | None:
        """Of two that differ the later one counts; of one moment, neither. Equal stars say nothing against a choice."""
        for said in (compared, stars):
            if said and said.reason:
                self._drop(said.ids, said.reason)
        if not compared or not stars:
            return compared or stars
        if stars.better is None:
            return compared
        if compared.better is stars.better:
            return compared._replace(gap=stars.gap, ids=compared.ids + stars.ids)
        if compared.at == stars.at:
            self._drop(compared.ids + stars.ids, Reason.CONTRADICTED)
            return None
        later, earlier = sorted((compared, stars), key=lambda said: said.at, reverse=True)
        self._drop(earlier.ids, Reason.OVERTAKEN)
        return later

    def _objection(self, made: PairOf) -> Reason | None:
        """Why this pair is not to be trained on, the plainest reason first."""
        chosen, rejected, again = made.chosen, made.rejected, self.repeated
        objections: dict[Reason, Callable[[], bool]] = {
            Reason.DEGENERATE: lambda: any(degenerate(each.text, each.language) for each in (chosen, rejected)),
            Reason.SAME_TEXT: lambda: plain(chosen.text) == plain(rejected.text),
            Reason.TOO_CLOSE: lambda: distance(chosen.text, rejected.text) < TOO_CLOSE,
            Reason.OUT_OF_FORM: lambda: not self.rules.in_form(chosen),
            Reason.COPIED: lambda: any(map(self.rules.in_corpus, chosen.lines)),
            Reason.SWAPPED_ONCE: lambda: bool(again and again.kind == "prefer" and again.candidate == rejected.id),
        }
        return next((reason for reason, holds in objections.items() if holds()), None)


def _held(each: PairOf, reason: Reason, holds: bool) -> PairOf:  # noqa: FBT001 (reads as a sentence where it is used)
    return replace(each, held=reason) if holds and each.held is None else each


def _cap_writers(pairs: list[PairOf], rules: Rules, tonight: Mapping[str, int]) -> list[PairOf]:
    """No writer has more than her part of a night. Which of hers stay is drawn blindly: nobody can steer it."""
    left = Counter(each.chosen.writer for each in pairs if each.held is None)
    most = cap_of(Counter(tonight) + left, rules)
    taken, capped = Counter(tonight), set()
    for each in sorted(pairs, key=lambda each: hashlib.sha256("/".join(each.key).encode()).digest()):
        if each.held is None:
            taken[each.chosen.writer] += 1
            if taken[each.chosen.writer] > most:
                capped.add(each.key)
    return [_held(each, Reason.CAPPED_WRITER, each.key in capped) for each in pairs]


def cap_of(wanted: Mapping[str, int], rules: Rules) -> int:
    """The most pairs that each may have, so that nobody has more than `share` of what is left of all.

    With so few writers that somebody must have more (three, if the share is 0.3), only the plain number holds.
    """
    wants = [each for each in wanted.values() if each]
    if len(wants) * rules.share < 1:
        return rules.a_writer
    fair = (
        most for most in range(1, rules.a_writer + 1) if most <= rules.share * sum(min(each, most) for each in wants)
    )
    return max(fair, default=0)


def _weighted(pairs: list[PairOf]) -> list[PairOf]:
    alive = Counter(each.chosen.inspiration for each in pairs if each.held is None)
    return [replace(each, weight=1 / max(1, alive[each.chosen.inspiration])) for each in pairs]


def _fates_of(pairs: list[PairOf]) -> dict[str, Outcome]:
    """A judgement in several pairs is paired if one of them is free."""
    fates: dict[str, Outcome] = {}
    for each in sorted(pairs, key=lambda each: each.held is None):
        fates |= dict.fromkeys(each.ratings, Outcome(Fate.HELD, each.held) if each.held else Outcome(Fate.PAIRED))
    return fates
