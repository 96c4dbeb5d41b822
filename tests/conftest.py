"""What every test may ask for: people, rows that threads can see, and a real Redis-protocol server."""

import gc
from collections.abc import Callable, Iterator

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase

from tests.environment import REDIS_PORT
from tests.house import FakeEngine, House, house
from tests.processes import RedisServer, redis_server
from writingapp import db
from writingapp.models import User

PASSWORD = "晨露未晞-2026"
KEPT = {"django_content_type", "auth_permission", "django_migrations"}  # tables that every test finds as they were


def pytest_collection_finish() -> None:
    """What has been imported stays for good: the collector need not walk through torch again every few tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_client_lists_static_files() -> None:
    """Each test's client has middleware of its own, which would list them all first. Houses of processes serve them."""
    settings.SERVESTATIC_USE_FINDERS = settings.SERVESTATIC_USE_STATIC_ROOT = False


@pytest.fixture(scope="session", autouse=True)
def which_models_there_are_is_not_written_down_again() -> Iterator[None]:
    """Django's way to empty a database takes models and permissions along: a fifth of a test to write them again."""

    def empty(_: TransactionTestCase) -> None:
        tables = set(connection.introspection.django_table_names(only_existing=True)) - KEPT
        with transaction.atomic(), connection.cursor() as cursor:  # references are looked at when it ends
            for table in sorted(tables):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


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
