"""The night worker's doorway. It knows nothing of poems: no scribe is made in its process."""

from celery.signals import worker_ready, worker_shutting_down
from django.utils import timezone

from writingapp import memory
from writingapp.celery import night
from writingapp.night import Watch
from writingapp.queues import Queue

_watch = Watch(since=timezone.now())


@night.task(name="night.tick", queue=Queue.NIGHT)
def tick() -> None:
    _watch.tick()


@worker_ready.connect
def _begin(**_: object) -> None:
    memory.settle()


@worker_shutting_down.connect
def _leave(**_: object) -> None:
    """What is being trained is ended cleanly, and taken up again by the next worker."""
    _watch.leave()
