"""Strengths from comparisons (Bradley and Terry), with intervals from a bootstrap over writers.

A tie counts as half a win for each. Strengths are logs: the one with 1.1 more wins three times in four. Newton's method
on the log-likelihood, which is concave, so that there is one answer or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

# Virtual half-wins against a player of strength 0. It keeps whoever won or lost everything from going to infinity.
PRIOR = 0.1
SAMPLES = 400
MOST_STEPS = 100
CLOSE = 1e-10


class Undecided(ValueError):
    """Without a prior: some player, or group of them, only ever won or only ever lost, so that no strength fits."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`winner` and `loser` are names in any order if it is a tie. `writer` judged."""

    winner: str
    loser: str
    writer: str = ""
    tie: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Compare strengths within a group only: between groups nobody was ever compared. `low` to `high` covers 95 %."""

    name: str
    strength: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int
    group: int

    @property
    def count(self) -> int:
        return self.wins + self.ties + self.losses


def standings(
    comparisons: Sequence[Comparison], *, prior: float = PRIOR, samples: int = SAMPLES, seed: int = 0
) -> list[Standing]:
    """Strongest first, group by group. One writer's comparisons are drawn together: they are not independent."""
    names = sorted({name for each in comparisons for name in (each.winner, each.loser)})
    if not names:
        return []
    by_writer = _won(comparisons, names)
    total = by_writer.sum(axis=0)
    groups = _groups(total)
    best = strengths(total, prior=prior)
    low, high = _interval(by_writer, prior=prior, samples=samples, seed=seed)
    told = [
        Standing(name, float(best[at]), float(low[at]), float(high[at]), *_record(comparisons, name), groups[at])
        for at, name in enumerate(names)
    ]
    return sorted(told, key=lambda each: (each.group, -each.strength, each.name))


def strengths(won: Matrix, *, prior: float = 0.0) -> Matrix:
    """Of each player, from `won[i, j]`, how often i beat j; their mean in each group is 0 unless there is a prior.

    Raises Undecided.
    """
    if not prior and any(a != b for a, b in zip(_groups(won), _groups(won, strongly=True), strict=True)):
        raise Undecided("somebody never lost or never won")
    strength = np.zeros(len(won))
    for _ in range(MOST_STEPS):
        step = _step(won, strength, prior)
        while _likelihood(won, strength + step, prior) < _likelihood(won, strength, prior) - CLOSE:
            step = step / 2
        strength = strength + step
        if np.abs(step).max() < CLOSE:
            break
    return strength


def _likelihood(won: Matrix, strength: Matrix, prior: float) -> float:
    apart = strength[:, None] - strength[None, :]
    alone = np.logaddexp(0, strength) + np.logaddexp(0, -strength)
    return float(-(won * np.logaddexp(0, -apart)).sum() - prior * alone.sum())


def _step(won: Matrix, strength: Matrix, prior: float) -> Matrix:
    """Newton's; the least one where the likelihood does not care, which keeps each group's mean where it was."""
    wins = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
    alone = 1 / (1 + np.exp(-strength))
    games = won + won.T
    slope = (won - games * wins).sum(axis=1) + prior * (1 - 2 * alone)
    bend = games * wins * wins.T
    curve = np.diag(bend.sum(axis=1) + 2 * prior * alone * (1 - alone)) - bend
    return np.asarray(np.linalg.lstsq(curve, slope, rcond=1e-12)[0])


def _won(comparisons: Sequence[Comparison], names: list[str]) -> Matrix:
    """Per writer, who beat whom how often."""
    place = {name: at for at, name in enumerate(names)}
    writers = {name: at for at, name in enumerate(sorted({each.writer for each in comparisons}))}
    won = np.zeros((len(writers), len(names), len(names)))
    for each in comparisons:
        writer, winner, loser = writers[each.writer], place[each.winner], place[each.loser]
        if winner == loser:
            continue
        won[writer, winner, loser] += 0.5 if each.tie else 1
        won[writer, loser, winner] += 0.5 if each.tie else 0
    return won


def _interval(by_writer: Matrix, *, prior: float, samples: int, seed: int) -> tuple[Matrix, Matrix]:
    """Some draws leave players apart who were together, so that there is a prior in them whatever happens."""
    random, writers = np.random.default_rng(seed), len(by_writer)
    drawn = random.multinomial(writers, np.full(writers, 1 / writers), size=samples)
    found = [strengths(np.tensordot(each, by_writer, axes=1), prior=prior or PRIOR) for each in drawn]
    low, high = np.percentile(found, [2.5, 97.5], axis=0)
    return low, high


def _record(comparisons: Sequence[Comparison], name: str) -> tuple[int, int, int]:
    hers = [each for each in comparisons if name in (each.winner, each.loser) and each.winner != each.loser]
    ties = sum(each.tie for each in hers)
    wins = sum(each.winner == name and not each.tie for each in hers)
    return wins, ties, len(hers) - ties - wins


def _groups(won: Matrix, *, strongly: bool = False) -> list[int]:
    """Which players are connected by comparisons, or strongly: by wins in both directions. Numbered from 0."""
    reach = (won > 0) | np.eye(len(won), dtype=bool)
    if not strongly:
        reach = reach | reach.T
    for _ in range(len(won).bit_length()):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    mutual = reach & reach.T
    first = [int(np.argmax(row)) for row in mutual]
    order = sorted(set(first))
    return [order.index(each) for each in first]
