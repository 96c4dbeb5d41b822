"""An adapter leaves the house: as it is, for llama.cpp, merged; what was spoilt on the way is not kept."""

import json
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from inference.adapters import check
from tests.training import tiny_base
from training import export, questions, trainer, unpacked


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base.write(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tiny_base.run(tmp_path_factory.mktemp("run") / "run", base, epochs=2)
    trainer.train(run)
    return run / "adapter"


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return torch.as_tensor(model(input_ids=torch.tensor([[72, 101, 108, 108, 111]])).logits)


def test_merged_it_says_what_the_adapter_said_on_the_base(base: Path, adapter: Path, tmp_path: Path) -> None:
    assert export.main(["merge", str(base), str(adapter), str(tmp_path / "out")]) == 0
    merged = logits(AutoModelForCausalLM.from_pretrained(tmp_path / "out"))
    plain = AutoModelForCausalLM.from_pretrained(base)
    before = logits(plain)
    assert torch.allclose(merged, logits(PeftModel.from_pretrained(plain, str(adapter))), atol=1e-4)
    assert not torch.allclose(merged, before, atol=1e-2)
    told = json.loads((tmp_path / "out/export.json").read_text(encoding="utf-8"))
    assert told["times"]["poems"] == pytest.approx(1.0, abs=1e-3)


def test_a_model_that_was_spoilt_is_not_kept(
    base: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(base: Path, adapter: Path, out: Path) -> None:
        export.merge(base, adapter, out)
        model: Any = AutoModelForCausalLM.from_pretrained(out)
        with torch.no_grad():
            model.get_input_embeddings().weight.mul_(30)
        model.save_pretrained(out)

    monkeypatch.setitem(export.PLAIN, "merge", spoilt)
    assert export.main(["merge", str(base), str(adapter), str(tmp_path / "out")]) == 1
    assert not list(tmp_path.iterdir())


def test_as_it_is_every_engine_may_serve_it(base: Path, adapter: Path, tmp_path: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"kasa_config": None}), encoding="utf-8")
    assert export.main(["peft", str(base), str(adapter), str(tmp_path / "out")]) == 0
    assert check(tmp_path / "out").rank == 8
    assert "kasa_config" not in (tmp_path / "out/adapter_config.json").read_text(encoding="utf-8")


def test_for_llama_cpp_every_weight_is_there(base: Path, adapter: Path, tmp_path: Path) -> None:
    assert export.main(["gguf", str(base), str(adapter), str(tmp_path / "out")]) == 0
    (file,) = (tmp_path / "out").glob("*.gguf")
    assert len(gguf.GGUFReader(file).tensors) == 2 * 7 * 2  # layers, places, halves


def test_a_folder_that_is_no_adapter_is_refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nothing").mkdir()
    assert export.main(["merge", str(base), str(tmp_path / "nothing"), str(tmp_path / "out")]) == 2
    assert "missing_file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_lies_in_the_way_stays(
    base: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("the only one", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for out in (".", "mine.txt"):
        assert export.main(["peft", str(base), str(adapter), out]) == 2
        assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert export.main(["peft", str(base), str(adapter), "empty"]) == 0
    assert check(tmp_path / "empty").rank == 8


def test_poems_that_judge_are_not_calibrated_on() -> None:
    judging = {poem["completions"][0]["text"] for poem in questions.poems().values()}
    seen = [text for _, _, text in export.known()]
    assert len(seen) > 3000
    assert not judging & set(seen)


def test_calibration_is_whole_blocks_of_poems() -> None:
    blocks = export.calibration(tiny_base.tokenizer(), 3)
    assert [each["input_ids"].shape for each in blocks] == [(1, export.BLOCK)] * 3


def packed(numbers: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    """Eight numbers of the last axis in each word of 32 bits, number `order[k]` of them at bits 4·k."""
    eights = numbers.reshape(*numbers.shape[:-1], -1, 8)[..., list(order)].long()
    words = (eights << (torch.arange(8) * 4)).sum(-1)
    return torch.where(words >= 1 << 31, words - (1 << 32), words).to(torch.int32)


@pytest.mark.parametrize("kind", ["gptq", "awq"])
def test_four_bits_are_read_as_the_weights_that_were_packed(kind: str) -> None:
    torch.manual_seed(0)
    inputs, outputs, groups = 32, 16, 2
    numbers, scales = torch.randint(0, 16, (inputs, outputs)), torch.rand(groups, outputs)
    zeros = torch.randint(1, 16, (groups, outputs))
    weights = (
        (numbers - zeros.repeat_interleave(inputs // groups, 0)) * scales.repeat_interleave(inputs // groups, 0)
    ).T
    if kind == "gptq":
        straight = tuple(range(8))
        words = {"x.qweight": packed(numbers.T, straight).T, "x.qzeros": packed(zeros - 1, straight)}
    else:
        words = {"x.qweight": packed(numbers, unpacked.INTERLEAVED), "x.qzeros": packed(zeros, unpacked.INTERLEAVED)}
    assert torch.allclose(unpacked.WAYS[kind](words | {"x.scales": scales}, "x"), weights)


def test_the_orders_are_those_of_the_formats() -> None:
    """Words as other programs write them: 0 to 7 are 0x76543210 for GPTQ, and 0x75316420 for AWQ."""
    zeros, scales = torch.zeros(1, 1, dtype=torch.int32), torch.ones(1, 8)
    word = {"x.qweight": torch.tensor([[0x75316420]], dtype=torch.int32), "x.qzeros": zeros, "x.scales": scales}
    assert unpacked.awq(word, "x").flatten().tolist() == list(range(8))
    word["x.qweight"] = torch.full((1, 8), 0x76543210, dtype=torch.int32)
    assert unpacked.gptq(word, "x").tolist() == [[number - 1.0 for number in range(8)]] * 8
