"""Contrastive tuning for a handful of examples per class: bring those of one class together, those of two apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.contrastive import compare

__all__ = [
    "RECIPES",
    "Contrast",
    "contrast",
    "contrast_steps",
    "few_enough",
    "pair_loss",
]

FEW = 16


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


RECIPES = {
    "text-classification": Contrast(rate=5e-5),
    "image-classification": Contrast(rate=1e-4, visits=10, batch_size=16),
}
"""By the task."""


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
    here all pairs of a batch are compared, so that n forward passes give n (n − 1) / 2 pairs. Batch norm and dropout
    stay in evaluation mode, and a table of word embeddings stays as it is. A batch that does not fit into memory is
    halved.

    :param contents: n training texts or image paths.
    :param truth: (n,) class indices.
    :param progress: told step, steps and the loss.
    :return: the tuned parameters by name; the caller fits a head on the new features.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    waiting = [
        _compared(truth, recipe.batch_size, draw) for _ in range(contrast_steps(len(contents), recipe))
    ]

    def loss_of(batch: Any, chosen: NDArray[np.int64]) -> torch.Tensor:
        features = nn.functional.normalize(backbone.forward(batch), dim=1)
        return pair_loss(features, torch.from_numpy(truth[chosen]).to(features.device))

    return compare(backbone, contents, waiting, loss_of, recipe, clock, progress)


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
