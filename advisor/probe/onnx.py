"""A PyTorch classifier as ONNX, held against PyTorch on real examples and timed in its own runtime."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from advisor.errors import AdvisorError, InputError
from advisor.probe.measure import measure_latency
from advisor.result import ExportedOnnx

__all__ = ["TOLERANCE", "export_onnx"]

TOLERANCE = 1e-4
OPSET = 18
BATCHES = (1, 3)
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def export_onnx(
    module: nn.Module,
    names: Sequence[str],
    prepare: Callable[[Sequence[str]], tuple[torch.Tensor, ...]],
    contents: Sequence[str],
    path: Path,
) -> ExportedOnnx:
    """Write a model as ONNX and check it.

    :param module: maps the prepared tensors to logits (n, k), on the CPU, in evaluation mode.
    :param names: of its inputs, in order; the first dimension is free, that of token ids and masks also the second.
    :param prepare: turns contents into its inputs.
    :param contents: examples to compare and to time by.
    :param path: the file to write.
    :return: the largest difference of the logits, opset, size and latency here.
    :raises InputError: if the ONNX packages are not installed.
    :raises AdvisorError: if a logit differs by more than `TOLERANCE`.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"ONNX needs {', '.join(missing)}",
            fix=f"pip install {' '.join(missing)}, or model-advisor[export]",
        )
    onnxruntime: Any = import_module("onnxruntime")
    example = prepare(list(contents[:2]) if len(contents) > 1 else [contents[0]] * 2)
    _write(module, names, example, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(some: Sequence[str]) -> Any:
        inputs = {name: tensor.numpy() for name, tensor in zip(names, prepare(some), strict=True)}
        return session.run(None, inputs)[0]

    worst = 0.0
    for size in BATCHES:
        for start in range(0, len(contents) - size + 1, size):
            some = contents[start : start + size]
            with torch.inference_mode():
                truth = module(*prepare(some)).numpy()
            worst = max(worst, float(np.abs(run(some) - truth).max()))
    if not worst <= TOLERANCE:
        raise AdvisorError(f"ONNX differs from PyTorch by {worst:.2g}, more than {TOLERANCE:g}")
    size_mb = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6
    return ExportedOnnx(
        opset=OPSET,
        max_difference=worst,
        checked=len(contents),
        size_mb=size_mb,
        latency_ms=measure_latency(run, contents),
    )


def _write(module: nn.Module, names: Sequence[str], example: tuple[torch.Tensor, ...], path: Path) -> None:
    batch, length = torch.export.Dim("batch", min=1, max=1024), torch.export.Dim("tokens", min=2, max=512)
    shapes = tuple({0: batch} if tensor.dim() == 4 else {0: batch, 1: length} for tensor in example)
    folded: Any = (shapes,) if len(names) > 1 else shapes
    quiet = io.StringIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(quiet), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            str(path),
            input_names=list(names),
            output_names=["logits"],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            dynamic_shapes=folded,
        )
