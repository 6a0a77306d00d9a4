"""The control of a probe: the same architecture from random weights, to see what pretraining bought."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.backbone import Backbone
from advisor.probe.features import embed, is_out_of_memory
from advisor.weights import Weights

__all__ = ["blank", "predict", "train_from_scratch"]

BODY_RATE = {"timm": 1e-3, "transformers": 3e-4}
WARM_UP = 0.1
BATCH = 16


def blank(weights: Weights, backbone: Backbone, seed: int) -> None:
    """Replace a loaded body by the same architecture with the random weights that its library gives it.

    :param backbone: its preprocessing and tokenizer stay.
    :raises ValueError: if the model is no module of PyTorch.
    """
    torch.manual_seed(seed)
    own: Any = backbone.module
    if own is None:
        raise ValueError(f"{weights.model} runs in a package of its own and cannot be trained")
    if weights.loader == "timm":
        import timm

        named = weights.architecture and not (weights.folder / "config.json").exists()
        source = weights.architecture if named else f"local-dir:{weights.folder}"
        model = timm.create_model(source, pretrained=False)
        model.reset_classifier(0)
    else:
        from transformers import AutoModel

        model = AutoModel.from_config(own.config)
    first = next(own.parameters())
    backbone.module = model.float().eval().to(first.device)


def train_from_scratch(
    backbone: Backbone,
    contents: Sequence[str],
    truth: NDArray[np.int64],
    classes: int,
    rate: float,
    seconds: float,
    *,
    seed: int,
    balanced: bool = False,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[int, int, float], None] = lambda done, total, loss: None,
    now: Callable[[], float] = time.monotonic,
) -> nn.Linear:
    """Train all weights and a new head for a given time: AdamW, the rate rising, then falling as a cosine.

    :param contents: n training texts or image paths.
    :param truth: (n,) class indices.
    :param rate: the peak learning rate.
    :param seconds: how long; at least one step is made.
    :param check: called before every step; it may raise to stop.
    :param progress: told seconds spent, seconds in all, and the loss.
    :return: the head, (d) → (k) logits; the body was trained in place and is in evaluation mode.
    """
    assert backbone.module is not None
    torch.manual_seed(seed)
    body = backbone.module
    device = next(body.parameters()).device
    with torch.inference_mode():
        width = int(backbone.forward(backbone.prepare(contents[:1])).shape[1])
    head = nn.Linear(width, classes).to(device)
    parameters = [*body.parameters(), *head.parameters()]
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05)
    weights = _weights(truth, classes, device) if balanced else None
    shuffle = np.random.default_rng(seed)
    order = shuffle.permutation(len(contents))
    size, at, begun = min(BATCH, len(contents)), 0, now()
    spent = 0.0
    body.train()
    while spent < seconds or at == 0:
        check()
        if at + size > len(order):
            order, at = shuffle.permutation(len(contents)), 0
        for group in optimiser.param_groups:
            group["lr"] = rate * _schedule(spent / seconds if seconds > 0 else 0.0)
        chosen = order[at : at + size]
        try:
            loss = _step(backbone, head, [contents[i] for i in chosen], truth[chosen], optimiser, weights)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or size <= 2:
                raise
            size //= 2
            continue
        at += size
        spent = now() - begun
        progress(round(spent), max(1, round(seconds)), loss)
    body.eval()
    for parameter in parameters:
        parameter.requires_grad_(False)
    return head


def predict(
    backbone: Backbone,
    head: nn.Linear,
    contents: Sequence[str],
    clock: Any,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float32]:
    """Give the class probabilities of n contents, (n, k)."""
    features = embed(backbone, contents, clock, tell)
    with torch.inference_mode():
        logits = head(torch.from_numpy(features).to(head.weight.device))
        return np.asarray(logits.softmax(dim=1).cpu().numpy(), dtype=np.float32)


def _step(
    backbone: Backbone,
    head: nn.Linear,
    contents: Sequence[str],
    truth: NDArray[np.int64],
    optimiser: torch.optim.Optimizer,
    weights: torch.Tensor | None,
) -> float:
    optimiser.zero_grad()
    logits = head(backbone.forward(backbone.prepare(contents)))
    target = torch.from_numpy(truth).to(logits.device)
    loss = nn.functional.cross_entropy(logits, target, weight=weights, label_smoothing=0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], 1.0)
    optimiser.step()
    return float(loss.detach())


def _weights(truth: NDArray[np.int64], classes: int, device: torch.device) -> torch.Tensor:
    counts = np.bincount(truth, minlength=classes)
    balanced = np.where(counts > 0, len(truth) / (np.sum(counts > 0) * np.maximum(counts, 1)), 0.0)
    return torch.tensor(balanced, dtype=torch.float32, device=device)


def _schedule(share: float) -> float:
    if share < WARM_UP:
        return max(0.05, share / WARM_UP)
    return 0.5 * (1 + float(np.cos(np.pi * min(1.0, (share - WARM_UP) / (1 - WARM_UP)))))
