"""The morning letter: every ending has its sentence, with its numbers, in both languages."""

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from training.gate import Reason
from writingapp.models import Adapter, TrainingRun
from writingapp.services import letters

pytestmark = pytest.mark.django_db
BEGAN = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
RANKING = {
    "reason": "ranking",
    "passed": True,
    "value": 0.21,
    "low": 0.05,
    "high": 0.37,
    "count": 40,
    "against": "base",
}
MANIFEST = {
    "ratings": 61,
    "pairs": {"train": 48, "held_out": 7},
    "writers": 5,
    "fewest": 20,
    "outcome": {"steps": 12, "planned": 12},
}
ROOMS = Path(letters.__file__).parent.parent


def run(state: str, why: str = "", detail: str = "", **said: Any) -> TrainingRun:
    row = TrainingRun(
        night=date(2026, 11, 24), state=state, why=why, started_at=BEGAN, **{"manifest": MANIFEST, **said}
    )
    row.finished_at = BEGAN + timedelta(minutes=74) if state in TrainingRun.TERMINAL else None
    row.letter = letters.facts(row, detail) if row.finished_at else {}
    return row


def test_a_promotion_tells_counts_intervals_and_who_writes_now() -> None:
    said = letters.paragraph(run("promoted", adapter=Adapter(name="night-1"), gate={"checks": [RANKING]}), "en")
    for words in ("61", "48 to learn from", "7 held out", "writers: 5", "12 of 12 steps", "74 min", "night-1 writes"):
        assert words in said
    assert "40 held-out inspirations" in said
    assert "by +21.0 points" in said
    assert "+5.0 to +37.0" in said


def test_a_trial_a_refusal_a_skip_and_a_failure_say_what_they_are() -> None:
    ended = {
        ("promoted", "trial"): "stands a blind trial",
        ("refused", "displaced"): "even the preferred texts became less likely",
        ("skipped", "too_few_pairs"): "too few pairs",
        ("stopped", "withdrawn"): "took back",
        ("failed", "node_failed"): "gpu-2 (no_effect)",
    }
    for (state, why), words in ended.items():
        said = letters.paragraph(run(state, why, "gpu-2 (no_effect)", adapter=Adapter(name="night-1")), "en")
        assert words in said


def test_what_still_goes_on_is_not_told_as_over() -> None:
    said = letters.paragraph(run("gating"), "en")
    assert "still going on: at the gate" in said


def test_it_has_the_same_numbers_in_chinese() -> None:
    said = letters.paragraph(run("promoted", adapter=Adapter(name="night-1"), gate={"checks": [RANKING]}), "zh-hans")
    for number in ("2026", "61", "48", "12", "74", "40", "+21.0", "+37.0", "night-1"):
        assert number in said


def test_every_reason_of_the_gate_has_a_sentence() -> None:
    assert set(Reason) <= set(letters.WHY)


def test_every_code_that_a_night_or_a_promotion_can_end_with_has_a_sentence() -> None:
    said = set()
    for name in ("night.py", "services/nightly.py", "services/promoting.py", "services/trials.py"):
        for node in ast.walk(ast.parse((ROOMS / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Ended", "NotPromoted"):
                code = node.args[1 if ast.unparse(node.func) == "Ended" else 0]
                said |= {code.value} if isinstance(code, ast.Constant) else set()
    assert {"gate_broken", "deadline", "not_proved", "trial_runs"} <= said
    assert said <= set(letters.WHY)


def test_a_code_without_a_sentence_is_told_as_it_is() -> None:
    assert letters.because("something_new") == "something_new"
