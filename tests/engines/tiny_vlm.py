"""A model that reads pictures, small enough to be made on the spot: Qwen2-VL's architecture, random weights, trained
for some seconds to say of a red picture and of a blue one what the test expects, and to write a poem of each.

That it tells them apart shows that the pixels arrive. Configuration, weights and what prepares the picture are
Qwen2-VL's own. Only the processor around them is PaddleOCR-VL's, which writes as many marks for a picture as Qwen2-VL's
does: that one takes moving pictures too, and for them wants torchvision, of which no build fits beside a CPU's torch.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID253 - it is made here
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (  # noqa: TID253
    PaddleOCRVLProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil  # noqa: TID253

from inference.request import Request

MARKS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
PICTURE = {
    "vision_start_token_id": "<|vision_start|>",
    "image_token_id": "<|image_pad|>",
    "vision_end_token_id": "<|vision_end|>",
    "video_token_id": "<|video_pad|>",
}
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LEAST_PIXELS, MOST_PIXELS = 56 * 56, 2 * 56 * 56
ENOUGH, MOST = 0.004, 600  # loss, steps


@dataclass(frozen=True)
class Lesson:
    """What it is to say when it is asked this about a picture."""

    asked: Request
    jpeg: bytes
    answer: str


def make(folder: Path, lessons: list[Lesson]) -> None:
    """Write the model as a folder that `transformers` loads."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # more of them only wait for each other, where others work too
    processor = _processor(lessons)
    model = Qwen2VLForConditionalGeneration(_config(processor.tokenizer))
    batch = [_encoded(processor, lesson) for lesson in lessons]
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(MOST):
        losses = [model(**each).loss for each in batch]
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        if max(float(loss.detach()) for loss in losses) < ENOUGH:
            break
    else:
        raise RuntimeError("it did not learn its lessons")
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _processor(lessons: list[Lesson]) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=[*MARKS, *PICTURE.values()], initial_alphabet=letters, show_progress=False
    )
    words = [message["content"] for lesson in lessons for message in lesson.asked.messages]
    tokenizer.train_from_iterator([*words, *(lesson.answer for lesson in lessons)] * 2, trainer)
    image: dict[str, Any] = {"extra_special_tokens": {"image_token": PICTURE["image_token_id"]}}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=MARKS[1], pad_token=MARKS[2], **image)  # type: ignore[no-untyped-call]
    eye = Qwen2VLImageProcessorPil(size={"shortest_edge": LEAST_PIXELS, "longest_edge": MOST_PIXELS})
    return PaddleOCRVLProcessor(eye, fast, chat_template=TEMPLATE)  # type: ignore[no-untyped-call]


def _config(tokenizer: Any) -> Qwen2VLConfig:
    eye = {"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": 128, "mlp_ratio": 2, "patch_size": 14}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    words = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "vocab_size": len(tokenizer)}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": None}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]}
    marks: dict[str, Any] = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in PICTURE.items()}
    text = {**words, **heads, **ends, "rope_parameters": rope}
    return Qwen2VLConfig(text_config=text, vision_config=eye, **ends, **marks)


def _encoded(processor: Any, lesson: Lesson) -> dict[str, Any]:
    """The whole chat as tensors; only the answer is learnt."""
    *before, last = [dict(message) for message in lesson.asked.messages]
    asked = [{"type": "image"}, {"type": "text", "text": last["content"]}]
    prompt = processor.apply_chat_template([*before, last | {"content": asked}], add_generation_prompt=True)
    picture = Image.open(io.BytesIO(lesson.jpeg))
    told = dict(processor(text=[f"{prompt}{lesson.answer}{MARKS[1]}"], images=[picture], return_tensors="pt"))
    given = processor(text=[prompt], images=[picture], return_tensors="pt")["input_ids"].shape[1]
    labels = told["input_ids"].clone()
    labels[:, :given] = -100
    return told | {"labels": labels}
