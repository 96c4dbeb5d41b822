"""A child process for one picture: given its bytes, watched by the clock, and let go."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

WITHIN = 15.0  # seconds by the clock; the child has 10 of a processor
MOST_ANSWER, PIECE = 8 << 20, 64 << 10  # bytes
ROOT = Path(__file__).resolve().parents[2]


class Ended(Exception):
    """The child gave no answer; `slow` if it was at it for too long."""

    def __init__(self, *, slow: bool) -> None:
        super().__init__("too slow" if slow else "broken")
        self.slow = slow


async def run(module: str, *arguments: str, given: bytes) -> bytes:
    """What the module answers. Raises Ended. Whoever is cancelled takes the child along."""
    child = await _start(module, *arguments)
    try:
        async with asyncio.timeout(WITHIN):
            _, answer = await asyncio.gather(_give(child, given), _heard(child))
            await child.wait()
    except TimeoutError:
        raise Ended(slow=True) from None
    finally:
        await _end(child)
    if child.returncode:
        raise Ended(slow=child.returncode in {-9, -24})
    return answer


async def _give(child: asyncio.subprocess.Process, given: bytes) -> None:
    """A child may refuse before it has read all."""
    assert child.stdin
    with suppress(ConnectionError):
        child.stdin.write(given)
        await child.stdin.drain()
    child.stdin.close()


async def _heard(child: asyncio.subprocess.Process) -> bytes:
    """All that it says, piece by piece: one that was taken over might never stop. Raises Ended."""
    assert child.stdout
    answer = bytearray()
    while piece := await child.stdout.read(PIECE):
        answer += piece
        if len(answer) > MOST_ANSWER:
            raise Ended(slow=False)
    return bytes(answer)


async def _start(module: str, *arguments: str) -> asyncio.subprocess.Process:
    """A start is let finish even for whoever is cancelled: in the middle of one asyncio would wait for ever."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # decoders' complaints may quote the file
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "OMP_NUM_THREADS": "1"},  # no key, no address of ours
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
        while child.stdout and await child.stdout.read(PIECE):  # or `wait` would wait for who reads them
            pass
        await child.wait()
