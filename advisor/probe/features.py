"""Features of many examples, with progress, a batch that backs off when memory is short, and a clock."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock

__all__ = ["embed", "is_out_of_memory"]

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
) -> Features:
    """Turn contents into features; longer contents are batched with their like, which saves padding.

    :param contents: n texts or image paths.
    :param progress: told how many of n are done.
    :return: (n, d) float32, in the order of `contents`.
    :raises OutOfTime, Cancelled: from the clock, between batches.
    :raises MemoryError: if even one example does not fit.
    """
    order = sorted(range(len(contents)), key=lambda i: (-len(contents[i]), i))
    rows: list[Features] = []
    start = 0
    while start < len(order):
        clock.check()
        chosen = order[start : start + backbone.batch_size]
        try:
            with torch.inference_mode():
                features = backbone.forward(backbone.prepare([contents[i] for i in chosen]))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if backbone.batch_size == 1:
                raise MemoryError("not even one example fits into memory") from error
            backbone.batch_size //= 2
            continue
        rows.append(features.cpu().numpy())
        start += len(chosen)
        progress(start, len(order))
    if not rows:
        return np.zeros((0, 0), dtype=np.float32)
    shuffled = np.concatenate(rows)
    result = np.empty_like(shuffled)
    result[np.asarray(order)] = shuffled
    if not np.isfinite(result).all():
        raise ValueError("the model gave features that are not finite")
    return result
