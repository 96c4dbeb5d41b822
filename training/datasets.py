"""Pairs in the formats that other trainers read, and back again: what is written is read as the same rows.

TRL, ms-swift and LLaMA-Factory each find their own columns; the rest of a row stands beside them, which they ignore.
A prompt may end in words of the assistant's to be continued. Only TRL knows that; for the others those words begin
both answers, and `prefix` says where the answers proper begin.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

Message = dict[str, str]
Raw = dict[str, Any]


class BadDataset(ValueError):
    """A file that holds no rows of ours; the message says where."""


@dataclass(frozen=True, slots=True)
class Row:
    """A pair with its context. `writer` is a pseudonym; no name, address or account is in here."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    writer: str
    kind: str
    language: str
    source: str
    split: str
    state: str
    night: str
    gap: float
    weight: float
    form: str = ""
    reason: str = ""
    chosen_adapter: str = ""
    rejected_adapter: str = ""
    chosen_position: int = 0
    rejected_position: int = 1
    tags: tuple[str, ...] = field(default_factory=tuple)


TEXTS = ("prompt", "chosen", "rejected")
BESIDE = tuple(each.name for each in fields(Row) if each.name not in TEXTS)  # the columns that every format has


@dataclass(frozen=True, slots=True)
class Format:
    """How one row is told, in one record or two, and how it is read again. `columns`: those beside BESIDE, by type."""

    tell: Callable[[Row], list[Raw]]
    read: Callable[[list[Raw]], Row]
    columns: Mapping[str, str]


def _beside(row: Row) -> Raw:
    told = asdict(row)
    return {name: told[name] for name in BESIDE} | {"tags": list(row.tags)}


def _row(raw: Raw, prompt: Iterable[Message], chosen: str, rejected: str) -> Row:
    told = {name: raw[name] for name in BESIDE} | {"tags": tuple(raw["tags"])}
    return Row(prompt=tuple(dict(each) for each in prompt), chosen=chosen, rejected=rejected, **told)


def _said(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def _unfinished(row: Row) -> tuple[list[Message], str]:
    """The prompt up to the last words of the assistant's, and those."""
    *before, last = row.prompt
    return (before, last["content"]) if last["role"] == "assistant" else ([*before, last], "")


def _with(prompt: list[Message], prefix: str) -> list[Message]:
    return [*prompt, *(_said(prefix) if prefix else [])]


# --- TRL: conversational prompt, chosen, rejected --------------------------------------------------------------------
def _tell_trl(row: Row) -> list[Raw]:
    texts = {"prompt": list(row.prompt), "chosen": _said(row.chosen), "rejected": _said(row.rejected)}
    return [texts | _beside(row)]


def _read_trl(raws: list[Raw]) -> Row:
    (raw,) = raws
    return _row(raw, raw["prompt"], raw["chosen"][0]["content"], raw["rejected"][0]["content"])


# --- KTO, as TRL reads it: each text alone, and whether it is wanted -------------------------------------------------
def _tell_kto(row: Row) -> list[Raw]:
    told = {"prompt": list(row.prompt)} | _beside(row)
    return [
        told | {"completion": _said(text), "label": label}
        for text, label in ((row.chosen, True), (row.rejected, False))
    ]


def _read_kto(raws: list[Raw]) -> Row:
    texts = {raw["label"]: raw["completion"][0]["content"] for raw in raws}
    return _row(raws[0], raws[0]["prompt"], texts[True], texts[False])


# --- ms-swift: messages with the chosen answer, rejected_response ----------------------------------------------------
def _tell_swift(row: Row) -> list[Raw]:
    before, prefix = _unfinished(row)
    told = {"messages": before + _said(prefix + row.chosen), "rejected_response": prefix + row.rejected}
    return [told | {"prefix": prefix} | _beside(row)]


def _read_swift(raws: list[Raw]) -> Row:
    (raw,) = raws
    *before, answer = raw["messages"]
    cut = len(raw["prefix"])
    return _row(raw, _with(before, raw["prefix"]), answer["content"][cut:], raw["rejected_response"][cut:])


# --- LLaMA-Factory: sharegpt ranking ---------------------------------------------------------------------------------
_NAMES = {"user": "human", "assistant": "gpt", "system": "system"}
_ROLES = {name: role for role, name in _NAMES.items()}


def _tell_llama(row: Row) -> list[Raw]:
    before, prefix = _unfinished(row)
    turns = [{"from": _NAMES[each["role"]], "value": each["content"]} for each in before]
    answers = {
        "chosen": {"from": "gpt", "value": prefix + row.chosen},
        "rejected": {"from": "gpt", "value": prefix + row.rejected},
    }
    return [{"conversations": turns, "prefix": prefix} | answers | _beside(row)]


def _read_llama(raws: list[Raw]) -> Row:
    (raw,) = raws
    turns = [{"role": _ROLES[each["from"]], "content": each["value"]} for each in raw["conversations"]]
    cut = len(raw["prefix"])
    return _row(raw, _with(turns, raw["prefix"]), raw["chosen"]["value"][cut:], raw["rejected"]["value"][cut:])


_TRL = Format(_tell_trl, _read_trl, {"prompt": "messages", "chosen": "messages", "rejected": "messages"})
FORMATS = {
    "trl": _TRL,
    "kto": Format(_tell_kto, _read_kto, {"prompt": "messages", "completion": "messages", "label": "yes or no"}),
    "ms-swift": Format(
        _tell_swift, _read_swift, {"messages": "messages", "rejected_response": "text", "prefix": "text"}
    ),
    "llamafactory": Format(
        _tell_llama, _read_llama, {"conversations": "turns", "chosen": "turn", "rejected": "turn", "prefix": "text"}
    ),
    "hf": _TRL,
}
DATASET_INFO = {
    "bailu": {
        "file_name": "train.jsonl",
        "ranking": True,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
    }
}


def records(rows: Iterable[Row], form: str) -> Iterable[Raw]:
    for row in rows:
        yield from FORMATS[form].tell(row)


def rows_of(raws: Iterable[Raw], form: str) -> list[Row]:
    """Raises BadDataset."""
    found: dict[str, list[Raw]] = defaultdict(list)
    try:
        for raw in raws:
            found[raw["id"]].append(raw)
        return [FORMATS[form].read(group) for group in found.values()]
    except (KeyError, TypeError, ValueError, IndexError) as fault:
        raise BadDataset(f"not a dataset in the format {form}: {fault!r}") from fault


def lines(rows: Iterable[Row], form: str) -> Iterable[str]:
    """As JSONL, a record at a time, so that it may be streamed."""
    for record in records(rows, form):
        yield json.dumps(record, ensure_ascii=False) + "\n"


def write_lines(rows: Iterable[Row], form: str, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines(rows, form))


def read_lines(path: Path, form: str) -> list[Row]:
    """Raises BadDataset."""
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            raws = [json.loads(line) for line in file]
    except ValueError as fault:
        raise BadDataset(f"{path.name}: {fault}") from fault
    return rows_of(raws, form)


# --- a folder for Hugging Face ---------------------------------------------------------------------------------------
_CARD = """---
license: {license}
pretty_name: {name}
task_categories: [text-generation]
tags: [dpo, preference, poetry, bailu]
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.parquet
  - split: held_out
    path: data/held_out.parquet
---

# {name}

{count} pairs by {writers} writers: for one and the same ask, a text that its writer preferred and one that she did not.
Each writer agreed to the use of her judgements for training. Writers appear under pseudonyms.
Her own writing is in none of the rows.

| what | pairs |
|---|---|
{table}

License: {license}. Never train on `held_out`: it is what adapters are judged by.

| column | holds |
|---|---|
| `prompt` | messages, exactly as the model saw them |
| `chosen`, `rejected` | the two answers, as messages |
| `gap` | how much better, 0 to 1; stars give a quarter each, a plain preference 0.5 |
| `weight` | one divided by the number of pairs of the same ask |
| `source` | compare, score, swap (of one line) or taken |
| `form`, `kind`, `language`, `tags` | what was asked for, and what she said of it |
| `chosen_adapter`, `rejected_adapter` | which adapter wrote it; empty: the base model |
| `chosen_position`, `rejected_position` | where it stood on her page, from 0 |
| `writer`, `night`, `split`, `state`, `reason` | whose, when, and how far the review is |
"""


def card(rows: Sequence[Row], *, name: str = "Bailu preferences", license: str = "other") -> str:
    counted = Counter(
        f"{what} {value or 'none'}"
        for row in rows
        for what, value in (("split", row.split), ("source", row.source), ("form", row.form))
    )
    table = "\n".join(f"| {what} | {count} |" for what, count in sorted(counted.items()))
    writers = len({row.writer for row in rows})
    return _CARD.format(license=license, name=name, count=len(rows), writers=writers, table=table)
