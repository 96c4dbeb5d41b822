"""A run is trained, then judged through the door that the night uses; what must not serve is refused, by name."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.adapters import check
from inference.engines.base import AdapterFiles, Node
from inference.engines.fake import Fake
from tests.processes import wait_until
from tests.processes_inference import fake_node
from tests.training import tiny_base
from training import questions, trainer
from training.judging import main
from training.manifest import base_digest
from training.writing import Texts

ROOT = Path(__file__).resolve().parents[2]
# A model of two layers that knows nothing: learning about rain changes what it says of everything else.
LOOSE = {"fewest": 8, "perplexity": 3.0, "variety": 0.0, "displaced": 5.0, "broken": 1.0, "favourite_line": 1.0}
LOOSE |= {"loss": 1.0}
HELD_OUT = 12


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    poems = [each["prompt"][-1]["content"] + each["completions"][0]["text"] for each in questions.poems().values()]
    made = tiny_base.schooled([*questions.prose().values(), *poems])
    return tiny_base.write(tmp_path_factory.mktemp("base"), made)


def trained(
    folder: Path, base: Path, change: Callable[[dict[str, Any]], dict[str, Any]] | None = None, **config: Any
) -> Path:
    """A run with its adapter; `change` is what somebody did to the groups that are learnt."""
    run = tiny_base.run(folder, base, groups=16, held_out=HELD_OUT, **{"epochs": 3, "method": "dpo"} | config)
    lines = tiny_base.lines(run / "data.jsonl")
    if change:
        lines = [line if line["held_out"] else change(line) for line in lines]
        (run / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert trainer.train(run)["adapter"] == "last"
    return run


@pytest.fixture(scope="module")
def good(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of writers who like rain."""
    return trained(tmp_path_factory.mktemp("good") / "run", base)


@pytest.fixture
def run(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "run"))


def judged(run: Path, **asked: Any) -> dict[str, Any]:
    """The verdict. Without an engine the tiny model writes by itself; one ask is enough where texts do not matter."""
    told: dict[str, Any] = {"asks": 1, "draws": 1, "scales": [1.0], "limits": LOOSE} | asked
    (run / "gate.json").write_text(json.dumps(told), encoding="utf-8")
    code = main([str(run)])
    verdict: dict[str, Any] = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    assert code == (0 if verdict["passed"] else 1)
    return verdict


def checks(verdict: dict[str, Any], reason: str) -> list[dict[str, Any]]:
    return [check for check in verdict["checks"] if check["reason"] == reason]


def inverted(line: dict[str, Any]) -> dict[str, Any]:
    pairs = [each | {"chosen": each["rejected"], "rejected": each["chosen"]} for each in line["pairs"]]
    return line | {"pairs": pairs}


def test_what_learnt_from_good_pairs_passes_and_gets_its_reference(run: Path) -> None:
    verdict = judged(run)
    assert verdict["passed"], verdict["reasons"]
    assert verdict["figures"]["ranked_right"] > 0.9
    assert verdict["figures"]["held_out_inspirations"] == HELD_OUT
    (ranking,) = checks(verdict, "ranking")
    assert ranking["low"] > 0.3
    assert verdict["adapter"] == str(run / "adapter")
    assert json.loads((run / "adapter/reference.json").read_text(encoding="utf-8"))["probes"]
    assert set(verdict["samples"][0]) == {"prompt", "base", "candidate"}


def test_inverted_labels_are_refused_by_their_ranking(base: Path, tmp_path: Path) -> None:
    verdict = judged(trained(tmp_path / "run", base, inverted))
    assert "ranking" in verdict["reasons"]
    assert verdict["figures"]["ranked_right"] < 0.2


def test_numbers_that_are_none_are_refused_before_anything_is_measured(run: Path) -> None:
    spoil(run, lambda name, weights: weights.fill_(math.nan) if "layers.1" in name else weights)
    verdict = judged(run)
    assert verdict["reasons"] == ["artifact"]
    assert "not_finite" in checks(verdict, "artifact")[0]["detail"]
    assert not (run / "measured").exists()


def test_an_adapter_that_changes_nothing_is_refused(run: Path) -> None:
    spoil(run, lambda name, weights: weights.zero_() if "lora_B" in name else weights)
    verdict = judged(run)
    assert verdict["reasons"] == ["artifact"]
    assert "no_effect" in checks(verdict, "artifact")[0]["detail"]


def test_on_too_few_inspirations_nothing_is_measured(run: Path) -> None:
    verdict = judged(run, limits=LOOSE | {"fewest": HELD_OUT + 1})
    assert verdict["reasons"] == ["too_little"]
    assert checks(verdict, "too_little")[0]["count"] == HELD_OUT
    assert not (run / "measured").exists()


def test_a_pickle_beside_the_weights_is_refused(run: Path) -> None:
    (run / "adapter/training_args.bin").write_bytes(b"\x80\x04.")
    assert judged(run)["reasons"] == ["artifact"]


def test_the_adapter_of_another_base_is_refused(run: Path) -> None:
    assert judged(run, served_base="c" * 64)["reasons"] == ["wrong_base"]


def test_what_forgot_how_to_read_everything_else_is_refused(base: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", base, epochs=12, method="sft", learning_rate=3e-2)
    assert {"poems", "general"} <= set(judged(run, limits=LOOSE | {"perplexity": 1.05})["reasons"])


def reciter(folder: Path, base: Path, text: str) -> Path:
    """A run that learnt one and the same answer to the first three of the fixed asks."""
    asked = questions.questions(3, 1)

    def same(line: dict[str, Any]) -> dict[str, Any]:
        prompt = asked[int(line["id"][1:]) % 3].messages
        return line | {"prompt": prompt, "completions": [{"text": text}], "pairs": []}

    return trained(folder, base, same, epochs=20, method="sft", learning_rate=1e-3, groups_a_step=1, rank=16, alpha=64)


def test_one_favourite_line_for_every_prompt_is_refused(base: Path, tmp_path: Path) -> None:
    run = reciter(tmp_path / "run", base, "rain")  # so small a model stumbles in what is longer, on some machines
    verdict = judged(run, asks=3, draws=4, limits=LOOSE | {"favourite_line": 0.02, "variety": 0.8})
    assert {"favourite_line", "copied", "variety"} <= set(verdict["reasons"])


def test_a_canary_that_it_learnt_to_say_is_found(base: Path, tmp_path: Path) -> None:
    run = reciter(tmp_path / "run", base, "rain is 4711")
    loose = LOOSE | {"copied": 1.0, "perplexity": 1e3, "ranking": 1.0, "loss": 1e3}
    verdict = judged(run, asks=3, canaries=["Rain is: 4711!"], limits=loose)
    assert verdict["reasons"] == ["canary"]
    assert verdict["samples"] == []  # staff read these
    assert len(list((run / "measured").glob("texts-*"))) == 1  # the base's
    innocent = judged(run, asks=3, canaries=["another secret"], limits=loose)
    assert (innocent["passed"], len(innocent["samples"])) == (True, 3)
    assert len(list((run / "measured").glob("texts-*"))) == 2


def test_a_fifth_of_all_pairs_by_one_attacker_does_not_turn_it(base: Path, tmp_path: Path) -> None:
    """Hers are turned round: either the rest outweigh her and it passes as it should, or she is named."""

    def attacked(line: dict[str, Any]) -> dict[str, Any]:
        return inverted(line) if int(line["id"][1:]) % 5 == 0 else line

    run = trained(tmp_path / "run", base, attacked)
    verdict = judged(run, pairs_of={"attacker": 24, "one": 24, "two": 24, "three": 24})
    assert verdict["passed"], verdict["reasons"]
    assert verdict["figures"]["ranked_right"] > 0.9
    greedy = judged(run, pairs_of={"attacker": 40, "one": 24, "two": 24, "three": 24})
    assert greedy["reasons"] == ["heavy_writer"]


def test_one_that_is_better_for_one_writer_only_is_refused(base: Path, tmp_path: Path) -> None:
    """Her held-out inspirations are turned round with the pairs that are learnt; everybody else's are not."""
    run = trained(tmp_path / "run", base, inverted)
    lines = tiny_base.lines(run / "data.jsonl")
    hers = [line["id"] for line in lines if line["held_out"]][:9]
    lines = [inverted(line) if line["id"] in hers else line for line in lines]
    (run / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    others = [line["id"] for line in lines if line["held_out"] and line["id"] not in hers]
    verdict = judged(run, writer_of=dict.fromkeys(hers, "attacker") | {each: each for each in others})
    assert verdict["reasons"] == ["writers"]


def test_too_strong_at_full_strength_it_is_taken_at_less(base: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", base, epochs=8, learning_rate=1e-2)
    full = judged(run, limits=LOOSE | {"perplexity": 1.1})
    assert not full["passed"]
    verdict = judged(run, scales=[1.0, 0.1], limits=LOOSE | {"perplexity": 1.1})
    assert (verdict["passed"], verdict["scale"]) == (True, 0.1)
    assert verdict["scales"] == {"1": full["reasons"], "0.1": []}
    config = json.loads(Path(verdict["adapter"], "adapter_config.json").read_text(encoding="utf-8"))
    assert config["lora_alpha"] == pytest.approx(1.6)


def test_the_serving_adapter_is_what_a_new_one_stands_beside(run: Path, good: Path) -> None:
    serving = Path(shutil.copytree(good / "adapter", run / "champion"))
    verdict = judged(run, serving=str(serving))
    assert {check["against"] for check in checks(verdict, "ranking")} == {"base", "serving"}
    assert set(verdict["samples"][0]) == {"prompt", "base", "serving", "candidate"}
    assert verdict["passed"]


def test_what_was_measured_is_not_measured_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judged(run)
    monkeypatch.setattr("training.judging.Reader", None)  # the base would have to be loaded
    assert judged(run) == verdict


def test_a_node_of_the_house_writes_the_texts_and_forgets_the_adapter(run: Path) -> None:
    with fake_node(rate=0) as node:
        verdict = judged(run, engine=node.url, kind="fake", asks=5, draws=2)
        assert verdict["passed"], verdict["reasons"]
        assert checks(verdict, "form")[0]["count"] == 10
        assert all(sample["candidate"] for sample in verdict["samples"])


def test_a_node_elsewhere_is_given_what_is_tried_in_the_folder_that_it_shares(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Path] = []
    names: set[str] = set()
    really = Fake.load

    async def load(self: Fake, http: Any, node: Node, adapter: AdapterFiles) -> None:
        loaded.append(adapter.folder)
        names.add(adapter.name)
        assert check(adapter.folder)
        await really(self, http, node, adapter)

    monkeypatch.setattr(Fake, "load", load)
    strict = LOOSE | {"perplexity": 0.1}
    with fake_node(rate=0) as node:
        told = {"engine": node.url, "kind": "fake", "shared": str(tmp_path / "shared")}
        verdict = judged(run, scales=[1.0, 0.5], limits=strict, **told)
    assert {"poems", "general"} <= set(verdict["reasons"])
    assert loaded == [tmp_path / "shared" / f"gate-{scale}-{run.name}" for scale in ("1", "0.5")]
    assert list((tmp_path / "shared").iterdir()) == []
    assert {name.rpartition("-")[2] for name in names} == {run.name[:8]}  # so that its house can drop them


def test_a_node_that_cannot_load_it_is_named_in_the_verdict(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdapterFiles, "__init__", elsewhere)
    with fake_node(rate=0) as node:
        verdict = judged(run, engine=node.url, kind="fake")
    assert verdict["reasons"] == ["not_taken"]
    (why,) = checks(verdict, "not_taken")
    assert str(run / "adapter") in why["detail"]
    assert "status 404" in why["detail"]


def elsewhere(files: AdapterFiles, name: str, folder: Path) -> None:
    """As a host sees it that does not share the folder."""
    object.__setattr__(files, "name", name)
    object.__setattr__(files, "folder", Path("/elsewhere") / folder.name)


def test_what_was_written_is_read_again_whatever_stands_in_it(tmp_path: Path) -> None:
    [question] = questions.questions(1, 1)
    for text in ("雨\u2028线\u0085雾", "again"):
        texts = Texts(tmp_path / "texts.jsonl")
        assert texts.missing([question]) == ([question] if text != "again" else [])
        texts.add(question, text, held=False)
    assert [each.text for each in Texts(tmp_path / "texts.jsonl").of([question])] == ["again"]


def test_killed_between_two_models_it_goes_on_with_the_next(run: Path) -> None:
    """Through the door, as the night starts it: SIGTERM, and a second start."""
    (run / "gate.json").write_text(json.dumps({"draws": 1, "asks": 8, "limits": LOOSE}), encoding="utf-8")
    command = [sys.executable, "-m", "training.judge", str(run)]
    first = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(run.glob("measured/texts-*")), within=120, what="the first text")
    first.terminate()
    assert first.wait(60) == 143
    assert not (run / "verdict.json").exists()
    (kept,) = run.glob("measured/texts-*.jsonl")
    before = kept.read_text(encoding="utf-8").splitlines()
    assert subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.DEVNULL).returncode == 0
    assert kept.read_text(encoding="utf-8").splitlines()[: len(before)] == before
    assert json.loads((run / "verdict.json").read_text(encoding="utf-8"))["passed"]


@pytest.mark.parametrize(
    "asked",
    [
        {"scales": []},
        {"scales": [2.0]},
        {"limits": {"taste": 1}},
        {"nonsense": 1},
        {"kind": "llamacpp", "engine": "http://127.0.0.1:9"},
    ],
)
def test_a_file_by_which_nothing_can_be_judged(run: Path, asked: dict[str, Any]) -> None:
    (run / "gate.json").write_text(json.dumps(asked), encoding="utf-8")
    assert main([str(run)]) == 2


def test_an_engine_that_is_not_there_is_no_verdict(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.writing.PAUSE", 0.0)
    told = {"engine": "http://127.0.0.1:9", "kind": "vllm", "asks": 1, "draws": 1, "limits": LOOSE}
    (run / "gate.json").write_text(json.dumps(told), encoding="utf-8")
    assert main([str(run)]) == 3


def test_the_base_that_nodes_serve_is_known_by_the_file_it_was_made_of(run: Path, base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF of somebody else")
    assert judged(run, gguf=str(other))["reasons"] == ["wrong_base"]
    assert judged(run, served_base=base_digest(base))["passed"]


def spoil(run: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> None:
    path = run / "adapter/adapter_model.safetensors"
    save_file({name: change(name, weights) for name, weights in load_file(path).items()}, path)
