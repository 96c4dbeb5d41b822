"""A tokenizer small enough to be made on the spot: bytes, a few merges, and the chat template of the Qwen family."""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SEEN = ["湖上起了一层薄雾，芦苇轻轻地动。", "A thin mist rose from the lake, the reeds were moving a little."]
SPECIAL = ["<|im_start|>", "<|im_end|>"]


def tiny_tokenizer(folder: Path) -> str:
    """Write it as a model's folder, of which only the tokenizer is there."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=SPECIAL, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(SEEN * 3, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE, "eos_token": SPECIAL[1]}
    (folder / "tokenizer_config.json").write_text(json.dumps(said), encoding="utf-8")
    config = {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "vocab_size": 330}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)
