"""Which pairs: the filters of the desk, as its addresses say them, and the pages of what they find."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from writingapp.models import Pair

AGREED, DISPUTED, ALONE = "agreed", "disputed", "alone"
LONGEST = 100  # characters of a filter: more is nothing that the desk has written


class BadFilter(ValueError):
    """A filter that cannot be understood; its name is in `args`."""


@dataclass(frozen=True)
class Filter:
    """Empty fields filter nothing. `state` is always one, so that every page walks along one index."""

    state: str = Pair.State.WAITING
    since: str = ""
    until: str = ""
    form: str = ""
    tag: str = ""
    adapter: str = ""
    writer: str = ""
    gap: str = ""  # the least
    agreement: str = ""  # AGREED, DISPUTED or ALONE
    reason: str = ""
    words: str = ""  # in the wish or in one of the texts

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Filter":
        """From an address or a form; what it does not say is left as it is when nothing is said."""
        said = {field.name: str(told.get(field.name, "")).strip()[:LONGEST] for field in fields(cls)}
        return cls(**{name: value for name, value in said.items() if value})

    def query(self, **changed: str) -> str:
        """As an address says it; a change to "" takes a filter away."""
        return urlencode({name: value for name, value in (vars(self) | changed).items() if value})

    @property
    def active(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value and name != "state"}

    def pairs(self, among: QuerySet[Pair]) -> QuerySet[Pair]:
        """Those of `among` that pass, oldest first."""
        if self.state not in Pair.State.values:
            raise BadFilter("state")
        found = among.filter(state=self.state, **self._exact(), **self._dates())
        if self.gap:
            found = found.filter(gap__gte=self._gap())
        if self.adapter:
            found = found.filter(Q(chosen_adapter=self.adapter) | Q(rejected_adapter=self.adapter))
        if self.agreement:
            found = found.filter(_agreeing(self.agreement))
        if self.tag:
            found = found.alias(tagged=Cast("tags", TextField())).filter(tagged__contains=f'"{self.tag}"')
        if self.words:
            words = self.words
            found = found.filter(
                Q(wish__icontains=words) | Q(chosen_text__icontains=words) | Q(rejected_text__icontains=words)
            )
        return found.order_by("created_at", "id")

    def _exact(self) -> dict[str, str]:
        return {name: value for name in ("form", "writer", "reason") if (value := vars(self)[name])}

    def _gap(self) -> float:
        try:
            return float(self.gap)
        except ValueError:
            raise BadFilter("gap") from None

    def _dates(self) -> dict[str, datetime]:
        """Whole days in the reviewer's own zone, the last one included."""
        found: dict[str, datetime] = {}
        for name, lookup in (("since", "created_at__gte"), ("until", "created_at__lt")):
            if value := vars(self)[name]:
                found[lookup] = _midnight(name, value)
        return found


def _midnight(name: str, value: str) -> datetime:
    try:
        day = parse_date(value)
    except ValueError:
        day = None
    if day is None:
        raise BadFilter(name)
    start = timezone.make_aware(datetime(day.year, day.month, day.day))
    return _in_utc(name, start, days=0 if name == "since" else 1)


def _in_utc(name: str, moment: datetime, *, days: int = 0) -> datetime:
    """So many days later, as a database asks for it: at either end of the calendar there is no such moment."""
    try:
        return (moment + timedelta(days=days)).astimezone(UTC)
    except OverflowError:
        raise BadFilter(name) from None


def _agreeing(how: str) -> Q:
    ways = {
        AGREED: Q(agreement=1.0),
        DISPUTED: Q(agreement__lt=1.0),
        ALONE: Q(agreement=None, opinions=1),
    }
    if how not in ways:
        raise BadFilter("agreement")
    return ways[how]


@dataclass(frozen=True)
class Page:
    """Pairs in order, and the places to go on from; empty where there is nothing."""

    pairs: list[Pair]
    before: str
    after: str


def place(pair: Pair) -> str:
    """Where a pair stands in the order, as an address says it."""
    return f"{pair.created_at.isoformat()}~{pair.pk}"


def is_key(told: str) -> bool:
    """Whether it could be a pair's key: what a database would refuse is not asked for."""
    try:
        uuid.UUID(told)
    except ValueError:
        return False
    return True


def _beyond(mark: str, *, back: bool) -> Q:
    moment, _, key = mark.partition("~")
    try:
        at = parse_datetime(moment)
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at) or not is_key(key):
        raise BadFilter("place")
    at = _in_utc("place", at)
    # Said twice: the plain bound lets a database walk its index from there.
    if back:
        return Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(created_at=at, id__lt=key))
    return Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(created_at=at, id__gt=key))


def page(found: QuerySet[Pair], *, after: str = "", before: str = "", size: int) -> Page:
    """The pairs after a place, or before one. No page is counted up to: each costs what the first costs."""
    back = bool(before)
    mark = before or after
    rows = found.filter(_beyond(mark, back=back)) if mark else found
    taken = list((rows.reverse() if back else rows)[: size + 1])
    more, taken = len(taken) > size, taken[:size]
    if back:
        taken.reverse()
    if not taken:
        return Page([], "", "")
    earlier, later = (more, True) if back else (bool(after), more)
    return Page(taken, place(taken[0]) if earlier else "", place(taken[-1]) if later else "")


def neighbours(found: QuerySet[Pair], pair: Pair) -> tuple[Pair | None, Pair | None]:
    """The one before and the one after, wherever the pair itself has come to meanwhile."""
    mark = place(pair)
    return found.filter(_beyond(mark, back=True)).reverse().first(), found.filter(_beyond(mark, back=False)).first()
