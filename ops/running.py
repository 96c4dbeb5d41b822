"""The watch over a running house: from the start of its supervisor until nothing of it is left."""

import os
import queue
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ops.narrator import Narrator
from ops.processes import Program
from ops.supervision import Places, Supervisor
from ops.words import sentence

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY = 0.2  # seconds
LAST_WORDS = 5  # seconds on top of what the programs may take to stop


def say(line: str) -> None:
    """A line for the terminal; that it has been closed meanwhile does not matter."""
    try:
        print(line, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Terminal:
    """Whether the terminal is still there. Its end sends SIGHUP to the shell or to `make`, which may not pass it on."""

    def __init__(self) -> None:
        self._poll = select.poll()
        if sys.stdin is not None and sys.stdin.isatty() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._poll.register(sys.stdin.fileno(), 0)  # 0: only its end

    def gone(self) -> bool:
        return bool(self._poll.poll(0))


@contextmanager
def asked_to_stop() -> Iterator["queue.SimpleQueue[int]"]:
    """Signals become items of a queue. One that whoever started us chose to ignore (nohup) stays ignored."""
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put may be called from a signal handler

    def note(number: int, _frame: FrameType | None) -> None:
        asked.put(number)

    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watch(programs: list[Program], places: Places, narrator: Narrator) -> int:
    """Run the programs until asked to stop. The exit code: 0 if they stopped because they were asked to."""
    with asked_to_stop() as asked:
        supervisor, terminal = Supervisor(programs, places), Terminal()
        try:
            while supervisor.process.poll() is None and asked.empty():
                if terminal.gone():
                    asked.put(signal.SIGHUP)
                narrator.look()
                for fall in supervisor.falls():
                    narrator.fell(fall)
                time.sleep(LOOK_EVERY)
            if not asked.empty():
                return _stop(supervisor, asked, patience=sum(program.stop_seconds for program in programs) + LAST_WORDS)
            return _gone(supervisor, places)
        finally:
            supervisor.sweep()


def _stop(supervisor: Supervisor, asked: "queue.SimpleQueue[int]", *, patience: float) -> int:
    """Let everything stop in order; a second Ctrl+C, or too long a wait, ends it at once (the caller sweeps)."""
    asked.get()
    say("\n" + sentence("stopping"))
    supervisor.ask_to_stop()
    until = time.monotonic() + patience
    while supervisor.process.poll() is None and time.monotonic() < until:
        try:
            if asked.get(timeout=0.1) == signal.SIGINT:
                break
        except queue.Empty:
            continue
    supervisor.sweep()
    say(sentence("stopped"))
    return 0


def _gone(supervisor: Supervisor, places: Places) -> int:
    code = supervisor.process.returncode
    if code < 0:
        say(sentence("supervisor_gone"))
    else:
        lines = places.last_words.read_text(encoding="utf-8", errors="replace").splitlines()
        why = lines[-1] if lines else code
        say(sentence("supervisor_failed", why=why, log=places.logs / "supervisor.log"))
    return 1
