"""Web and worker run on uvloop, each by its own door."""

import asyncio
import subprocess

import uvloop

from tests.processes import ROOT, python
from writingapp import loop

THE_WEB = """
import sys
from writingapp import web
sys.argv = ["daphne", "--help"]
try:
    web.main()
except SystemExit:
    from daphne import server
    print(type(server.twisted_loop).__module__)
"""


async def _running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_the_worker_runs_on_uvloop() -> None:
    assert isinstance(loop.submit(_running()).result(timeout=10), uvloop.Loop)


def test_daphne_is_imported_with_uvloop_in_its_place() -> None:
    done = subprocess.run(python("-c", THE_WEB), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["uvloop"], done.stderr
