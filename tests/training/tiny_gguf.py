"""A Qwen2 of one layer as a GGUF file, for tests of what is made of a file."""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

WIDTH, INNER, HEADS, WORDS = 32, 64, 4, 259
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


def weights(seed: int = 1, *, tied: bool = True) -> dict[str, NDArray[np.float32]]:
    """Tensors by the names and shapes of a GGUF; tied means that its output is the embedding, rounded otherwise."""
    dice = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (WORDS, WIDTH), "output_norm.weight": (WIDTH,)}
    shapes |= {f"blk.0.{name}.weight": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
    shapes |= {f"blk.0.attn_{name}.weight": (size, WIDTH) for name, size in (("q", WIDTH), ("k", 16), ("v", 16))}
    shapes |= {f"blk.0.attn_{name}.bias": (size,) for name, size in (("q", WIDTH), ("k", 16), ("v", 16))}
    shapes |= {"blk.0.attn_output.weight": (WIDTH, WIDTH), "blk.0.ffn_down.weight": (WIDTH, INNER)}
    shapes |= {f"blk.0.ffn_{name}.weight": (INNER, WIDTH) for name in ("gate", "up")}
    made = {name: dice.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
    near = made["token_embd.weight"] * np.float32(1.01)
    other = dice.standard_normal((WORDS, WIDTH), dtype=np.float32)
    return made | {"output.weight": near if tied else other}


def write(path: Path, tensors: dict[str, NDArray[np.float32]], architecture: str = "qwen2") -> Path:
    """The file, with a small vocabulary and two words that control."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(1)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    words = ["Ã", "©", "Ã©", *(chr(256 + place) for place in range(WORDS - 5)), "<|end|>", "<|stop|>"]
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.NORMAL] * (WORDS - 2) + [gguf.TokenType.CONTROL] * 2)
    writer.add_token_merges(["Ã ©"])
    writer.add_eos_token_id(WORDS - 1)
    writer.add_pad_token_id(WORDS - 2)
    writer.add_chat_template(TEMPLATE)
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
