"""Databases for houses: migrated once a run, then copied, which takes a hundredth of the time."""

import atexit
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

Migrate = Callable[[str], None]


def fresh(folder: Path, migrate: Migrate) -> str:
    """The address of a database of its own, on the kind of server that this run of the tests is about.

    `migrate(address)` brings an empty one up to date. A PostgreSQL server is dropped with all of them by the run.
    """
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        shutil.copy(_sqlite(migrate), folder / "house.sqlite3")
        return f"sqlite:///{folder / 'house.sqlite3'}"
    return _create(server, _postgres(server, migrate))


@cache
def _sqlite(migrate: Migrate) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="bailu-migrated-"))
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    migrate(f"sqlite:///{kept / 'migrated.sqlite3'}")
    return kept / "migrated.sqlite3"


@cache
def _postgres(server: str, migrate: Migrate) -> str:
    address = _create(server, "template1")
    migrate(address)
    return urlsplit(address).path.strip("/")


def _create(server: str, template: str) -> str:
    name = f"house_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        connection.execute(order)
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def rows(address: str) -> Iterator[str]:
    """Everything that a database holds, row by row as text; bytes are hexadecimal."""
    if address.startswith("sqlite"):
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as connection:
            yield from connection.iterdump()
        return
    with psycopg.connect(address) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            found = connection.execute(sql.SQL("SELECT held::text FROM {} AS held").format(sql.Identifier(table)))
            yield from (text for (text,) in found)
