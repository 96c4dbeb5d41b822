"""What every test may ask for: people, rows that threads can see, and a real Redis-protocol server."""

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.environment import REDIS_PORT
from tests.house import FakeEngine, House, house
from tests.processes import RedisServer, redis_server
from writingapp import db
from writingapp.models import User

PASSWORD = "晨露未晞-2026"


@pytest.fixture(scope="session")
def the_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The one that the settings name."""
    with redis_server(tmp_path_factory.mktemp("redis"), REDIS_PORT) as server:
        yield server


@pytest.fixture(scope="session")
def the_house() -> Iterator[House]:
    """A house with a fake engine that whole modules share; whoever kills something builds his own."""
    with house(FakeEngine(rate=200.0)) as built:
        yield built


@pytest.fixture
def own_redis(the_redis: RedisServer) -> str:
    """Emptied; answers its URL."""
    client = redis.Redis.from_url(the_redis.url)
    client.flushall()
    client.close()
    return the_redis.url


@pytest.fixture
def rows(transactional_db: None, own_redis: str) -> Iterator[None]:
    """The database as threads see it: committed rows, and connections that let the test database go."""
    yield
    db.close()


@pytest.fixture
def people(rows: None) -> Callable[[str], User]:
    return lambda name: User.objects.create_user(username=name, password=PASSWORD)


@pytest.fixture
def owner(people: Callable[[str], User]) -> User:
    return people("owner")


@pytest.fixture
def other(people: Callable[[str], User]) -> User:
    return people("other")
