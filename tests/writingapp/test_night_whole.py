"""One night with nothing played but the size of the base and the engine: real training, the real gate, real proof."""

from pathlib import Path
from typing import Any

import pytest

from tests.nights.fitter import fitting_nodes
from tests.processes_inference import fake_node
from tests.training import tiny_base
from tests.writingapp.pairs import pair
from tests.writingapp.test_nightly import night
from writingapp.models import Pair, User
from writingapp.services import nodes

pytestmark = [pytest.mark.usefixtures("rows"), pytest.mark.once, pytest.mark.timeout(600)]


def test_what_is_trained_and_passes_the_gate_but_is_too_faint_to_be_proved_does_not_write(
    settings: Any, tmp_path: Path
) -> None:
    settings.RUNS, settings.ADAPTERS = tmp_path / "runs", tmp_path / "registry"
    settings.TRAIN_FEWEST, settings.NIGHT_BASE = 4, str(tiny_base.write(tmp_path / "base"))
    settings.NIGHT_KNOBS = "rank=4 alpha=8 threads=1 learning_rate=1e-3 groups_a_step=8 kl_most=0"
    writer = User.objects.create_user(username="writer", consents=True)
    made = [pair(writer, state="approved", wish=f"湖上的早晨 {n}") for n in range(36)]
    Pair.objects.filter(pk__in=[row.pk for row in made[:24]]).update(split="held_out")
    with fake_node(rate=0) as started, fitting_nodes():
        nodes.put(name="n", kind="fake", url=started.url, model="tiny")
        run = night()
    assert (run.gate["passed"], run.gate["reasons"]) == (True, [])
    assert (run.letter["ranking"]["count"], run.letter["steps"]) == (24, 2)
    assert (run.state, run.why) == ("failed", "too_faint")
    assert run.adapter is not None
    assert (run.adapter.state, run.adapter.gate["passed"]) == ("ready", True)
