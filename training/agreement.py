"""Whether people agree: reviewers with each other, a writer with herself, one writer with all the others.

Few judgements say little, so every share comes with its interval.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.bradley_terry import Comparison

SAMPLES = 1000
Z = 1.959963984540054  # 95 %
SURE = 0.01  # chance of calling any one of all the writers an outlier who is none
HEAVY = 5  # times the median writer's number of judgements

Leanings = dict[tuple[str, str], Counter[str]]  # by contrast and writer


@dataclass(frozen=True, slots=True)
class Share:
    """`yes` of `count`, and the interval that covers the true share 95 times in 100."""

    yes: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        return self.yes / self.count if self.count else None


def wilson(yes: int, count: int) -> Share:
    """Wilson's interval: it stays between 0 and 1 and means something for three judgements, too."""
    if not count:
        return Share(0, 0, 0.0, 1.0)
    share, square = yes / count, Z * Z / count
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return Share(yes, count, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha: 1 is agreement, 0 what chance would do. None where nothing can be said."""

    value: float | None
    low: float | None
    high: float | None
    items: int  # with two opinions or more


def alpha(opinions: Iterable[tuple[Hashable, Hashable]], *, samples: int = SAMPLES, seed: int = 0) -> Alpha:
    """From (item, label) of any number of people an item; labels have no order. The bootstrap draws items."""
    by_item: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for item, label in opinions:
        by_item[item][label] += 1
    told = [by_item[item] for item in sorted(by_item, key=repr) if by_item[item].total() > 1]
    labels = sorted({label for counts in told for label in counts}, key=repr)
    if len(labels) < 2:  # nobody ever disagreed, nor could have by this measure
        return Alpha(1.0 if told else None, None, None, len(told))
    table = np.array([[counts[label] for label in labels] for counts in told], dtype=np.float64)
    size = table.sum(axis=1)
    apart = (size**2 - (table**2).sum(axis=1)) / (size - 1)
    random = np.random.default_rng(seed)
    drawn = random.integers(len(told), size=(samples, len(told)))
    found = np.array([_alpha(table[each], apart[each]) for each in drawn])
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Alpha(_alpha(table, apart), float(low), float(high), len(told))


def _alpha(table: np.ndarray, apart: np.ndarray) -> float:
    """One less the disagreement seen, over the one that labels dealt by chance would show."""
    each = table.sum(axis=0)
    total = each.sum()
    expected = (total**2 - (each**2).sum()) / (total - 1)
    return float(1 - apart.sum() / expected) if expected else 1.0


def self_agreement(first: Mapping[str, str], again: Mapping[str, str]) -> Share:
    """How often a writer says the same of the same two texts, shown swapped. By inspiration: what she preferred."""
    both = first.keys() & again.keys()
    return wilson(sum(first[each] == again[each] for each in both), len(both))


def position_bias(places: Iterable[int]) -> Share:
    """How often the text that stood first was preferred; without bias the interval has 0.5 in it."""
    seen = list(places)
    return wilson(sum(place == 0 for place in seen), len(seen))


@dataclass(frozen=True, slots=True)
class Outlier:
    """A writer beside all others: her share of the judgements, how often she says the contrary, and how sure that is.

    `chance`: of so much disagreement, if she were like the others; corrected (Holm) for looking at every writer.
    """

    writer: str
    judgements: int
    share: float
    against: Share
    chance: float
    heavy: bool

    @property
    def contrary(self) -> bool:
        return self.chance < SURE


def outliers(comparisons: Sequence[Comparison]) -> list[Outlier]:
    """Every writer, the strangest first.

    Writers judge texts of their own only, so what can be compared is the contrast: which of two adapters (or of right
    and wrong verse, or whatever the names stand for) is better. Her word stands against the majority of all others.
    """
    decided = [each for each in comparisons if not each.tie and each.winner != each.loser]
    counts = Counter(each.writer for each in comparisons)
    leanings = _leanings(decided)
    against = {writer: _against(writer, decided, leanings) for writer in counts}
    everybody = sum(yes for yes, _ in against.values()), sum(count for _, count in against.values())
    chances = {}
    for writer, (yes, count) in against.items():
        usual_yes, usual_count = everybody[0] - yes, everybody[1] - count
        usual = (usual_yes + 1) / (usual_count + 2)  # never quite 0: the others' first slip is to come
        chances[writer] = at_least(yes, count, usual)
    corrected, median = holm(chances), float(np.median(list(counts.values()) or [0]))
    told = [
        Outlier(
            writer=writer,
            judgements=count,
            share=count / counts.total(),
            against=wilson(*against[writer]),
            chance=corrected[writer],
            heavy=count > HEAVY * median,
        )
        for writer, count in counts.items()
    ]
    return sorted(told, key=lambda each: (not each.contrary, not each.heavy, each.chance, -each.share, each.writer))


def _against(writer: str, decided: Sequence[Comparison], leanings: Leanings) -> tuple[int, int]:
    """How often she chose what most others do not, and of how many choices where the others have a majority."""
    yes = count = 0
    for each in decided:
        if each.writer == writer:
            leaning = leanings[each.winner, each.loser]
            others = leaning.total() - leaning[writer]
            yes += others < 0
            count += others != 0
    return yes, count


def _leanings(decided: Sequence[Comparison]) -> Leanings:
    """By contrast, each writer's leaning: 1, -1 or 0. Everybody has one voice, however often she speaks."""
    sums: Leanings = defaultdict(Counter)
    for each in decided:
        sums[each.winner, each.loser][each.writer] += 1
        sums[each.loser, each.winner][each.writer] -= 1
    for voices in sums.values():
        for writer, ahead in voices.items():
            voices[writer] = (ahead > 0) - (ahead < 0)
    return sums


def at_least(yes: int, count: int, usual: float) -> float:
    """The chance of `yes` or more of `count` where each has the chance `usual`: the exact binomial tail."""
    if yes <= 0:
        return 1.0
    logs = (
        math.lgamma(count + 1)
        - math.lgamma(each + 1)
        - math.lgamma(count - each + 1)
        + each * math.log(usual)
        + (count - each) * math.log1p(-usual)
        for each in range(yes, count + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Each chance, corrected for how many there are (Holm 1979)."""
    corrected: dict[str, float] = {}
    worst = 0.0
    for at, (name, chance) in enumerate(sorted(chances.items(), key=lambda item: item[1])):
        worst = max(worst, min(1.0, chance * (len(chances) - at)))
        corrected[name] = worst
    return corrected
