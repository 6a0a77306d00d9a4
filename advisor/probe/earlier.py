"""What an earlier probe measured of the same body on the same requests and this same machine."""

import contextlib
import json
import platform
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import psutil

from advisor.quantity import Frozen
from advisor.result import LatencyMeasured

__all__ = ["Costs", "costs_path", "read_costs", "write_costs"]


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
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(costs.model_dump(mode="json")), encoding="utf-8")
        temporary.replace(path)
