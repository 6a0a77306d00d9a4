"""Features of many examples, with progress, a batch that backs off when memory is short, and a clock."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from advisor.allocator import give_back_freed_memory
from advisor.probe.ahead import Ahead
from advisor.probe.backbone import LAYERS, Backbone, Layers, TextBackbone
from advisor.probe.clock import Clock

__all__ = ["embed", "is_out_of_memory", "of_layers"]

Features = NDArray[np.float32]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory from other failures of torch."""
    text = str(error).lower()
    return (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or "out of memory" in text
        or "can't allocate" in text
    )


def embed(
    backbone: Backbone,
    contents: Sequence[str],
    clock: Clock,
    progress: Callable[[int, int], None] = lambda done, total: None,
    keep: Callable[[Sequence[int], Features], None] = lambda places, rows: None,
    *,
    every: bool = False,
) -> Features:
    """Turn contents into features; longer contents are batched with their like, which saves padding.

    While a batch goes through the network the next one is read and preprocessed. What the batches took is given back
    at the end: what comes next needs blocks of other sizes, and would come on top of it.

    :param contents: n texts or image paths.
    :param progress: told how many of n are done.
    :param keep: told the places and the m features of each batch as soon as they are there.
    :param every: take the features of a body with layers in all ways that there are, from one pass.
    :return: (n, d) float32, in the order of `contents`; (n, 2, d) in the order of `LAYERS` where every way was asked
        for and there are layers.
    :raises OutOfTime, Cancelled: from the clock, between batches.
    :raises MemoryError: if even one example does not fit.
    """
    order = sorted(range(len(contents)), key=lambda i: (-len(contents[i]), i))
    result: Features | None = None
    forward = backbone.each if every and isinstance(backbone, TextBackbone) else backbone.forward
    start, needed = 0, 0.0
    with Ahead(backbone, contents) as ahead:
        while start < len(order):
            clock.check(needed)
            begun = time.monotonic()
            end = start + backbone.batch_size
            chosen = order[start:end]
            try:
                with torch.inference_mode():
                    rows = forward(ahead.take(chosen, order[end : end + backbone.batch_size])).cpu().numpy()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if backbone.batch_size == 1:
                    raise MemoryError("not even one example fits into memory") from error
                backbone.batch_size //= 2
                continue
            if not np.isfinite(rows).all():
                raise ValueError("the model gave features that are not finite")
            if result is None:
                result = np.empty((len(order), *rows.shape[1:]), dtype=np.float32)
            result[chosen] = rows
            keep(chosen, rows)
            start += len(chosen)
            needed = time.monotonic() - begun
            progress(start, len(order))
    give_back_freed_memory()
    return result if result is not None else np.zeros((0, 0), dtype=np.float32)


def of_layers(features: NDArray[Any], layers: Layers) -> NDArray[Any]:
    """Take features of one kind out of (n, 2, d); there is one kind only of (n, d)."""
    return features[:, LAYERS.index(layers)] if features.ndim == 3 else features
