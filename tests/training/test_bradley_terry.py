"""Strengths beside the literature and beside two libraries; what cannot be known is said or kept within bounds."""

import choix
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from training.bradley_terry import Comparison, Undecided, standings, strengths

# American League, Eastern Division, 1987: games won by the row against the column (Agresti, Categorical Data Analysis).
TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
WON = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ],
    dtype=float,
)
PUBLISHED = [1.581, 1.436, 1.294, 1.248, 1.108, 0.684, 0.0]  # as printed there, with Baltimore at 0


def games() -> list[tuple[int, int]]:
    return [(i, j) for i in range(7) for j in range(7) for _ in range(int(WON[i, j]))]


def test_the_baseball_of_1987_as_published() -> None:
    found = strengths(WON)
    assert (found - found[-1]).tolist() == pytest.approx(PUBLISHED, abs=0.0006)


def test_the_same_as_choix_and_as_a_logistic_regression() -> None:
    found = strengths(WON)
    reference = choix.ilsr_pairwise(7, games(), alpha=0)
    assert found.tolist() == pytest.approx((reference - reference.mean()).tolist(), abs=1e-6)
    rows = np.zeros((len(games()), 7))
    for at, (winner, loser) in enumerate(games()):
        rows[at, winner], rows[at, loser] = 1, -1
    sides = np.where(np.arange(len(rows)) % 2, 1, -1)
    fit = sm.Logit(sides > 0, (rows * sides[:, None])[:, :-1]).fit(disp=0)
    assert (found - found[-1])[:-1].tolist() == pytest.approx(fit.params.tolist(), abs=1e-6)


def test_the_bootstrap_comes_near_the_logistic_regressions_interval() -> None:
    """Where each game is judged by somebody else, it draws games; the errors are then those of the regression."""
    judged = [Comparison(TEAMS[i], TEAMS[j], writer=str(at)) for at, (i, j) in enumerate(games())]
    told = {each.name: each for each in standings(judged, prior=1e-9, samples=300)}
    widths = [told[name].high - told[name].low for name in TEAMS]
    curve = _information(strengths(WON))
    errors = np.sqrt(np.diag(np.linalg.pinv(curve)))
    assert widths == pytest.approx((2 * 1.96 * errors).tolist(), rel=0.25)
    assert (told["Baltimore"].wins, told["Baltimore"].losses, told["Baltimore"].count) == (18, 60, 78)


def _information(strength: np.ndarray) -> np.ndarray:
    wins = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
    bend = (WON + WON.T) * wins * wins.T
    return np.asarray(np.diag(bend.sum(axis=1)) - bend)


def test_a_tie_is_half_a_win_for_each() -> None:
    ties = [Comparison("a", "b", tie=True), Comparison("b", "a", tie=True), Comparison("a", "b"), Comparison("a", "b")]
    halves = np.array([[0, 3.0], [1.0, 0]])
    told = standings(ties, prior=0)
    assert [each.strength for each in told] == pytest.approx(strengths(halves).tolist())
    assert (told[0].wins, told[0].ties, told[0].losses) == (2, 2, 0)


def test_whoever_never_loses_has_no_strength_without_a_prior_and_a_finite_one_with_it() -> None:
    always = [Comparison("a", "b")] * 20 + [Comparison("b", "c"), Comparison("c", "b")]
    with pytest.raises(Undecided):
        standings(always, prior=0)
    first, *_, last = standings(always)
    assert first.name == "a"
    assert 2 < first.strength - last.strength < 12


def test_those_who_never_met_are_told_apart() -> None:
    told = standings([Comparison("a", "b"), Comparison("b", "a"), Comparison("x", "y"), Comparison("y", "x")], prior=0)
    assert [(each.name, each.group) for each in told] == [("a", 0), ("b", 0), ("x", 1), ("y", 1)]
    assert standings([]) == []


def test_one_writer_with_many_comparisons_says_less_than_many_writers() -> None:
    said = [("a", "b")] * 30 + [("b", "a")] * 10
    several = standings([Comparison(*each, writer=str(at)) for at, each in enumerate(said)])
    few = standings([Comparison(*each, writer=str(at // 20)) for at, each in enumerate(said)])
    assert several[0].strength == few[0].strength
    assert few[0].low < 0.01 < several[0].low  # of the two writers one is undecided


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.booleans(), st.sampled_from("xyz"))))
def test_any_comparisons_have_a_standing(said: list[tuple[str, str, bool, str]]) -> None:
    comparisons = [Comparison(a, b, writer, tie) for a, b, tie, writer in said]
    told = standings(comparisons, samples=20)
    assert told == standings(comparisons, samples=20)  # the same seed
    assert all(np.isfinite([each.strength, each.low, each.high]).all() for each in told)
    assert sum(each.count for each in told) == 2 * sum(a != b for a, b, *_ in said)
