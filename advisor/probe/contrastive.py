"""What tuning by comparison shares: the body learns from a loss on the features of a batch, without a head."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.ahead import Ahead
from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.features import is_out_of_memory

__all__ = ["compare"]

FEWEST_COMPARED = 4
Loss = Callable[[Any, NDArray[Any]], torch.Tensor]


class Rates(Protocol):
    """How fast the body learns: a peak rate, its decay, and the share of the steps in which the rate rises."""

    @property
    def rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def warm_up(self) -> float: ...


def compare(
    backbone: Backbone,
    contents: Sequence[str],
    waiting: Sequence[NDArray[Any]],
    loss_of: Loss,
    rates: Rates,
    clock: Clock,
    progress: Callable[[int, int, float], None],
) -> dict[str, nn.Parameter]:
    """Tune all of a body but its tables of embeddings, in place; a batch that does not fit into memory is halved.

    The rate rises for a while, then falls linearly.

    :param waiting: for each step the positions that are compared at once.
    :param loss_of: the loss of a prepared batch and its positions.
    :param progress: told step, steps and the loss.
    :return: the tuned parameters by name.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    assert backbone.module is not None
    tuned = _all_but_words(backbone.module)
    for parameter in tuned.values():
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(tuned.values(), lr=rates.rate, weight_decay=rates.weight_decay)
    steps, most, needed = len(waiting), max(map(len, waiting)), 0.0
    try:
        with Ahead(backbone, contents) as ahead:
            for step, chosen in enumerate(waiting):
                clock.check(needed)
                since = clock.elapsed
                for group in optimiser.param_groups:
                    group["lr"] = rates.rate * _rate_share(step, steps, rates.warm_up)
                then = waiting[step + 1] if step + 1 < steps else chosen[:0]
                loss, most = _step(ahead, chosen, then, most, loss_of, optimiser)
                needed = clock.elapsed - since
                progress(step + 1, steps, loss)
    finally:
        for parameter in tuned.values():
            parameter.requires_grad_(False)
            parameter.grad = None
    return tuned


def _all_but_words(module: nn.Module) -> dict[str, nn.Parameter]:
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    tables = [f"{name}." for name, part in module.named_modules() if isinstance(part, nn.Embedding)]
    return {
        name: parameter
        for name, parameter in module.named_parameters()
        if not name.startswith(tuple(tables))
    }  # fmt: skip


def _rate_share(step: int, steps: int, warm_up: float) -> float:
    rising = max(1, round(steps * warm_up))
    return (step + 1) / rising if step < rising else (steps - step) / max(1, steps - rising)


def _step(
    ahead: Ahead,
    chosen: NDArray[Any],
    then: NDArray[Any],
    most: int,
    loss_of: Loss,
    optimiser: torch.optim.Optimizer,
) -> tuple[float, int]:
    """Take one step.

    :param most: how many examples fit into memory at once, as far as is known.
    :return: the loss, and how many fit.
    """
    while True:
        these = chosen[:most]
        optimiser.zero_grad()
        try:
            loss = loss_of(ahead.take(these, then[:most]), these)
            loss.backward()  # type: ignore[no-untyped-call]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or most <= FEWEST_COMPARED:
                raise
            most = max(FEWEST_COMPARED, min(most, len(chosen)) // 2)
            continue
        parameters: list[Any] = [p for group in optimiser.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        return float(loss.detach()), most
