"""How a child that handles a stranger's picture is locked in, by itself, before it reads the first byte.

Its system calls are filtered where the kernel is Linux on x86-64 or AArch64: it may neither start a process nor open a
file, a socket or another's memory. The filter is a list of what is refused, with EPERM; a list of what is allowed would
break with each new release of a decoder or of libc. macOS has no such filter and does not hold the limit of memory.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from dataclasses import dataclass

MOST_ADDRESSES = 1 << 30  # bytes
MOST_SECONDS = 10  # of a processor

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # of prctl(2)
_LOAD, _EQUALS, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # classic BPF
_ALLOW, _NO_PERMISSION, _NO_SUCH_CALL = 0x7FFF0000, 0x00050001, 0x00050026
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # where `struct seccomp_data` has them
_X32 = 0x40000000
_THREAD = 0x00010000  # a thread of this process: HEIC is decoded on one
_CLONE3 = 435  # says what it wants where no filter can look; libc falls back on clone


@dataclass(frozen=True, slots=True)
class Calls:
    """Numbers of system calls on one kind of machine."""

    machine: int  # AUDIT_ARCH
    clone: int
    refused: tuple[int, ...]


_CALLS = {
    "x86_64": Calls(
        0xC000003E,
        56,
        (
            *(2, 85, 257, 437, 319),  # open, creat, openat, openat2, memfd_create
            *(41, 53, 42, 425),  # socket, socketpair, connect, io_uring_setup
            *(57, 58, 59, 322),  # fork, vfork, execve, execveat
            *(62, 200, 234, 101, 310, 311, 321),  # kill, tkill, tgkill, ptrace, process_vm_readv and _writev, bpf
            *(87, 263, 82, 264, 316, 86, 265, 88, 266, 83, 258),  # unlink, rename, link, symlink, mkdir and relatives
            *(90, 268, 92, 260, 76, 165, 160, 302),  # chmod, chown and relatives, truncate, mount, setrlimit, prlimit64
        ),
    ),
    "aarch64": Calls(
        0xC00000B7,
        220,
        (
            *(56, 437, 279),  # openat, openat2, memfd_create
            *(198, 199, 203, 425),  # socket, socketpair, connect, io_uring_setup
            *(221, 281),  # execve, execveat
            *(129, 130, 131, 117, 270, 271, 280),  # kill, tkill, tgkill, ptrace, process_vm_readv and _writev, bpf
            *(35, 38, 276, 37, 36, 34),  # unlinkat, renameat, renameat2, linkat, symlinkat, mkdirat
            *(53, 54, 45, 40, 164, 261),  # fchmodat, fchownat, truncate, mount, setrlimit, prlimit64
        ),
    ),
}


def confine(nice: int = 5) -> None:
    """Limits that hold for everything after them."""
    for what, most in (
        (resource.RLIMIT_AS, MOST_ADDRESSES),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),  # a dump of memory would hold the picture
    ):
        _, hard = resource.getrlimit(what)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (wanted, wanted))
    os.nice(nice)


def shut_the_door() -> bool:
    """No descriptor beyond those of stdin, stdout and stderr; True where system calls are filtered too.

    Whatever has to be read from disk must have been read before.
    """
    os.closerange(3, 256)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    return _filter()


def _filter() -> bool:
    """A kernel, or a container, that refuses the filter leaves us as we are: the other limits hold."""
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return False
    program = _program(calls)
    code = ctypes.create_string_buffer(program, len(program))
    told = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return not prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) and not prctl(_SECCOMP, _FILTER, told, 0, 0)


def _program(calls: Calls) -> bytes:
    """Classic BPF. A jump says how many steps it passes over; what is refused ends at the last but one."""
    count = len(calls.refused)
    steps = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUALS, 0, count + 7, calls.machine),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, count + 5, 0, _X32),
        (_EQUALS, count + 5, 0, _CLONE3),
        *((_EQUALS, count + 3 - place, 0, number) for place, number in enumerate(calls.refused)),
        (_EQUALS, 0, 2, calls.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NO_PERMISSION),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
