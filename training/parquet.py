"""The same formats as Parquet, and whole folders. Apart from `datasets`, since pyarrow takes a while to import."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from training.datasets import (
    BESIDE,
    DATASET_INFO,
    FORMATS,
    BadDataset,
    Row,
    card,
    read_lines,
    records,
    rows_of,
    write_lines,
)

_TURN = pa.struct([("from", pa.string()), ("value", pa.string())])
_TYPES = {
    "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
    "turns": pa.list_(_TURN),
    "turn": _TURN,
    "text": pa.string(),
    "yes or no": pa.bool_(),
}
_BESIDE = {
    "gap": pa.float64(),
    "weight": pa.float64(),
    "chosen_position": pa.int32(),
    "rejected_position": pa.int32(),
    "tags": pa.list_(pa.string()),
}
SPLITS = ("train", "held_out")
_INFO = json.dumps(DATASET_INFO, indent=2) + "\n"


def write_parquet(rows: Iterable[Row], form: str, path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(list(records(rows, form)), schema=_schema(form)), path)


def read_parquet(path: Path, form: str) -> list[Row]:
    """Raises BadDataset."""
    try:
        raws = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as fault:
        raise BadDataset(f"{path.name}: {fault}") from fault
    return rows_of(raws, form)


def write_folder(rows: Sequence[Row], form: str, folder: Path, *, license: str = "other") -> list[Path]:
    """Each split in files of its own, so that nobody trains on what is held out. Answers the files.

    For Hugging Face a dataset folder with its card, for others JSONL and Parquet; for LLaMA-Factory also its
    dataset_info.json.
    """
    data = _data(folder, form)
    data.mkdir(parents=True, exist_ok=True)
    written = []
    for split in SPLITS:
        some = [row for row in rows if row.split == split]
        write_parquet(some, form, data / f"{split}.parquet")
        written.append(data / f"{split}.parquet")
        if form != "hf":
            write_lines(some, form, data / f"{split}.jsonl")
            written.append(data / f"{split}.jsonl")
    beside = {"hf": ("README.md", card(rows, license=license)), "llamafactory": ("dataset_info.json", _INFO)}
    if form in beside:
        name, text = beside[form]
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def read(path: Path, form: str) -> list[Row]:
    """A file of either kind, or a folder as `write_folder` leaves it. Raises BadDataset."""
    if path.is_dir():
        return [row for split in SPLITS for row in read(_data(path, form) / f"{split}.parquet", form)]
    if not path.exists():
        raise BadDataset(f"{path}: there is no such file")
    return read_parquet(path, form) if path.suffix == ".parquet" else read_lines(path, form)


def _data(folder: Path, form: str) -> Path:
    return folder / "data" if form == "hf" else folder


def _schema(form: str) -> pa.Schema:
    own = {name: _TYPES[kind] for name, kind in FORMATS[form].columns.items()}
    beside = {name: _BESIDE.get(name, pa.string()) for name in BESIDE}
    return pa.schema(list((own | beside).items()))
