"""What the house has loaded is left out of the search for garbage, once it is loaded.

Python's full search walks everything that lives: here 100 ms and more, in which no frame leaves. What is loaded at the
start lives for ever, and needs no searching.
"""

import gc


def settle() -> None:
    """Call once, when a long-lived process has loaded what it needs."""
    gc.collect()
    gc.freeze()
