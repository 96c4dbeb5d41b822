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
    """As pairs.jsonl and pairs.parquet, or as a dataset folder with its card. Answers the files.

    LLaMA-Factory also gets the entry that its dataset_info.json needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if form == "hf":
        (folder / "data").mkdir(exist_ok=True)
        for split in SPLITS:
            write_parquet([row for row in rows if row.split == split], form, folder / "data" / f"{split}.parquet")
        (folder / "README.md").write_text(card(rows, license=license), encoding="utf-8")
        return [folder / "README.md", *(folder / "data" / f"{split}.parquet" for split in SPLITS)]
    write_lines(rows, form, folder / "pairs.jsonl")
    write_parquet(rows, form, folder / "pairs.parquet")
    written = [folder / "pairs.jsonl", folder / "pairs.parquet"]
    if form == "llamafactory":
        written.append(folder / "dataset_info.json")
        written[-1].write_text(json.dumps(DATASET_INFO, indent=2) + "\n", encoding="utf-8")
    return written


def read(path: Path, form: str) -> list[Row]:
    """A file of either kind, or a folder as `write_folder` leaves it. Raises BadDataset."""
    if path.is_dir():
        if form == "hf":
            return [row for split in SPLITS for row in read_parquet(path / "data" / f"{split}.parquet", form)]
        return read(path / "pairs.parquet", form)
    if not path.exists():
        raise BadDataset(f"{path}: there is no such file")
    return read_parquet(path, form) if path.suffix == ".parquet" else read_lines(path, form)


def _schema(form: str) -> pa.Schema:
    own = {name: _TYPES[kind] for name, kind in FORMATS[form].columns.items()}
    beside = {name: _BESIDE.get(name, pa.string()) for name in BESIDE}
    return pa.schema(list((own | beside).items()))
