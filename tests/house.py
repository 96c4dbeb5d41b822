"""A whole house for one test: Redis, engine, worker, beat and web as real processes on free ports."""

import contextlib
import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import redis

from tests import databases
from tests.indoors import Indoors
from tests.processes import ROOT, Process, RedisServer, free_port, python, wait_until
from tests.processes_inference import model_file

SIT_DOWN = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from django.conf import settings
from writingapp.models import User
from writingapp.services import sessions
told = []
for name in %r:
    user = User.objects.create_user(username=name)
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    session = sessions.start(user=user, minutes=10, theme="湖", goal=None, now=timezone.now())
    told.append((store.session_key, str(session.pk)))
print(json.dumps(told))
"""
ROW = """
import json
from writingapp.models import Candidate
row = Candidate.objects.get(pk=%r)
print(json.dumps((row.status, row.text)))
"""
READY_WITHIN = 90.0  # seconds; the real engine loads in under ten here


CANDIDATES = """
import json
from writingapp.models import Candidate
print(json.dumps({str(row.pk): [row.status, row.text] for row in Candidate.objects.all()}))
"""
ROWS = """
import json
from writingapp.models import Candidate, WritingSession
session = WritingSession.objects.get(pk=%r)
rows = Candidate.objects.filter(inspiration__session=session)
print(json.dumps({"text": session.text, "candidates": {str(row.pk): [row.status, row.text] for row in rows}}))
"""


@dataclass(frozen=True)
class FakeEngine:
    """Writes `rate` tokens a second, and `tokens` of them where no form says how many."""

    rate: float = 60.0
    tokens: int = 60
    misbehave: str = ""
    capacity: int = 4096
    kind = "fake"

    def argv(self) -> list[str]:
        argv = ["-m", "inference.engines.fake", "--rate", str(self.rate), "--tokens", str(self.tokens)]
        return argv + (["--misbehave", self.misbehave] if self.misbehave else [])


@dataclass(frozen=True)
class RealEngine:
    """llama.cpp, with the small model unless another is named."""

    model: Path = field(default_factory=model_file)
    threads: int = 1
    kind = "llamacpp"
    capacity = 2

    def argv(self) -> list[str]:
        argv = ["-m", "inference.embedded", "--model", str(self.model), "--threads", str(self.threads)]
        return [*argv, "--slots", "2"]


def migrate(address: str) -> None:
    """Bring an empty database up to date."""
    with tempfile.TemporaryDirectory(prefix="bailu-migrating-") as folder:
        said = {"DATA_DIR": folder, "DATABASE_URL": address, "SECRET_KEY": "for this only"}
        done = subprocess.run(
            python("manage.py", "migrate", "-v", "0"), env=os.environ | said, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@dataclass
class House:
    """The processes, each of which a test may kill and start again."""

    folder: Path
    with_engine: FakeEngine | RealEngine
    settings: dict[str, str] = field(default_factory=dict)
    others: tuple[FakeEngine, ...] = ()  # more nodes, named node-1, node-2 and so on; the first is node-0 then

    def __post_init__(self) -> None:
        self.processes: list[Process] = []
        self._indoors: Indoors | None = None
        try:
            self._build()
        except BaseException:
            self.stop()
            raise

    def _build(self) -> None:
        self.web_port, self.engine_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.redis = RedisServer(self.folder / "redis")
        self.env = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": databases.fresh(self.folder, migrate),
            "REDIS_URL": self.redis.url,
            "ENGINE_CAPACITY": str(self.with_engine.capacity),
            "ENGINE_KIND": self.with_engine.kind,
            "ENGINE_URL": f"http://127.0.0.1:{self.engine_port}",
            "PORT": str(self.web_port),
            "SITE_ORIGINS": self.url,
            "SECRET_KEY": "for one test house only, and long enough for that",
            "LOG_LEVEL": "INFO",
            "PHOTO_TAGS": "no",  # what chips a picture gets is said by tests of their own
        } | self.settings
        self.processes.append(self.redis)
        self.engine = self._start("engine", python(*self.with_engine.argv(), "--port", str(self.engine_port)))
        self.nodes = [self.engine, *self._more_nodes()]
        sizes = ["--websocket-max-message-size", "4194304", "--websocket-max-frame-size", "4194304"]
        web = python("-m", "writingapp.web", "-b", "127.0.0.1", "-p", str(self.web_port), "-v", "0", *sizes)
        self.web = self._start("web", [*web, "writingapp.asgi:application"])
        celery = python("-m", "celery", "-A", "writingapp")
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.worker = self._start("worker", [*celery, "worker", "-P", "threads", "-Q", "inspire,upkeep", *quiet])
        self.beat = self._start("beat", [*celery, "beat", "-s", str(self.folder / "beat"), "--pidfile="])

    def _more_nodes(self) -> list[Process]:
        """Start the others, and name all of them in a file, the first one too."""
        if not self.others:
            return []
        ports = [free_port() for _ in self.others]
        model = self.settings.get("MODEL", "")
        described = [
            f'[[node]]\nname = "node-{place}"\nkind = "fake"\nurl = "http://127.0.0.1:{port}"\n'
            f'capacity = {each.capacity}\nmodel = "{model}"\n'
            for place, (each, port) in enumerate(
                zip((self.with_engine, *self.others), (self.engine_port, *ports), strict=True)
            )
        ]
        (self.folder / "nodes.toml").write_text("\n".join(described))
        self.env["ENGINE_NODES"] = str(self.folder / "nodes.toml")
        return [
            self._start(f"engine-{place}", python(*other.argv(), "--port", str(port)))
            for place, (other, port) in enumerate(zip(self.others, ports, strict=True), start=1)
        ]

    def wait(self) -> None:
        """Until the page answers and the engine is ready; what did not come tells why."""
        answering = {"web": f"{self.url}/healthz", "engine": f"http://127.0.0.1:{self.engine_port}/health"}
        for name, url in answering.items():
            try:
                wait_until(partial(_answers, url), within=READY_WITHIN, what=name)
            except TimeoutError as late:
                raise TimeoutError(f"{late}, which said: {self.log(name)[-2000:]}") from late

    def manage(self, *command: str) -> str:
        done = subprocess.run(
            python("manage.py", *command), env=os.environ | self.env, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inside(self, code: str) -> str:
        """What a piece of Python prints that runs in the house's terms."""
        if self._indoors is None:
            self._indoors = Indoors(self.env, self.folder / "indoors.log")
            self.processes.append(self._indoors)
        return self._indoors.run(code)

    def sit_down(self, *names: str) -> list[tuple[str, str]]:
        """Make writers, each logged in and with a session begun; answers (cookie, session id) of each."""
        return [tuple(pair) for pair in json.loads(self.inside(SIT_DOWN % (names,)))]

    def row(self, candidate: str) -> tuple[str, str]:
        """What the database holds of a candidate: (status, text)."""
        told = self.inside(ROW % (candidate,))
        status, text = json.loads(told)
        return status, text

    def rows(self, session: str) -> dict[str, Any]:
        """What the database holds of a session: its text, and [status, text] of each candidate."""
        told: dict[str, Any] = json.loads(self.inside(ROWS % (session,)))
        return told

    def candidates(self) -> dict[str, list[str]]:
        """[status, text] of every candidate in the database."""
        told: dict[str, list[str]] = json.loads(self.inside(CANDIDATES))
        return told

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def engine_key(self) -> bytes | None:
        """What the worker last said of the engine, in the settings' database for logs."""
        with redis.Redis.from_url(f"{self.redis.url}/1") as client:
            said: bytes | None = client.get("engine")
            return said

    def hire(self) -> Process:
        """One more worker."""
        return self._start("another-worker", self.worker.argv)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()

    def _start(self, name: str, argv: list[str]) -> Process:
        process = Process(argv, env=self.env, log=self.folder / f"{name}.log")
        self.processes.append(process)
        return process


def _answers(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


@contextlib.contextmanager
def house(engine: FakeEngine | RealEngine | None = None, *others: FakeEngine, **settings: str) -> Iterator[House]:
    """A house that stands ready; whatever happens inside, nothing of it is left behind."""
    with tempfile.TemporaryDirectory(prefix="bailu-house-", ignore_cleanup_errors=True) as folder:
        built = House(Path(folder), engine or FakeEngine(), settings, others)
        try:
            built.wait()
            yield built
        finally:
            built.stop()
