"""How fast one writer may talk, over all her sockets and over HTTP: buckets of messages and characters that refill.

Bursts pass, floods do not.
"""

import time

from writingapp.refusals import Refusal

MESSAGES = (120.0, 40.0)  # at once, and a second
CHARACTERS = (4_000_000.0, 200_000.0)  # several whole manuscripts at once; after that no one types so fast


class Pace:
    """The buckets of one writer."""

    def __init__(self) -> None:
        self._messages, self._characters = MESSAGES[0], CHARACTERS[0]
        self._seen = time.monotonic()

    def step(self, size: int) -> None:
        """Spend one message of `size` characters. Raises Refusal: too_fast."""
        self._refill()
        if self._messages < 1 or self._characters < size:
            raise Refusal("too_fast")
        self._messages -= 1
        self._characters -= size

    def owe(self, size: int) -> None:
        """Characters that have travelled already, perhaps more than were left: what comes next waits for them."""
        self._refill()
        self._characters -= size

    def full(self) -> bool:
        self._refill()
        return (self._messages, self._characters) == (MESSAGES[0], CHARACTERS[0])

    def _refill(self) -> None:
        now = time.monotonic()
        passed, self._seen = now - self._seen, now
        self._messages = min(MESSAGES[0], self._messages + passed * MESSAGES[1])
        self._characters = min(CHARACTERS[0], self._characters + passed * CHARACTERS[1])


_paces: dict[int, Pace] = {}  # by writer; whoever spoke last stands last


def of(writer: int) -> Pace:
    """Hers in this process, asked for anew at every message: a full one is as good as a new one, and is forgotten."""
    pace = _paces.pop(writer, None) or Pace()
    _paces[writer] = pace
    while (longest_silent := next(iter(_paces))) != writer and _paces[longest_silent].full():
        del _paces[longest_silent]
    return pace
