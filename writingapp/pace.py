"""How fast one socket may talk: buckets of messages and characters that refill. Bursts pass, floods do not."""

import time

from writingapp.refusals import Refusal

MESSAGES = (120.0, 40.0)  # at once, and a second
CHARACTERS = (4_000_000.0, 200_000.0)  # several whole manuscripts at once; after that no one types so fast


class Pace:
    """The buckets of one socket."""

    def __init__(self) -> None:
        self._messages, self._characters = MESSAGES[0], CHARACTERS[0]
        self._seen = time.monotonic()

    def step(self, size: int) -> None:
        """Spend one message of `size` characters. Raises Refusal: too_fast."""
        now = time.monotonic()
        passed, self._seen = now - self._seen, now
        self._messages = min(MESSAGES[0], self._messages + passed * MESSAGES[1])
        self._characters = min(CHARACTERS[0], self._characters + passed * CHARACTERS[1])
        if self._messages < 1 or self._characters < size:
            raise Refusal("too_fast")
        self._messages -= 1
        self._characters -= size
