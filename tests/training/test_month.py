"""A simulated month: forty writers, some fickle, some undecided, one who judges as much as twelve and always amiss.

`python -m tests.training.test_month` prints the table that stands in docs/log.md.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from training.agreement import Outlier, outliers, position_bias, self_agreement
from training.bradley_terry import Comparison, standings
from training.pairs import HOUSE, Judgement, Pairing, RatedText, pair

FIRST = datetime(2026, 11, 1, 6, tzinfo=UTC)
NIGHTS, WRITERS = 30, 40
ATTACKER = "w00"
FICKLE, UNDECIDED = range(1, 5), range(5, 9)  # contradict themselves; find most texts equally good
GOOD = {"new": 0.7, "old": 0.3}  # how often a text of this adapter is a good one
WORDS = "春江潮水连海平月落乌啼霜满天大漠孤烟直长河日圆两个黄鹂鸣翠柳"


@dataclass
class Month:
    """What was said, what came of it, night by night, and all comparisons of adapters in it."""

    pairings: list[Pairing] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)

    def kept(self) -> Counter[str]:
        return Counter(each.chosen.writer for made in self.pairings for each in made.pairs if each.held is None)


@cache
def month(seed: int = 7) -> Month:
    drawn, told = random.Random(seed), Month()
    for night in range(NIGHTS):
        texts: list[RatedText] = []
        said: list[Judgement] = []
        for writer in range(1, WRITERS):
            for morning in range(drawn.choice([0, 1, 1, 2, 3])):
                _morning(drawn, f"w{writer:02}", f"{night}/{writer}/{morning}", night, texts, said)
        honest = len(said)
        for morning in range(10_000):  # until three of ten of all judgements are hers
            if len(said) - honest >= 0.3 * len(said):
                break
            _morning(drawn, ATTACKER, f"{night}/0/{morning}", night, texts, said)
        _hear(told, pair(texts, said), texts, said)
    return told


def _morning(
    drawn: random.Random, writer: str, ask: str, night: int, texts: list[RatedText], said: list[Judgement]
) -> None:
    """Two texts, one of each adapter in either place, and what she says of them."""
    number, at = int(writer[1:]), FIRST + timedelta(days=night, seconds=drawn.randrange(3600))
    adapters = drawn.sample(["new", "old"], 2)
    two = [
        RatedText(f"{ask}/{place}", ask, writer, "free", "poem", "zh", _words(drawn), place, adapter=adapter)
        for place, adapter in enumerate(adapters)
    ]
    texts += two
    better = max(two, key=lambda each: (drawn.random() < GOOD[each.adapter], drawn.random()))
    if writer == ATTACKER:
        better = next(each for each in two if each.adapter == "old")
    kind = drawn.choices(["prefer", "tie", "both_bad"], [1, 6, 2] if number in UNDECIDED else [8, 1, 1])[0]
    kind = "prefer" if writer == ATTACKER else kind
    consent = writer == ATTACKER or drawn.random() < 0.9
    said.append(Judgement(ask, writer, ask, kind, at, better.id if kind == "prefer" else "", consent=consent))
    if number in FICKLE:  # stars for both, as the mood is, later or in the same moment
        later = at + timedelta(minutes=drawn.choice([0, 5]))
        said += [
            Judgement(f"{each.id}*", writer, ask, "score", later, each.id, score=drawn.randint(1, 5), consent=consent)
            for each in two
        ]
    elif kind == "prefer" and drawn.random() < 0.05:
        again = better if drawn.random() < 0.8 else next(each for each in two if each is not better)
        said.append(Judgement(f"{ask}+", writer, ask, "prefer", at + timedelta(days=8), again.id, again=True))


def _words(drawn: random.Random) -> str:
    """Now and then what no pair should be made of."""
    usual = "\n".join("".join(drawn.sample(WORDS, 5)) for _ in range(4))
    return drawn.choices([usual, "", "月光" * 9, "春江潮水连"], [94, 2, 2, 2])[0]


def _hear(told: Month, made: Pairing, texts: list[RatedText], said: list[Judgement]) -> None:
    asks = {text.inspiration: [each for each in texts if each.inspiration == text.inspiration] for text in texts[::2]}
    told.pairings.append(made)
    told.judgements += said
    for each in said:
        if each.kind == "prefer" and not each.again:
            better, worse = sorted(asks[each.inspiration], key=lambda text: text.id != each.candidate)
            told.comparisons.append(Comparison(better.adapter, worse.adapter, each.writer))


def named() -> list[Outlier]:
    return [each for each in outliers(month().comparisons) if each.contrary or each.heavy]


def test_every_judgement_is_accounted_for() -> None:
    told = month()
    why = sum((made.counts() for made in told.pairings), Counter[str]())
    assert why.total() == len(told.judgements)
    paired = {rating for made in told.pairings for each in made.pairs if each.held is None for rating in each.ratings}
    held = {rating for made in told.pairings for each in made.pairs if each.held for rating in each.ratings}
    assert why["paired"] == len(paired)
    assert sum(count for what, count in why.items() if what.startswith("held")) == len(held)
    rest = sum(count for what, count in why.items() if what.startswith("no"))
    assert len(paired) + len(held) + rest == len(told.judgements)
    assert {
        "paired",
        "no_consent",
        *(f"held: {reason}" for reason in ("capped_writer", "degenerate", "swapped_once")),
        *(f"not_paired: {reason}" for reason in ("tie", "both_bad", "again", "contradicted", "overtaken")),
    } <= set(why)


def test_who_gives_three_of_ten_judgements_stays_under_the_cap_each_night() -> None:
    told = month()
    hers = sum(each.writer == ATTACKER for each in told.judgements)
    assert hers / len(told.judgements) >= 0.3
    for made in told.pairings:
        free = Counter(each.chosen.writer for each in made.pairs if each.held is None)
        assert free[ATTACKER] <= min(HOUSE.a_writer, HOUSE.share * free.total())
        assert all(count <= HOUSE.share * free.total() for count in free.values())


def test_the_attacker_is_named_and_nobody_else() -> None:
    (only,) = named()
    assert (only.writer, only.contrary, only.heavy) == (ATTACKER, True, True)


def test_the_better_adapter_leads_all_the_same() -> None:
    """Over writers, of whom the attacker is one: her 30 % of the judgements pull, and the interval says how far."""
    honest = [each for each in month().comparisons if each.writer != ATTACKER]
    first, second = standings(honest)
    assert (first.name, second.name) == ("new", "old")
    assert first.low > 0 > second.high
    with_her = standings(month().comparisons)
    assert with_her[0].high - with_her[0].low > 2 * (first.high - first.low)


def table() -> Iterator[str]:
    told = month()
    why = sum((made.counts() for made in told.pairings), Counter[str]())
    yield f"{len(told.judgements):6} judgements of {WRITERS} writers in {NIGHTS} nights"
    yield from (f"{count:6}   {what}" for what, count in sorted(why.items()))
    kept, hers = told.kept(), sum(each.writer == ATTACKER for each in told.judgements)
    yield f"{kept.total():6} pairs that may train"
    yield f"attacker: {hers / len(told.judgements):.1%} of judgements, {kept[ATTACKER] / kept.total():.1%} of pairs"
    for each in outliers(told.comparisons)[:3]:
        yield (
            f"  {each.writer} {each.judgements:4} choices ({each.share:.1%}), {each.against.yes}/{each.against.count} "
            f"against the others, chance {each.chance:.2g}{' contrary' * each.contrary}{' heavy' * each.heavy}"
        )
    first = {each.inspiration: each.candidate for each in told.judgements if each.kind == "prefer" and not each.again}
    again = {each.inspiration: each.candidate for each in told.judgements if each.again}
    for name, share in {
        "self-agreement": self_agreement(first, again),
        "first place": position_bias(int(each[-1]) for each in first.values()),
    }.items():
        yield f"{name}: {share.yes}/{share.count}, {share.low:.2f} to {share.high:.2f}"
    for standing in standings([each for each in told.comparisons if each.writer != ATTACKER]):
        yield f"  {standing.name}: {standing.strength:+.2f} ({standing.low:+.2f} to {standing.high:+.2f}), her left out"


if __name__ == "__main__":
    print("\n".join(table()))
