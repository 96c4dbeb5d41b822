"""Pairs as rows of a dataset: only what its writer lets train at this moment, and never a word of her manuscript."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from training.datasets import Row
from writingapp.models import Inspiration, Pair, Rating
from writingapp.services.swapping import as_model_wrote

MOST_NAMED = 500  # rows a statement may name
MOST = 20_000  # pairs an export: more than that goes by dates
Kind = Inspiration.Kind
# Of these the model saw the wish or the theme alone. For the others its prompt ends in the writer's own text, which is
# not for staff to carry away.
UNQUOTING = Q(inspiration__kind=Kind.POEM) | Q(
    inspiration__kind=Kind.SWAP, inspiration__of__inspiration__kind=Kind.POEM
)


def allowed(found: QuerySet[Pair]) -> QuerySet[Pair]:
    """What may leave the house by the hands of staff."""
    return consented(found).filter(UNQUOTING)


def consented(found: QuerySet[Pair]) -> QuerySet[Pair]:
    """Her word is asked again: every rating behind a pair must consent now; where there is none, her general word."""
    refusing = Rating.objects.filter(pairs=OuterRef("pk")).exclude(consent=True, withdrawn_at=None)
    rated = Rating.objects.filter(pairs=OuterRef("pk"))
    return (
        found.exclude(state=Pair.State.WITHDRAWN)
        .filter(~Exists(refusing))
        .filter(Q(user__consents=True) | Exists(rated))
    )


def counted(found: QuerySet[Pair]) -> tuple[int, int]:
    """How many may go out, and of how many."""
    return allowed(found).count(), found.count()


def still_allowed(told: Sequence[Row]) -> list[Row]:
    """Of the rows of a file, all but the pairs of this house that may train no more."""
    keys = [_key(row.id) for row in told]
    ids = [key for key in keys if key]
    gone: set[UUID] = set()
    for start in range(0, len(ids), MOST_NAMED):
        ours = Pair.objects.filter(pk__in=ids[start : start + MOST_NAMED])
        gone |= set(ours.exclude(pk__in=consented(ours).values("pk")).values_list("pk", flat=True))
    return [row for row, key in zip(told, keys, strict=True) if key not in gone]


def _key(said: object) -> UUID | None:
    """None: not one that we gave."""
    try:
        return UUID(str(said))
    except ValueError:
        return None


def rows(found: QuerySet[Pair]) -> Iterator[Row]:
    """In the filter's order, at most MOST of them."""
    full = allowed(found).select_related("inspiration", "chosen", "rejected")
    standing = ~Q(inspiration__pairs__state=Pair.State.WITHDRAWN)
    full = full.annotate(of_the_ask=Count("inspiration__pairs", distinct=True, filter=standing))
    for pair in full[:MOST].iterator(chunk_size=500):
        yield _row(pair, weight=1 / pair.of_the_ask)


def _row(pair: Pair, *, weight: float) -> Row:
    return Row(
        id=str(pair.pk),
        prompt=tuple(pair.inspiration.messages),
        chosen=as_model_wrote(pair.chosen_text, pair.inspiration),
        rejected=as_model_wrote(pair.rejected_text, pair.inspiration),
        writer=pair.writer,
        kind=pair.kind,
        language=pair.language,
        source=pair.source,
        split=pair.split,
        state=pair.state,
        night=pair.night.isoformat(),
        gap=pair.gap,
        weight=weight,
        form=pair.form,
        reason=pair.reason,
        chosen_adapter=pair.chosen_adapter,
        rejected_adapter=pair.rejected_adapter,
        chosen_position=pair.chosen.position,
        rejected_position=pair.rejected.position,
        tags=tuple(pair.tags),
    )
