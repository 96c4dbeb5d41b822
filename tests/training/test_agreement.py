"""Agreement beside libraries that are known to measure it, and outliers that are none by chance alone."""

import random

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom  # type: ignore[import-untyped]
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from training.agreement import alpha, at_least, holm, outliers, position_bias, self_agreement, wilson
from training.bradley_terry import Comparison


@given(st.integers(0, 60), st.integers(1, 60))
def test_wilson_as_statsmodels_has_it(yes: int, count: int) -> None:
    yes = min(yes, count)
    low, high = proportion_confint(yes, count, method="wilson")
    found = wilson(yes, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@given(st.integers(0, 80), st.integers(0, 80), st.floats(0.01, 0.99))
def test_the_binomial_tail_as_scipy_has_it(yes: int, count: int, usual: float) -> None:
    yes = min(yes, count)
    assert at_least(yes, count, usual) == pytest.approx(binom.sf(yes - 1, count, usual), rel=1e-9, abs=1e-300)


@settings(max_examples=20)  # the reference is slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_as_statsmodels_has_it(chances: list[float]) -> None:
    reference = multipletests(chances, method="holm")[1]
    found = holm({str(at): chance for at, chance in enumerate(chances)})
    assert [found[str(at)] for at in range(len(chances))] == pytest.approx(reference.tolist())


@pytest.mark.parametrize("seed", range(20))
def test_alpha_as_krippendorffs_library_has_it(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    truth = drawn.integers(3, size=40)
    table = np.where(drawn.random((4, 40)) < 0.7, truth, drawn.integers(3, size=(4, 40))).astype(float)
    table[drawn.random((4, 40)) < 0.4] = np.nan
    reference = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
    told = [(unit, label) for row in table for unit, label in enumerate(row) if not np.isnan(label)]
    found = alpha(told, samples=200)
    assert found.value == pytest.approx(reference, abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= reference <= found.high
    assert found == alpha(reversed(told), samples=200)


def test_alpha_of_nothing_and_of_one_mind() -> None:
    assert (alpha([]).value, alpha([("i", "yes")]).value) == (None, None)
    assert alpha([("i", "yes"), ("i", "yes")]).value == 1.0


def test_self_agreement_counts_only_what_was_shown_again() -> None:
    found = self_agreement({"i": "a", "j": "b", "k": "a"}, {"i": "a", "j": "a", "z": "b"})
    assert (found.yes, found.count, found.value) == (1, 2, 0.5)
    assert self_agreement({}, {}).value is None


def test_position_bias_is_the_share_of_what_stood_first() -> None:
    assert position_bias([0] * 80 + [1] * 20).low > 0.5
    fair = position_bias([0, 1] * 40)
    assert fair.low < 0.5 < fair.high


# --- outliers --------------------------------------------------------------------------------------------------------
def crowd(seed: int, writers: int = 40, noise: float = 0.25) -> list[Comparison]:
    drawn = random.Random(seed)
    return [
        Comparison(*(("new", "old") if drawn.random() > noise else ("old", "new")), writer=f"w{writer}")
        for writer in range(writers)
        for _ in range(drawn.randrange(3, 30))
    ]


def test_who_says_the_contrary_on_purpose_is_named_first() -> None:
    said = crowd(1) + [Comparison("old", "new", writer="contrary")] * 12
    first, second = outliers(said)[:2]
    assert (first.writer, first.contrary, first.against.value) == ("contrary", True, 1.0)
    assert not second.contrary


def test_who_fills_the_house_is_named_though_she_agrees() -> None:
    first, *others = outliers(crowd(2) + [Comparison("new", "old", writer="loud")] * 400)
    assert (first.writer, first.heavy, first.contrary) == ("loud", True, False)
    assert first.share > 0.3
    assert not any(each.heavy for each in others)


def test_honest_writers_are_hardly_ever_named() -> None:
    named = sum(any(each.contrary for each in outliers(crowd(seed))) for seed in range(100))
    assert named <= 4  # a hundredth is allowed for


def test_one_loud_voice_does_not_turn_the_majority_round() -> None:
    said = crowd(3, writers=9) + [Comparison("old", "new", writer="loud")] * 1000
    assert [each.writer for each in outliers(said) if each.contrary] == ["loud"]


def test_ties_and_contrasts_of_one_are_no_disagreement() -> None:
    (only,) = outliers([Comparison("a", "b", "w", tie=True), Comparison("a", "a", "w"), Comparison("a", "b", "w")])
    assert (only.judgements, only.against.count, only.chance) == (3, 0, 1.0)
    assert outliers([]) == []
