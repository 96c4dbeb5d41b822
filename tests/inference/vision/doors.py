"""Tries every way out of a locked child: `python -m tests.inference.vision.doors PID FOLDER`.

PID is somebody else's process, FOLDER holds an empty folder `own`. Tells as JSON whether the child is sealed, and what
was not refused with EPERM.
"""

import ctypes
import errno
import json
import os
import platform
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from inference.vision.confine import CALLS, confine, shut_the_door

LIBC = ctypes.CDLL(None, use_errno=True)
MOST = 512  # beyond the last number that there is
CLONE3 = 435
PROBES = 335, 336  # of x86-64: the kernel lets them by every filter, and ends whoever is not its probe
KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine(), -1)
PIDFD = 0  # where the other's descriptor lies: what is open beyond 2 does not come along


def raw(number: int, *arguments: int) -> Callable[[], Any]:
    return lambda: checked(LIBC.syscall(number, *(ctypes.c_long(each) for each in arguments)))


def by_libc(name: str, *arguments: Any) -> Callable[[], Any]:
    return lambda: checked(getattr(LIBC, name)(*arguments))


def checked(answer: int) -> None:
    if answer == -1:
        raise OSError(ctypes.get_errno(), "refused")


def doors(pid: int, folder: Path) -> dict[str, Callable[[], Any]]:
    """Each of these gets through in a process that is not locked in, if it may at all."""
    own, here = folder / "own", folder / "new"
    told = ctypes.create_string_buffer(64)
    return {
        "open": lambda: Path("/etc/hostname").read_bytes(),
        "memfd": lambda: os.memfd_create("new"),
        "open_by_handle_at": by_libc("open_by_handle_at", -1, told, 0),
        "dup": lambda: os.dup(1),
        "pipe": os.pipe,
        "socket": socket.socket,
        "fork": os.fork,
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "kill": lambda: os.kill(pid, signal.SIGKILL),
        "rt_sigqueueinfo": by_libc("sigqueue", pid, int(signal.SIGKILL), None),
        "pidfd_open": lambda: os.pidfd_open(pid),
        "pidfd_send_signal": lambda: signal.pidfd_send_signal(PIDFD, signal.SIGKILL),
        "pidfd_getfd": raw(438, PIDFD, 1, 0),
        "process_madvise": raw(440, PIDFD, 0, 0, 0, 0),
        "ptrace": by_libc("ptrace", 16, pid, None, None),
        "process_vm_readv": by_libc("process_vm_readv", pid, None, 0, None, 0, 0),
        "setpriority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        "setrlimit": by_libc("setrlimit", 7, told),
        "prlimit": by_libc("prlimit", pid, 7, told, None),
        "unlink": lambda: here.unlink(),
        "rmdir": lambda: own.rmdir(),
        "mkdir": lambda: here.mkdir(),
        "mknod": lambda: os.mknod(here),
        "rename": lambda: own.rename(here),
        "symlink": lambda: here.symlink_to("/"),
        "setxattr": lambda: os.setxattr(folder, "user.a", b"b"),
        "utime": lambda: os.utime(folder),
        "stat": lambda: folder.stat(),
        "list": lambda: list(folder.iterdir()),
        "chdir": lambda: os.chdir(folder),
        "unshare": by_libc("unshare", 0x00020000),
        "setns": by_libc("setns", PIDFD, 0x00020000),
        "clone": by_libc("syscall", CALLS[platform.machine()].clone, 0x00020000 | 0x00010000, None),
        "shmget": by_libc("shmget", 0, 4096, 0o1600),
        "msgget": by_libc("msgget", 0, 0o1600),
        "semget": by_libc("semget", 0, 1, 0o1600),
        "mq_open": by_libc("mq_open", b"/new", os.O_RDWR | os.O_CREAT, 0o600, None),
        "keyctl": raw(KEYCTL, 0, -3, 1),
        "mount": by_libc("mount", b"none", bytes(folder), b"tmpfs", 0, None),
        "fsopen": raw(430, 0, 0),
        "open_tree": raw(428, -1, 0, 0),
        "io_uring_setup": raw(425, 1, 0),
        "prctl": by_libc("prctl", 15, b"other", 0, 0, 0),
        "ioctl": by_libc("ioctl", 1, 0x5401, told),
        "fcntl": by_libc("fcntl", 1, 1),
    }


def not_refused(ways: dict[str, Callable[[], Any]]) -> Iterator[str]:
    for name, way in ways.items():
        try:
            way()
        except OSError as fault:
            if fault.errno == errno.EPERM:
                continue
        yield name


def numbers_not_refused() -> Iterator[str]:
    """Whatever call there is besides the few; none of these does anything while the filter holds."""
    calls = CALLS[platform.machine()]
    for number in set(range(MOST)) - {*calls.allowed, CLONE3, *PROBES}:
        yield from not_refused({str(number): raw(number, *([-1] * 6) if number != calls.clone else (0,))})


if __name__ == "__main__":
    if sys.platform == "linux":
        os.dup2(os.pidfd_open(int(sys.argv[1])), PIDFD)
    ways = doors(int(sys.argv[1]), Path(sys.argv[2]))
    confine()
    sealed = shut_the_door()
    os.close(2)  # room for a descriptor
    gone = list(not_refused(ways))
    print(json.dumps({"sealed": sealed, "open": gone or list(numbers_not_refused())}))
