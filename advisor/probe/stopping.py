"""When to stop learning: a part of the examples is kept aside and asked after every pass."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.plan import stratified_order

__all__ = ["ENOUGH", "PATIENCE", "Stopping", "asleep", "hold_out", "kept_aside"]

ENOUGH = 200
"""With fewer training examples an eighth of them is too few to tell one pass from another, and too many to lose."""
SHARE = 1 / 8
PATIENCE = 2
Positions = NDArray[np.int64]


def hold_out(truth: Positions, seed: int, share: float = SHARE) -> Positions:
    """Choose a stratified part; of a class with too few examples for its share, none.

    :param truth: (n,) class indices.
    :return: (m,) positions in rising order.
    """
    order = stratified_order(range(len(truth)), [str(label) for label in truth], seed)
    return np.sort(np.asarray(order[: round(share * len(truth))], dtype=np.int64))


def kept_aside(truth: Positions, passes: int, seed: int) -> Positions:
    """Choose what a tuning stops by: nothing of few examples, and nothing where there is one pass only."""
    return hold_out(truth, seed) if len(truth) >= ENOUGH and passes > 1 else np.zeros(0, dtype=np.int64)


class Stopping:
    """Keeps the parameters of the best pass, and says when no better one is in sight.

    :param parameters: what learns.
    :param loss: measures the loss on what was kept aside.
    :ivar best: the best pass, counted from 1; 0 before the first.
    :ivar least: its loss.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], loss: Callable[[], float]) -> None:
        self._parameters = parameters
        self._loss = loss
        self._kept: list[torch.Tensor] = []
        self._made = 0
        self.best = 0
        self.least = float("inf")

    def after_pass(self, last: bool) -> bool:
        """Measure, and remember the parameters where they are the best so far.

        :param last: no further pass is planned, so there is nothing to go back from.
        :return: whether the loss has not fallen for `PATIENCE` passes.
        """
        self._made += 1
        loss = self._loss()
        if self.best == 0 or loss < self.least:
            self.best, self.least = self._made, loss
            self._kept = [] if last else [parameter.detach().clone() for parameter in self._parameters]
        return self._made - self.best >= PATIENCE

    def go_back(self) -> None:
        """Give the parameters the values that they had after the best pass."""
        if self.best < self._made:
            with torch.no_grad():
                for parameter, kept in zip(self._parameters, self._kept, strict=True):
                    parameter.copy_(kept)


@contextmanager
def asleep(module: nn.Module) -> Iterator[None]:
    """Switch off whatever behaves otherwise while it learns, such as the dropout of adapters."""
    awake = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in awake:
            part.training = True
