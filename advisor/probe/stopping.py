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
SURE = 1.645
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
    """Says when learning does harm, and then takes it back to the best pass.

    A pass does harm if more of what was kept aside is answered wrongly than after the best pass, by more than `SURE`
    standard errors of the paired differences. The log loss is no judge of it: it rises with the certainty of a model
    that still learns to answer better (`benchmarks/stopping.py`).

    :param parameters: what learns.
    :param judge: says which of the examples kept aside are answered wrongly, (m,), and their mean log loss.
    :ivar kept: the pass that stays, counted from 1; 0 before the first.
    :ivar loss: the log loss after it.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], judge: Callable[[], tuple[NDArray[np.bool_], float]]
    ) -> None:
        self._parameters = parameters
        self._judge = judge
        self._best: list[torch.Tensor] = []
        self._fewest: NDArray[np.float64] = np.zeros(0)
        self._place = (0, float("inf"))
        self._made = self._harm = 0
        self.kept, self.loss = self._place

    def after_pass(self, last: bool) -> bool:
        """Measure, and remember the parameters where they are the best so far.

        :param last: no further pass is planned, so there is nothing to go back from.
        :return: whether the last `PATIENCE` passes did harm.
        """
        self._made += 1
        judged, loss = self._judge()
        wrong = judged.astype(np.float64)
        self.kept, self.loss = self._made, loss
        if self._made == 1 or wrong.sum() < self._fewest.sum():
            self._fewest, self._place = wrong, (self._made, loss)
            self._best = [] if last else [parameter.detach().clone() for parameter in self._parameters]
        more = wrong - self._fewest
        surely = more.mean() > SURE * more.std(ddof=1) / np.sqrt(len(more))
        self._harm = self._harm + 1 if surely else 0
        return self._harm >= PATIENCE

    def go_back(self) -> None:
        """If the last pass did harm, give the parameters the values that they had after the best one."""
        if self._harm:
            with torch.no_grad():
                for parameter, best in zip(self._parameters, self._best, strict=True):
                    parameter.copy_(best)
            self.kept, self.loss = self._place


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
