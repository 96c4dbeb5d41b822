"""A dataset as training reads it: the groups of `training.batch`, made of the rows of a file."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from training.datasets import Row


def groups_of(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One group a prompt, its texts once each; what is held out stays so. Pairs keep their gaps and weights."""
    together: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        together[json.dumps([row.prompt, row.split], ensure_ascii=False)].append(row)
    return [_group(key, asked) for key, asked in together.items()]


def _group(key: str, rows: Sequence[Row]) -> dict[str, Any]:
    texts = list(dict.fromkeys(text for row in rows for text in (row.chosen, row.rejected)))
    pairs = [
        {
            "chosen": texts.index(row.chosen),
            "rejected": texts.index(row.rejected),
            "gap": row.gap,
            "weight": row.weight,
        }
        for row in rows
        if row.chosen != row.rejected
    ]
    return {
        "id": hashlib.sha256(key.encode()).hexdigest()[:32],
        "prompt": list(rows[0].prompt),
        "completions": [{"text": text, "label": _liked(text, rows), "weight": 1 / len(texts)} for text in texts],
        "pairs": pairs,
        "held_out": rows[0].split == "held_out",
    }


def _liked(text: str, rows: Sequence[Row]) -> bool | None:
    """One that won here and lost there is neither."""
    won, lost = any(text == row.chosen for row in rows), any(text == row.rejected for row in rows)
    return None if won and lost else won
