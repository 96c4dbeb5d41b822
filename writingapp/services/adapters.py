"""The registry of adapters: folders that never change, named by what is in them, and which one writes."""

import os
import re
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q

from inference import adapters
from inference.engines.base import AdapterFiles
from inference.proof import REFERENCE, probes_of
from writingapp.models import Adapter, EngineNode, TrainingRun

State = Adapter.State
OURS = re.compile(r"\.?[\w.-]+-[0-9a-f]{12}(\.[0-9a-f]{32})?")  # a folder that `lay` made, or half of one
TRIED = re.compile(r"gate-[0-9a-f]{16}-([0-9a-f]{8})")  # as training.writing names what is only tried, for a run
ASTRAY = timedelta(days=1)  # what nobody has written a row for after so long was left by somebody who was killed


class BadAdapter(ValueError):
    """An adapter that cannot be had or used so; the message says why."""


def register(*, folder: Path, label: str, base: str) -> Adapter:
    """Take a PEFT folder into the registry, under a name that nothing else has or will have. Raises BadAdapter.

    The same bytes come in once: a second call answers the first row.
    """
    row = lay(folder=folder, label=label, base=base)
    if row._state.adding:
        row.save()
    return row


def lay(*, folder: Path, label: str, base: str) -> Adapter:
    """As `register`, but a new row is not saved yet: copying takes a while, and no transaction should wait for it."""
    facts = _checked(folder)
    row = Adapter.objects.filter(digest=facts.digest).first()
    if row is not None:
        return row
    name = f"{label}-{facts.digest[:12]}"
    kept = settings.ADAPTERS / name
    row = Adapter(name=name, digest=facts.digest, folder=str(kept), base=base, rank=facts.rank)
    try:
        row.full_clean()
    except ValidationError as fault:
        raise BadAdapter(" ".join(fault.messages)) from fault
    _copy(folder, kept)  # the name is one now: no folder outside of the registry
    return row


def _checked(folder: Path) -> adapters.Facts:
    try:
        facts = adapters.check(folder)
    except adapters.AdapterError as fault:
        raise BadAdapter(str(fault)) from fault
    if (folder / REFERENCE).exists() and not probes_of(folder):
        raise BadAdapter(f"broken_reference: {REFERENCE} is not as training.reference writes it")
    return facts


def _copy(folder: Path, kept: Path) -> None:
    """Whole or not at all, and read-only from then on."""
    if kept.exists():
        os.utime(kept)  # its row comes now, see `sweep`
        return
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
    shutil.copytree(folder, half)
    for path in half.rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    os.utime(half)  # not of the age that was copied with it
    try:
        half.rename(kept)
    except OSError:  # another process was quicker with the same bytes
        shutil.rmtree(half, ignore_errors=True)


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


def sweep(*, now: datetime) -> None:
    """What was left by somebody who was killed: folders without a row, halves, and what only a judge had converted.

    Those that are being made are young, and rows come within minutes.
    """
    known, before = names(), (now - ASTRAY).timestamp()
    for folder in settings.ADAPTERS.glob("*"):
        if OURS.fullmatch(folder.name) and folder.name not in known and folder.stat().st_mtime < before:
            _delete(folder)
    for file in settings.MODEL_CACHE.glob("adapters/*/*.gguf*"):
        if file.name.startswith(("gate-", ".")) and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            with suppress(OSError):  # the same adapter under its own name
                file.parent.rmdir()


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


def left_by_gates(listed: Iterable[str]) -> set[str]:
    """Of what a node lists, that which a killed judge of this house left there: its run is over, or further."""
    left: set[str] = set()
    for name in listed:
        if found := TRIED.fullmatch(name):
            states = set(TrainingRun.objects.filter(pk__startswith=found[1]).values_list("state", flat=True))
            if states and TrainingRun.State.GATING not in states:
                left.add(name)
    return left


def serving() -> str:
    """The name of the adapter that writes now; empty when it is the base."""
    return Adapter.objects.filter(state=State.SERVING).values_list("name", flat=True).first() or ""
