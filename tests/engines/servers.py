"""The server of an engine as a process: started as `Engine.launch` says, awaited, killed, started again."""

import asyncio
from pathlib import Path

import aiohttp

from inference.engines import engine
from inference.engines.base import Health, Launch, Node
from tests.processes import Process, wait_until


def health_of(node: Node) -> Health:
    """What the engine makes of the node's health, for tests that run no loop."""

    async def ask() -> Health:
        async with aiohttp.ClientSession() as http:
            return await engine(node.kind).health(http, node)

    return asyncio.run(ask())


def at_work(node: Node) -> int:
    """How many texts the server makes or keeps waiting, by its own account."""
    health = health_of(node)
    assert health.running is not None
    return health.running + (health.waiting or 0)


class Server:
    """One node's process. Its output is in `log`."""

    def __init__(self, node: Node, launch: Launch, log: Path) -> None:
        self.node, self.launch, self.log = node, launch, log
        self.process = Process(list(launch.argv), env=dict(launch.environment), log=log)

    def wait(self) -> None:
        wait_until(self._ready, within=self.launch.ready_within, what=f"{self.node.kind} to be ready")

    def restart(self) -> None:
        """Ended without a word, and started again."""
        self.process.kill()
        self.process.start()
        self.wait()

    def stop(self) -> None:
        """Whatever it has started ends with it."""
        self.process.stop()
        self.process.kill()

    def _ready(self) -> bool:
        if self.process.popen.poll() is not None:
            raise RuntimeError(f"it ended with {self.process.popen.returncode}: {self.log.read_text()[-3000:]}")
        return health_of(self.node).state == "ready"
