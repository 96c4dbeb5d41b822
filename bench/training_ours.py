"""Our side of `bench.training`: a prompt with all its texts in one pass."""

import torch  # noqa: TID253 (a process that trains)

from bench.training_shape import CONFIG, base, measure, sizes, some
from training import dpo, forward, lora
from training.batch import Completion, Group, Pair
from training.method import Case


def main() -> None:
    prompt, text, texts = sizes()
    model = lora.adapted(base(), CONFIG)
    pairs = tuple(Pair(one, other) for one in range(texts) for other in range(one + 1, texts))
    completions = tuple(Completion(some(at, text)) for at in range(1, texts + 1))
    group = Group("bench", some(0, prompt), completions, pairs)
    frozen = [torch.full((text,), -11.0) for _ in completions]

    def step() -> None:
        case = Case(group, forward.grouped(model, group), frozen, CONFIG)
        (dpo.loss(case).loss / len(pairs)).backward()  # type: ignore[no-untyped-call]
        model.zero_grad()

    measure(step, len(pairs))


if __name__ == "__main__":
    main()
