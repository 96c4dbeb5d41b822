"""The trail: who of the staff looked at or decided what. It holds addresses and numbers, never a text."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from writingapp.models import AuditEvent, User

ACTIONS: dict[str, Promise] = {
    "queue.viewed": _("looked through the queue"),
    "pair.viewed": _("looked at a pair"),
    "pair.decided": _("decided a pair"),
    "pair.undone": _("took a decision back"),
    "batch.previewed": _("previewed a batch"),
    "batch.decided": _("decided a batch"),
    "batch.undone": _("took a batch back"),
    "statistics.viewed": _("looked at the statistics"),
    "export.made": _("exported pairs"),
    "audit.viewed": _("looked at the trail"),
    "night.begun": _("began a night by hand"),
    "run.stopped": _("stopped a run"),
    "school.viewed": _("looked at the night school"),
    "run.viewed": _("looked at a run"),
    "run.exported": _("downloaded the record of a run"),
    "adapters.viewed": _("looked at the adapters"),
    "school.paused": _("paused the night school"),
    "school.resumed": _("let the night school go on"),
    "adapter.loaded": _("had an adapter loaded"),
    "adapter.unloaded": _("had an adapter unloaded"),
    "adapter.promoted": _("promoted an adapter"),
    "adapter.served": _("let an adapter write at a terminal"),
    "adapter.rolled_back": _("rolled back to the adapter before"),
    "adapter.retired": _("retired an adapter"),
    "trial.started": _("started a blind trial"),
    "trial.shared": _("changed the share of a blind trial"),
    "trial.ended": _("ended a blind trial"),
}


def note(actor: User | None, action: str, subject: str = "", *, now: datetime, **detail: object) -> AuditEvent:
    """Write down one event; an action that has no name above is a mistake of ours. Nobody acts at a terminal."""
    if action not in ACTIONS:
        raise KeyError(action)
    return AuditEvent.objects.create(actor=actor, action=action, subject=subject, detail=detail, at=now)


def ids(rows: Iterable[object]) -> list[str]:
    """Primary keys as the trail writes them."""
    return [str(row) for row in rows]
