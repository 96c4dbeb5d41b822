"""Where the time of an ask goes, by the worker's own histogram."""

import contextlib
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

Totals = dict[str, tuple[float, float]]


def totals(port: int) -> Totals:
    """By stage: seconds in all, and how many."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    found = {family.name: family for family in families}["bailu_stage_seconds"].samples
    of = {(sample.name, sample.labels["stage"]): sample.value for sample in found}
    names = {stage for _, stage in of}
    return {
        name: (of["bailu_stage_seconds_sum", name], of["bailu_stage_seconds_count", name])
        for name in sorted(names)
        if ("bailu_stage_seconds_sum", name) in of
    }


def listening(port: int) -> bool:
    """Whether the worker tells its figures yet."""
    with contextlib.suppress(OSError):
        totals(port)
        return True
    return False


def means(before: Totals, after: Totals) -> dict[str, float]:
    """Milliseconds that a stage took, on average, between two looks."""
    spans = {name: (seconds, count, *before.get(name, (0.0, 0.0))) for name, (seconds, count) in after.items()}
    return {
        name: 1000 * (seconds - earlier) / (count - fewer)
        for name, (seconds, count, earlier, fewer) in spans.items()
        if count > fewer
    }
