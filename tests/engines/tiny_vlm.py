"""A model that reads pictures, small enough to be made on the spot: LLaVA's architecture over Qwen2's, random weights,
trained for some seconds to say of a red picture and of a blue one what the test expects, and to write a poem of each.

That it tells them apart shows that the pixels arrive. Qwen2-VL itself is not made here: its processor wants
torchvision, of which no build fits beside the torch of a CPU.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID253 - it is made here
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (  # noqa: TID253
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2Config,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil  # noqa: TID253

from inference.request import Request

MARKS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIDE, PATCH = 56, 14  # pixels
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
    processor = _processor(lessons)
    model = LlavaForConditionalGeneration(_config(processor.tokenizer))
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
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=MARKS, initial_alphabet=letters, show_progress=False)
    words = [message["content"] for lesson in lessons for message in lesson.asked.messages]
    tokenizer.train_from_iterator([*words, *(lesson.answer for lesson in lessons)] * 2, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=MARKS[1], pad_token=MARKS[2])  # type: ignore[no-untyped-call]
    return LlavaProcessor(  # type: ignore[no-untyped-call]
        CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}),
        fast,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )


def _config(tokenizer: Any) -> LlavaConfig:
    eye: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "projection_dim": 32}
    words: dict[str, Any] = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}
    ends: dict[str, Any] = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    image: dict[str, Any] = {"image_token_index": tokenizer.convert_tokens_to_ids("<image>")}
    return LlavaConfig(
        vision_config=CLIPVisionConfig(**eye, num_attention_heads=2, image_size=SIDE, patch_size=PATCH),
        text_config=Qwen2Config(
            **words, **ends, num_attention_heads=4, num_key_value_heads=2, bos_token_id=None, vocab_size=len(tokenizer)
        ),
        vision_feature_layer=-1,
        **image,
        **ends,
    )


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
