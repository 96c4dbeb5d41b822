"""The stands, each started once, one after the other: there is memory and there are cores for one engine."""

import importlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from tests.engines.stands import HEAVY, KINDS, REAL, Stand


def _marks(kind: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.engine] * (kind in REAL) + [pytest.mark.heavy] * (kind in HEAVY)


@pytest.fixture(scope="session", params=[pytest.param(kind, marks=_marks(kind)) for kind in KINDS])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """Every engine in its turn."""
    with importlib.import_module(f"tests.engines.stand_{request.param}").stand() as made:
        yield made


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
