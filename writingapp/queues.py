"""The queues, and why each exists. Every task names its queue; a test insists."""

from enum import StrEnum


class Queue(StrEnum):
    """Names of Celery queues."""

    INSPIRE = "inspire"  # a writer is waiting: candidates, nothing else
    NIGHT = "night"  # of an app and a broker database of its own: hours-long work, one at a time
    UPKEEP = "upkeep"  # seconds-long housekeeping that must run while every inspire thread is busy
