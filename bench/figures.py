"""Small arithmetic of measured times."""

import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; of few values, the nearest one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def in_ms(values: Sequence[float]) -> str:
    """Median and 99th percentile of seconds, as milliseconds."""
    return f"p50 {1000 * statistics.median(values):7.1f} ms   p99 {1000 * percentile(values, 0.99):7.1f} ms"
