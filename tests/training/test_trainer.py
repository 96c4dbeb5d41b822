"""A whole run on a tiny base: what it learns, what it leaves behind, how it stops and goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from inference import adapters
from tests.training import tiny_base
from training import trainer
from training.config import read
from training.crew import PATIENCE, Crew
from training.launch import environment
from training.launch import main as launch
from training.manifest import code_version

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base.write(tmp_path_factory.mktemp("base") / "tiny")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter" / "adapter_model.safetensors")


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.allclose(one[key], other[key], atol=1e-6) for key in one)


def steps(folder: Path) -> list[int]:
    return [line["step"] for line in tiny_base.lines(folder / "progress.jsonl") if "held_out" not in line]


@pytest.mark.parametrize(
    "told",
    [
        {"method": "dpo"},
        {"method": "dpo", "loss": "robust", "offset": 0.5},
        {"method": "dpo", "loss": "ipo", "beta": 1.0},
        {"method": "orpo"},
        {"method": "kto"},
    ],
    ids=["dpo", "robust", "ipo", "orpo", "kto"],
)
def test_a_planted_taste_is_learnt(base: Path, tmp_path: Path, told: dict[str, Any]) -> None:
    folder = tiny_base.run(tmp_path / "run", base, epochs=8, **told)
    outcome = trainer.train(folder)
    before = tiny_base.lines(folder / "progress.jsonl")[0]["held_out"]
    assert outcome["state"] == "done"
    assert outcome["held_out"]["accuracy"] > 0.95
    assert outcome["held_out"]["margin"] > before["margin"] + 0.2
    assert outcome["held_out"]["loss"] < before["loss"]


def test_good_texts_become_likelier(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, method="sft", epochs=4)
    outcome = trainer.train(folder)
    before = tiny_base.lines(folder / "progress.jsonl")[0]["held_out"]
    assert outcome["held_out"]["chosen_logp"] > before["chosen_logp"] + 0.5


def test_an_untrained_adapter_knows_nothing(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, nll=0.0, epochs=1)
    trainer.train(folder)
    before = tiny_base.lines(folder / "progress.jsonl")[0]["held_out"]
    assert before["accuracy"] == 0.5
    assert before["loss"] == pytest.approx(0.693147, abs=1e-5)
    assert before["kl"] == pytest.approx(0, abs=1e-9)


def test_the_adapter_is_one_that_every_engine_takes(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base)
    trainer.train(folder)
    facts = adapters.check(folder / "adapter")
    assert (facts.rank, facts.alpha, facts.base) == (8, 16, "tiny")
    assert len(facts.modules) == 14
    assert sorted(path.name for path in (folder / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_the_manifest_says_what_it_was_made_of(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, max_length=60)
    with (folder / "data.jsonl").open("a", encoding="utf-8") as file:
        file.write(
            json.dumps(
                {"id": "long", "prompt": [{"role": "user", "content": "x" * 99}], "completions": [{"text": "y"}]}
            )
        )
    trainer.train(folder)
    told = json.loads((folder / "manifest.json").read_text())
    assert told["grouped"]["grouped"]
    assert told["grouped"]["why"] == "agrees"
    assert told["counts"] == {
        "held_out_completions": 16, "held_out_groups": 4, "held_out_pairs": 24, "left_out_too_long": 1,
        "train_completions": 48, "train_groups": 12, "train_pairs": 72,
    }  # fmt: skip
    assert told["versions"]["torch"] == torch.__version__
    assert told["code"] == code_version()
    assert {len(digest) for digest in told["digests"].values()} == {64}
    assert told["config"]["seed"] == 0
    assert told["dtype"] == "float32"


def test_the_code_is_told_by_its_commit_or_else_by_its_version(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    assert code_version(tmp_path) == "1.2.3"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert code_version(tmp_path) == commit
    (tmp_path / "pyproject.toml").write_text("changed since", encoding="utf-8")
    assert code_version(tmp_path) == f"{commit}-dirty"


def test_a_base_in_bfloat16_is_trained_by_an_adapter_in_float32(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, precision="bfloat16")
    assert trainer.train(folder)["state"] == "done"
    assert json.loads((folder / "manifest.json").read_text())["dtype"] == "bfloat16"
    assert {each.dtype for each in weights(folder).values()} == {torch.float32}


def test_a_base_in_four_bits_is_trained(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="NO BITSANDBYTES, SO NO QLORA IS TESTED: install requirements-qlora.txt")
    folder = tiny_base.run(tmp_path / "run", base, quantised=True, epochs=4)
    outcome = trainer.train(folder)
    before = tiny_base.lines(folder / "progress.jsonl")[0]["held_out"]
    assert outcome["held_out"]["loss"] < before["loss"]
    adapters.check(folder / "adapter")


def test_the_same_folder_gives_the_same_adapter_and_another_seed_another(base: Path, tmp_path: Path) -> None:
    made = []
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        trainer.train(tiny_base.run(tmp_path / name, base, seed=seed))
        made.append(weights(tmp_path / name))
    assert alike(made[0], made[1])
    assert not alike(made[0], made[2])


def test_one_pass_a_prompt_and_one_pass_a_text_go_the_same_way(base: Path, tmp_path: Path) -> None:
    for name, grouped in (("tree", True), ("each", False)):
        trainer.train(tiny_base.run(tmp_path / name, base, grouped=grouped, epochs=2, learning_rate=1e-4))
    tree, each = (tiny_base.lines(tmp_path / name / "progress.jsonl") for name in ("tree", "each"))
    for one, other in zip(tree, each, strict=True):
        for name in ("loss", "margin", "chosen_logp", "grad_norm"):
            if name in one:
                assert one[name] == pytest.approx(other[name], rel=1e-3, abs=1e-4)


def started(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "training.launch", str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ
    )


def wait_for_step(folder: Path, step: int, process: "subprocess.Popen[bytes]") -> None:
    path = folder / "progress.jsonl"
    while not (path.exists() and f'"step": {step},' in path.read_text()):
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.01)


def test_a_killed_run_goes_on_to_the_result_of_one_that_was_not(base: Path, tmp_path: Path) -> None:
    told = {"epochs": 12, "checkpoint_every": 5, "threads": 1}
    whole, broken = (tiny_base.run(tmp_path / name, base, **told) for name in ("whole", "broken"))
    process = started(broken)
    wait_for_step(broken, 12, process)
    process.kill()
    process.wait()
    assert not (broken / "outcome.json").exists()
    assert not (broken / "adapter").exists()
    again = started(broken)
    assert again.wait() == 0
    assert trainer.train(whole)["state"] == "done"
    assert steps(broken) == steps(whole) == list(range(1, 37))
    assert alike(weights(broken), weights(whole))


def test_asked_to_end_it_keeps_what_it_has_and_says_so(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, epochs=4000)
    process = started(folder)
    wait_for_step(folder, 3, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (outcome["state"], outcome["why"], outcome["adapter"]) == ("stopped", "terminated", "last")
    assert 3 <= outcome["steps"] < outcome["planned"]
    adapters.check(folder / "adapter")


def test_a_deadline_that_has_passed_makes_no_adapter_and_says_why(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, finish_by=time.time() - 1)
    outcome = trainer.train(folder)
    assert (outcome["state"], outcome["why"], outcome["adapter"]) == ("stopped", "deadline", None)
    assert not (folder / "adapter").exists()


def test_a_deadline_in_the_midst_keeps_the_steps_before_it(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_base.run(tmp_path / "run", base, epochs=9, finish_by=time.time() + 3600)
    step = trainer._step

    def last_one(*told: Any) -> Any:
        figures = step(*told)
        monkeypatch.setattr(trainer, "SAVING", 3600.0)
        return figures

    monkeypatch.setattr(trainer, "_step", last_one)
    outcome = trainer.train(folder)
    assert (outcome["why"], outcome["steps"], outcome["adapter"]) == ("deadline", 1, "last")


def test_numbers_that_are_none_make_no_adapter(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, learning_rate=1e30, clip=1e30, epochs=3)
    outcome = trainer.train(folder)
    assert (outcome["state"], outcome["why"], outcome["adapter"]) == ("failed", "not_finite", None)
    assert not (folder / "adapter").exists()


def test_a_line_ends_at_a_newline_and_nowhere_else(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base, max_steps=1)
    told = tiny_base.lines(folder / "data.jsonl")
    told[0]["prompt"][0]["content"] = told[0]["completions"][0]["text"] = "雨\u2028线\u0085雾\u2029"
    lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in told)
    (folder / "data.jsonl").write_text("".join(lines), encoding="utf-8")
    assert trainer.train(folder)["state"] == "done"


def test_the_base_is_asked_once(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_base.run(tmp_path / "run", base)
    trainer.train(folder)
    kept = (folder / "frozen.jsonl").read_bytes()
    (folder / "frozen.jsonl").write_bytes(kept + b'{"text": "cut o')
    trainer.train(folder)
    assert (folder / "frozen.jsonl").read_bytes() == kept
    told = json.loads(kept.splitlines()[0])
    other = kept.replace(told["key"].encode(), b"another base")
    (folder / "frozen.jsonl").write_bytes(other.replace(b'"logps": [', b'"logps": [9.0, '))
    trainer.train(folder)
    assert len((folder / "frozen.jsonl").read_bytes()) == len(kept)
    assert b"9.0, " not in (folder / "frozen.jsonl").read_bytes()


def test_the_next_run_asks_only_about_what_is_new_and_forgets_what_is_gone(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "measured" / "frozen.jsonl"
    for name, groups, asked in (("first", 6, 8), ("second", 9, 3), ("third", 2, 0)):
        folder = tiny_base.run(tmp_path / name, base, groups=groups, held_out=2, max_steps=1, frozen=str(shared))
        lines = tiny_base.lines(folder / "data.jsonl")
        for at, line in enumerate(lines):  # the held-out ones stay the same, whatever is learnt
            line["prompt"][0]["content"] = f"line {at if at < groups else 100 + at - groups}"
            line["completions"] = lines[0]["completions"]
        (folder / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        trainer.train(folder)
        said = capsys.readouterr().err
        assert (f"asking the base about {asked} prompts" in said) == bool(asked)
        assert ("asking" in said) == bool(asked)
        assert len(tiny_base.lines(shared)) == 1 + 4 * (groups + 2)
        assert "rain" not in shared.read_text(encoding="utf-8")
        assert shared.read_bytes() == (folder / "frozen.jsonl").read_bytes()


@pytest.mark.parametrize(("method", "groups"), [("kto", 1), ("dpo", 0)])
def test_too_little_to_learn_from_is_said(base: Path, tmp_path: Path, method: str, groups: int) -> None:
    folder = tiny_base.run(tmp_path / "run", base, method=method, groups=groups, held_out=0)
    assert trainer.main([str(folder)]) == 2
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (outcome["state"], outcome["why"]) == ("failed", "bad_run")
    assert method in outcome["detail"]


def test_a_checkpoint_of_another_run_is_refused(base: Path, tmp_path: Path) -> None:
    folder = tiny_base.run(tmp_path / "run", base)
    trainer.train(folder)
    tiny_base.run(folder, base, beta=0.3)
    assert trainer.main([str(folder)]) == 2
    assert json.loads((folder / "outcome.json").read_text())["why"] == "bad_run"


def crewed(folder: Path) -> Path:
    """That run by two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*command, "-m", "training.trainer", str(folder)], cwd=ROOT, check=True, capture_output=True)
    return folder


def test_two_processes_make_and_tell_what_one_does(base: Path, tmp_path: Path) -> None:
    told: dict[str, Any] = {"learning_rate": 1e-4, "epochs": 2, "threads": 1}
    alone = tiny_base.run(tmp_path / "alone", base, **told)
    trainer.train(alone)
    crew = crewed(tiny_base.run(tmp_path / "crew", base, **told))
    assert all(torch.allclose(weights(alone)[key], weights(crew)[key], atol=2e-5) for key in weights(alone))
    assert steps(crew) == steps(alone)
    for one, other in zip(*(tiny_base.lines(each / "progress.jsonl") for each in (alone, crew)), strict=True):
        for name in {"loss", "margin", "accuracy", "kl", "grad_norm"} & one.keys():
            assert one[name] == pytest.approx(other[name], rel=1e-3, abs=1e-5)


def test_two_processes_stop_where_one_does_and_say_why(base: Path, tmp_path: Path) -> None:
    """Each sees another half of a step, and the first says how the run ended."""
    told: dict[str, Any] = {"learning_rate": 1e-3, "epochs": 12, "threads": 1, "groups_a_step": 2}
    whole = tiny_base.run(tmp_path / "whole", base, **told)
    trainer.train(whole)
    far = [line["kl"] for line in tiny_base.lines(whole / "progress.jsonl") if "kl" in line]
    leap = max(range(10, len(far)), key=lambda at: far[at] - max(far[:at]))  # no rounding decides where it ends
    told["kl_most"] = (far[leap] + max(far[:leap])) / 2
    alone = tiny_base.run(tmp_path / "alone", base, **told)
    outcome = trainer.train(alone)
    assert (outcome["why"], outcome["steps"]) == ("far", leap + 1)
    crew = crewed(tiny_base.run(tmp_path / "crew", base, **told))
    told_by_crew = json.loads((crew / "outcome.json").read_text(encoding="utf-8"))
    assert [told_by_crew[name] for name in ("state", "why", "steps")] == ["done", "far", outcome["steps"]]


def test_the_first_process_ends_for_the_reason_of_the_second() -> None:
    class Two(Crew):
        def everybody(self, mine: Any) -> list[Any]:
            return [mine, "far"]

    nothing: Any = None
    run = trainer.Run(Path(), nothing, nothing, nothing, nothing, None, {}, Two(), trainer.Stop(0.0))
    assert run.over()
    assert run.stop.why == "far"


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.set_device", taken.append)
    monkeypatch.setattr("torch.distributed.init_process_group", taken.append)
    monkeypatch.setattr("torch.distributed.new_group", lambda **told: taken.append(told))
    for name, value in {"WORLD_SIZE": "2", "RANK": "3", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    Crew()
    assert taken == [torch.device("cuda", 1), "nccl", {"backend": "gloo", "timeout": PATIENCE}]


def test_it_starts_offline_and_tells_nobody(base: Path, tmp_path: Path) -> None:
    told = environment(read(tiny_base.run(tmp_path / "run", base, threads=2)).threads)
    assert told["HF_HUB_OFFLINE"] == told["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert (told["OMP_NUM_THREADS"], told["GOMP_SPINCOUNT"]) == ("2", "1000")


def test_a_folder_without_config_is_not_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch([str(tmp_path)]) == 2
    assert "config.json" in capsys.readouterr().err
