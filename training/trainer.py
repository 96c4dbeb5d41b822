"""One run, from a folder to the adapter in it; `training.launch` starts it.

config.json, data.jsonl         what to learn, from what
manifest.json                   what went into it
frozen.jsonl, checkpoint/       what need not be computed again
progress.jsonl                  how it goes
adapter/, outcome.json          what came of it
"""

import math
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training import batch, checkpoints, dpo, kto, lora, manifest, orpo, probe, sft
from training.batch import Group
from training.config import BadRun, Config, read
from training.crew import Crew
from training.early import BEST, Early
from training.forward import Score, Scored
from training.frozen import Frozen
from training.method import Case, Method, Told
from training.progress import Figures, Progress, say, write_json

METHODS: dict[str, Method] = {"dpo": dpo.METHOD, "orpo": orpo.METHOD, "kto": kto.METHOD, "sft": sft.METHOD}
SAVING = 20.0  # seconds kept free before the deadline
AHEAD = 1.5  # steps that must fit before it


class Stop:
    """Whether to stop, and why: the first reason stays."""

    def __init__(self, finish_by: float) -> None:
        self.finish_by = finish_by
        self.why = ""
        self.told = False

    def terminated(self, *_: object) -> None:
        self.told, self.why = True, self.why or "terminated"

    def asked(self, ahead: float = 0.0) -> bool:
        """`ahead`: seconds that the next piece of work takes."""
        if self._late(ahead):
            self.why = self.why or "deadline"
        return bool(self.why)

    def hurried(self) -> bool:
        """Whether nothing more may be begun, not even looking at what came of it."""
        return self.told or self.why == "terminated" or self._late()

    def _late(self, ahead: float = 0.0) -> bool:
        return bool(self.finish_by) and time.time() + ahead + SAVING > self.finish_by


@dataclass(slots=True)
class Run:
    """Everything that the steps of one run share."""

    folder: Path
    config: Config
    method: Method
    model: Any
    score: Score
    frozen: Frozen | None
    strangers: dict[str, Group]
    crew: Crew
    stop: Stop

    def over(self, ahead: float = 0.0) -> bool:
        """Whether to stop, and not begin what takes so many seconds."""
        self.stop.asked(ahead)
        return bool(self.agreed())

    def agreed(self) -> str:
        """Why to stop, if one of the processes has a reason: all stop at the same step, for that of the first."""
        self.stop.why = next(filter(None, self.crew.everybody(self.stop.why)), "")
        return self.stop.why

    def told(self, group: Group, drift: torch.Tensor) -> Told:
        scored = self.score(self.model, group, include_prompt=self.config.include_prompt)
        return self.method.loss(Case(group, scored, self.frozen.of(group) if self.frozen else [], self.config, drift))

    def drift(self, groups: Iterable[Group]) -> torch.Tensor:
        """KTO's, of one step; nothing for others."""
        if not self.method.drift or not self.frozen:
            return torch.zeros((), device=self.model.device)
        others = [self.strangers[group.id] for group in groups]
        with torch.no_grad():
            said: list[Scored] = [self.score(self.model, other) for other in others]
        before = [self.frozen.of(other)[0] for other in others]
        return kto.drift([each.completions[0] for each in said], before)


def train(folder: Path) -> dict[str, Any]:
    """The outcome, which is in the folder, too. Raises BadRun for a folder that nothing can be made of."""
    config = read(folder)
    (folder / "outcome.json").unlink(missing_ok=True)
    stop, crew = Stop(config.finish_by), Crew()
    signal.signal(signal.SIGTERM, stop.terminated)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    try:
        outcome = _trained(folder, config, crew, stop)
    finally:
        crew.leave()
    if crew.first:
        write_json(folder / "outcome.json", outcome)
        say(f"{outcome['state']}: {outcome['why']}, {outcome['steps']} of {outcome['planned']} steps")
    return outcome


def _trained(folder: Path, config: Config, crew: Crew, stop: Stop) -> dict[str, Any]:
    model, tokenizer = lora.load(config, lora.device())
    method = METHODS[config.method]
    data = batch.read(folder / "data.jsonl", tokenizer, config.max_length)
    for side in (data.train, data.held_out):
        side[:] = [group for group in side if method.weight(group) > 0]
    if not data.train:
        raise BadRun(f"data.jsonl has nothing that {config.method} could learn from")
    if method.drift and len(data.train) + len(data.held_out) < 2:
        raise BadRun("data.jsonl has one group, and kto needs texts that answer something else")
    verdict = _judged(model, config, data.train + data.held_out)
    made_of = manifest.digests(config, tokenizer, data)
    if crew.first:
        write_json(folder / "manifest.json", manifest.manifest(config, made_of, data, verdict, model))
    strangers = kto.strangers(data.train + data.held_out) if method.drift else {}
    run = Run(folder, config, method, model, verdict.score, None, strangers, crew, stop)
    if method.frozen:
        read = [made_of[name] for name in ("base", "start", "template") if name in made_of]
        run.frozen = _frozen(run, data, "/".join([*read, str(model.dtype)]))
    return _steps(run, data, manifest.mark(config, made_of))


def _judged(model: Any, config: Config, groups: list[Group]) -> probe.Verdict:
    if not config.grouped:
        return probe.Verdict(grouped=False, why="not_wanted")
    verdict = probe.judge(model, groups)
    if not verdict.grouped:
        say(f"one sequence at a time: {verdict.why}")
    return verdict


def _frozen(run: Run, data: batch.Data, key: str) -> Frozen:
    """The first process computes, the others wait and read."""
    path, quantised = run.folder / "frozen.jsonl", "nf4" if run.config.quantised else "whole"
    everything = [*data.train, *data.held_out, *run.strangers.values()]
    if run.crew.first:
        shared = Path(run.config.frozen) if run.config.frozen else None
        frozen = Frozen(path, f"{key}/{quantised}", run.model.device, shared)
        if missing := frozen.missing(everything):
            say(f"asking the base about {len(missing)} prompts")
        frozen.fill(run.model, run.score, everything, run.stop.asked)
    run.agreed()  # nobody reads before it is written, nor goes on where it was broken off
    return frozen if run.crew.first else Frozen(path, f"{key}/{quantised}", run.model.device)


def _steps(run: Run, data: batch.Data, mark: str) -> dict[str, Any]:
    config = run.config
    an_epoch = math.ceil(len(data.train) / config.groups_a_step)
    planned = min(an_epoch * config.epochs, config.max_steps or sys.maxsize)
    parameters = lora.trained(run.model)
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
    done = checkpoints.resume(run.folder, run.model, optimiser, mark=mark)
    progress = Progress(run.folder, done, planned, config.finish_by, told=run.crew.first)
    run.agreed()  # nobody reads what the first process is about to forget
    if not done:
        progress.held_out(_measured(run, data.held_out))
    early = Early(run.folder, config)
    run.stop.why = run.stop.why or early.why({})  # of a run that had ended already
    while progress.done < planned and not run.over(AHEAD * progress.a_step):
        epoch, at = divmod(progress.done, an_epoch)
        groups = batch.steps_of(data.train, epoch, config.seed, config.groups_a_step)[at]
        rate = rate_at(progress.done, planned, config)
        figures = _step(run, groups, optimiser, rate)
        if figures is None:
            break
        progress.step(figures)
        if early.due(progress.done):
            _look(run, data, optimiser, progress, early, mark)
        run.stop.why = run.stop.why or early.why(figures)
        if progress.done % config.checkpoint_every == 0 and run.crew.first:
            checkpoints.save(run.folder, run.model, optimiser, step=progress.done, mark=mark)
    return _ended(run, data, optimiser, progress, early, mark)


def _look(
    run: Run, data: batch.Data, optimiser: torch.optim.Optimizer, progress: Progress, early: Early, mark: str
) -> None:
    """Measure between two steps, and keep the adapter if it was never better."""
    figures = _measured(run, data.held_out)
    progress.held_out(figures)
    if figures and early.better(progress.done, figures) and run.crew.first:
        checkpoints.save(run.folder, run.model, optimiser, step=progress.done, mark=mark, name=BEST)


def rate_at(step: int, planned: int, config: Config) -> float:
    """Up in a straight line, then down to nothing at the last step planned."""
    rising = math.ceil(config.warmup * planned)
    if step < rising:
        return config.learning_rate * (step + 1) / rising
    return config.learning_rate * (planned - step) / max(1, planned - rising)


def _step(run: Run, groups: list[Group], optimiser: torch.optim.Optimizer, rate: float) -> dict[str, float] | None:
    """The figures; None if it was broken off, with nothing learnt from it."""
    parameters = lora.trained(run.model)
    weight, drift, figures = sum(map(run.method.weight, groups)), run.drift(groups), Figures()
    for group in run.crew.share(groups):
        if run.stop.why:
            break
        told = run.told(group, drift)
        (told.loss / weight).backward()  # type: ignore[no-untyped-call]
        figures.add(told.figures)
    run.crew.add_up(parameters)
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, run.config.clip))
    if not math.isfinite(norm):
        run.stop.why = run.stop.why or "not_finite"
    if run.agreed():
        optimiser.zero_grad()
        return None
    for each in optimiser.param_groups:
        each["lr"] = rate
    optimiser.step()
    optimiser.zero_grad()
    figures = Figures.of_all(run.crew.everybody(figures))
    return figures.means() | {"grad_norm": norm, "learning_rate": rate}


def _measured(run: Run, groups: list[Group]) -> dict[str, float]:
    """What the adapter, as it is, makes of groups that it does not learn from; nothing, if there is no time for all."""
    figures = Figures()
    with torch.no_grad():
        for at in range(0, len(groups), run.config.groups_a_step):
            if run.stop.hurried():
                return {}
            some = groups[at : at + run.config.groups_a_step]
            drift = run.drift(some)
            for group in some:
                figures.add(run.told(group, drift).figures)
    return figures.means()


def _ended(
    run: Run, data: batch.Data, optimiser: torch.optim.Optimizer, progress: Progress, early: Early, mark: str
) -> dict[str, Any]:
    """The last adapter is kept, or the best where the run looked for it; none if its numbers are not finite, or after
    no step at all.
    """
    why = run.stop.why or "all_steps"
    kept = progress.done > 0 and why != "not_finite"
    best = kept and bool(run.config.measure_every) and early.best_step > 0
    if kept and run.crew.first:
        checkpoints.save(run.folder, run.model, optimiser, step=progress.done, mark=mark)
    if best:
        checkpoints.adopt(run.folder, run.model, BEST)
    if kept and run.crew.first:
        lora.write(run.model, run.config, run.folder / "adapter")
    held_out = _measured(run, data.held_out) if kept else {}
    progress.held_out(held_out)
    progress.close()
    states = {"all_steps": "done", "no_better": "done", "far": "done", "not_finite": "failed"}
    return {
        "state": states.get(why, "stopped"),
        "why": why,
        "steps": progress.done,
        "planned": progress.planned,
        "adapter": "best" if best else "last" if kept else None,
        "held_out": held_out,
    }


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 if there is an adapter."""
    (folder,) = argv if argv is not None else sys.argv[1:]
    try:
        outcome = train(Path(folder))
    except BadRun as fault:
        say(str(fault))
        write_json(Path(folder) / "outcome.json", {"state": "failed", "why": "bad_run", "detail": str(fault)})
        return 2
    return 0 if outcome["adapter"] else 1


if __name__ == "__main__":
    sys.exit(main())
