"""The processes of a house: what each runs, what it waits for, and in which order they stop. Procfile agrees."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ops.house import House

SOCKET_BYTES = 4 * 1024 * 1024  # the longest message: a whole manuscript of 500,000 characters, escaped


class Group(StrEnum):
    """What stops together: first those who serve writers, then what they stand on."""

    HOUSE = "house"
    GROUND = "ground"


@dataclass(frozen=True)
class Program:
    """One process."""

    name: str
    argv: tuple[str, ...]
    group: Group
    stop_seconds: int
    after: str = ""  # host:port that should listen before this starts


def programs(house: House, model: Path | None) -> list[Program]:
    """Everything this house runs itself; `model` is None where there is no embedded engine."""
    redis = "" if house.embedded_redis_port is None else f"127.0.0.1:{house.embedded_redis_port}"
    started = [_web(house, redis), _worker(house, redis), _night(house, redis), _beat(house, redis)]
    if house.keeps_nodes:
        started.append(_engine(house, model))
    if house.embedded_redis_port is not None:
        started.append(_redis(house, house.embedded_redis_port))
    return started


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _web(house: House, redis: str) -> Program:
    argv = ["-m", "writingapp.web", "-b", house.host, "-p", str(house.port), "-v", "0", "--no-server-name"]
    argv += ["--websocket_timeout", "-1", "--ping-interval", "20", "--ping-timeout", "30"]
    argv += ["--websocket-max-message-size", str(SOCKET_BYTES), "--websocket-max-frame-size", str(SOCKET_BYTES)]
    argv += ["--proxy-headers"] if house.behind_proxy else []
    return Program("web", _python(*argv, "writingapp.asgi:application"), Group.HOUSE, stop_seconds=10, after=redis)


QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def _celery(*arguments: str, app: str = "writingapp") -> tuple[str, ...]:
    return _python("-m", "celery", "-A", app, *arguments)


def _worker(house: House, redis: str) -> Program:
    argv = ["worker", "-P", "threads", "-Q", "inspire,upkeep", "-l", house.log_level, *QUIET]
    return Program("worker", _celery(*argv), Group.HOUSE, stop_seconds=20, after=redis)


def _night(house: House, redis: str) -> Program:
    """Starts training and judging as processes of its own, and stops them cleanly when it is told to go."""
    argv = ["worker", "-P", "threads", "-Q", "night", "-l", house.log_level, *QUIET]
    return Program("night", _celery(*argv, app="writingapp.celery:night"), Group.HOUSE, stop_seconds=40, after=redis)


def _beat(house: House, redis: str) -> Program:
    argv = ["beat", "--schedule", str(house.data_dir / "beat-schedule"), "--pidfile", "", "-l", "WARNING"]
    return Program("beat", _celery(*argv), Group.HOUSE, stop_seconds=10, after=redis)


def _engine(house: House, model: Path | None) -> Program:
    """The keeper; it starts the embedded engine, and whatever else the nodes' rows ask of this host."""
    argv = ["manage.py", "keep_nodes", *(["--model", str(model)] if model else [])]
    page = house.own_address.partition("://")[2]  # the page first: loading a model takes every core
    return Program("engine", _python(*argv), Group.GROUND, stop_seconds=10, after=page)


def _redis(house: House, port: int) -> Program:
    argv = ("-m", "ops.redis_server", str(port), str(house.data_dir / "redis"), str(house.logs / "redis.log"))
    return Program("redis", _python(*argv), Group.GROUND, stop_seconds=10)
