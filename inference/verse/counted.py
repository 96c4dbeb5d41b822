"""Words that add up to so many syllables, as a shape: what may come next depends on the word begun and on what is left.

The words and what rhymes are in data/english.txt. Only words that everybody counts alike are in it.
"""

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

# No line ends in one of these, unless it has to rhyme.
# fmt: off
LEANING = frozenset({
    "a", "an", "the", "of", "to", "and", "or", "but", "nor", "if", "as", "at", "by", "for", "from", "in", "into",
    "on", "onto", "with", "than", "that", "so", "is", "am", "are", "was", "were", "be", "been", "has", "have",
    "had", "do", "does", "my", "your", "his", "her", "its", "our", "their", "this", "these", "those", "no", "not",
    "very", "who", "whose", "which", "when", "while", "where", "I",
})
# fmt: on
MARKS = ",;:"  # what may stand between two words besides the space
_AFTER_Z = "{"


@cache
def _rows() -> dict[str, tuple[str, ...]]:
    """By number of syllables, and by the sound that they end in: words."""
    text = (resources.files("inference.verse") / "data" / "english.txt").read_text("utf-8")
    rows = [row.partition("\t") for row in text.splitlines() if not row.startswith("#")]
    return {name: tuple(words.split(" ")) for name, _, words in rows}


@cache
def syllables() -> dict[str, int]:
    """How many each word has."""
    return {word: int(name) for name, words in _rows().items() if name.isdigit() for word in words}


@cache
def rhymes() -> dict[str, tuple[str, ...]]:
    """The words of each rhyme, the commoner first."""
    return {name: words for name, words in _rows().items() if not name.isdigit()}


@cache
def _sorted() -> list[str]:
    return sorted(syllables())


@lru_cache(4096)
def _tails(begun: str) -> dict[int, tuple[str, ...]]:
    """By syllables of the whole word: how words that begin so go on."""
    words = _sorted()
    found: dict[int, list[str]] = defaultdict(list)
    for word in words[bisect_left(words, begun) : bisect_left(words, begun + _AFTER_Z)]:
        found[syllables()[word]].append(word[len(begun) :])
    return {count: tuple(tails) for count, tails in found.items()}


@dataclass(frozen=True, slots=True)
class Counted:
    """`least` to `most` syllables from the beginning of the word `begun` on; the last word is one of `ends`, if any.

    `opening` says that a line begins here, and its first letter may be a capital; `starts` are the letters that it may
    be, if not all; `due` says that a space has to come; `leaning` that the last word may lean on one that follows.
    """

    least: int
    most: int
    ends: tuple[str, ...] = ()
    begun: str = ""
    opening: bool = True
    due: bool = False
    starts: str = ""
    leaning: bool = False

    def after(self, char: str) -> "list[Counted]":
        """What may follow `char`: none, one, or one for each way to read the word that ends here."""
        if self.due:
            return [self._with(due=False)] if char == " " else []
        if char == " " or char in MARKS:
            return [self.rest(count, due=char != " ") for count in self.counts() if self.goes_on(count)]
        if self.starts and not self.begun and char.lower() not in self.starts:
            return []
        spelled = self._with(begun=self.begun + char)
        return [spelled] if spelled._possible() else []

    def may_end(self) -> bool:
        return not self.due and any(word in syllables() and self._ends(word) for word in self.readings())

    def heads(self) -> frozenset[str]:
        if self.due:
            return frozenset(" ")
        marks = frozenset(" " + MARKS) if any(map(self.goes_on, self.counts())) else frozenset()
        letters = {tail[0] for begun in self.readings() for tails in _tails(begun).values() for tail in tails if tail}
        if self.opening and not self.begun:
            letters |= {letter.upper() for letter in letters}
        return marks | {letter for letter in letters if self.after(letter)}

    def readings(self) -> list[str]:
        """What is begun, as the table spells it."""
        small = self.begun[:1].lower() + self.begun[1:]
        return [self.begun, small] if self.opening and small != self.begun else [self.begun]

    def counts(self) -> list[int]:
        """The syllables of the word that ends here, if it is one."""
        return sorted({syllables()[word] for word in self.readings() if word in syllables()})

    def lasts(self, begun: str) -> list[str]:
        """How a word that ends the line may go on."""
        if self.ends:
            fitting = (word for word in self.ends if self.least <= syllables()[word] <= self.most)
            return [word[len(begun) :] for word in fitting if word.startswith(begun)]
        tails = _tails(begun)
        every = [tail for count, some in tails.items() if self.least <= count <= self.most for tail in some]
        return [tail for tail in every if self._closes(begun + tail)]

    def _closes(self, word: str) -> bool:
        return word in self.ends if self.ends else self.leaning or word not in LEANING

    def _possible(self) -> bool:
        return any(any(map(self.goes_on, _tails(begun))) or self.lasts(begun) for begun in self.readings())

    def _ends(self, word: str) -> bool:
        return self.least <= syllables()[word] <= self.most and self._closes(word)

    def goes_on(self, count: int) -> bool:
        """Whether another word fits after one of `count` syllables."""
        return self.most - count >= (min(syllables()[word] for word in self.ends) if self.ends else 1)

    def rest(self, count: int, *, due: bool = False) -> "Counted":
        return Counted(
            max(1, self.least - count), self.most - count, self.ends, opening=False, due=due, leaning=self.leaning
        )

    def _with(self, *, begun: str = "", due: bool = False) -> "Counted":
        return Counted(self.least, self.most, self.ends, begun, self.opening, due, self.starts, self.leaning)


@dataclass(frozen=True, slots=True)
class Words:
    """A class of words; `opening` ones may begin with a capital too."""

    words: tuple[str, ...]
    opening: bool = False

    def by_first(self) -> dict[str, list[str]]:
        """What follows each first letter."""
        found: dict[str, list[str]] = defaultdict(list)
        for word in self.words:
            found[word[0]].append(word[1:])
        return found


Rules = dict[str, str | Words]  # by name: alternatives of names and of quoted texts, or words
_SEPARATOR = '("," | ";" | ":")? " "'


def rule(state: Counted, rules: Rules) -> str:
    """The name of the state's rule in `rules`, where all it needs is put too. What is the same is there once.

    Grammars for llguidance and for xgrammar read the same alternatives; each writes words in its own way. Names of
    rules are in small letters and those of words in capitals, as llguidance tells grammar from vocabulary: as one
    expression a line would be too much for it, and it would then hold the model to nothing, and not say so.
    """
    flags = f"o{state.opening:d}d{state.due:d}n{state.leaning:d}f{state.starts}"
    name = f"s{state.least}x{state.most}{flags}b{_spelled(state.begun)}e{_hand(state.ends)}"
    if name not in rules:
        rules[name] = ""  # the place in the order
        rules[name] = " | ".join(dict.fromkeys((_due if state.due else _within if state.begun else _at)(state, rules)))
    return name


def _due(state: Counted, rules: Rules) -> Iterator[str]:
    yield f'" " {rule(Counted(state.least, state.most, state.ends, opening=False, leaning=state.leaning), rules)}'


def _at(state: Counted, rules: Rules) -> Iterator[str]:
    """Where a word begins."""
    for count in range(1, min(state.most, max(syllables().values())) + 1):
        kinds = _by_leaning(count, state.starts, opening=state.opening)
        closing, leaning = (_class(f"{kind}{count}F{state.starts.upper()}", words, rules) for kind, words in kinds)
        if state.goes_on(count) and (closing or leaning):
            yield f"({' | '.join(filter(None, (closing, leaning)))}) {_SEPARATOR} {rule(state.rest(count), rules)}"
        if count >= state.least and not state.ends:
            yield from filter(None, (closing, leaning if state.leaning else ""))
    if state.ends and (lasts := _of(state.lasts(""), state.starts)):
        name = f"E{_hand(state.ends)}L{state.least}X{state.most}F{state.starts.upper()}"
        yield _class(name, Words(lasts, state.opening), rules)


def _of(words: Iterable[str], starts: str) -> tuple[str, ...]:
    return tuple(word for word in words if not starts or word[0].lower() in starts)


def _within(state: Counted, rules: Rules) -> Iterator[str]:
    """Where a word is begun."""
    for begun in state.readings():
        at = f"B{_spelled(begun).upper()}"
        for count, tails in _tails(begun).items():
            if state.goes_on(count):
                yield f"{_class(f'{at}C{count}', Words(tails), rules)} {_SEPARATOR} {rule(state.rest(count), rules)}"
        if lasts := state.lasts(begun):
            yield _class(f"{at}E{_hand(state.ends)}L{state.least}X{state.most}", Words(tuple(lasts)), rules)


@cache
def _by_leaning(count: int, starts: str, *, opening: bool) -> tuple[tuple[str, Words], ...]:
    words = _of(_rows()[str(count)], starts)
    leaning = tuple(word for word in words if word in LEANING)
    return ("C", Words(tuple(word for word in words if word not in LEANING), opening)), ("M", Words(leaning, opening))


def _class(name: str, words: Words, rules: Rules) -> str:
    spelled = tuple(word for word in words.words if word)
    if not spelled:
        return '""' if words.words else ""
    name += "O" * words.opening
    rules.setdefault(name, Words(spelled, words.opening))
    return f"{name}?" if "" in words.words else name


def _spelled(begun: str) -> str:
    """A name of letters and digits only."""
    return begun.encode().hex()


def _hand(ends: tuple[str, ...]) -> int:
    """A short name for a hand of rhyme words."""
    return int(hashlib.blake2b(" ".join(ends).encode(), digest_size=4).hexdigest(), 16) if ends else 0
