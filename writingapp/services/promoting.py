"""Which adapter writes: promoted once every node has proved it, rolled back in one call, retired when it must not.

Whoever changes that holds the school's row, so that it happens one after the other, and pausing is heard by the next.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from writingapp.models import Adapter, EngineNode, School, Trial, User
from writingapp.services import auditing, nodes

State = Adapter.State


class NotPromoted(Exception):
    """It does not write, and why: `code` is one of letters.WHY, `detail` names nodes or an adapter."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the active nodes have come with an adapter, by their names; of those that failed, why."""

    proved: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> bool:
        return bool(self.proved) and not self.waiting and not self.failed


# --- the switch ------------------------------------------------------------------------------------------------------
def school() -> School:
    """The one row, held until the transaction ends."""
    School.objects.get_or_create(pk=1)
    return School.objects.select_for_update().get(pk=1)


@transaction.atomic
def turn_school(*, paused: bool, now: datetime, actor: User | None = None) -> School:
    """Doing it twice is doing it once."""
    row = school()
    if paused != (row.paused_at is not None):
        row.paused_at, row.paused_by = (now, actor) if paused else (None, None)
        row.save()
        auditing.note(actor, "school.paused" if paused else "school.resumed", now=now)
    return row


# --- to the nodes, and to the writers --------------------------------------------------------------------------------
@transaction.atomic
def offer(*, adapter: Adapter, judged: bool = True) -> Adapter:
    """Have every node load it, without letting it write; `judged`: only if a gate has passed it. Raises NotPromoted."""
    row = _allowed(adapter, judged=judged)
    if row.state == State.READY:
        row.state = State.LOADED
        row.save(update_fields=["state"])
    return row


def take_back(*, adapter: Adapter) -> None:
    """No node need keep it; it stays in the registry. What writes is not touched."""
    Adapter.objects.filter(pk=adapter.pk, state=State.LOADED).update(state=State.READY)


def standing(*, adapter: Adapter) -> Standing:
    """What the rows of the active nodes say that serve its base; a node that only ever has what it was started with
    counts where it has this one.
    """
    found = Standing()
    for row in EngineNode.objects.filter(state=EngineNode.State.ACTIVE, model=adapter.base):
        told = row.adapters.get(adapter.name, {})
        if not told and not nodes.takes(row):
            continue
        if told.get("state") == "proved":
            found.proved.append(row.name)
        elif told.get("state") == "failed":
            found.failed[row.name] = str(told.get("why", ""))
        else:
            found.waiting.append(row.name)
    return found


@transaction.atomic
def promote(*, adapter: Adapter, now: datetime, actor: User | None = None) -> Adapter:
    """Let it write; whoever wrote stays loaded, so that the way back is short. Raises NotPromoted."""
    row = _allowed(adapter)
    stands = standing(adapter=row)
    if not stands.everywhere:
        raise NotPromoted("not_proved", ", ".join([*stands.failed, *stands.waiting]))
    if row.state != State.SERVING:
        before = _serving()
        Adapter.objects.filter(state=State.LOADED).exclude(pk=row.pk).update(state=State.READY)
        _let_write(row, before, now)
        auditing.note(actor, "adapter.promoted", f"adapter:{row.name}", now=now, before=before.name if before else "")
    return row


@transaction.atomic
def serve(*, adapter: Adapter, now: datetime) -> Adapter:
    """On an operator's own word, judged or not: it writes wherever a node has proved it. Raises NotPromoted."""
    row = _allowed(adapter, judged=False)
    if row.state != State.SERVING:
        before = _serving()
        _let_write(row, before, now)
        auditing.note(None, "adapter.served", f"adapter:{row.name}", now=now, before=before.name if before else "")
    return row


@transaction.atomic
def rollback(*, now: datetime, actor: User | None = None) -> Adapter | None:
    """Back to the one that wrote before, or to the base (None); what wrote is retired. Raises NotPromoted."""
    school()
    current = _serving()
    if current is None:
        raise NotPromoted("nothing_serves")
    back = _retire(current, now)
    detail = {"to": back.name if back else ""}
    auditing.note(actor, "adapter.rolled_back", f"adapter:{current.name}", now=now, **detail)
    return back


@transaction.atomic
def retire(*, adapter: Adapter, now: datetime, actor: User | None = None, why: str = "") -> None:
    """For good. If it wrote, the last clean one before it writes again, or the base."""
    school()
    row = Adapter.objects.select_for_update().get(pk=adapter.pk)
    if row.state != State.RETIRED:
        _retire(row, now)
        auditing.note(actor, "adapter.retired", f"adapter:{row.name}", now=now, why=why)


@transaction.atomic
def taint(seen: QuerySet[Adapter], *, now: datetime) -> None:
    """They have seen what was taken back: marked, and retired in the same transaction."""
    school()  # before any adapter's row, as everybody does who promotes or registers
    names = set(seen.filter(tainted_at=None).values_list("pk", flat=True))
    for row in Adapter.objects.filter(pk__in=names):
        Adapter.objects.filter(pk=row.pk).update(tainted_at=now)
        retire(adapter=row, now=now, why="withdrawn")


def predecessor(row: Adapter) -> Adapter | None:
    """Who writes once this one does not: the last clean one that wrote, or the base (None)."""
    wrote = Adapter.objects.exclude(state=State.RETIRED).filter(promoted_at__isnull=False)
    clean = wrote.filter(tainted_at=None, base=row.base)  # MODEL may have been another one in between
    return clean.exclude(pk=row.pk).order_by("-promoted_at").first()


def _allowed(adapter: Adapter, *, judged: bool = True) -> Adapter:
    """Its row, held. Raises NotPromoted."""
    if school().paused_at is not None:
        raise NotPromoted("paused")
    row = Adapter.objects.select_for_update().get(pk=adapter.pk)
    if row.tainted_at is not None:
        raise NotPromoted("withdrawn", row.name)
    if row.state == State.RETIRED:
        raise NotPromoted("retired", row.name)
    if judged and not row.gate.get("passed"):
        raise NotPromoted("not_judged", row.name)
    return row


def _serving() -> Adapter | None:
    return Adapter.objects.select_for_update().filter(state=State.SERVING).first()


def _retire(row: Adapter, now: datetime) -> Adapter | None:
    """Answers which one writes then, if this one did."""
    wrote, row.state = row.state == State.SERVING, State.RETIRED
    row.save(update_fields=["state"])
    _end_trials(Trial.objects.filter(challenger=row), now, "retired")
    if not wrote:
        return None
    back = predecessor(row)
    if back is None:
        _end_trials(Trial.objects.all(), now, "champion_changed")
    else:
        _let_write(back, None, now)
    return back


def _let_write(row: Adapter, before: Adapter | None, now: datetime) -> None:
    """A trial is of one champion: with another it begins anew. Whoever wrote stays loaded."""
    _end_trials(Trial.objects.exclude(challenger=row), now, "champion_changed")
    _end_trials(Trial.objects.all(), now, "promoted")
    if row.promoted_at is None:
        row.parent = before
    if before is not None:
        before.state = State.LOADED
        before.save(update_fields=["state"])
    row.state, row.promoted_at = State.SERVING, now
    row.save(update_fields=["state", "promoted_at", "parent"])


def _end_trials(trials: QuerySet[Trial], now: datetime, why: str) -> None:
    for row in trials.filter(state=Trial.State.RUNNING):
        row.state, row.ended_at, row.figures = Trial.State.STOPPED, now, row.figures | {"why": why}
        row.save(update_fields=["state", "ended_at", "figures"])
        Adapter.objects.filter(pk=row.challenger_id, state=State.LOADED).update(state=State.READY)
