"""The queues, and why each exists. Every task names its queue; a test insists."""

from enum import StrEnum


class Queue(StrEnum):
    """Names of Celery queues."""

    INSPIRE = "inspire"  # a writer is waiting: candidates, nothing else
    UPKEEP = "upkeep"  # seconds-long housekeeping that must run while every inspire thread is busy
