"""What the desk's statistics count: reviewers, writers, adapters and forms, from the rows that stand."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from training import agreement
from training.agreement import Alpha, Outlier, Share, wilson
from training.bradley_terry import Comparison, Standing, standings
from writingapp.models import Pair, Rating, Review

Decision, Kind = Review.Decision, Rating.Kind
NEWEST = 4_000  # what is compared and agreed upon: intervals of two in a hundred, and a page at once
DRAWN = 200  # times for an interval on the page
SMALL = 30  # below this a number says little, and is said to
BASE = "base"  # what an empty adapter is called


@dataclass(frozen=True)
class Reviewer:
    """How often she said what, of what stands."""

    name: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Writers:
    """How steady they are, and who stands out."""

    again: Share
    first_place: Share
    shares: list[tuple[str, Share]]  # of all pairs, the largest first
    outliers: list[Outlier]


def reviewers() -> list[Reviewer]:
    told = Review.objects.filter(undone_at=None).order_by().values("reviewer__username", "decision")
    counts: dict[str, dict[str, int]] = {}
    for each in told.annotate(n=Count("*")):
        counts.setdefault(each["reviewer__username"], {})[each["decision"]] = each["n"]
    return sorted((Reviewer(name, said) for name, said in counts.items()), key=lambda one: (-one.total, one.name))


def reviewers_agree() -> Alpha:
    """Over the pairs with two opinions or more."""
    shared = Pair.objects.filter(opinions__gt=1).order_by("-created_at").values("pk")[:NEWEST]
    words = Review.objects.filter(undone_at=None, decision__in=(Decision.APPROVE, Decision.DISCARD), pair__in=shared)
    return agreement.alpha(words.values_list("pair_id", "decision"))


def comparisons(form: str = "") -> list[Comparison]:
    """What consenting writers found better, by adapter; the ties too."""
    pairs = Pair.objects.exclude(state=Pair.State.WITHDRAWN).exclude(source="taken")
    ties = Rating.objects.filter(kind=Kind.TIE, consent=True, again=False, withdrawn_at=None)
    if form:
        pairs, ties = pairs.filter(form=form), ties.filter(inspiration__form=form)
    told = pairs.order_by("-created_at").values_list("chosen_adapter", "rejected_adapter", "writer")[:NEWEST]
    return [Comparison(won or BASE, lost or BASE, writer) for won, lost, writer in told] + _ties(ties)


def _ties(ties: QuerySet[Rating]) -> list[Comparison]:
    rows = ties.order_by("-created_at").values_list(
        "inspiration_id", "user__pseudonym", "inspiration__candidates__adapter", "inspiration__candidates__position"
    )[:NEWEST]
    sides: dict[tuple[object, str], dict[int, str]] = {}
    for inspiration, writer, adapter, position in rows:
        sides.setdefault((inspiration, writer), {})[position] = adapter or BASE
    return [
        Comparison(told[0], told[1], writer, tie=True) for (_, writer), told in sides.items() if {0, 1} <= told.keys()
    ]


def leaders(compared: list[Comparison]) -> list[Standing]:
    """An adapter beside itself says nothing."""
    return standings([each for each in compared if each.winner != each.loser], samples=DRAWN)


def forms() -> list[tuple[str, int, Share]]:
    """Of each form: how many pairs, and how many of the decided ones were approved. Forms are never compared."""
    told = (
        Pair.objects.order_by()
        .values_list("form")
        .annotate(
            n=Count("*"),
            yes=Count("pk", filter=Q(state=Pair.State.APPROVED)),
            no=Count("pk", filter=Q(state=Pair.State.DISCARDED)),
        )
    )
    return sorted(((form, n, wilson(yes, yes + no)) for form, n, yes, no in told), key=lambda each: -each[1])


def writers(compared: list[Comparison]) -> Writers:
    counts = Counter(dict(Pair.objects.order_by().values_list("writer").annotate(n=Count("*"))))
    total = counts.total()
    return Writers(
        again=_again(),
        first_place=agreement.position_bias(_places()),
        shares=[(writer, wilson(count, total)) for writer, count in counts.most_common(10)],
        outliers=[each for each in agreement.outliers(compared) if each.contrary or each.heavy][:10],
    )


def _judged(*, again: bool) -> QuerySet[Rating]:
    return Rating.objects.filter(kind__in=Rating.COMPARING, again=again, withdrawn_at=None, consent=True)


def _again() -> Share:
    """The same two texts, shown swapped days later: whether she says the same."""
    second = _said(_judged(again=True).order_by("-created_at")[:NEWEST])
    first = _said(_judged(again=False).filter(inspiration__in=_judged(again=True).values("inspiration"))[:NEWEST])
    return agreement.self_agreement(first, second)


def _said(ratings: QuerySet[Rating]) -> dict[str, str]:
    told = ratings.values_list("inspiration_id", "kind", "candidate_id")
    return {str(inspiration): f"{kind} {candidate or ''}" for inspiration, kind, candidate in told}


def _places() -> list[int]:
    """Where the preferred text stood when she judged: 0 is first."""
    told = _judged(again=False).filter(kind=Kind.PREFER, candidate__position__lt=2).order_by("-created_at")
    rows = told.values_list("candidate__position", "swapped")[:NEWEST]
    return [1 - position if swapped else position for position, swapped in rows]
