"""What the machine itself is worth while it is measured: figures of two runs can be compared only where these agree."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from bench.figures import in_ms

TURNS = 10_000_000
PINGS, REST = 50, 0.1  # seconds that both sides of a ping sleep before it
STAT = Path("/proc/stat")
USED = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal: columns of proc(5)
STOLEN = 7  # what the machine's host took away for others


class Machine:
    """Tells of it at the start of a run, and at its end what was stolen meanwhile."""

    def __init__(self) -> None:
        print(f"{os.cpu_count()} cores; {TURNS // 1_000_000} million turns of an empty loop take {_turns():.2f} s")
        print(f"to wake one who slept {1000 * REST:.0f} ms, and to be woken {in_ms(asyncio.run(_pings()))}")
        self._before = _columns()

    def end(self) -> None:
        spent = [after - before for before, after in zip(self._before, _columns(), strict=True)]
        if spent:
            print(
                f"\nof what was to be done meanwhile the host stole {spent[STOLEN] / sum(spent[i] for i in USED):.1%}"
            )


def _turns() -> float:
    began = time.perf_counter()
    for _ in range(TURNS):
        pass
    return time.perf_counter() - began


async def _pings() -> list[float]:
    """Seconds there and back, to a process of its own."""
    cat = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    assert cat.stdin
    assert cat.stdout
    took = []
    for _ in range(PINGS):
        await asyncio.sleep(REST)
        began = time.perf_counter()
        cat.stdin.write(b".")
        await cat.stdout.readexactly(1)
        took.append(time.perf_counter() - began)
    cat.stdin.close()
    await cat.wait()
    return took


def _columns() -> list[int]:
    """Of all cores together, in ticks; empty where the system does not tell."""
    with suppress(OSError):
        return [int(each) for each in STAT.read_text().split("\n", 1)[0].split()[1:]]
    return []
