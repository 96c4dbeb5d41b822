"""What the log may say of a fault that nobody foresaw: where it was and of what kind, not its words."""

import traceback


def told(fault: BaseException) -> str:
    """An exception's own words may quote what a writer sent, as those of databases do."""
    return "".join(traceback.format_tb(fault.__traceback__)) + type(fault).__name__
