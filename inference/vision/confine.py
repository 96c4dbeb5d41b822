"""How a child that handles a stranger's picture is locked in, by itself, before it reads the first byte.

Its system calls are filtered where the kernel is Linux on x86-64 or AArch64. The filter names what is allowed: memory
of its own, what is open already, threads of its own, the clock. Everything else gets EPERM, and so does whatever a
kernel will learn yet. So few calls are enough because decoders, weights and modules are loaded before: what is left is
to decode, and to write one answer. macOS has no such filter and does not hold the limit of memory.
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
_NAMESPACES = 0x7E020000  # of any kind
_CLONE3 = 435  # says what it wants where no filter can look; libc falls back on clone


@dataclass(frozen=True, slots=True)
class Calls:
    """Numbers of system calls on one kind of machine."""

    machine: int  # AUDIT_ARCH
    clone: int
    allowed: tuple[int, ...]


CALLS = {
    "x86_64": Calls(
        0xC000003E,
        56,
        (
            *(0, 1, 19, 20, 8, 5, 3),  # read, write, readv, writev, lseek, fstat, close
            *(9, 10, 11, 25, 12, 28),  # mmap, mprotect, munmap, mremap, brk, madvise
            *(202, 273, 334, 24, 204),  # futex, set_robust_list, rseq, sched_yield, sched_getaffinity
            *(13, 14, 15, 131, 219),  # rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack, restart_syscall
            *(228, 229, 230, 35, 96, 201),  # clock_gettime, _getres and _nanosleep, nanosleep, gettimeofday, time
            *(39, 186, 98, 318, 60, 231),  # getpid, gettid, getrusage, getrandom, exit, exit_group
        ),
    ),
    "aarch64": Calls(
        0xC00000B7,
        220,
        (
            *(63, 64, 65, 66, 62, 80, 57),  # read, write, readv, writev, lseek, fstat, close
            *(222, 226, 215, 216, 214, 233),  # mmap, mprotect, munmap, mremap, brk, madvise
            *(98, 99, 293, 124, 123),  # futex, set_robust_list, rseq, sched_yield, sched_getaffinity
            *(134, 135, 139, 132, 128),  # rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack, restart_syscall
            *(113, 114, 115, 101, 169),  # clock_gettime, _getres and _nanosleep, nanosleep, gettimeofday
            *(172, 178, 165, 278, 93, 94),  # getpid, gettid, getrusage, getrandom, exit, exit_group
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
    calls = CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return False
    program = _program(calls)
    code = ctypes.create_string_buffer(program, len(program))
    told = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return not prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) and not prctl(_SECCOMP, _FILTER, told, 0, 0)


def _program(calls: Calls) -> bytes:
    """Classic BPF. A jump says how many steps it passes over; the verdicts are the last three."""
    count = len(calls.allowed)
    steps = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUALS, 0, count + 8, calls.machine),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, count + 7, 0, _X32),
        (_EQUALS, count + 6, 0, _CLONE3),
        *((_EQUALS, count + 3 - place, 0, number) for place, number in enumerate(calls.allowed)),
        (_EQUALS, 0, 4, calls.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 2, 0, _NAMESPACES),
        (_ANY_BIT, 0, 1, _THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NO_PERMISSION),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
