"""What an operator can see from outside, in Prometheus' format: counts and seconds, never anybody's words.

Each process tells its own: the web process at /metrics, a worker at WORKER_METRICS_PORT.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

QUICK = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

ASKS = Counter("bailu_asks", "Asks of writers, by what became of them", ["answer"])
SOCKETS = Gauge("bailu_sockets", "Open sockets of this web process")
STAGE = Histogram("bailu_stage_seconds", "Where the time of an ask goes, stage by stage", ["stage"], buckets=QUICK)
FIRST_TEXT = Histogram(
    "bailu_first_text_seconds", "From the ask to its first text in the log", ["engine", "node"], buckets=QUICK
)
TEXTS = Counter("bailu_texts", "Texts, by how they ended", ["engine", "node", "status"])
TOKENS = Counter("bailu_tokens", "Tokens made", ["engine", "node"])
ERRORS = Counter("bailu_engine_errors", "Times that an engine failed a text", ["engine", "node", "code"])
UNDER_PEN = Gauge("bailu_texts_being_made", "Texts that this worker has given to a node", ["node"])
WAITING = Gauge("bailu_texts_waiting", "Texts of this worker that wait for a free node")
NODE_READY = Gauge("bailu_node_ready", "Whether a node is ready (1) or not (0)", ["engine", "node"])
BREAKER_OPEN = Gauge("bailu_node_left_alone", "Whether a node is left alone after failures", ["node"])


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage of an ask; `docs/operations.md` lists them."""
    began = time.perf_counter()
    yield
    STAGE.labels(name).observe(time.perf_counter() - began)


def forget_node(name: str, kind: str) -> None:
    """A node that is gone has no state to show."""
    for gauge, labels in ((UNDER_PEN, (name,)), (BREAKER_OPEN, (name,)), (NODE_READY, (kind, name))):
        try:
            gauge.remove(*labels)
        except KeyError:
            continue
