"""ORM work for coroutines, on threads of our own.

Channels would run all of it on the one shared thread of the process: a slow query would then hold every socket's text.
"""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection, connections

P = ParamSpec("P")
T = TypeVar("T")

# SQLite lets one writer in at a time; those who wait look again after growing sleeps. A queue of our own is quicker.
THREADS = 1 if connection.vendor == "sqlite" else 8
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="orm")

# Python lets a busy thread run for 5 ms before another may; the loop, which every text goes through, shall not wait so.
sys.setswitchinterval(0.0005)


async def run(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ORM work on a thread of the pool, in the caller's language and time zone.

    Both are asgiref's: it lets another thread see them only where it moved the work there itself.
    """
    job = partial(_with_connection, partial(work, *args, **kwargs))
    return await sync_to_async(job, thread_sensitive=False, executor=_pool)()


def _with_connection(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def close() -> None:
    """Close every thread's connection: a test database cannot be dropped under an open one."""
    meeting = threading.Barrier(THREADS)  # else a quick thread would take a slow one's turn too

    def leave() -> None:
        meeting.wait()
        connections.close_all()

    for leaving in [_pool.submit(leave) for _ in range(THREADS)]:
        leaving.result()
