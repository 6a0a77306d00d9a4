"""What earlier probes measured on this machine."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from advisor.files import write_atomically

__all__ = ["Measured", "read_measured", "record_measured"]


@dataclass(frozen=True)
class Measured:
    """One model's figures at batch 1 on this machine: milliseconds and 10^6 bytes."""

    p50_ms: float
    p95_ms: float
    memory_mb: float | None = None


def read_measured(folder: Path) -> dict[str, Measured]:
    """Read `measured.json`; entries that make no sense are left out.

    :param folder: the advisor's home.
    :return: model id → figures.
    """
    with contextlib.suppress(OSError, ValueError):
        content = json.loads((folder / "measured.json").read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return {model: row for model, raw in content.items() if (row := _row(raw))}
    return {}


def record_measured(folder: Path, figures: Mapping[str, Measured]) -> None:
    """Add models' figures to `measured.json`; the latest figure of a model stands.

    :param folder: the advisor's home; made if missing.
    :param figures: model id → figures.
    """
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "measured.json"
    with FileLock(folder / "measured.json.lock"):
        rows = {model: asdict(row) for model, row in {**read_measured(folder), **figures}.items()}
        write_atomically(path, json.dumps(rows, indent=1, sort_keys=True))


def _row(raw: object) -> Measured | None:
    if not isinstance(raw, dict):
        return None
    p50, p95, memory = (raw.get(name) for name in ("p50_ms", "p95_ms", "memory_mb"))
    if not (isinstance(p50, int | float) and isinstance(p95, int | float) and 0 < p50 <= p95):
        return None
    return Measured(float(p50), float(p95), float(memory) if isinstance(memory, int | float) else None)
