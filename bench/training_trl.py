"""TRL's side of `bench.training`: one pair at a time, reference cached, float32, at its best on a CPU."""

import tempfile
from typing import Any

import torch  # noqa: TID253 (a process that trains)
from datasets import Dataset
from peft import LoraConfig  # noqa: TID253 (the same)
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from bench.training_shape import CONFIG, base, measure, sizes, some
from tests.training.tiny_base import tokenizer


def trainer(out: str) -> Any:
    told = DPOConfig(
        output_dir=out,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=1,
        report_to="none",
        disable_tqdm=True,
        max_length=None,
        beta=CONFIG.beta,
    )
    lora = LoraConfig(
        r=CONFIG.rank, lora_alpha=CONFIG.alpha, target_modules=list(CONFIG.targets), task_type="CAUSAL_LM"
    )
    data = Dataset.from_list([{"prompt": "a", "chosen": "b", "rejected": "c"}] * 2)
    return DPOTrainer(model=base(), args=told, train_dataset=data, processing_class=tokenizer(), peft_config=lora)


def main() -> None:
    prompt, text, _ = sizes()
    with tempfile.TemporaryDirectory() as out:
        made = trainer(out)
    made.model.train()
    made.precompute_ref_logps = True
    ids = torch.tensor([some(0, prompt) + some(1, text), some(0, prompt) + some(2, text)])
    asked = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "completion_mask": (torch.arange(prompt + text) >= prompt).long().expand_as(ids),
        "ref_chosen_logps": torch.tensor([-11.0 * text]),
        "ref_rejected_logps": torch.tensor([-11.0 * text]),
    }

    def step() -> None:
        made.compute_loss(made.model, dict(asked)).backward()
        made.model.zero_grad()

    measure(step, 1)


if __name__ == "__main__":
    main()
