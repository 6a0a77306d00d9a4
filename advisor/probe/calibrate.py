"""Time small networks on this machine, so that estimates can be paced by it.

`python -m advisor.probe.calibrate` prints one JSON document and needs about 15 seconds. Networks have random weights:
speed does not depend on them. They are timed in turns, several times around, so that a moment of other load
spoils none of them; a low quantile is the forward pass undisturbed.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

__all__ = ["NETWORKS", "Network", "calibrate", "main"]

TOKENS = 128
ROUNDS = 4
QUIET = 0.15


class Network(NamedTuple):
    """A small network and its work; that of the vision networks as timm's tables give it."""

    name: str
    klass: str
    gmacs: float
    macts: float | None
    params_m: float


NETWORKS = (
    Network("resnet18", "convolution", 1.82, 2.48, 11.69),
    Network("resnet26", "convolution", 2.36, 7.35, 16.0),
    Network("mobilenetv2_100", "depthwise", 0.31, 6.68, 3.5),
    Network("efficientnet_b0", "depthwise", 0.4, 6.75, 5.29),
    Network("vit_tiny_patch16_224", "attention", 1.26, 5.97, 5.72),
    Network("vit_small_patch32_224", "attention", 1.15, 2.5, 22.88),
    Network("minilm-l6", "sequence", 10.65e-3 * TOKENS, None, 22.7),
    Network("bert-small", "sequence", 12.6e-3 * TOKENS, None, 28.8),
)
BERTS = {"minilm-l6": (6, 384, 12, 1536), "bert-small": (4, 512, 8, 2048)}


def calibrate(
    seconds: float = 9.0, networks: Sequence[Network] = NETWORKS, now: Callable[[], float] = time.perf_counter
) -> dict[str, Any]:
    """Time the networks, the preparing of a picture, and on a GPU its kernels.

    :param seconds: for all networks together, after they are built.
    :param networks: which to time.
    :param now: the clock.
    :return: `networks`: name → kind, work, `ms` (undisturbed) and `p95_ms`; `prepare_ms`; on a GPU also
        `tflops` and `bandwidth_gb_s`.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.inference_mode():
        passes = {network.name: _forward(network, device) for network in networks}
        times: dict[str, list[float]] = {network.name: [] for network in networks}
        for forward in passes.values():
            forward()
            forward()
        share = seconds / ROUNDS / len(networks)
        for _ in range(ROUNDS):
            for name, forward in passes.items():
                begun = now()
                while True:
                    start = now()
                    forward()
                    times[name].append((now() - start) * 1000)
                    if now() - begun > share:
                        break
        found: dict[str, Any] = {
            "networks": {
                network.name: {
                    **network._asdict(),
                    "ms": float(np.quantile(times[network.name], QUIET)),
                    "p95_ms": float(np.quantile(times[network.name], 0.95)),
                }
                for network in networks
            },
            "prepare_ms": {"image": _prepare_ms(now)},
        }
        if device.type == "cuda":
            found.update(_kernels(device, now))
    return found


def _forward(network: Network, device: torch.device) -> Callable[[], None]:
    if network.name in BERTS:
        from transformers import BertConfig, BertModel

        layers, width, heads, inner = BERTS[network.name]
        config = BertConfig(
            num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, intermediate_size=inner
        )
        encoder = BertModel(config).eval().to(device)
        tokens = torch.ones(1, TOKENS, dtype=torch.long, device=device)

        def read() -> None:
            encoder(input_ids=tokens)
            _wait(device)

        return read
    import timm

    model = timm.create_model(network.name, pretrained=False).eval().to(device)
    model = model.to(memory_format=torch.channels_last)
    side = int(model.pretrained_cfg["input_size"][-1])
    image = torch.zeros(1, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)

    def look() -> None:
        model(image)
        _wait(device)

    return look


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _prepare_ms(now: Callable[[], float]) -> float:
    """Time decoding, resizing and normalising a JPEG of 500 × 375 pixels."""
    from PIL import Image
    from timm.data import create_transform

    noise = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).resize((500, 375)).save(stream, "JPEG", quality=90)
    transform = create_transform((3, 224, 224), is_training=False)
    times = []
    for _ in range(15):
        start = now()
        transform(Image.open(io.BytesIO(stream.getvalue())).convert("RGB"))
        times.append((now() - start) * 1000)
    return float(np.quantile(times, QUIET))


def _kernels(device: torch.device, now: Callable[[], float]) -> dict[str, Any]:
    def best(work: Callable[[], object], times: int = 10) -> float:
        taken = []
        for _ in range(times):
            _wait(device)
            start = now()
            work()
            _wait(device)
            taken.append(now() - start)
        return min(taken)

    size = 4096
    found: dict[str, float] = {}
    for name, dtype in (("fp32", torch.float32), ("fp16", torch.float16)):
        matrix = torch.ones(size, size, dtype=dtype, device=device)
        found[name] = 2 * size**3 / best(lambda m=matrix: m @ m) / 1e12  # type: ignore[misc]
    block = torch.ones(64_000_000, device=device)
    target = torch.empty_like(block)
    return {
        "tflops": found,
        "bandwidth_gb_s": 2 * block.nbytes / best(lambda: target.copy_(block)) / 1e9,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured as JSON.

    :param arguments: the command line; that of the process if None.
    """
    parser = argparse.ArgumentParser(prog="python -m advisor.probe.calibrate", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=9.0, help="for the networks, after they are built")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count one thread's processor time, as on an idle machine",
    )
    options = parser.parse_args(arguments)
    if options.processor_time:
        torch.set_num_threads(1)
    clock = time.thread_time if options.processor_time else time.perf_counter
    json.dump(calibrate(options.seconds, now=clock), sys.stdout)


if __name__ == "__main__":
    main()
