"""The registry of adapters: folders that never change, named by what is in them, and which one writes."""

import shutil
import uuid
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from inference import adapters
from inference.engines.base import AdapterFiles
from writingapp.models import Adapter, EngineNode

State = Adapter.State


class BadAdapter(ValueError):
    """An adapter that cannot be had or used so; the message says why."""


def register(*, folder: Path, label: str, base: str) -> Adapter:
    """Take a PEFT folder into the registry, under a name that nothing else has or will have. Raises BadAdapter.

    The same bytes come in once: a second call answers the first row.
    """
    facts = _checked(folder)
    row = Adapter.objects.filter(digest=facts.digest).first()
    if row is not None:
        return row
    name = f"{label}-{facts.digest[:12]}"
    kept = settings.ADAPTERS / name
    _copy(folder, kept)
    row = Adapter(name=name, digest=facts.digest, folder=str(kept), base=base, rank=facts.rank)
    row.full_clean()
    row.save()
    return row


def _checked(folder: Path) -> adapters.Facts:
    try:
        return adapters.check(folder)
    except adapters.AdapterError as fault:
        raise BadAdapter(str(fault)) from fault


def _copy(folder: Path, kept: Path) -> None:
    """Whole or not at all, and read-only from then on."""
    if kept.exists():
        return
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
    shutil.copytree(folder, half)
    for path in half.rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        half.rename(kept)
    except OSError:  # another process was quicker with the same bytes
        shutil.rmtree(half, ignore_errors=True)


@transaction.atomic
def turn(*, name: str, state: str, now: datetime) -> Adapter:
    """Load it onto the nodes, let it serve (whoever served stays loaded), or retire it for good. Raises BadAdapter."""
    row = Adapter.objects.select_for_update().filter(pk=name).first()
    if row is None:
        raise BadAdapter(f"{name}: there is no such adapter")
    if row.state == State.RETIRED and state != State.RETIRED:
        raise BadAdapter(f"{name}: retired adapters do not come back; register the folder under a new name")
    if state == State.SERVING:
        Adapter.objects.filter(state=State.SERVING).exclude(pk=name).update(state=State.LOADED)
    row.state = State(state)
    if row.state == State.SERVING:
        row.promoted_at = now
    row.save(update_fields=["state", "promoted_at"])
    return row


def clear() -> list[str]:
    """Delete the bytes of adapters that nobody needs, once no node has them; their names.

    Those are the ones that saw what was taken back, and of those at rest all but the newest `ADAPTERS_KEPT`. The rows
    stay: what an adapter was, who promoted it and why it went is history, and holds nobody's words.
    """
    at_rest = Adapter.objects.exclude(state__in=Adapter.WANTED).order_by("-created_at")
    old = [row.pk for row in at_rest[settings.ADAPTERS_KEPT :]]
    Adapter.objects.filter(pk__in=old, state=State.READY).update(state=State.RETIRED)
    held = {name for told in EngineNode.objects.values_list("adapters", flat=True) for name in told}
    unneeded = Adapter.objects.filter(Q(pk__in=old) | Q(tainted_at__isnull=False), state=State.RETIRED)
    gone = []
    for row in unneeded.exclude(name__in=held):
        folder = Path(row.folder)
        if folder.is_relative_to(settings.ADAPTERS) and folder.is_dir():
            _delete(folder)
            _delete(settings.MODEL_CACHE / "adapters" / row.digest)  # as llama.cpp reads it
            gone.append(row.name)
    return gone


def _delete(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def wanted(*, base: str) -> list[AdapterFiles]:
    """The adapters that every node with this base should serve, the serving one first."""
    rows = Adapter.objects.filter(state__in=Adapter.WANTED, base=base)
    ordered = sorted(rows, key=lambda row: (row.state != State.SERVING, row.name))
    return [AdapterFiles(row.name, Path(row.folder)) for row in ordered]


def names() -> set[str]:
    """Every name in the registry, whatever became of it."""
    return set(Adapter.objects.values_list("name", flat=True))


def serving() -> str:
    """The name of the adapter that writes now; empty when it is the base."""
    return Adapter.objects.filter(state=State.SERVING).values_list("name", flat=True).first() or ""
