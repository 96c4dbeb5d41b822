"""An adapter that was trained elsewhere: judged like one of our own nights, and only then in the registry."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from writingapp.models import Adapter, Inspiration, Pair
from writingapp.services import adapters, exporting, folders, runs
from writingapp.services.adapters import BadAdapter


def bring_in(*, folder: Path, label: str, base: str, base_folder: Path, gguf: Path | None, ours: bool) -> Adapter:
    """Registered, not serving. Raises BadAdapter, which tells the reasons of the gate.

    It stands beside the base and what serves now, on all consented pairs of this house that are held out. `ours`: it
    may have seen any pair that could be exported up to now, so that taking one back retires it.
    """
    seen = list(exporting.allowed(Pair.objects.all())) if ours else []
    settings.RUNS.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=settings.RUNS, prefix=folders.IMPORTING) as made:
        run = Path(made)
        _give(run, base, base_folder, gguf, seen)
        _python(
            "training.export", "peft", base_folder, folder, run / "adapter", said="it is no LoRA that can be served"
        )
        _python("training.judge", run, said="it could not be judged", fine=(0, 1))
        verdict = folders.told(run / "verdict.json")
        if verdict.get("passed") is not True:
            raise BadAdapter(f"the gate refuses it: {', '.join(verdict.get('reasons') or ['gate_broken'])}")
        row = adapters.lay(folder=Path(verdict["adapter"]), label=label, base=base)
        if not row._state.adding:
            raise BadAdapter(f"it lies in the registry already, as {row.name}")
        runs.imported(adapter=row, verdict=verdict, saw=seen, now=timezone.now())
        return row


def _give(run: Path, base: str, base_folder: Path, gguf: Path | None, seen: list[Pair]) -> None:
    pairs = list(runs.trainable())
    folders.give(run, {"base": str(base_folder.resolve()), "served_as": base}, runs.groups_of(pairs))
    serving = Adapter.objects.filter(state=Adapter.State.SERVING, base=base).first()
    asked: dict[str, Any] = {
        "serving": serving.folder if serving else "",
        "writer_of": {str(pair.inspiration_id): str(pair.writer) for pair in pairs},
        "canaries": sorted(
            runs.words_under(Inspiration.objects.in_bulk({row.inspiration_id for row in seen}).values())
        ),
        "cache": str(settings.RUNS / folders.MEASURED),
    }
    folders.give_json(run / "gate.json", asked | ({"gguf": str(gguf.resolve())} if gguf else {}))


def _python(module: str, *words: object, said: str, fine: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)], cwd=settings.ROOT, check=False, stdout=subprocess.DEVNULL
    )
    if done.returncode not in fine:
        raise BadAdapter(said)
