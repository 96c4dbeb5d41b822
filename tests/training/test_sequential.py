"""Evidence that may be looked at any day: its formula, its promise under the null, and its power."""

from functools import cache

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from training.sequential import ENOUGH, evidence


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (0, 1), (3, 2), (2, 7), (11, 4)])
def test_it_is_the_even_mixture_of_likelihood_ratios(wins: int, losses: int) -> None:
    likelihood = Polynomial([0, 1]) ** wins * Polynomial([1, -1]) ** losses
    whole = likelihood.integ()
    mixture = 2 * (whole(1.0) - whole(0.5)) * 2 ** (wins + losses)
    assert evidence(wins, losses) == pytest.approx(mixture)


def test_each_bet_is_fair_where_wins_and_losses_are_equally_likely() -> None:
    """The mean over the next throw is at most what there is: a supermartingale, whatever came before."""
    for wins in range(12):
        for losses in range(12):
            after = (evidence(wins + 1, losses) + evidence(wins, losses + 1)) / 2
            assert after <= evidence(wins, losses) * (1 + 1e-12)


def test_looking_after_every_sitting_is_wrong_once_in_twenty_at_most() -> None:
    dice = np.random.default_rng(20261124)
    ahead = dice.integers(2, size=(300, 200)).cumsum(axis=1)
    known = cache(evidence)
    wrong = sum(any(known(int(won), at + 1 - int(won)) >= ENOUGH for at, won in enumerate(row)) for row in ahead)
    assert wrong / 300 <= 1 / ENOUGH + 2 * (0.05 * 0.95 / 300) ** 0.5


def test_a_clear_winner_is_found_within_a_few_dozen_sittings() -> None:
    dice = np.random.default_rng(7)
    found = []
    for _ in range(200):
        won = (dice.random(200) < 0.75).cumsum()
        found.append(next((at for at, w in enumerate(won, 1) if evidence(int(w), at - int(w)) >= ENOUGH), 999))
    assert np.median(found) < 50
    assert max(found) < 999


def test_what_is_beyond_all_doubt_is_a_number_still() -> None:
    assert evidence(5000, 0) == float("inf")
    assert 0 <= evidence(0, 5000) < 1e-3
