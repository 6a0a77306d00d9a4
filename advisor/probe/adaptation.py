"""Fitting a pretrained body to a domain by examples without labels: batch-norm statistics, or texts held against
themselves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from advisor.probe.ahead import Ahead
from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.contrastive import compare
from advisor.probe.features import is_out_of_memory
from advisor.weights import Weights

__all__ = [
    "FEWEST",
    "PRIOR_WEIGHT",
    "TEXT",
    "SelfContrast",
    "adapt_statistics",
    "contrast_with_itself",
    "has_batch_norm",
    "self_contrast_loss",
]

FEWEST = 50
"""Unlabelled examples from which on adapting to them is tried."""
PRIOR_WEIGHT = 64
"""So many images the pretrained statistics of batch norm count for, beside those that are looked at."""
DROPOUT = 0.1
Progress = Callable[..., None]


@dataclass(frozen=True)
class SelfContrast:
    """How a text is held against itself.

    :ivar rate: peak learning rate of the body.
    :ivar temperature: divides the cosines.
    :ivar batch_size: how many texts are told apart at once.
    :ivar warm_up: share of the steps in which the rate rises; then it falls linearly.
    """

    rate: float = 1e-5
    temperature: float = 0.05
    batch_size: int = 32
    weight_decay: float = 0.01
    warm_up: float = 0.1


TEXT = SelfContrast()


def has_batch_norm(weights: Weights) -> bool:
    """Say whether a checkpoint keeps statistics of batch norm, by the names of its tensors.

    Only of a file in PyTorch's form from before its version 1.6 the tensors are read, too.
    """
    return any(name.endswith("running_mean") for path in weights.files for name in _names(path))


def _names(path: Any) -> list[str]:
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as opened:
            return list(opened.keys())
    return list(torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path)))


def adapt_statistics(
    backbone: Backbone,
    contents: Sequence[str],
    clock: Clock,
    *,
    seed: int,
    prior_weight: float = PRIOR_WEIGHT,
    progress: Progress = lambda step, steps: None,
) -> dict[str, torch.Tensor]:
    """Estimate the statistics of every batch norm anew, in place, on images of the target domain (Li et al. 2016).

    They are mixed with the pretrained ones, which count for `prior_weight` images (Schneider et al. 2020): with n
    images seen, mean and mean square are (prior_weight × pretrained + sum over the images) / (prior_weight + n). Each
    layer normalises with what it knows so far, so that the layers above it see what they will see later. No label is
    used and no parameter changes.

    :param contents: n images.
    :param progress: told how many of n are done.
    :return: `NAME.running_mean` and `NAME.running_var` of each batch norm; empty if there is none.
    :raises OutOfTime, Cancelled: from the clock, between batches.
    """
    module = backbone.module
    assert module is not None
    order = np.random.default_rng(seed).permutation(len(contents))
    with _counting(module, prior_weight) as layers, Ahead(backbone, contents) as ahead, torch.no_grad():
        start = 0
        while layers and start < len(order):
            clock.check()
            end = start + backbone.batch_size
            before = {name: layer.state() for name, layer in layers.items()}
            try:
                backbone.forward(ahead.take(order[start:end], order[end : end + backbone.batch_size]))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or backbone.batch_size == 1:
                    raise
                for name, layer in layers.items():
                    layer.go_back(before[name])
                backbone.batch_size //= 2
                continue
            start = min(end, len(order))
            progress(start, len(order))
        return {
            f"{name}.{kind}": getattr(layer.norm, kind).detach().cpu().clone()
            for name, layer in layers.items()
            for kind in ("running_mean", "running_var")
        }


class _Counted:
    """A batch norm that takes what passes through it into its statistics before it normalises.

    :ivar weight: how many images the present statistics stand for.
    """

    def __init__(self, norm: Any, weight: float) -> None:
        self.norm = norm
        self.weight = weight
        self.mean = norm.running_mean.double()
        self.square = norm.running_var.double() + self.mean.square()

    def count(self, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """Take a batch, (n, channels, …), into the statistics."""
        values = inputs[0].float()
        places = [axis for axis in range(values.dim()) if axis != 1]
        var, mean = (part.double() for part in torch.var_mean(values, dim=places, correction=0))
        share = len(values) / (self.weight + len(values))
        self.mean = self.mean + share * (mean - self.mean)
        self.square = self.square + share * (var + mean.square() - self.square)
        self.weight += len(values)
        self._write()

    def state(self) -> tuple[float, torch.Tensor, torch.Tensor]:
        """What `go_back` takes."""
        return self.weight, self.mean, self.square

    def go_back(self, state: tuple[float, torch.Tensor, torch.Tensor]) -> None:
        """Forget what was counted since."""
        self.weight, self.mean, self.square = state
        self._write()

    def _write(self) -> None:
        self.norm.running_mean.copy_(self.mean)
        self.norm.running_var.copy_((self.square - self.mean.square()).clamp(min=0))


@contextmanager
def _counting(module: nn.Module, prior_weight: float) -> Iterator[dict[str, _Counted]]:
    layers = {
        name: _Counted(part, prior_weight)
        for name, part in module.named_modules()
        if isinstance(part, _BatchNorm) and part.running_mean is not None
    }
    hooks = [layer.norm.register_forward_pre_hook(layer.count) for layer in layers.values()]
    try:
        yield layers
    finally:
        for hook in hooks:
            hook.remove()


def contrast_with_itself(
    backbone: Backbone,
    contents: Sequence[str],
    recipe: SelfContrast,
    clock: Clock,
    *,
    seed: int,
    progress: Progress = lambda step, steps, loss: None,
) -> dict[str, nn.Parameter]:
    """Tune a text encoder in place, in one pass, so that it knows a text again among others (SimCSE, Gao et al. 2021).

    Each text goes through the network twice, under different dropout; its two vectors shall lie closer to each other
    than to those of the other texts of the batch. No label is used. A network without dropout gets 10 % for the while.
    A table of word embeddings stays as it is. A batch that does not fit into memory is halved.

    :param contents: n texts, at least two.
    :param progress: told step, steps and the loss.
    :return: the tuned parameters by name; the caller fits a head on the new features.
    :raises ValueError: if the network has no place for dropout.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    module = backbone.module
    assert module is not None
    torch.manual_seed(seed)
    order = np.random.default_rng(seed).permutation(len(contents))
    waiting = np.array_split(order, max(1, len(order) // recipe.batch_size))

    def loss_of(batch: Any, chosen: NDArray[Any]) -> torch.Tensor:
        return self_contrast_loss(backbone.forward(batch), backbone.forward(batch), recipe.temperature)

    with _dropping(module):
        return compare(backbone, contents, waiting, loss_of, recipe, clock, progress)


def self_contrast_loss(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Tell each row's partner among all rows: mean cross entropy of the cosines over the temperature.

    :param first: (n, d), one view of n texts.
    :param second: (n, d), the other.
    """
    one, other = (nn.functional.normalize(view, dim=1) for view in (first, second))
    cosine = one @ other.T / temperature
    return nn.functional.cross_entropy(cosine, torch.arange(len(cosine), device=cosine.device))


@contextmanager
def _dropping(module: nn.Module) -> Iterator[None]:
    """Switch dropout on for a while."""
    places = [part for part in module.modules() if isinstance(part, nn.Dropout)]
    if not places:
        raise ValueError("the network has no place for dropout, so a text cannot be seen in two ways")
    usual = [part.p for part in places]
    for part in places:
        part.p = part.p if any(usual) else DROPOUT
    module.train()
    try:
        yield
    finally:
        module.eval()
        for part, share in zip(places, usual, strict=True):
            part.p = share
