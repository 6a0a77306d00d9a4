"""Contrastive tuning for a handful of examples per class: bring those of one class together, those of two apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.ahead import Ahead
from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.features import is_out_of_memory

__all__ = [
    "TEXT",
    "Contrast",
    "all_but_words",
    "contrast",
    "contrast_steps",
    "few_enough",
    "pair_loss",
    "rate_share",
]

FEW = 16
FEWEST_COMPARED = 4


@dataclass(frozen=True)
class Contrast:
    """How to tune by comparing.

    :ivar rate: peak learning rate of the body.
    :ivar visits: how often each example is compared, on average.
    :ivar batch_size: how many examples are compared with each other at once.
    :ivar warm_up: share of the steps in which the rate rises; then it falls linearly.
    """

    rate: float
    visits: int = 20
    batch_size: int = 32
    weight_decay: float = 0.01
    warm_up: float = 0.1


TEXT = Contrast(rate=5e-5)


def few_enough(truth: NDArray[np.int64]) -> bool:
    """Say whether no class has more than 16 examples, and two have at least two: then there is what to compare."""
    counts = np.bincount(truth)
    return bool(counts.max(initial=0) <= FEW and np.sum(counts >= 2) >= 2)


def contrast_steps(examples: int, recipe: Contrast) -> int:
    """How many steps the tuning takes."""
    return max(1, -(-examples * recipe.visits // min(recipe.batch_size, max(2, examples))))


def contrast(
    backbone: Backbone,
    contents: Sequence[str],
    truth: NDArray[np.int64],
    recipe: Contrast,
    clock: Clock,
    *,
    seed: int,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> dict[str, nn.Parameter]:
    """Tune the body in place so that the cosine of two examples tells whether they are of one class.

    The loss is that of SetFit (Tunstall et al. 2022): the squared distance between the cosine of a pair and 1 or 0,
    as much weight on the pairs of one class as on those of two. There each pair goes through the network by itself;
    here all pairs of a batch are compared, so that 32 forward passes give 496 pairs. Batch norm and dropout stay in
    evaluation mode, and a table of word embeddings stays as it is. A batch that does not fit into memory is halved.

    :param contents: n training texts or image paths.
    :param truth: (n,) class indices.
    :param progress: told step, steps and the loss.
    :return: the tuned parameters by name; the caller fits a head on the new features.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    module = backbone.module
    assert module is not None
    torch.manual_seed(seed)
    tuned = all_but_words(module)
    for parameter in tuned.values():
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(tuned.values(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    draw = np.random.default_rng(seed)
    steps = contrast_steps(len(contents), recipe)
    waiting = [_compared(truth, recipe.batch_size, draw) for _ in range(steps)]
    most = recipe.batch_size
    try:
        with Ahead(backbone, contents) as ahead:
            for step, chosen in enumerate(waiting):
                clock.check()
                for group in optimiser.param_groups:
                    group["lr"] = recipe.rate * rate_share(step, steps, recipe.warm_up)
                then = waiting[step + 1][:most] if step + 1 < steps else chosen[:0]
                loss, most = _step(backbone, ahead, truth, chosen, then, most, optimiser)
                progress(step + 1, steps, loss)
    finally:
        for parameter in tuned.values():
            parameter.requires_grad_(False)
    return tuned


def all_but_words(module: nn.Module) -> dict[str, nn.Parameter]:
    """Name the parameters that tuning may change: all but tables of embeddings; none of them learns yet."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    tables = [f"{name}." for name, part in module.named_modules() if isinstance(part, nn.Embedding)]
    return {
        name: parameter
        for name, parameter in module.named_parameters()
        if not name.startswith(tuple(tables))
    }  # fmt: skip


def _compared(truth: NDArray[np.int64], size: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """Draw what is compared at once: classes in turn, examples at random, no example twice.

    :return: (at most size,) positions, so ordered that a half of them holds pairs of one class and of two, too.
    """
    places = [
        draw.permutation(np.flatnonzero(truth == label)) for label in draw.permutation(np.unique(truth))
    ]
    pairs = max(2, min(len(places), size // 2))
    chosen = [place[at : at + 2] for at in range(0, max(map(len, places)), 2) for place in places[:pairs]]
    return np.concatenate(chosen)[:size].astype(np.int64)


def rate_share(step: int, steps: int, warm_up: float) -> float:
    """Give the share of the peak rate: it rises for a while, then falls linearly."""
    rising = max(1, round(steps * warm_up))
    return (step + 1) / rising if step < rising else (steps - step) / max(1, steps - rising)


def _step(
    backbone: Backbone,
    ahead: Ahead,
    truth: NDArray[np.int64],
    chosen: NDArray[np.int64],
    then: NDArray[np.int64],
    most: int,
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
            features = nn.functional.normalize(backbone.forward(ahead.take(these, then[:most])), dim=1)
            loss = pair_loss(features, torch.from_numpy(truth[these]).to(features.device))
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


def pair_loss(features: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Compare all pairs: the mean squared distance of their cosines from 1 or 0, both kinds with the same weight.

    :param features: (n, d) of length 1.
    :param truth: (n,) class indices.
    """
    first, second = torch.triu_indices(len(truth), len(truth), 1, device=features.device)
    cosine = (features @ features.T)[first, second]
    same = truth[first] == truth[second]
    kinds = [
        (cosine[kind] - target).square().mean() for kind, target in ((same, 1.0), (~same, 0.0)) if kind.any()
    ]
    return torch.stack(kinds).mean()
