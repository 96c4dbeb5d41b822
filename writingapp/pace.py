"""How fast one socket may talk: a bucket of messages that refills, so that bursts pass and floods do not."""

import time

from writingapp.refusals import Refusal

AT_ONCE = 120.0  # messages
A_SECOND = 40.0


class Pace:
    """The bucket of one socket."""

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._seen = time.monotonic()

    def step(self) -> None:
        """Spend one message. Raises Refusal: too_fast."""
        now = time.monotonic()
        self._left = min(AT_ONCE, self._left + (now - self._seen) * A_SECOND)
        self._seen = now
        if self._left < 1:
            raise Refusal("too_fast")
        self._left -= 1
