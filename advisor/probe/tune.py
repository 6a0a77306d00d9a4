"""Brief fine-tuning: a head that starts as the linear probe, and as much of the body as the recipe says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.allocator import give_back_freed_memory
from advisor.probe.ahead import Ahead
from advisor.probe.augment import changing, views
from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.features import is_out_of_memory
from advisor.probe.head import Head
from advisor.probe.recipes import Recipe
from advisor.probe.scope import learning
from advisor.probe.stopping import Stopping, asleep, kept_aside

__all__ = ["Tuned", "TunedHead", "load_learnt", "tune"]

TIMED = 5
"""Steps of the first pass after which their speed is trusted."""


@dataclass(frozen=True)
class Tuned:
    """What came of it.

    :ivar loss: the mean of the last pass.
    :ivar epochs: whole passes that the weights have learnt from; 0 where time ended the first.
    :ivar made: whole passes that were made, those among them that were taken back.
    :ivar seen: how many examples were learnt from; fewer than there are where time ended the first pass.
    :ivar held: how many examples were kept aside to stop by.
    :ivar held_loss: the loss on them by the weights that stay, in nats per example; infinite if there were none.
    :ivar stopped: whether learning ended because it did harm to them.
    """

    loss: float
    epochs: int
    made: int
    seen: int
    held: int = 0
    held_loss: float = float("inf")
    stopped: bool = False


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


def load_learnt(path: Path, body: nn.Module, head: TunedHead | None = None) -> set[str]:
    """Put back what a rung has learnt.

    :param path: the safetensors file that the rung left.
    :param body: gets the tuned parameters and the statistics of batch norm, if there are any.
    :param head: gets standardisation, weights and bias; None leaves them.
    :return: the names of what the rung had changed of the body.
    """
    from safetensors.torch import load_file

    tensors = load_file(path)
    parameters = dict(body.named_parameters()) | dict(body.named_buffers())
    places = {f"body.{name}": parameter for name, parameter in parameters.items()}
    if head is None:
        tensors = {name: tensor for name, tensor in tensors.items() if name.startswith("body.")}
    else:
        places |= {"head.centre": head.centre, "head.spread": head.spread}
        places |= {"head.weight": head.linear.weight, "head.bias": head.linear.bias}
    with torch.no_grad():
        for name, tensor in tensors.items():
            places[name].copy_(tensor)
    return {name.removeprefix("body.") for name in tensors if name.startswith("body.")}


def tune(
    backbone: Backbone,
    head: TunedHead,
    contents: Sequence[str],
    truth: NDArray[np.int64],
    recipe: Recipe,
    clock: Clock,
    *,
    seed: int,
    reserve_s: float = 0.0,
    changed: bool = False,
    held: NDArray[np.int64] | None = None,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> Tuned:
    """Tune the head and what the recipe says of the body, in place.

    A head that already explains every training example leaves no gradient for the body: start from one with
    strong regularisation. Smoothing and dropout keep it from growing sure of a few hundred examples. Batch norm
    stays in evaluation mode: a few hundred examples would spoil its statistics. Rates rise linearly, then fall
    as a cosine. A batch that does not fit into memory is halved and its gradients are added up. Where the passes
    turn out slower than the time that is left, fewer are made, or a part of the first, and the rates fall sooner.
    Where there are examples enough an eighth of them is kept aside; when two passes running surely did harm there
    that is the end, and the weights of the best pass are kept.

    :param contents: n training texts or image paths.
    :param truth: (n,) class indices.
    :param reserve_s: seconds to be left over for what comes afterwards.
    :param changed: learn from a fresh view of each example in every pass.
    :param held: positions of the examples to keep aside; None for an eighth of them where there are enough.
    :param progress: told step, steps and the loss.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    assert backbone.module is not None
    give_back_freed_memory()
    torch.manual_seed(seed)
    device = next(backbone.module.parameters()).device
    head.to(device)
    aside = kept_aside(truth, recipe.epochs, seed) if held is None else held
    learnt = np.setdiff1d(np.arange(len(contents)), aside)
    weights = _class_weights(truth[learnt], head.linear.out_features, device) if recipe.balanced else None
    per_epoch = -(-len(learnt) // recipe.batch_size)
    steps = planned = per_epoch * recipe.epochs
    shuffle = np.random.default_rng(seed)
    losses: list[float] = []
    apart = len(contents) if changed else 0
    waiting = [
        order[at : at + recipe.batch_size]
        for order in (
            learnt[shuffle.permutation(len(learnt))] + turn * apart for turn in range(recipe.epochs)
        )
        for at in range(0, len(learnt), recipe.batch_size)
    ]
    seen = (changing(backbone), views(contents, recipe.epochs, seed)) if changed else (backbone, contents)
    answers = np.tile(truth, recipe.epochs) if changed else truth
    begun, needed = clock.elapsed, 0.0
    stopped = False
    with learning(backbone.module, recipe) as body, Ahead(*seen) as ahead:
        optimiser = torch.optim.AdamW(_groups(body, head, recipe), weight_decay=recipe.weight_decay)
        stopping = Stopping(
            [parameter for group in optimiser.param_groups for parameter in group["params"]],
            lambda: _judge(backbone, head, contents, truth, aside, weights, clock),
        )
        for step, chosen in enumerate(waiting):
            done, within = divmod(step, per_epoch)
            if step < steps and (within >= TIMED if done == 0 else within == 0):
                steps = _steps(planned, step, per_epoch, clock.elapsed - begun, clock.left - reserve_s)
            if step >= steps:
                break
            clock.check(needed)
            since = clock.elapsed
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * _schedule(step, steps, recipe.warm_up)
            then = waiting[step + 1] if step + 1 < steps else chosen[:0]
            losses.append(_step(backbone, head, ahead, answers, chosen, then, optimiser, weights, recipe))
            needed = clock.elapsed - since
            progress(step + 1, steps, losses[-1])
            if len(aside) and within == per_epoch - 1:
                stopped = stopping.after_pass(last=step + 1 == steps)
                if stopped:
                    break
        stopping.go_back()
    give_back_freed_memory()
    made = len(losses) // per_epoch
    return Tuned(
        float(np.mean(losses[-per_epoch:])), stopping.kept or made, made,
        min(len(learnt), len(losses) * recipe.batch_size), len(aside), stopping.loss, stopped and len(losses) < steps,
    )  # fmt: skip


def _judge(
    backbone: Backbone,
    head: TunedHead,
    contents: Sequence[str],
    truth: NDArray[np.int64],
    chosen: NDArray[np.int64],
    weights: torch.Tensor | None,
    clock: Clock,
) -> tuple[NDArray[np.bool_], float]:
    """Answer some examples as they are, nothing dropped, smoothed or changed: which wrongly, and the mean log loss."""
    assert backbone.module is not None
    size = backbone.batch_size
    parts = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    logits = []
    with asleep(backbone.module), torch.inference_mode(), Ahead(backbone, contents) as ahead:
        for number, part in enumerate(parts):
            clock.check()
            following = parts[number + 1] if number + 1 < len(parts) else chosen[:0]
            logits.append(head(backbone.forward(ahead.take(part, following))))
        answers = torch.cat(logits)
        target = torch.from_numpy(truth[chosen]).to(answers.device)
        wrong = (answers.argmax(dim=1) != target).cpu().numpy()
        return wrong, float(nn.functional.cross_entropy(answers, target, weight=weights))


def _groups(
    body: Sequence[tuple[nn.Parameter, float]], head: TunedHead, recipe: Recipe
) -> list[dict[str, Any]]:
    """Gather the parameters by their rate; the head's are the last."""
    rates: dict[float, list[nn.Parameter]] = {}
    for parameter, rate in body:
        rates.setdefault(rate, []).append(parameter)
    groups = [*rates.items(), (recipe.head_rate, list(head.linear.parameters()))]
    return [{"params": parameters, "lr": rate, "peak": rate} for rate, parameters in groups]


def _steps(planned: int, done: int, per_pass: int, spent_s: float, left_s: float) -> int:
    """How many steps there is time for: all that are planned, else whole passes, else what can be done of the first."""
    if spent_s <= 0 or done + left_s * done / spent_s >= planned:
        return planned
    reach = done + int(max(0.0, left_s) * done / spent_s)
    return reach // per_pass * per_pass or reach


def _schedule(step: int, steps: int, warm_up: float) -> float:
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + float(np.cos(np.pi * (step - rising) / max(1, steps - rising))))


def _class_weights(truth: NDArray[np.int64], classes: int, device: torch.device) -> torch.Tensor:
    counts = np.bincount(truth, minlength=classes)
    weights = np.where(counts > 0, len(truth) / (np.sum(counts > 0) * np.maximum(counts, 1)), 0.0)
    return torch.tensor(weights, dtype=torch.float32, device=device)


def _evenly(examples: int, most: int) -> int:
    """How many go through at once where all do in parts as alike as can be."""
    return -(-examples // max(1, -(-examples // most)))


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
        part = _evenly(len(chosen), backbone.batch_size)
        optimiser.zero_grad()
        try:
            total = 0.0
            for start in range(0, len(chosen), part):
                these = chosen[start : start + part]
                following = chosen[start + part : start + 2 * part]
                batch = ahead.take(
                    these, following if len(following) else then[: _evenly(len(then), backbone.batch_size)]
                )
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
