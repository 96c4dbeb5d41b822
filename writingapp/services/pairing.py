"""The night's first step: what writers said becomes pairs. The rules are `training.pairs`; here are the rows.

An inspiration is read whole whenever there is something new about it, and written in a transaction of its own, unless
its writer says something else meanwhile: then it waits for the next reading. A second run finds nothing to do.
"""

import logging
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import compress
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from inference.verse.forms import FORMS, family_of
from inference.verse.held import Held
from inference.verse.judging import right
from inference.verse.known import source
from training.pairs import Fate as Outcomes
from training.pairs import Judgement, Pairing, PairOf, RatedText, Rules, pair, split_of
from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, WritingSession
from writingapp.services import promoting

log = logging.getLogger(__name__)
State, Fate = Pair.State, Rating.Fate
FATES = {  # of a rating whose pair stands so
    State.WAITING: Fate.PAIRED,
    State.FLAGGED: Fate.PAIRED,
    State.HELD: Fate.HELD,
    State.APPROVED: Fate.APPROVED,
    State.DISCARDED: Fate.DISCARDED,
}
DECIDED = (State.APPROVED, State.DISCARDED, State.FLAGGED)
AT_ONCE = 500  # inspirations read together


@dataclass(slots=True)
class Counts:
    """What a run read and wrote. `why` counts judgements, by fate and reason."""

    judgements: int = 0
    made: int = 0
    held: int = 0
    withdrawn: int = 0
    postponed: int = 0  # inspirations whose writer said something meanwhile
    why: Counter[str] = field(default_factory=Counter)


def pair_up(*, night: date, now: datetime) -> Counts:
    """Pair whatever is new. Raises nothing for what writers do meanwhile."""
    asks = _read(_stirred())
    made = pair(
        [rated_text(row, ask) for ask in asks for row in ask.candidates.all()],
        [_judgement(row, ask) for ask in asks for row in ask.ratings.all()],
        rules_of(asks),
        _tonight(night, asks),
    )
    counts = Counts(judgements=len(made.fates), why=made.counts())
    pairs: dict[str, list[PairOf]] = defaultdict(list)
    for each in made.pairs:
        pairs[each.chosen.inspiration].append(each)
    for ask in asks:
        _Writing(ask, made, night, now, counts).write(pairs[str(ask.pk)])
    log.info("pairs of %s: %d made, %d held, %d withdrawn", night, counts.made, counts.held, counts.withdrawn)
    return counts


# --- reading ---------------------------------------------------------------------------------------------------------
def _stirred() -> set[uuid.UUID]:
    """The inspirations about which something is new."""
    hers = Rating.objects.filter(inspiration=OuterRef("inspiration"))
    waiting = Rating.objects.filter(fate=Fate.WAITING, withdrawn_at=None)
    flipped = Rating.objects.filter(  # shown the other way round she chose the other one
        again=True, kind=Rating.Kind.PREFER, withdrawn_at=None, candidate__rejected_in__state=State.WAITING
    )
    unsaid = Pair.objects.filter(ratings=None).exclude(state=State.WITHDRAWN)
    unsaid = unsaid.filter(~Q(user__consents=True) | Exists(hers))
    found = [rows.values_list("inspiration", flat=True) for rows in (waiting, flipped, unsaid, _taken())]
    return {pk for rows in found for pk in rows}


def _taken() -> QuerySet[Candidate]:
    """Finished texts that she took instead of another one, without a word about either; her morning is over."""
    left = Candidate.objects.filter(inspiration=OuterRef("inspiration"), taken_at=None, status=Candidate.Status.DONE)
    known = [rows.objects.filter(inspiration=OuterRef("inspiration")) for rows in (Rating, Pair)]
    return Candidate.objects.filter(
        Exists(left),
        *(~Exists(rows) for rows in known),
        taken_at__isnull=False,
        status=Candidate.Status.DONE,
        inspiration__session__user__consents=True,
        inspiration__session__state=WritingSession.State.FINISHED,
    )


def _read(asks: Iterable[uuid.UUID]) -> list[Inspiration]:
    """Whole, without the manuscripts they were asked from."""
    rows = Inspiration.objects.select_related("session__user").defer("session__text")
    rows = rows.prefetch_related("candidates", "ratings", "pairs__ratings")
    keys = sorted(asks)
    return [ask for at in range(0, len(keys), AT_ONCE) for ask in rows.filter(pk__in=keys[at : at + AT_ONCE])]


def rated_text(row: Candidate, ask: Inspiration) -> RatedText:
    """As the rules read it."""
    return RatedText(
        id=str(row.pk),
        inspiration=str(ask.pk),
        writer=ask.session.user.pseudonym,
        form=ask.form,
        kind=ask.kind,
        language=ask.language,
        text=row.text,
        position=row.position,
        finished=row.status == Candidate.Status.DONE,
        taken=row.taken_at is not None and ask.session.user.consents is True,
        adapter=row.adapter,
        sampling=row.sampling,
    )


def _judgement(row: Rating, ask: Inspiration) -> Judgement:
    return Judgement(
        id=str(row.pk),
        writer=ask.session.user.pseudonym,
        inspiration=str(ask.pk),
        kind=row.kind,
        at=row.updated_at,
        candidate=str(row.candidate_id or ""),
        line=row.line,
        score=row.score,
        tags=tuple(row.tags),
        consent=row.consent and row.withdrawn_at is None,
        again=row.again and row.withdrawn_at is None,
        swapped=row.swapped,
        latency_ms=row.latency_ms,
    )


def rules_of(asks: Iterable[Inspiration]) -> Rules:
    """The house's, which know the form that each text of these was asked in."""
    broken = {str(row.pk) for ask in asks for row in ask.candidates.all() if row.conforms is False}
    return Rules(
        in_form=lambda text: text.id not in broken and _is_verse(text),
        in_corpus=lambda line: source(line) is not None,
        a_writer=settings.PAIRS_A_WRITER,
        share=settings.PAIRS_SHARE / 100,
    )


def split_for(ask: Inspiration) -> str:
    """Decided once: another key changes nothing for an inspiration that has a pair."""
    decided = (row.split for row in ask.pairs.all())
    return next(decided, split_of(str(ask.pk), settings.PAIRS_SPLIT_KEY.encode()))


def _is_verse(text: RatedText) -> bool:
    """Whether a text is what was asked for. A kept line may have been swapped since, which was hers to do."""
    if text.kind != Inspiration.Kind.POEM or text.form not in FORMS:
        return True
    held = Held.of({"form": text.form, "language": text.language} | text.sampling.get("constraint", {}))
    if not held.drawn and family_of(held.form, held.language) == "english":  # from before syllables were counted
        return True
    return right(held.form, text.text, replace(held.options, pins=()), held.language)


def _tonight(night: date, asks: Iterable[Inspiration]) -> dict[str, int]:
    """How many pairs writers have got this night, beside those that are read again."""
    free = Pair.objects.filter(night=night).exclude(state__in=(State.HELD, State.WITHDRAWN))
    counts = Counter(dict(free.values_list("writer").annotate(Count("pk")).order_by()))
    counts.subtract(row.writer for ask in asks for row in ask.pairs.all() if row.night == night and _is_free(row))
    return {writer: count for writer, count in counts.items() if count > 0}


def _is_free(row: Pair) -> bool:
    return row.state not in (State.HELD, State.WITHDRAWN)


# --- writing ---------------------------------------------------------------------------------------------------------
class _Meanwhile(Exception):
    """Its writer said something after it was read."""


class _Writing:
    """One inspiration's pairs and fates, written together or not at all."""

    def __init__(self, ask: Inspiration, made: Pairing, night: date, now: datetime, counts: Counts) -> None:
        self.ask, self.made, self.night, self.now, self.counts = ask, made, night, now, counts
        self.rows = {(str(row.chosen_id), str(row.rejected_id)): row for row in ask.pairs.all()}
        self.texts = {str(row.pk): row for row in ask.candidates.all()}

    def write(self, pairs: list[PairOf]) -> None:
        try:
            with transaction.atomic():
                self._stand_still()
                self._withdraw(set(self.rows) - {each.key for each in pairs})
                rows = [self._put(each) for each in pairs]
                for rating in self.ask.ratings.all():
                    hers = [str(rating.pk) in each.ratings for each in pairs]
                    self._tell(rating, list(compress(rows, hers)))
        except _Meanwhile:
            self.counts.postponed += 1

    def _stand_still(self) -> None:
        """Hold the inspiration, as whoever judges does; what she has said must be what was read."""
        Inspiration.objects.select_for_update().only("pk").get(pk=self.ask.pk)
        stands = Rating.objects.select_for_update().filter(inspiration=self.ask).order_by("pk")
        if set(stands.values_list("pk", "updated_at")) != {(row.pk, row.updated_at) for row in self.ask.ratings.all()}:
            raise _Meanwhile

    def _withdraw(self, keys: Iterable[tuple[str, str]]) -> None:
        """What no judgement bears any more. If none ever did she took back her general word: adapters are marked."""
        gone = [row for key in keys if (row := self.rows[key]).state != State.WITHDRAWN]
        unsaid = [row.pk for row in gone if not row.ratings.all()]
        Pair.objects.filter(pk__in=[row.pk for row in gone]).update(state=State.WITHDRAWN)
        if unsaid:
            promoting.taint(Adapter.objects.filter(runs__pairs__in=unsaid), now=self.now)
        self.counts.withdrawn += len(gone)

    def _put(self, each: PairOf) -> Pair:
        """Into its row, or a new one. What staff decided of the same two texts stays decided."""
        row = self.rows.get(each.key)
        if row is None:
            row = Pair(**self._facts(each))
        if row.state == State.WITHDRAWN or row._state.adding:
            row.state, row.night, row.created_at = State.WAITING, self.night, self.now
            self.counts.made += 1
        if row.state not in DECIDED:
            row.state, row.reason = (State.HELD, each.held) if each.held else (State.WAITING, "")
        row.source, row.gap, row.tags = each.source, each.gap, self._tags(each)
        row.save()
        row.ratings.set(rating for rating in self.ask.ratings.all() if str(rating.pk) in each.ratings)
        self.counts.held += row.state == State.HELD
        return row

    def _facts(self, each: PairOf) -> dict[str, Any]:
        """What never changes of two texts."""
        ask, chosen, rejected = self.ask, self.texts[each.chosen.id], self.texts[each.rejected.id]
        return {
            "inspiration": ask,
            "user": ask.session.user,
            "chosen": chosen,
            "rejected": rejected,
            "split": split_for(ask),
            "writer": ask.session.user.pseudonym,
            "form": ask.form,
            "kind": ask.kind,
            "language": ask.language,
            "wish": ask.wish,
            "chosen_text": chosen.text,
            "rejected_text": rejected.text,
            "chosen_adapter": chosen.adapter,
            "rejected_adapter": rejected.adapter,
        }

    def _tags(self, each: PairOf) -> list[str]:
        said = {tag for row in self.ask.ratings.all() if str(row.pk) in each.ratings for tag in row.tags}
        return sorted(said)

    def _tell(self, rating: Rating, rows: list[Pair]) -> None:
        """Her rating's fate, by the pair of it that stands best."""
        if rating.withdrawn_at is not None:
            return
        outcome = self.made.fates[str(rating.pk)]
        fate, reason = Fate(outcome.fate), outcome.reason or ""
        if rating.fate == Fate.TRAINED and rating.reason and rating.reason == reason:
            return  # it was learnt alone
        if rows:
            best = min(rows, key=lambda row: row.state in (State.HELD, State.DISCARDED))
            trained = rating.fate == Fate.TRAINED and not rating.reason and outcome.fate == Outcomes.PAIRED
            fate = Fate.TRAINED if trained else FATES[State(best.state)]
            reason = best.reason if fate in (Fate.HELD, Fate.DISCARDED) else ""
        if (rating.fate, rating.reason) != (fate, reason):
            Rating.objects.filter(pk=rating.pk).update(fate=fate, reason=reason)
