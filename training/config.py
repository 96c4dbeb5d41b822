"""What a run is told: `config.json` in its folder, read strictly: a misspelt knob stops the run at its start."""

import json
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

Method = Literal["dpo", "orpo", "kto", "sft"]
Loss = Literal["sigmoid", "robust", "ipo"]
Precision = Literal["auto", "float32", "bfloat16"]
# By name, never "all-linear": peft writes that out as full paths for small models, and engines look for suffixes.
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class BadRun(ValueError):
    """A run folder that cannot be trained from; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Config:
    """One run. Everything that changes its result is here, so the same folder gives the same adapter."""

    base: str  # a folder that training.base made, or any other that transformers loads
    served_as: str  # how engines call that base; goes into the adapter, where vLLM compares it
    start: str = ""  # a PEFT folder on that base to begin at: see training.start. Empty: at the base itself
    frozen: str = ""  # a file in which runs that share it keep what the base says of texts; empty: each asks anew
    method: Method = "dpo"
    loss: Loss = "sigmoid"  # of DPO
    beta: float = 0.1  # how dear it is to leave the base; ORPO: the weight of the odds; IPO wants its own
    nll: float = 0.1  # the weight of the chosen text's own likelihood beside DPO, against displacement
    offset: float = 0.0  # ODPO: a pair of full gap must be ahead by this much
    smoothing: float = 0.1  # of "robust": the share of judgements that are slips
    desirable: float = 1.0  # KTO's weights of liked and disliked texts
    undesirable: float = 1.0
    include_prompt: bool = False  # ORPO as TRL computes it: would teach the model to recite wishes
    rank: int = 64
    alpha: int = 128
    targets: tuple[str, ...] = TARGETS
    quantised: bool = False  # QLoRA: the base in NF4, double quantisation; needs bitsandbytes
    precision: Precision = "auto"  # of the base: bfloat16 where the machine has units for it; the adapter is float32
    learning_rate: float = 1e-5
    warmup: float = 0.05  # the share of the steps in which the rate rises
    epochs: int = 1
    max_steps: int = 0  # 0: as many as the epochs take
    groups_a_step: int = 8
    max_length: int = 1024  # tokens of a prompt with its longest text; longer groups are left out and counted
    clip: float = 1.0  # the longest gradient
    seed: int = 0
    threads: int = 0  # 0: as torch likes
    niceness: int = 10
    finish_by: float = 0.0  # epoch seconds; 0: no hurry
    checkpoint_every: int = 20  # steps
    measure_every: int = 0  # steps between looks at the held-out groups; the best adapter is kept. 0: the last is
    patience: int = 0  # looks without anything better, after which the run ends; 0: never
    kl_most: float = 0.0  # nat a token from the base, of one step's texts; beyond it the run ends. 0: no limit
    grouped: bool = True  # one pass a prompt, where the architecture allows it

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read(folder: Path) -> Config:
    """Raises BadRun."""
    told = strictly(folder / "config.json", Config)
    if "targets" in told:
        told["targets"] = tuple(told["targets"])
    return _sound(Config(**told))


def strictly(path: Path, kind: type) -> dict[str, Any]:
    """What a file says of a dataclass: only fields that it has, of their kinds, and all it wants. Raises BadRun."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise BadRun(f"{path.name} cannot be read: {type(fault).__name__}") from fault
    if not isinstance(told, dict):
        raise BadRun(f"{path.name} holds no object")
    known = {each.name: each for each in fields(kind)}
    if strangers := told.keys() - known.keys():
        raise BadRun(f"{path.name}: nobody knows {', '.join(sorted(strangers))}")
    wanted = (name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING)
    if missing := [name for name in wanted if name not in told]:
        raise BadRun(f"{path.name} lacks {', '.join(missing)}")
    for name, value in told.items():
        if not _fits(value, known[name].type):
            raise BadRun(f"{path.name}: {name} cannot be {value!r}")
    return told


def _fits(value: Any, kind: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    if kind in (str, bool):
        return isinstance(value, kind)
    inner = get_args(kind)
    if choices := [each for each in inner if isinstance(each, str)]:
        return value in choices
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(_fits(each, inner[0]) for each in value)
    return isinstance(value, dict) and all(_fits(each, inner[1]) for each in value.values())


def _sound(config: Config) -> Config:
    wrong = {
        "beta": config.beta <= 0,
        "smoothing": not 0 <= config.smoothing < 0.5,
        "rank": config.rank < 1,
        "targets": not config.targets,
        "start": bool(config.start) and config.quantised,  # nothing is ever merged into four bits
        "learning_rate": config.learning_rate <= 0,
        "epochs": config.epochs < 1,
        "groups_a_step": config.groups_a_step < 1,
        "checkpoint_every": config.checkpoint_every < 1,
        "measure_every": config.measure_every < 0,
        "patience": config.patience < 0 or (config.patience > 0 and not config.measure_every),
        "kl_most": config.kl_most < 0,
    }
    for name, bad in wrong.items():
        if bad:
            raise BadRun(f"config.json: {name} cannot be {getattr(config, name)!r}")
    return config
