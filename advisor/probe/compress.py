"""What compressing a body costs and saves: dynamic INT8, half precision and magnitude pruning, each measured."""

import copy
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from advisor.measurement import LatencyMeasured
from advisor.probe.backbone import Backbone
from advisor.probe.source_head import SourceHead

__all__ = ["FORMS", "Form", "NotCompressible", "compress", "compressing_s", "packed_mb", "race", "stored_mb"]

FORMS = ("int8", "half", "pruned-30", "pruned-60")
WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
PACKED_MB = 100.0
ONE_AT_A_TIME = 1
"""Dynamic INT8 takes its ranges from all that is in a batch: what it answers to an example depends on the others."""
MADE_MB_S, PRUNED_MB_S = {"int8": 250.0, "half": 500.0}, 40.0
"""10^6 bytes of weights a second on one core, measured with all-MiniLM-L6-v2 and all-mpnet-base-v2."""


class NotCompressible(Exception):
    """This form would change nothing, or does not run here; the message says why."""


@dataclass
class Form:
    """A compressed body that is used like the backbone it was made from.

    :ivar what: what was done, in words.
    """

    origin: Backbone
    module: nn.Module | None
    batch_size: int
    what: str
    dtype: torch.dtype | None = None
    source: SourceHead | None = None

    def prepare(self, contents: Sequence[str]) -> Any:
        """Preprocess as the original does; numbers, not token ids, take this form's precision."""
        batch = self.origin.prepare(contents)
        if self.dtype is not None and isinstance(batch, torch.Tensor) and batch.is_floating_point():
            return batch.to(self.dtype)
        return batch

    def forward(self, batch: Any) -> torch.Tensor:
        """Map a prepared batch to (n, d) float32 features."""
        own, self.origin.module = self.origin.module, self.module
        try:
            return self.origin.forward(batch)
        finally:
            self.origin.module = own


def compress(backbone: Backbone, name: str, contents: Sequence[str]) -> Form:
    """Make one compressed form; the backbone itself stays as it is, and so does its head.

    :param name: one of `FORMS`.
    :param contents: at least one example, to see whether the form runs here.
    :raises NotCompressible: if it changes nothing for this architecture or does not run on this machine.
    """
    body = backbone.module
    if body is None:
        raise NotCompressible("it runs in a package of its own, not in PyTorch")
    make = {"int8": _int8, "half": _half}.get(name)
    form = make(backbone, body, contents) if make else _pruned(backbone, body, int(name.split("-")[1]))
    with torch.inference_mode():
        features = form.forward(form.prepare(contents[:1]))
    if not bool(torch.isfinite(features).all()):
        raise NotCompressible(f"{form.what} gives numbers that are not finite")
    return form


def compressing_s(body: nn.Module, name: str) -> float:
    """Guess how long one form takes to make, from the size of the weights.

    :param name: one of `FORMS`.
    """
    return stored_mb(body) / MADE_MB_S.get(name, PRUNED_MB_S)


def _int8(backbone: Backbone, body: nn.Module, contents: Sequence[str]) -> Form:
    if next(body.parameters()).device.type != "cpu":
        raise NotCompressible("dynamic INT8 of PyTorch runs on a CPU only")
    inside = sum(part.weight.numel() for part in body.modules() if isinstance(part, nn.Linear))
    total = sum(weight.numel() for weight in body.parameters())
    if not inside:
        raise NotCompressible("it has no linear layers, and dynamic INT8 leaves convolutions as they are")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantise: Any = torch.ao.quantization.quantize_dynamic
        module = quantise(copy.deepcopy(body), {nn.Linear}, dtype=torch.qint8)
    what = f"dynamic INT8: {100 * inside / total:.0f} % of the weights, all in linear layers, in 8 bits"
    return Form(backbone, module, ONE_AT_A_TIME, what)


def _half(backbone: Backbone, body: nn.Module, contents: Sequence[str]) -> Form:
    names = {torch.float16: "FP16", torch.bfloat16: "bfloat16"}
    lacking = ""
    for dtype, name in names.items():
        what = f"{name}: weights and arithmetic in 16 bits{lacking}"
        form = Form(backbone, copy.deepcopy(body).to(dtype), backbone.batch_size, what, dtype)
        try:
            with torch.inference_mode():
                form.forward(form.prepare(contents[:1]))
        except (RuntimeError, NotImplementedError):
            lacking = f", as {name} does not run on this machine"
            continue
        return form
    raise NotCompressible("neither FP16 nor bfloat16 runs on this machine")


def _pruned(backbone: Backbone, body: nn.Module, per_cent: int) -> Form:
    from torch.nn.utils import prune as pruning

    prune: Any = pruning
    module = copy.deepcopy(body)
    order = _order(module)
    module.to(memory_format=torch.contiguous_format)
    layers = [(part, "weight") for part in module.modules() if isinstance(part, WEIGHTED)]
    if not layers:
        raise NotCompressible("it has no linear layers or convolutions to prune")
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=per_cent / 100)
    for part, name in layers:
        prune.remove(part, name)
    module.to(memory_format=order)
    what = f"the smallest {per_cent} % of the weights set to zero by magnitude, not tuned afterwards"
    return Form(backbone, module, backbone.batch_size, what)


def _order(module: nn.Module) -> torch.memory_format:
    """The order in which a body's convolutions keep their numbers, which decides how fast they are."""
    kernels = [part.weight for part in module.modules() if isinstance(part, nn.Conv2d)]
    last = any(
        kernel.is_contiguous(memory_format=torch.channels_last) and not kernel.is_contiguous()
        for kernel in kernels
    )
    return torch.channels_last if last else torch.contiguous_format


class _Count:
    """A file that keeps nothing but its size, as it is or deflated."""

    def __init__(self, deflate: Any, check: Callable[[], None]) -> None:
        self.bytes = 0
        self.deflate = deflate
        self.check = check

    def write(self, content: Any) -> int:
        self.check()
        data = memoryview(content)
        self.bytes += len(self.deflate.compress(data)) if self.deflate else data.nbytes
        return data.nbytes

    def flush(self) -> None:
        return


def stored_mb(module: nn.Module) -> float:
    """Measure a module's weights as a file, in 10^6 bytes."""
    count: Any = _Count(None, lambda: None)
    torch.save(module.state_dict(), count)
    return float(count.bytes / 1e6)


def packed_mb(module: nn.Module, check: Callable[[], None] = lambda: None) -> float | None:
    """Measure a module's weights as a deflated file, in 10^6 bytes; None for more than `PACKED_MB` before.

    :param check: called before every tensor; it may raise to stop.
    """
    if stored_mb(module) > PACKED_MB:
        return None
    deflate = zlib.compressobj(1)
    count: Any = _Count(deflate, check)
    torch.save(module.state_dict(), count)
    return float((count.bytes + len(deflate.flush())) / 1e6)


def race(
    answers: Sequence[Callable[[Sequence[str]], object]],
    contents: Sequence[str],
    *,
    requests: int = 100,
    most_seconds: float = 4.0,
    check: Callable[[], None] = lambda: None,
    now: Callable[[], float] = time.perf_counter,
) -> tuple[LatencyMeasured, ...]:
    """Time single requests to several models in turn, so that what slows the machine slows all alike.

    :param answers: each answers a batch of contents.
    :param most_seconds: stop asking after that long, but not before 5 rounds.
    :param check: called before every round; it may raise to stop.
    :return: one latency for each model.
    """
    for answer in answers:
        answer(contents[:1])
    times: list[list[float]] = [[] for _ in answers]
    begun = now()
    for number in range(requests):
        check()
        if number >= 5 and now() - begun > most_seconds:
            break
        content = [contents[number % len(contents)]]
        for place in _alternate(len(answers), number):
            start = now()
            answers[place](content)
            times[place].append((now() - start) * 1000)
    quantiles = [np.quantile(one, (0.5, 0.95)) for one in times]
    return tuple(LatencyMeasured(p50=float(p50), p95=float(p95)) for p50, p95 in quantiles)


def _alternate(number: int, turn: int) -> list[int]:
    """Let another model begin in every round."""
    return [(turn + place) % number for place in range(number)]
