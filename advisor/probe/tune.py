"""Brief fine-tuning: a head that starts as the linear probe, and the last block of the body."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.ahead import Ahead
from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.features import is_out_of_memory
from advisor.probe.head import Head

__all__ = ["Recipe", "TunedHead", "last_block", "load_learnt", "tune"]

LEAST = 0.05


@dataclass(frozen=True)
class Recipe:
    """How to tune.

    :ivar epochs: passes over the training examples.
    :ivar body_rate: peak learning rate of the last block.
    :ivar head_rate: peak learning rate of the head.
    :ivar warm_up: share of the steps in which the rates rise.
    :ivar smoothing: label smoothing (Szegedy et al. 2016).
    :ivar dropout: share of the standardised features that are dropped before the head.
    :ivar balanced: weight the classes inversely to their frequency.
    """

    epochs: int
    body_rate: float
    head_rate: float = 1e-4
    weight_decay: float = 0.01
    batch_size: int = 16
    warm_up: float = 0.1
    smoothing: float = 0.1
    dropout: float = 0.2
    balanced: bool = False


class TunedHead(nn.Module):
    """The linear probe as a layer: fixed standardisation, then a linear map that learns on."""

    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.register_buffer("centre", torch.tensor(head.centre, dtype=torch.float32))
        self.register_buffer("spread", torch.tensor(head.spread, dtype=torch.float32))
        self.linear = nn.Linear(head.weight.shape[1], head.weight.shape[0])
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor(head.weight, dtype=torch.float32))
            self.linear.bias.copy_(torch.tensor(head.bias, dtype=torch.float32))

    def forward(self, features: torch.Tensor, dropout: float = 0.0) -> torch.Tensor:
        """Map (n, d) features to (n, k) logits."""
        scaled = nn.functional.dropout((features - self.centre) / self.spread, dropout)
        logits: torch.Tensor = self.linear(scaled)
        return logits

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (n, d) features to (n, k) probabilities."""
        with torch.inference_mode():
            values = torch.from_numpy(np.asarray(features, dtype=np.float32)).to(self.linear.weight.device)
            return np.asarray(self(values).softmax(dim=1).cpu().numpy(), dtype=np.float32)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give `centre` and `spread` (d,), `weight` (k, d) and `bias` (k,)."""
        tensors = {"centre": self.centre, "spread": self.spread}
        tensors |= {"weight": self.linear.weight, "bias": self.linear.bias}
        return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def last_block(module: Any) -> dict[str, nn.Parameter]:
    """Name the parameters of a body's last block.

    For timm models the last groups of the model's own layer grouping, from the end until they hold a twentieth
    of the parameters (the last stage and what follows it); for others the last member of the largest module
    list, the top encoder layer.

    :return: parameter name → parameter; never empty.
    """
    parameters = dict(module.named_parameters())
    matcher: Any = getattr(module, "group_matcher", None)
    if matcher is not None:
        from timm.models import group_parameters

        groups: dict[int, list[str]] = group_parameters(module, matcher(coarse=True))
        total = sum(parameter.numel() for parameter in parameters.values())
        last: list[str] = []
        for _, names in sorted(groups.items(), reverse=True):
            last = [*names, *last]
            if sum(parameters[name].numel() for name in last) >= LEAST * total:
                break
        return {name: parameters[name] for name in last}
    stacks = [(name, part) for name, part in module.named_modules() if isinstance(part, nn.ModuleList)]
    name, stack = max(stacks, key=lambda item: sum(p.numel() for p in item[1].parameters()))
    prefix = f"{name}.{len(stack) - 1}."
    return {name: parameter for name, parameter in parameters.items() if name.startswith(prefix)}


def load_learnt(path: Path, body: nn.Module, head: TunedHead) -> None:
    """Put back what a rung has learnt.

    :param path: the safetensors file that the rung left.
    :param body: gets the tuned parameters, if there are any.
    :param head: gets standardisation, weights and bias.
    """
    from safetensors.torch import load_file

    tensors = load_file(path)
    parameters = dict(body.named_parameters())
    places = {"head.centre": head.centre, "head.spread": head.spread}
    places |= {"head.weight": head.linear.weight, "head.bias": head.linear.bias}
    places |= {f"body.{name}": parameter for name, parameter in parameters.items()}
    with torch.no_grad():
        for name, tensor in tensors.items():
            places[name].copy_(tensor)


def tune(
    backbone: Backbone,
    head: TunedHead,
    contents: Sequence[str],
    truth: NDArray[np.int64],
    recipe: Recipe,
    clock: Clock,
    *,
    seed: int,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> float:
    """Tune the last block and the head in place.

    A head that already explains every training example leaves no gradient for the body: start from one with
    strong regularisation. Smoothing and dropout keep it from growing sure of a few hundred examples. Batch norm
    stays in evaluation mode: a few hundred examples would spoil its statistics. Rates rise linearly, then fall
    as a cosine. A batch that does not fit into memory is halved and its gradients are added up.

    :param contents: n training texts or image paths.
    :param truth: (n,) class indices.
    :param progress: told step, steps and the loss.
    :return: the mean loss of the last epoch.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    assert backbone.module is not None
    torch.manual_seed(seed)
    device = next(backbone.module.parameters()).device
    head.to(device)
    body = last_block(backbone.module)
    for parameter in backbone.module.parameters():
        parameter.requires_grad_(False)
    for parameter in body.values():
        parameter.requires_grad_(True)
    groups = [
        {"params": list(body.values()), "lr": recipe.body_rate, "peak": recipe.body_rate},
        {"params": list(head.linear.parameters()), "lr": recipe.head_rate, "peak": recipe.head_rate},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    weights = _class_weights(truth, head.linear.out_features, device) if recipe.balanced else None
    per_epoch = -(-len(contents) // recipe.batch_size)
    steps = per_epoch * recipe.epochs
    shuffle = np.random.default_rng(seed)
    losses: list[float] = []
    waiting = [
        order[at : at + recipe.batch_size]
        for order in (shuffle.permutation(len(contents)) for _ in range(recipe.epochs))
        for at in range(0, len(contents), recipe.batch_size)
    ]
    with Ahead(backbone, contents) as ahead:
        for step, chosen in enumerate(waiting):
            clock.check()
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * _schedule(step, steps, recipe.warm_up)
            then = waiting[step + 1] if step + 1 < steps else chosen[:0]
            losses.append(_step(backbone, head, ahead, truth, chosen, then, optimiser, weights, recipe))
            progress(step + 1, steps, losses[-1])
    for parameter in body.values():
        parameter.requires_grad_(False)
    return float(np.mean(losses[-per_epoch:]))


def _schedule(step: int, steps: int, warm_up: float) -> float:
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + float(np.cos(np.pi * (step - rising) / max(1, steps - rising))))


def _class_weights(truth: NDArray[np.int64], classes: int, device: torch.device) -> torch.Tensor:
    counts = np.bincount(truth, minlength=classes)
    weights = np.where(counts > 0, len(truth) / (np.sum(counts > 0) * np.maximum(counts, 1)), 0.0)
    return torch.tensor(weights, dtype=torch.float32, device=device)


def _step(
    backbone: Backbone,
    head: TunedHead,
    ahead: Ahead,
    truth: NDArray[np.int64],
    chosen: NDArray[Any],
    then: NDArray[Any],
    optimiser: torch.optim.Optimizer,
    weights: torch.Tensor | None,
    recipe: Recipe,
) -> float:
    while True:
        part = max(1, min(backbone.batch_size, len(chosen)))
        optimiser.zero_grad()
        try:
            total = 0.0
            for start in range(0, len(chosen), part):
                these = chosen[start : start + part]
                following = chosen[start + part : start + 2 * part]
                batch = ahead.take(these, following if len(following) else then[:part])
                features = backbone.forward(batch)
                logits = head(features, recipe.dropout)
                target = torch.from_numpy(truth[these]).to(logits.device)
                loss = nn.functional.cross_entropy(
                    logits, target, weight=weights, label_smoothing=recipe.smoothing
                ) * (len(these) / len(chosen))
                loss.backward()  # type: ignore[no-untyped-call]
                total += float(loss.detach())
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or backbone.batch_size == 1:
                raise
            backbone.batch_size //= 2
            continue
        nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], 1.0)
        optimiser.step()
        return total
