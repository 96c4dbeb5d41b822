"""The tokenizer that a GGUF file carries, as the files that transformers, vLLM and peft read.

Qwen2's split pattern and normal form are those of its own published tokenizer. llama.cpp does not bring text to normal
form (NFC), so the two agree on composed text, which is what keyboards write.
"""

import json
from pathlib import Path
from typing import Any

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE

SPLITS = {
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
}
NORMAL, CONTROL, USER = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED


def write(fields: dict[str, Any], folder: Path, longest: int) -> None:
    """`fields` are the file's, read; `longest` is how many tokens the model reads."""
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    tokenizer = _tokenizer(fields, tokens, kinds)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(fields["tokenizer.chat_template"], encoding="utf-8")
    said = {
        "tokenizer_class": "Qwen2Tokenizer",
        "model_max_length": longest,
        "bos_token": None,  # the file names one, and says beside it that none is put before a text
        "eos_token": tokens[fields["tokenizer.ggml.eos_token_id"]],
        "pad_token": tokens[fields["tokenizer.ggml.padding_token_id"]],
        "unk_token": None,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": False,
        "errors": "replace",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(said, ensure_ascii=False, indent=2), encoding="utf-8")


def _tokenizer(fields: dict[str, Any], tokens: list[str], kinds: list[int]) -> Tokenizer:
    merges = [tuple(pair.split(" ", 1)) for pair in fields["tokenizer.ggml.merges"]]
    words = {token: place for place, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind == NORMAL}
    tokenizer = Tokenizer(BPE(vocab=words, merges=merges, fuse_unk=False, byte_fallback=False))
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(SPLITS[fields["tokenizer.ggml.pre"]]), behavior="isolated", invert=False)
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_of])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    # In the order of their ids, which start where the words end: so each gets the id that it has in the file.
    for token, kind in zip(tokens, kinds, strict=True):
        if kind in {CONTROL, USER}:
            tokenizer.add_tokens([AddedToken(token, special=kind == CONTROL, normalized=False)])
    return tokenizer
