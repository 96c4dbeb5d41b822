"""Celery's doorway: ids in, a queue named, the work elsewhere."""

import logging
from concurrent.futures import Future

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from kombu.exceptions import OperationalError
from prometheus_client import start_http_server

from writingapp import fitting, loop, memory
from writingapp.celery import NIGHT_EVERY, app, night
from writingapp.models import Candidate
from writingapp.queues import Queue
from writingapp.scribe import Scribe
from writingapp.services import adapters, claims, photos, sessions

logger = logging.getLogger(__name__)

ANNOUNCING = 5  # seconds
LEAVING = 10  # seconds; less than a supervisor waits, and than a lease

_scribe: Scribe | None = None
_leaving: Future[None] | None = None


@app.task(name="inspire.write", queue=Queue.INSPIRE)
def write(inspiration_id: str) -> None:
    loop.submit(_accept(inspiration_id))  # rows and leases stand for this task from here on


@app.task(name="upkeep.look", queue=Queue.UPKEEP)
def look(photo_id: str, language: str) -> None:
    loop.submit(_look(photo_id, language))


@app.task(name="upkeep.sweep", queue=Queue.UPKEEP)
def sweep() -> None:
    swept = claims.sweep(now=timezone.now())
    for inspiration_id in swept.again:
        enqueue_write(inspiration_id)
    for row in swept.ended:
        loop.submit(_announce_end(row, str(row.inspiration.session_id))).result(timeout=ANNOUNCING)
    sessions.finish_abandoned(now=timezone.now())
    photos.sweep_orphans()
    adapters.sweep(now=timezone.now())
    for name in adapters.clear():
        logger.info("adapter %s is tainted, or has rested for long: its files are deleted", name)


@app.task(name="upkeep.forget_logins", queue=Queue.UPKEEP)
def forget_logins() -> None:
    SessionStore.clear_expired()


@app.task(name="upkeep.fit", queue=Queue.UPKEEP)
def fit() -> None:
    loop.submit(fitting.fit_all(timezone.now())).result(timeout=fitting.HOLD.total_seconds())


@app.task(name="upkeep.call_night", queue=Queue.UPKEEP)
def call_night() -> None:
    try:
        night.send_task("night.tick", queue=Queue.NIGHT, expires=NIGHT_EVERY, retry=False)
    except (OperationalError, OSError) as fault:
        logger.warning("the night is not called (%s)", type(fault).__name__)


def enqueue_write(inspiration_id: str) -> None:
    """Call a worker. When the broker is away the row waits, and the sweeper calls again."""
    try:
        write.apply_async((inspiration_id,), retry=False)
    except (OperationalError, OSError) as fault:
        logger.warning("inspiration %s waits for the broker (%s)", inspiration_id, type(fault).__name__)


def enqueue_look(photo_id: str, language: str) -> None:
    """Have a photograph looked at. When the broker is away it is not: it has chips already."""
    try:
        look.apply_async((photo_id, language), retry=False)
    except (OperationalError, OSError) as fault:
        logger.warning("photograph %s is not looked at (%s)", photo_id, type(fault).__name__)


async def _the_scribe() -> Scribe:
    global _scribe  # one scribe a process, made on the process's loop
    if _scribe is None:
        _scribe = Scribe()
    return _scribe


async def _accept(inspiration_id: str) -> None:
    (await _the_scribe()).accept(inspiration_id)


async def _look(photo_id: str, language: str) -> None:
    (await _the_scribe()).look(photo_id, language)


async def _announce_end(row: Candidate, session_id: str) -> None:
    await (await _the_scribe()).announce_end(row, session_id)


@worker_ready.connect
def _begin(**_: object) -> None:
    """Before the first ask: tell the pages how the model is."""
    loop.submit(_the_scribe())
    memory.settle()
    if settings.WORKER_METRICS_PORT:
        start_http_server(settings.WORKER_METRICS_PORT, addr="127.0.0.1")


@worker_shutting_down.connect
def _leave(**_: object) -> None:
    """Give back what is being written: the threads pool cannot cancel a task, and would wait for the whole poem."""
    global _leaving
    if _scribe is not None and _leaving is None:
        _leaving = loop.submit(_scribe.leave())


@worker_shutdown.connect
def _wait_until_left(**_: object) -> None:
    """The loop's thread dies with the process: what it has not given back by then waits for its lease to run out."""
    try:
        if _leaving is not None:
            _leaving.result(timeout=LEAVING)
    except Exception as fault:
        logger.warning("not everything was given back (%s)", type(fault).__name__)
