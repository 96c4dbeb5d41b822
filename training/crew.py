"""Several processes on one run, a GPU each, started by `torchrun` or `accelerate launch`: groups are shared out.

Each does its share of a step's groups; gradients and figures are added up, so the result is that of one process.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

from training import lora
from training.batch import Group

PATIENCE = timedelta(days=1)  # asking the base about everything takes longer than the minutes that are usual
Word = TypeVar("Word")


class Crew:
    """Alone, it costs nothing."""

    def __init__(self) -> None:
        self.size, self.rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        if self.size > 1:
            place = lora.device()
            if place.type == "cuda":
                torch.cuda.set_device(place)  # else all of them would talk through the first
            distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
            self.words: Any = distributed.new_group(backend="gloo", timeout=PATIENCE)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, everything: list[Group]) -> list[Group]:
        return everything[self.rank :: self.size]

    def add_up(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Everybody's gradients, and zeros of whoever had no group."""
        if self.size > 1:
            for each in parameters:
                if each.grad is None:
                    each.grad = torch.zeros_like(each)
                distributed.all_reduce(each.grad)

    def everybody(self, mine: Word) -> list[Word]:
        """What each says, the first process first: all hear the same, and wait for the last."""
        if self.size == 1:
            return [mine]
        told: list[Any] = [None] * self.size
        distributed.all_gather_object(told, mine, group=self.words)
        return told

    def leave(self) -> None:
        if self.size > 1:
            with suppress(RuntimeError):  # somebody left before
                distributed.destroy_process_group()
