"""The losses beside formulas written out by hand."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training import tiny_base
from training import batch, dpo, losses
from training.batch import Completion, Group, Pair
from training.config import BadRun, Config, read
from training.forward import Scored
from training.lora import _has_bfloat16
from training.method import Case
from training.trainer import rate_at


@given(st.floats(-40, 40), st.floats(0.01, 1), st.floats(0, 3), st.floats(0, 1))
def test_an_offset_asks_for_more_the_wider_the_gap(margin: float, beta: float, offset: float, gap: float) -> None:
    scored = Scored([torch.tensor([margin / 2, margin / 2]), torch.tensor([0.0])])
    group = Group("g", (1,), (Completion((1, 2)), Completion((3,))), (Pair(0, 1, gap, 0.25),))
    config = Config(base="", served_as="", beta=beta, offset=offset, nll=0.0)
    told = dpo.loss(Case(group, scored, [torch.zeros(2), torch.zeros(1)], config))
    wanted = math.log1p(math.exp(-(beta * margin - offset * gap)))
    assert float(told.loss) == pytest.approx(0.25 * wanted, rel=1e-4, abs=1e-6)
    assert told.figures["margin"] == pytest.approx((0.25 * margin, 0.25), rel=1e-5, abs=1e-6)


@given(st.floats(-20, 20))
def test_slips_that_are_expected_cancel_out(margin: float) -> None:
    """Over right and wrong judgements in their shares, the robust loss is on average the plain one."""
    told = torch.tensor(margin, dtype=torch.float64)
    right, wrong = losses.robust(told, 0.1, 0.2), losses.robust(-told, 0.1, 0.2)
    assert float(0.8 * right + 0.2 * wrong) == pytest.approx(float(losses.sigmoid(told, 0.1)), rel=1e-9)


def test_odds_stay_numbers_where_a_text_is_certain() -> None:
    assert torch.isfinite(losses.log_odds(torch.tensor(0.0), torch.tensor(-50.0)))


def test_the_rate_rises_and_falls() -> None:
    config = Config(base="", served_as="", learning_rate=1.0, warmup=0.2)
    assert [round(rate_at(step, 10, config), 3) for step in range(10)] == [
        0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125,
    ]  # fmt: skip


def test_an_epoch_has_an_order_of_its_own_and_every_group_once() -> None:
    groups = [Group(str(at), (1,), (Completion((2,)),)) for at in range(10)]
    first = batch.steps_of(groups, 0, seed=1, size=4)
    assert first == batch.steps_of(groups, 0, seed=1, size=4) != batch.steps_of(groups, 1, seed=1, size=4)
    assert sorted(each.id for step in first for each in step) == [str(at) for at in range(10)]
    assert list(map(len, first)) == [4, 4, 2]


def test_tokens_are_those_that_the_engine_saw() -> None:
    tokenizer = tiny_base.tokenizer()
    told = {"id": "g", "prompt": [{"role": "user", "content": "雨"}], "completions": [{"text": "露"}]}
    group = batch.group_of(told, tokenizer)
    assert tokenizer.decode(list(group.prompt)) == "<|im_start|>user\n雨<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(list(group.completions[0].ids)) == "露<|im_end|>"
    told["prompt"] = [{"role": "user", "content": "雨"}, {"role": "assistant", "content": "白"}]
    begun = batch.group_of(told, tokenizer).prompt
    assert str(tokenizer.decode(list(begun))).endswith("<|im_start|>assistant\n白")


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({}, "served_as"),
        ({"learning_rat": 1}, "learning_rat"),
        ({"beta": "0.1"}, "beta"),
        ({"beta": 0}, "beta"),
        ({"method": "ppo"}, "method"),
        ({"targets": "all-linear"}, "targets"),
        ({"smoothing": 0.5}, "smoothing"),
        ({"epochs": True}, "epochs"),
    ],
)
def test_a_config_that_is_not_understood_stops_the_run(config: dict[str, Any], word: str, tmp_path: Path) -> None:
    told = {"base": "b", "served_as": "s"} | config if config else {"base": "b"}
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(BadRun, match=word):
        read(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"id": "0", "prompt": [{"role": "user", "content": "b"}], "completions": [{"text": "b"}]}',
        '{"id": "1", "prompt": [], "completions": [{"text": "a"}]}',
        '{"id": "1", "prompt": [{"role": "user", "content": "a"}], "completions": []}',
        '{"id": "1", "prompt": [{"role": "user", "content": "a"}], "completions": [{"text": "a", "weight": -1}]}',
        '{"id": "1", "prompt": [{"role": "user", "content": "a"}], "completions": [{"text": "a"}],'
        ' "pairs": [{"chosen": 0, "rejected": 1}]}',
    ],
)
def test_a_line_that_is_no_group_is_named(line: str, tmp_path: Path) -> None:
    good = {"id": "0", "prompt": [{"role": "user", "content": "a"}], "completions": [{"text": "a"}]}
    (tmp_path / "data.jsonl").write_text(f"{json.dumps(good)}\n{line}\n")
    with pytest.raises(BadRun, match="line 2"):
        batch.read(tmp_path / "data.jsonl", tiny_base.tokenizer(), 100)


def test_only_a_cpu_with_the_units_computes_in_bfloat16(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx2 avx512f\n")
    assert not _has_bfloat16(tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx512_bf16\n")
    assert _has_bfloat16(tmp_path / "cpuinfo")
