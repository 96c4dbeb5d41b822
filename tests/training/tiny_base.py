"""A base of two layers that reads bytes: all of a run, in a blink."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedTokenizerFast, Qwen2Config

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
    "{% if not loop.last or add_generation_prompt %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 320,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
    "bos_token_id": None,
    "eos_token_id": 257,
    "pad_token_id": 258,
}


def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {"<|im_start|>": 256, "<|im_end|>": 257, "<|endoftext|>": 258}
    bytes_only = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bytes_only,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    made.chat_template = TEMPLATE
    return made


def model(config: PretrainedConfig | None = None) -> Any:
    torch.manual_seed(0)
    made: Any = AutoModelForCausalLM.from_config(config or Qwen2Config(**SHAPE))  # type: ignore[no-untyped-call]
    return made.float().eval()


def write(folder: Path, made: Any = None) -> Path:
    (made or model()).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def schooled(texts: list[str], steps: int = 300) -> Any:
    """A base that has something to forget. As drawn its output is too faint for an adapter to make it sure of anything,
    so that it is made louder first.
    """
    made, reader = model(), tokenizer()
    with torch.no_grad():
        made.get_input_embeddings().weight.mul_(3.0)
    ids = [torch.tensor([reader(text)["input_ids"][:400]]) for text in texts]
    optimiser = torch.optim.AdamW(made.parameters(), lr=3e-3)
    for step in range(steps):
        made(input_ids=ids[step % len(ids)], labels=ids[step % len(ids)]).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return made.eval()


def group(at: int, *, held_out: bool = False) -> dict[str, Any]:
    """A wish, and four lines under it: the more rain in a line, the better she likes it."""
    texts = [f"{'rain ' * wet}{'dust ' * (3 - wet)}{at % 7}" for wet in (3, 2, 1, 0)]
    pairs = [
        {"chosen": one, "rejected": other, "gap": (other - one) / 3, "weight": 1 / 6}
        for one in range(4)
        for other in range(one + 1, 4)
    ]
    return {
        "id": f"g{at}",
        "prompt": [{"role": "user", "content": f"line {at}"}],
        "completions": [{"text": text, "label": wet < 2} for wet, text in enumerate(texts)],
        "pairs": pairs,
        "held_out": held_out,
    }


def run(folder: Path, base: Path, *, groups: int = 12, held_out: int = 4, **config: Any) -> Path:
    """A run folder, ready to be trained."""
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"base": str(base), "served_as": "tiny", "precision": "float32", "learning_rate": 5e-3}
    told |= {"groups_a_step": 4, "rank": 8, "alpha": 16}
    (folder / "config.json").write_text(json.dumps(told | config), encoding="utf-8")
    lines = [group(at, held_out=at >= groups) for at in range(groups + held_out)]
    (folder / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
