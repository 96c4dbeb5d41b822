"""What an adapter makes of the base, computed once where it cannot be in doubt: transformers and peft, in float32.

    python -m training.reference BASE ADAPTER PROBES.json

PROBES.json is a list of chats, each a list of messages. It writes `reference.json` into the adapter's folder:

    {"format": 1,
     "probes": [{"messages": [...],                       the chat
                 "base":    {"湖": -0.81, ...},            natural log-probabilities of the first token of the answer,
                 "adapter": {"湖": -2.02, ...},            by its text: the 20 likeliest of each
                 "base_text": "湖面起了雾", "adapter_text": "晨雾"}]}   greedy, without any penalty: 12 tokens at most

A token that is a part of a character has no text of its own and is left out. An engine that has loaded the adapter must
agree with this; see `inference.proof`, which reads it.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "reference.json"
FORMAT = 1
LIKELIEST = 20
TOKENS = 12
Chat = list[dict[str, str]]


def write(base: Path, adapter: Path, probes: list[Chat], *, threads: int = 0) -> Path:
    """Compute and lay down `reference.json`; it appears whole or not at all."""
    if threads:
        torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    model = PeftModel.from_pretrained(plain, str(adapter)).eval()
    said = {"format": FORMAT, "probes": [_probe(model, tokenizer, chat) for chat in probes]}
    fresh = adapter / f".{NAME}.{os.getpid()}"
    fresh.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return fresh.replace(adapter / NAME)


def _probe(model: Any, tokenizer: Any, chat: Chat) -> dict[str, Any]:
    read = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        adapted, text = first_tokens(model, tokenizer, read), greedy(model, tokenizer, read)
        with model.disable_adapter():
            base, base_text = first_tokens(model, tokenizer, read), greedy(model, tokenizer, read)
    return {"messages": chat, "base": base, "adapter": adapted, "base_text": base_text, "adapter_text": text}


def first_tokens(model: Any, tokenizer: Any, read: Any) -> dict[str, float]:
    """The likeliest first tokens of the answer, by their text."""
    logits = model(**read, logits_to_keep=1).logits[0, -1].float()
    likeliest = torch.log_softmax(logits, dim=-1).topk(LIKELIEST)
    texts = [tokenizer.decode([place]) for place in likeliest.indices.tolist()]
    told = zip(texts, likeliest.values.tolist(), strict=True)
    return {text: round(value, 5) for text, value in told if "�" not in text}


def greedy(model: Any, tokenizer: Any, read: Any) -> str:
    """The beginning of the answer if the likeliest token is always taken, less a character cut off at its end."""
    made = model.generate(**read, do_sample=False, max_new_tokens=TOKENS, repetition_penalty=1.0)
    text: str = tokenizer.decode(made[0, read["input_ids"].shape[1] :], skip_special_tokens=True)
    return text.rstrip("�")


def main(argv: list[str] | None = None) -> int:
    """Write the reference, say where it is; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.reference", description="What an adapter ought to do.")
    parser.add_argument("base", type=Path, help="a folder that training.base made")
    parser.add_argument("adapter", type=Path, help="a PEFT folder")
    parser.add_argument("probes", type=Path, help="a JSON file: a list of chats")
    parser.add_argument("--threads", type=int, default=0, help="default: as torch likes")
    options = parser.parse_args(argv)
    probes: list[Chat] = json.loads(options.probes.read_text(encoding="utf-8"))
    sys.stdout.write(f"{write(options.base, options.adapter, probes, threads=options.threads)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
