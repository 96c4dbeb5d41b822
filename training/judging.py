"""The work of `training.judge`, in a process that has its priority and its threads.

What costs little is looked at first: a folder that may not be served, another base, or too few held-out inspirations,
and nothing is measured. Then the adapter at each strength, the base and what serves now are read and write, and the
first strength that passes is taken. A passing adapter gets its `reference.json`, without which no node could prove it.
"""

import asyncio
import hashlib
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from transformers import AutoTokenizer

from inference.adapters import CONFIG, WEIGHTS, AdapterError, check
from inference.engines.base import EngineError, Node
from training import batch, config, gate, judge, manifest, measure, questions, reference
from training.batch import Group
from training.config import BadRun, Config
from training.gate import Candidate, Check, Limits, Measured, Reason, Verdict
from training.judge import Asked
from training.likeness import plain
from training.measure import Read, Reader
from training.progress import say, write_json
from training.questions import Question
from training.strength import scaled, staged
from training.writing import NotTaken, Texts, by_itself, own_node, through

EMPTY = Measured({}, {}, {}, {}, {}, ())
PROBES = 6  # chats of the reference
TAG = 8  # characters of a run's id, in the names of what is lent to a node
SAMPLES = 12  # texts side by side in the verdict


@dataclass(slots=True)
class Trial:
    """Everything that the judging of one run shares."""

    folder: Path
    config: Config
    asked: Asked
    groups: list[Group]
    learnt: list[str]  # texts
    questions: list[Question]
    base: str  # digest of what it was trained on
    reader: Reader | None = None

    @property
    def limits(self) -> Limits:
        told: dict[str, Any] = dict(self.asked.limits)
        return Limits(**told)

    @property
    def cache(self) -> Path:
        return self.folder / self.asked.cache

    def key(self, adapter: Path | None, *told: object) -> str:
        """Of everything that an answer depends on."""
        whose = _weights_of(adapter) if adapter else "base"
        parts = json.dumps([self.base, whose, questions.digest(), *map(str, told)])
        return hashlib.sha256(parts.encode()).hexdigest()[:24]

    def texts(self, adapter: Path | None) -> Texts:
        how = [self.asked.kind, self.asked.model] if self.asked.engine else [self.asked.gguf]
        return Texts(self.cache / f"texts-{self.key(adapter, *how)}.jsonl")

    def read(self, adapter: Path | None) -> Read:
        """What it says of given texts; the base is loaded when the first such thing is not known yet."""
        data = hashlib.sha256(repr([(each.id, each.prompt, each.completions) for each in self.groups]).encode())
        path = self.cache / f"read-{self.key(adapter, data.hexdigest())}.json"
        if (known := measure.kept(path)) is not None:
            return known
        read = self._reader().read(adapter)
        measure.keep(path, read)
        return read

    def write(self, adapter: Path | None) -> None:
        """Its texts, without any node."""
        texts = self.texts(adapter)
        if texts.missing(self.questions):
            reader = self._reader()
            with reader.wearing(adapter) as model:
                by_itself(model, reader.tokenizer, self.questions, texts)

    def _reader(self) -> Reader:
        if self.reader is None:
            say("loading the base")
            self.reader = Reader(self.config, self.groups)
        return self.reader

    def measured(self, adapter: Path | None) -> Measured:
        written = self.texts(adapter).of(self.questions)
        return measure.measured(self.read(adapter), self.read(None), self.groups, written, self.config.beta)


def verdict_on(folder: Path) -> dict[str, Any]:
    """The verdict, which is in the folder, too. Raises BadRun and EngineError."""
    trial = _opened(folder)
    asked = trial.asked
    adapter = folder / asked.adapter
    known = Candidate(
        measured=EMPTY,
        base=trial.base,
        artifact=_artifact(adapter),
        pairs_of=asked.pairs_of,
        writer_of=asked.writer_of,
        trained_on=trial.learnt,
        canaries=asked.canaries,
    )
    served_base = asked.served_base or _served(trial)
    if at_once := _at_once(trial, known, served_base):
        told = _refused({1.0: at_once})
    else:
        try:
            told = _told(trial, asyncio.run(_tried(trial, known, adapter, served_base)))
        except NotTaken as fault:
            told = _refused({1.0: Verdict((Check(Reason.NOT_TAKEN, passed=False, detail=str(fault)),))})
    write_json(folder / "verdict.json", told)
    say(f"passed at {told['scale']}" if told["passed"] else f"refused: {', '.join(told['reasons'])}")
    return told


def _at_once(trial: Trial, known: Candidate, served_base: str) -> Verdict | None:
    """The verdict, if it can be had before anything is measured."""
    verdict = gate.judge(known, served_base=served_base, base=EMPTY)
    if {Reason.ARTIFACT, Reason.WRONG_BASE} & set(verdict.reasons):
        return verdict
    count, fewest = sum(bool(group.pairs) for group in trial.groups), trial.limits.fewest
    few = Check(Reason.TOO_LITTLE, count >= fewest, count, fewest, count=count)
    return None if few.passed else Verdict((few,))


def _opened(folder: Path) -> Trial:
    asked, told = judge.read(folder), config.read(folder)
    tokenizer = AutoTokenizer.from_pretrained(told.base, local_files_only=True)
    data = batch.read(folder / "data.jsonl", tokenizer, told.max_length)
    learnt = [str(tokenizer.decode(list(each.ids[:-1]))) for group in data.train for each in group.completions]
    asks = questions.questions(asked.asks, asked.draws)
    return Trial(folder, told, asked, data.held_out, learnt, asks, _trained_on(folder, Path(told.base)))


def _trained_on(folder: Path, base: Path) -> str:
    """By the manifest; an adapter that was made elsewhere has none, and is what config.json says."""
    try:
        told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return str(told["digests"]["base"])
    except FileNotFoundError:
        return manifest.base_digest(base)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BadRun("manifest.json does not tell what was trained on") from fault


def _artifact(adapter: Path) -> str:
    """Why its folder may not be served; empty if it may."""
    if strangers := [path.name for path in adapter.rglob("*") if path.suffix not in {".safetensors", ".json"}]:
        return f"other_files: {strangers[0][:60]}"  # a pickle, say, which an engine might open
    try:
        check(adapter)
    except AdapterError as fault:
        return str(fault)
    return ""


def _served(trial: Trial) -> str:
    """The digest of the base that the nodes serve: of its folder, if that was made of the file that they load."""
    base = Path(trial.config.base)
    if not trial.asked.gguf:
        return manifest.base_digest(base)
    with Path(trial.asked.gguf).open("rb") as file:
        served = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        made_of = json.loads((base / "manifest.json").read_text(encoding="utf-8"))["source_sha256"]
    except (OSError, ValueError, KeyError):
        made_of = ""
    return manifest.base_digest(base) if made_of == served else f"made of another file than {served[:12]}"


async def _tried(trial: Trial, known: Candidate, adapter: Path, served_base: str) -> dict[float, Verdict]:
    """By strength, in the order asked for, until one passes."""
    serving = trial.folder / trial.asked.serving if trial.asked.serving else None
    verdicts: dict[float, Verdict] = {}
    limits = trial.limits
    async with AsyncExitStack() as stack:
        strengths = {scale: _at(trial, stack, adapter, scale) for scale in trial.asked.scales}
        node = await _node(trial, stack, [*strengths.values(), *([serving] if serving else [])])
        base = await _measured(trial, node, None)
        champion = await _measured(trial, node, serving) if serving else None
        for scale, folder in strengths.items():
            mine = await _measured(trial, node, folder)
            candidate = Candidate(**{each: getattr(known, each) for each in Candidate.__slots__} | {"measured": mine})
            verdicts[scale] = gate.judge(candidate, served_base=served_base, base=base, serving=champion, limits=limits)
            if verdicts[scale].passed:
                break
    return verdicts


def _at(trial: Trial, stack: AsyncExitStack, adapter: Path, scale: float) -> Path:
    """The adapter at that strength, where the node may read it."""
    folder = scaled(adapter, trial.folder / f"adapter-{scale:g}", scale)
    if not (trial.asked.engine and trial.asked.shared):
        return folder
    return stack.enter_context(staged(folder, Path(trial.asked.shared) / f"gate-{scale:g}-{trial.folder.name}"))


async def _node(trial: Trial, stack: AsyncExitStack, adapters: Sequence[Path]) -> Node | None:
    asked = trial.asked
    if asked.engine:
        return Node("gate", asked.kind, asked.engine, asked.key, asked.model)
    missing = any(trial.texts(each).missing(trial.questions) for each in [None, *adapters])
    if not asked.gguf or not missing:
        return None
    say("starting a node of our own")
    log = trial.folder / "node.log"
    return await stack.enter_async_context(own_node(Path(asked.gguf), adapters, threads=asked.threads, log=log))


async def _measured(trial: Trial, node: Node | None, adapter: Path | None) -> Measured:
    say(f"measuring {adapter.name if adapter else 'the base'}")
    if node is not None:
        await through(node, adapter, trial.questions, trial.texts(adapter), by=trial.folder.name[:TAG])
    else:
        trial.write(adapter)
    return trial.measured(adapter)


def _told(trial: Trial, verdicts: dict[float, Verdict]) -> dict[str, Any]:
    """The verdict as it is written down, with what was measured."""
    scale = next((each for each, verdict in verdicts.items() if verdict.passed), None)
    shown = scale if scale is not None else next(iter(verdicts))
    mine = scaled(trial.folder / trial.asked.adapter, trial.folder / f"adapter-{shown:g}", shown)
    figures = measure.figures(trial.read(mine), trial.read(None), trial.groups, trial.config.beta)
    measures = {"samples": _samples(trial, mine), "figures": figures}
    _forget(trial, [each for each in verdicts if each != scale])
    if scale is None:
        return _refused(verdicts) | measures
    _refer(trial, mine)
    told = {"passed": True, "reasons": [], "scale": scale, "adapter": str(mine)}
    return _refused(verdicts) | {"checks": _checks(verdicts[scale])} | told | measures


def _refused(verdicts: dict[float, Verdict]) -> dict[str, Any]:
    """With the checks and reasons at the first strength tried."""
    verdict = next(iter(verdicts.values()))
    return {
        "passed": False,
        "reasons": list(verdict.reasons),
        "scale": None,
        "adapter": "",
        "checks": _checks(verdict),
        "scales": {f"{each:g}": list(other.reasons) for each, other in verdicts.items()},
        "samples": [],
        "figures": {},
    }


def _checks(verdict: Verdict) -> list[dict[str, Any]]:
    return [asdict(each) for each in verdict.checks]


def _forget(trial: Trial, refused: Sequence[float]) -> None:
    """Nobody reads again what refused strengths wrote, and it may hold a writer's sentence; the rest is in use."""
    adapter, serving = trial.folder / trial.asked.adapter, trial.folder / trial.asked.serving
    for read in [None, *([serving] if trial.asked.serving else [])]:
        trial.texts(read).path.touch()  # what no judge has touched for days is swept, see writingapp.services.folders
    for each in refused:
        folder = scaled(adapter, trial.folder / f"adapter-{each:g}", each)
        trial.texts(folder).path.unlink(missing_ok=True)


def _samples(trial: Trial, mine: Path) -> list[dict[str, str]]:
    """The same asks answered by the base, by what serves now, and by the candidate; none where a canary is said."""
    canaries = set(map(plain, trial.asked.canaries)) - {""}
    whose = {"base": None, "candidate": mine}
    whose |= {"serving": trial.folder / trial.asked.serving} if trial.asked.serving else {}
    first = [each for each in trial.questions if each.draw == 0]
    shown = first[:: max(1, len(first) // SAMPLES)][:SAMPLES]
    written = {name: trial.texts(folder).of(shown) for name, folder in whose.items()}
    return [
        {"prompt": question.prompt} | {name: texts[at].text for name, texts in written.items()}
        for at, question in enumerate(shown)
        if not gate.said_of(canaries, [texts[at] for texts in written.values()])
    ]


def _refer(trial: Trial, adapter: Path) -> None:
    """What the adapter does to a few asks: a node that loads it is compared with that."""
    if (adapter / reference.NAME).exists():
        return
    trial.reader = None  # the base once in memory, not twice
    first = [each for each in trial.questions if each.draw == 0]
    probes = [each.messages for each in first[:: max(1, len(first) // PROBES)][:PROBES]]
    reference.write(Path(trial.config.base), adapter, probes, threads=trial.asked.threads)


def _weights_of(adapter: Path) -> str:
    """Of what it does; what else lies in its folder does not change that."""
    return hashlib.sha256((adapter / CONFIG).read_bytes() + (adapter / WEIGHTS).read_bytes()).hexdigest()


def _ended(_number: int, _frame: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)  # through every `finally`, so that the node ends, too


def main(argv: list[str] | None = None) -> int:
    """The exit code, see `training.judge`."""
    (folder,) = argv if argv is not None else sys.argv[1:]
    signal.signal(signal.SIGTERM, _ended)
    try:
        return 0 if verdict_on(Path(folder).resolve())["passed"] else 1
    except BadRun as fault:
        say(str(fault))
        return 2
    except EngineError as fault:
        say(f"the engine failed: {fault}")
        return 3


if __name__ == "__main__":
    sys.exit(main())
