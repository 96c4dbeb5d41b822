"""Runs the programs under supervisord: started, restarted when they fall, stopped in order, and none left behind."""

import os
import re
import resource
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.log_watch import Tail
from ops.processes import Group, Program

FILES_MOST = 16384  # 10,000 open sockets, and room for the rest
EXITED = re.compile(r"exited: (?P<name>\S+) \((?P<how>[^;)]*)")
KILLED = re.compile(r"terminated by (?P<signal>\w+)")


@dataclass(frozen=True)
class Places:
    """Where a supervised house works and keeps its state."""

    root: Path  # working folder of the programs
    state: Path
    logs: Path

    def pid_file(self, name: str) -> Path:
        return self.state / f"{name}.pid"

    @property
    def lock(self) -> Path:
        return self.state / "house.lock"

    @property
    def last_words(self) -> Path:
        """What supervisord says when it cannot even open its log."""
        return self.state / "supervisord.err"

    def make(self) -> None:
        """Folders only their owner may read, and none of the pid files of an earlier run."""
        for folder in (self.state, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for left in self.state.glob("*.pid"):
            left.unlink()


def configuration(programs: list[Program], places: Places) -> str:
    """A supervisord configuration. `startsecs=0` because ops.child does the resting between two failed starts."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = FILES_MOST if hard == resource.RLIM_INFINITY else min(FILES_MOST, hard)
    lines = ["[supervisord]", "nodaemon=true", "identifier=bailu", "umask=077", f"minfds={files}"]
    lines += [f"logfile={_quoted(places.logs / 'supervisor.log')}", "logfile_maxbytes=1MB", "logfile_backups=1"]
    lines += [f"pidfile={_quoted(places.state / 'supervisord.pid')}"]
    for priority, group in enumerate(reversed(Group), start=1):  # supervisord stops the highest first
        names = ",".join(program.name for program in programs if program.group is group)
        lines += ["", f"[group:{group}]", f"programs={names}", f"priority={priority}"] if names else []
    for program in programs:
        lines += ["", f"[program:{program.name}]", f"command={_command(program, places)}"]
        lines += [f"directory={_quoted(places.root)}"]
        lines += ["startsecs=0", "autorestart=true", "stopsignal=TERM", f"stopwaitsecs={program.stop_seconds}"]
        lines += ["stopasgroup=true", "redirect_stderr=true"]
        lines += [f"stdout_logfile={_quoted(places.logs / program.name)}.log"]
        lines += ["stdout_logfile_maxbytes=5MB", "stdout_logfile_backups=3"]
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    return str(value).replace("%", "%%")


def _command(program: Program, places: Places) -> str:
    argv = [sys.executable, "-m", "ops.child", "--pid-file", str(places.pid_file(program.name))]
    argv += ["--parent-file", str(places.pid_file("supervisor"))]
    argv += ["--after", program.after] if program.after else []
    return _quoted(shlex.join([*argv, "--", *program.argv]))


@dataclass(frozen=True)
class Fall:
    """A program that stopped without having been asked to."""

    name: str
    how: str


def fall_in(line: str) -> Fall | None:
    """What a line of supervisord's log says about a program that has stopped."""
    found = EXITED.search(line)
    if found is None:
        return None
    killed = KILLED.search(found["how"])
    return Fall(found["name"], killed["signal"] if killed else found["how"])


class Supervisor:
    """A running supervisord. In its own session: Ctrl+C at the terminal reaches us alone, and we stop it in order."""

    def __init__(self, programs: list[Program], places: Places) -> None:
        """Start it. The caller holds `places.lock`, which names the process that supervisord must not outlive."""
        self._log = Tail(places.logs / "supervisor.log")
        conf = places.state / "supervisord.conf"
        conf.write_text(configuration(programs, places), encoding="utf-8")
        argv = [sys.executable, "-m", "ops.child", "--pid-file", str(places.pid_file("supervisor"))]
        argv += ["--parent-file", str(places.lock), "--signal", "TERM", "--"]
        argv += [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(conf)]
        self.process = subprocess.Popen(
            argv,
            cwd=places.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # it says the same in its log; a pipe would break with us and take it along
            stderr=places.last_words.open("wb"),
            start_new_session=True,
        )

    def falls(self) -> list[Fall]:
        """The programs that have stopped since the last call without having been asked to."""
        return [fall for line in self._log.lines() if (fall := fall_in(line)) is not None]

    def ask_to_stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def sweep(self) -> list[int]:
        """Kill whatever is left of its session: programs, and programs of programs. Tells whom."""
        swept = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.process.pid:
                    process.kill()
                    swept.append(process.pid)
            except (psutil.Error, ProcessLookupError, PermissionError):
                continue
        self.process.wait()
        return swept
