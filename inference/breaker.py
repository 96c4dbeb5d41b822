"""When to leave a node alone, and when to try it again."""

from collections.abc import Callable
from dataclasses import dataclass

MOST_FAILURES = 3  # in a row, before a node that still answers is left alone
SHORTEST, LONGEST = 1.0, 30.0  # seconds that a node is left alone; doubled each time that a trial fails


@dataclass(slots=True)
class Breaker:
    """Counts a node's failures. Closed: it works. Open: it is left alone. Then one trial at a time decides.

    A node that flaps is left alone for longer each time; only texts that it ends well shorten that again. What began
    before it was last left alone says nothing more of it: a node that dies takes all its texts with it, and died once.
    """

    clock: Callable[[], float]
    failures: int = 0
    rests: int = 0  # how often in a row it had to be left alone
    spell: int = 0  # how often in all; a text is judged in the spell in which it began
    until: float = 0.0
    trying: bool = False

    @property
    def state(self) -> str:
        """`closed`, `open`, or `half_open` when a trial may be made or is being made."""
        if not self.rests:
            return "closed"
        return "open" if self.clock() < self.until else "half_open"

    def may_ask(self) -> bool:
        return self.state == "closed" or (self.state == "half_open" and not self.trying)

    def begin(self) -> int:
        """A text begins here; answers the spell, which is named again when it has ended."""
        self.trying = self.state == "half_open"
        return self.spell

    def went_well(self, spell: int) -> None:
        if spell == self.spell:
            self.failures = self.rests = 0
            self.trying = False

    def failed(self, spell: int, *, gone: bool = False) -> None:
        """A text failed here; `gone` when nobody answered, which needs no second opinion."""
        if spell != self.spell:
            return
        self.failures += 1
        if gone or self.trying or self.failures >= MOST_FAILURES:
            self.until = self.clock() + min(LONGEST, SHORTEST * 2**self.rests)
            self.rests = min(self.rests + 1, 10)
            self.spell += 1
            self.failures = 0
        self.trying = False

    def neither(self, spell: int) -> None:
        """The text was broken off by us: that says nothing of the node."""
        if spell == self.spell:
            self.trying = False

    def answers_again(self) -> None:
        """A probe found it ready: a trial need not wait any longer, unless it has flapped."""
        if self.rests == 1:
            self.until = min(self.until, self.clock())
