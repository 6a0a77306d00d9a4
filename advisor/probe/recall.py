"""First rungs that an earlier probe has finished, found again where the very same one is asked for."""

import contextlib
import io
import json
import os
import platform
import time
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from advisor.errors import StorageError
from advisor.files import write_atomically
from advisor.hardware import usable_cores
from advisor.jobs.records import RungRecord
from advisor.probe.setting import Setting

__all__ = ["Finished"]

NOTE = "Found again: an earlier probe on this machine had finished this rung on the same examples."
LIBRARIES = ("joblib", "numpy", "pillow", "scikit-learn", "scipy", "torch")
PROCESSORS, DRIVER = Path("/proc/cpuinfo"), Path("/proc/driver/nvidia")
GPU = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


class Finished:
    """One model's first rung, kept among the features under all that it depends on.

    That is: the examples and their labels in their order, the metric and the seed, the weights and their
    preprocessing, this machine, the libraries, and every line of the code that probes.

    :param rung: `fit` of a baseline, `linear-probe` of a pretrained model.
    :param body: what the features depend on besides the example.
    :param told: what else stands in the rung's record.
    """

    def __init__(self, setting: Setting, model: str, rung: str, body: str, *told: object) -> None:
        examples = setting.examples
        self.cache, self.folder, self.model, self.rung = setting.cache, setting.folder, model, rung
        self.learnt = examples.train if rung == "fit" else examples.train[: examples.first]
        request = (rung, body, told, setting.metric, setting.seed, setting.balanced, examples.labels)
        digest = sha256(json.dumps([*request, *_surroundings()]).encode())
        for split in (self.learnt, examples.select, examples.report):
            digest.update(json.dumps([len(split), *(examples.truth[i] for i in split)]).encode())
            digest.update(b"".join(setting.key(content) for content in setting.contents(split)))
        name = sha256(body.encode()).hexdigest() if rung == "fit" else body
        self.path = setting.cache.root / name[:32] / f"finished-{digest.hexdigest()[:20]}.npz"

    def recall(self) -> bool:
        """Put the rung into the run as finished, with what was measured then.

        :return: whether it was there and whole.
        :raises StorageError: if it cannot be written.
        """
        begun = time.monotonic()
        try:
            with np.load(self.path, allow_pickle=False) as kept:
                arrays = {name: np.asarray(kept[name]) for name in kept.files}
            record = RungRecord.model_validate_json(arrays["record"].tobytes())
            predictions = arrays["select"], arrays["report"], arrays.get("cross")
        except FileNotFoundError:
            return False
        except Exception:  # a damaged zip raises whatever it likes
            with contextlib.suppress(OSError):
                self.path.unlink()
            return False
        with contextlib.suppress(OSError):
            os.utime(self.path)
        if "learnt" in arrays:
            write_atomically(self._learnt_path(), arrays["learnt"].tobytes())
        note = " ".join(part for part in (record.note, NOTE) if part)
        seconds = time.monotonic() - begun
        self.folder.save_rung(record.model_copy(update={"note": note, "seconds": seconds}), *predictions)
        return True

    def keep(self) -> None:
        """Keep the rung as the run has it, if it learnt from all that it was to learn from.

        What cannot be read or written is climbed again next time.
        """
        with contextlib.suppress(OSError, ValueError, StorageError):
            self._keep()

    def _keep(self) -> None:
        record = next((one for one in self.folder.rungs(self.model) if one.rung == self.rung), None)
        if record is None or record.position or record.curve[-1].examples < len(self.learnt):
            return
        arrays: dict[str, Any] = {
            split: self.folder.probabilities(record, split) for split in ("select", "report")
        }
        cross, learnt = self.folder.cross(record), self._learnt_path()
        arrays |= {} if cross is None else {"cross": cross}
        arrays |= {"learnt": _bytes(learnt.read_bytes())} if learnt.exists() else {}
        stream = io.BytesIO()
        np.savez(stream, record=_bytes(record.model_dump_json().encode()), **arrays)
        self.cache.put(self.path, stream.getvalue())

    def _learnt_path(self) -> Path:
        return self.folder.learnt_path(self.model, 0, self.rung)


def _bytes(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(content, dtype=np.uint8)


@lru_cache(maxsize=1)
def _surroundings() -> tuple[str, ...]:
    """Tell machine, libraries and code apart."""
    code = sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        code.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    machine = (platform.node(), platform.machine(), _processor(), str(usable_cores()))
    cards = [DRIVER / "version", *sorted(DRIVER.glob("gpus/*/information"))]
    gpu = (*map(_read, cards), *(os.environ.get(name, "") for name in GPU))
    return (*machine, *gpu, *map(version, LIBRARIES), code.hexdigest())


def _processor() -> str:
    """The first processor's name, where the system tells it."""
    lines = _read(PROCESSORS).splitlines()
    return next((line for line in lines if line.startswith("model name")), platform.processor())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
