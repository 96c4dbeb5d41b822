"""Whose a managed node is: claimed by one keeper of many, and used by those who reach it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from writingapp import fitting
from writingapp.models import EngineNode
from writingapp.services import keeping, nodes
from writingapp.services.keeping import LEASE, BadPlan, Planned

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LOOPBACK, PRIVATE = "http://127.0.0.1:8101", "http://10.0.0.7:8101"
On = Callable[[str], None]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> On:
    """What follows happens on that host."""
    return lambda host: monkeypatch.setattr(nodes, "HERE", host)


def put(name: str = "one", **said: Any) -> EngineNode:
    said = {"kind": "fake", "managed": True, "plan": {"model": "well"}} | said
    return EngineNode.objects.create(name=name, **said)


def kept(*, after: timedelta = timedelta()) -> set[str]:
    """What the keeper of this host has once it has read the rows."""
    keeping.claim(now=NOW + after)
    return set(keeping.wishes())


def url() -> str:
    return EngineNode.objects.get(pk="one").url


# --- whose it is
def test_a_node_for_any_host_has_one_keeper(on: On) -> None:
    put()
    on("a")
    assert kept() == {"one"}
    on("b")
    assert kept() == set()
    on("a")
    assert kept(after=LEASE * 0.9) == {"one"}  # renewed
    on("b")
    assert kept(after=LEASE * 1.5) == set()


def test_the_node_of_a_keeper_that_is_not_heard_of_is_another_s(on: On) -> None:
    put()
    on("a")
    kept()
    keeping.say(name="one", url=LOOPBACK, adapters={})
    on("b")
    assert kept(after=LEASE * 1.1) == {"one"}
    keeping.say(name="one", url=PRIVATE, adapters={})
    on("a")  # it was only slow
    assert kept(after=LEASE * 1.2) == set()
    keeping.say(name="one", url=LOOPBACK, adapters={})
    keeping.gone(name="one")
    assert url() == PRIVATE


def test_a_keeper_that_ends_leaves_its_nodes_to_others_at_once(on: On) -> None:
    put()
    on("a")
    kept()
    keeping.say(name="one", url=LOOPBACK, adapters={})
    keeping.leave()
    assert url() == ""
    on("b")
    assert kept() == {"one"}


def test_a_host_that_a_row_names_has_its_node_whoever_had_it_before(on: On) -> None:
    put()
    on("a")
    kept()
    EngineNode.objects.update(host="b")
    assert kept() == set()
    on("b")
    assert kept() == {"one"}


def test_an_address_that_was_written_by_hand_is_not_taken_away(on: On) -> None:
    put()
    on("a")
    kept()
    EngineNode.objects.update(managed=False, url=PRIVATE)
    keeping.gone(name="one")
    keeping.leave()
    assert url() == PRIVATE


# --- who reaches it
@pytest.mark.parametrize(
    ("where", "said", "stands"),
    [
        (LOOPBACK, {"keeper": "a"}, True),
        (LOOPBACK, {"keeper": "b"}, False),
        (PRIVATE, {"keeper": "b"}, True),
        (LOOPBACK, {"managed": False}, True),
    ],
)
def test_what_another_host_has_on_loopback_is_not_here(
    on: On, where: str, said: dict[str, Any], *, stands: bool
) -> None:
    put(url=where, **said)
    on("a")
    assert [node.name for node in nodes.standing()] == ["one"] * stands
    assert fitting._fittable() == ["one"] * stands


# --- what a plan may say
def test_an_engine_listens_beyond_loopback_only_where_it_may(settings: Any, tmp_path: Any, on: On) -> None:
    settings.KEYS = tmp_path
    (tmp_path / "GPU_KEY").write_text("sesame")
    plan = {"model": "/models/qwen", "address": "10.0.0.7"}
    put("good", kind="vllm", secret="GPU_KEY", plan=plan)
    put("keyless", kind="vllm", plan=plan)
    put("unasked", kind="transformers", secret="GPU_KEY", plan=plan)
    put("embedded", kind="llamacpp", secret="GPU_KEY", plan=plan)
    put("public", kind="vllm", secret="GPU_KEY", plan=plan | {"address": "8.8.8.8"})
    put("all", kind="vllm", secret="GPU_KEY", plan=plan | {"address": "0.0.0.0"})
    on("a")
    keeping.claim(now=NOW)
    refused = {name: str(wish) for name, wish in keeping.wishes().items() if isinstance(wish, BadPlan)}
    assert refused.keys() == {"keyless", "unasked", "embedded", "public", "all"}
    assert "secret" in refused["keyless"]
    assert "loopback only" in refused["unasked"]
    assert "no engine may be public" in refused["all"]


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ({}, False),
        ({"devices": "0,1"}, True),
        ({"devices": "0", "replace": "beside"}, False),
        ({"replace": "after"}, True),
    ],
)
def test_on_gpus_of_its_own_a_replacement_waits_unless_the_plan_says_otherwise(
    said: dict[str, Any], *, after: bool
) -> None:
    assert Planned(model="m", **said).one_at_a_time is after
