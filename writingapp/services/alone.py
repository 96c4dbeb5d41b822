"""Judgements with nothing beside them to be better than: for KTO, which asks only whether a text was liked.

They are stars for a text whose other one has none, the same stars for both, or a word that neither is good. No reviewer
is shown them, so they are learnt only where the house learns from what nobody has looked at. The gate still ranks
pairs: it holds out none of these.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from training.likeness import degenerate
from training.pairs import RatedText, Reason, Rules, Split
from writingapp.models import Candidate, Inspiration, Pair, Rating, TrainingRun
from writingapp.services.pairing import rated_text, rules_of, split_for
from writingapp.services.swapping import as_model_wrote

Kind, Fate = Rating.Kind, Rating.Fate
SAID = (Reason.NO_PARTNER, Reason.TIE, Reason.BOTH_BAD)  # why such a judgement made no pair
MIDDLE = 3  # of five stars: neither liked nor not


@dataclass(frozen=True, slots=True)
class Alone:
    """One such judgement. `writer` and `split` as of a pair; `liked` by the texts that may be learnt from."""

    rating: Rating
    writer: str
    split: str
    liked: dict[UUID, bool]

    @property
    def pk(self) -> UUID:
        return self.rating.pk


def trainable() -> list[Alone]:
    """What may be learnt at this moment. An inspiration that has a pair speaks by that, and a line within its poem."""
    if not settings.TRAIN_UNREVIEWED:
        return []
    paired = Pair.objects.filter(inspiration=OuterRef("inspiration")).exclude(state=Pair.State.WITHDRAWN)
    judged = Q(kind=Kind.SCORE, line=None) & ~Q(score=MIDDLE) | Q(kind=Kind.BOTH_BAD)
    found = standing(Rating.objects.filter(judged, ~Exists(paired), again=False))
    found = found.exclude(inspiration__kind=Inspiration.Kind.SWAP).order_by("inspiration_id", "pk")
    found = found.select_related("inspiration__session__user").defer("inspiration__session__text")
    told = map(_told, found.prefetch_related("inspiration__candidates", "inspiration__pairs"))
    return [each for each in told if each.liked and each.split == Split.TRAIN]


def standing(found: QuerySet[Rating]) -> QuerySet[Rating]:
    """Her word is asked again, and the judgement must still be the one that was read."""
    return found.filter(fate__in=(Fate.NOT_PAIRED, Fate.TRAINED), reason__in=SAID, consent=True, withdrawn_at=None)


def _told(rating: Rating) -> Alone:
    ask = rating.inspiration
    rules, likes = rules_of([ask]), rating.kind == Kind.SCORE and (rating.score or 0) > MIDDLE
    judged = [row for row in ask.candidates.all() if rating.candidate_id in (None, row.pk)]
    fit = [row.pk for row in judged if _is_fit(rated_text(row, ask), rules, likes)]
    return Alone(rating, ask.session.user.pseudonym, split_for(ask), dict.fromkeys(fit, likes))


def _is_fit(text: RatedText, rules: Rules, likes: bool) -> bool:  # noqa: FBT001 (as the objections to a pair)
    if not text.finished or degenerate(text.text, text.language):
        return False
    return not likes or (rules.in_form(text) and not any(map(rules.in_corpus, text.lines)))


def groups_of(judgements: Iterable[Alone]) -> list[dict[str, Any]]:
    """One group an inspiration, as `runs.groups_of` makes them of pairs; each inspiration weighs the same."""
    of_ask: dict[Inspiration, dict[UUID, set[bool]]] = defaultdict(lambda: defaultdict(set))
    for each in judgements:
        for text, liked in each.liked.items():
            of_ask[each.rating.inspiration][text].add(liked)
    agreed = {ask: {key: said.pop() for key, said in texts.items() if len(said) == 1} for ask, texts in of_ask.items()}
    return [_group(ask, labels) for ask, labels in agreed.items() if labels]


def _group(ask: Inspiration, labels: dict[UUID, bool]) -> dict[str, Any]:
    rows: list[Candidate] = [row for row in ask.candidates.all() if row.pk in labels]
    texts = [{"text": as_model_wrote(row.text, ask), "label": labels[row.pk], "weight": 1 / len(rows)} for row in rows]
    return {"id": str(ask.pk), "prompt": ask.messages, "completions": texts, "pairs": [], "held_out": False}


def have_trained(run: TrainingRun) -> None:
    """What she said anew meanwhile has not."""
    Rating.objects.filter(pk__in=standing(run.alone.all()).values("pk")).update(fate=Fate.TRAINED)
