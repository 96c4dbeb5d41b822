"""`make test`: every test this machine can run, on SQLite and again on PostgreSQL, and at the end what was left out.

With CI=true nothing may be left out. Arguments go to pytest: `make test ONLY="tests/ops -k ports"`. Engines that take
minutes to start are left to `make test-engines` (`--engines` here), and that is said.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from inference import supply
from inference.models.catalogue import SMALL, TAGGER
from inference.models.trouble import SupplyError
from ops import postgres
from ops.house import ROOT
from ops.words import sentence

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_TESTS = 5  # pytest's exit code when its selection is empty

ON_POSTGRESQL = [
    "tests/writingapp",
    "tests/faults/test_faults.py",
    "tests/faults/test_adapters.py",
    "tests/browser/test_journey.py",
]
ENGINES = ["tests/engines", "tests/training/test_four_bits.py"]
ASIDE = ["tests/inference", "tests/training"]  # without a house: they take what the others leave of the cores
PATIENCE = 900  # seconds for one test of these: one that hangs is found, one that waits for a core is let


class Suite:
    """One run of everything, and its verdict."""

    def __init__(self, only: list[str]) -> None:
        self.only = only
        self.strict = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
        self.failed: list[str] = []
        self.left_out: list[tuple[str, str]] = []
        self.without: list[str] = []  # markers
        self.elsewhere: list[tuple[str, str]] = []  # left to another target, whatever the machine has

    def leave_out(self, what: str, why: str, marker: str = "") -> None:
        self.left_out.append((what, why))
        if marker:
            self.without.append(marker)

    def look_for_the_model(self) -> None:
        try:
            os.environ.setdefault("BAILU_TEST_MODEL", str(supply.from_environment().find(SMALL)))
        except SupplyError as error:
            self.leave_out("engine", str(error), "engine")
        try:
            supply.from_environment().obtain(TAGGER)
        except SupplyError as error:
            self.leave_out("tagger", str(error), "tagger")

    def look_for_a_browser(self) -> None:
        if not any(shutil.which(name) for name in CHROMIUM):
            self.leave_out("browser", "no Chromium (apt install chromium)", "browser")

    def pytest(self, title: str, *markers: str, only: list[str], **settings: str) -> None:
        print(f"\n== {title}", flush=True)
        self.note(title, self.command(only, *markers), settings)

    def command(self, what: list[str], *markers: str) -> list[str]:
        without = [f"not {marker}" for marker in (*self.without, *markers)]
        command = [sys.executable, "-m", "pytest", "-p", "tests.strict_skips", "-q", "--durations=10", *what]
        return command + (["-m", " and ".join(without)] if without else [])

    @contextmanager
    def beside(self) -> Iterator[None]:
        """What needs no house runs beside the rest, on both databases, and gives way to it."""
        if self.only:
            yield
            return
        command = ["nice", *self.command([*ASIDE, "-p", "no:cacheprovider", f"--timeout={PATIENCE}"])]
        with TemporaryFile() as said:
            aside = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": ""}, stdout=said)
            yield
            aside.wait()
            said.seek(0)
            print(f"\n== Beside it: {', '.join(ASIDE)}\n{said.read().decode(errors='replace')}", flush=True)
        if aside.returncode:
            self.failed.append(", ".join(ASIDE))

    def on_sqlite(self) -> None:
        """Everything but what runs beside it, and but the engines, which run with nothing beside them."""
        others = [f"--ignore={folder}" for folder in [*ASIDE, ENGINES[0]]]
        self.pytest("SQLite", DATABASE_URL="", only=self.only or others)

    def note(
        self, title: str, command: list[str], settings: dict[str, str] | None = None, *, quiet: bool = False
    ) -> None:
        """Run one suite; a quiet one shows its closing lines, or all it said if it fails."""
        said = subprocess.PIPE if quiet else None
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(settings or {})}, stdout=said, check=False)
        if done.stdout:
            lines = done.stdout.decode(errors="replace").splitlines()
            print("\n".join(lines if done.returncode else lines[-8:]), flush=True)
        if done.returncode not in ({0, NO_TESTS} if self.only else {0}):
            self.failed.append(title)

    def javascript(self) -> None:
        node = shutil.which("node")
        tests = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
        if node is None:
            self.leave_out("tests/js", "no Node.js (apt install nodejs)")
        elif not self.only:
            print("\n== JavaScript", flush=True)
            self.note("JavaScript", [node, "--test", *tests], quiet=True)

    def on_postgresql(self) -> None:
        """Again, all but what never sees a database, or whose time goes to something else: see `once`."""
        programs = postgres.binaries()
        if programs is None:
            self.leave_out("PostgreSQL", "no initdb (apt install postgresql)")
            return
        with postgres.cluster(programs) as url:
            self.pytest("PostgreSQL", "engine", "once", DATABASE_URL=url, only=self.only or ON_POSTGRESQL)

    def quick_engines(self) -> None:
        """By themselves: what they promise of a stop has a time, and here are few cores."""
        if not self.only:
            self.pytest("Engines", DATABASE_URL="", only=ENGINES[:1])

    def engines(self) -> None:
        """Every engine in its turn, those that start slowly too."""
        self.pytest("Engines", DATABASE_URL="", only=[*ENGINES, *self.only])

    def leave_heavy_engines(self) -> None:
        self.elsewhere.append(("vLLM, transformers", "make test-engines"))
        self.without.append("heavy")

    def verdict(self) -> int:
        print()
        for what, where in self.elsewhere:
            print(sentence("left_to", what=what, where=where))
        for what, why in self.left_out:
            print(sentence("left_out", what=what, why=why))
        for title in self.failed:
            print(f"failed: {title}")
        return 1 if self.failed or (self.strict and self.left_out) else 0


def main(words: list[str]) -> int:
    suite = Suite([word for word in words if word != "--engines"])
    suite.look_for_the_model()
    if "--engines" in words:
        suite.engines()
        return suite.verdict()
    suite.look_for_a_browser()
    suite.leave_heavy_engines()
    suite.javascript()
    with suite.beside():
        suite.on_sqlite()
        suite.on_postgresql()
    suite.quick_engines()
    return suite.verdict()


if __name__ == "__main__":
    os.chdir(Path(ROOT))
    sys.exit(main(sys.argv[1:]))
