"""When Python looks for garbage: its full search walks everything that lives, and no frame leaves meanwhile.

That is 0.15 s with a thousand open sockets, and 0.5 s with four thousand. What is loaded at the start lives for ever
and needs no searching. Of the rest nearly all goes by itself once nobody holds it, so the full search may be rare: what
it finds are some fifty objects of a socket that was closed.
"""

import gc

RARELY = 100  # middle searches between two full ones, instead of ten: at most 700,000 objects wait for the next


def settle() -> None:
    """Call once, when a long-lived process has loaded what it needs."""
    gc.collect()
    gc.freeze()
    youngest, middle, _ = gc.get_threshold()
    gc.set_threshold(youngest, middle, RARELY)
