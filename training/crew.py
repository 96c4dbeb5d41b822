"""Several processes on one run, a GPU each, started by `accelerate launch` or `torchrun`: groups are shared out.

Each does its share of a step's groups; the gradients are added up, so the result is that of one process.
"""

import os
from collections.abc import Iterable
from contextlib import suppress

import torch
from torch import distributed

from training.batch import Group


class Crew:
    """Alone, it costs nothing."""

    def __init__(self) -> None:
        self.size, self.rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        if self.size > 1:
            distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")

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

    def any(self, *, mine: bool) -> bool:
        """Whether one says yes: all stop at the same step."""
        if self.size == 1:
            return mine
        told = torch.tensor(float(mine), device="cuda" if torch.cuda.is_available() else "cpu")
        distributed.all_reduce(told)
        return bool(told)

    def wait(self) -> None:
        if self.size > 1:
            distributed.barrier()

    def leave(self) -> None:
        if self.size > 1:
            with suppress(RuntimeError):  # somebody left before
                distributed.destroy_process_group()
