"""The engines that the tests of this room talk to, each started once."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from inference.engines.base import Node
from tests.processes_inference import fake_node, real_engine


@pytest.fixture(scope="session")
def fake() -> Iterator[Node]:
    with fake_node(rate=0, tokens=40) as node:
        yield node


@pytest.fixture(scope="session")
def steady() -> Iterator[Node]:
    """A fake node that takes its time, so that there is something to stop."""
    with fake_node(rate=40, tokens=4000) as node:
        yield node


@pytest.fixture(scope="session")
def real() -> Iterator[Node]:
    with real_engine("--cold") as node:
        yield node


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
