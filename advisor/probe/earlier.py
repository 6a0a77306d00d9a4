"""What an earlier probe measured of the same body on the same requests and this same machine, and its source head."""

import contextlib
import io
import json
import platform
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import psutil

from advisor.errors import StorageError
from advisor.files import write_atomically
from advisor.probe.source_head import SourceHead
from advisor.quantity import Frozen
from advisor.result import LatencyMeasured

__all__ = ["Costs", "costs_path", "read_costs", "read_source", "write_costs", "write_source"]

SOURCE = "source.npz"


class Costs(Frozen):
    """What a body costs, measured while its features were computed.

    :ivar throughput_per_s: examples a second, preprocessing and forward pass; None where too few were timed.
    :ivar peak_memory_mb: 10^6 bytes.
    """

    latency_ms: LatencyMeasured
    throughput_per_s: float | None
    peak_memory_mb: float


def costs_path(root: Path, body: str, contents: Sequence[bytes], threads: int) -> Path:
    """Name the file for one body, the contents that it was asked about, and this machine.

    :param root: the folder of the features.
    :param body: what the features depend on besides the example.
    :param contents: SHA-256 of each example that requests are made of.
    :param threads: how many threads the network may use.
    """
    machine = f"{platform.node()} {platform.machine()} {psutil.cpu_count()} {threads}"
    asked = sha256(b"".join(contents) + machine.encode()).hexdigest()
    return root / body[:32] / f"costs-{asked[:20]}.json"


def read_costs(path: Path) -> Costs | None:
    """Read what was measured, if it was and can be read."""
    with contextlib.suppress(OSError, ValueError):
        return Costs.model_validate_json(path.read_text(encoding="utf-8"))
    return None


def write_costs(path: Path, costs: Costs) -> None:
    """Keep what was measured; where that cannot be written it is measured again next time."""
    _write(path, json.dumps(costs.model_dump(mode="json")).encode())


def read_source(folder: Path) -> tuple[bool, SourceHead | None]:
    """Read the classifier that a body was pretrained with.

    :param folder: that of the body's features.
    :return: whether it was kept, and the classifier, None for a body without one.
    """
    try:
        with np.load(folder / SOURCE, allow_pickle=False) as kept:
            weight, bias = np.asarray(kept["weight"]), np.asarray(kept["bias"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return False, None
    return True, SourceHead(weight=weight, bias=bias) if len(bias) else None


def write_source(folder: Path, source: SourceHead | None) -> None:
    """Keep the classifier that a body was pretrained with, or that it has none."""
    stream = io.BytesIO()
    empty = np.zeros((0, 0), dtype=np.float32)
    np.savez(stream, weight=source.weight if source else empty, bias=source.bias if source else empty.ravel())
    _write(folder / SOURCE, stream.getvalue())


def _write(path: Path, content: bytes) -> None:
    with contextlib.suppress(StorageError):
        write_atomically(path, content)
