"""The finished rungs of a run: one json and npz for each, written last and first, and why a model ended."""

import contextlib
import io
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from advisor.files import seal, storing, unseal, write_atomically
from advisor.jobs.records import Ending, RungRecord

__all__ = ["RungFiles"]


def _slug(model: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._-]+", "--", model)[:80].strip(".")
    return f"{readable}-{sha256(model.encode()).hexdigest()[:6]}"


class RungFiles:
    """Reads and writes what each model has finished, below `rungs/` of a run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rung_folder(self, model: str) -> Path:
        """Where a model's finished rungs lie."""
        return self.path / "rungs" / _slug(model)

    def learnt_path(self, model: str, position: int, rung: str) -> Path:
        """Where a rung keeps what it has learnt."""
        return self.rung_folder(model) / f"{position}-{rung}.safetensors"

    def save_rung(
        self,
        record: RungRecord,
        select: NDArray[np.float32],
        report: NDArray[np.float32],
        cross: NDArray[np.float32] | None = None,
    ) -> None:
        """Keep a finished rung: first the predictions, then the record that makes them count.

        :param select: (n_select, k) class probabilities.
        :param report: (n_report, k) class probabilities.
        :param cross: (n_first + n_select, k) class probabilities from cross-validation over the first training
            examples and the select split, if there are any.
        :raises StorageError: if it cannot be written; then the rung does not count.
        """
        folder = self.rung_folder(record.model)
        stem = f"{record.position}-{record.rung}"
        stream = io.BytesIO()
        arrays: dict[str, Any] = {"select": select, "report": report}
        if cross is not None:
            arrays["cross"] = cross
        np.savez_compressed(stream, **arrays)
        content = stream.getvalue()
        write_atomically(folder / f"{stem}.npz", content)
        kept = record.model_copy(update={"predictions_sha256": sha256(content).hexdigest()})
        write_atomically(folder / f"{stem}.json", seal(kept.model_dump(mode="json")))

    def rungs(self, model: str) -> tuple[RungRecord, ...]:
        """Read a model's finished rungs in the order in which they were climbed; a damaged one does not count."""
        records = []
        for path in self.rung_folder(model).glob("[0-9]*.json"):
            with contextlib.suppress(OSError, ValueError):
                records.append(RungRecord.model_validate(unseal(path.read_text(encoding="utf-8"))))
        return tuple(sorted(records, key=lambda record: record.position))

    def drop_damaged(self) -> tuple[str, ...]:
        """Set aside every rung that is not as it was written, and those climbed from it, so that they are climbed anew.

        :return: the names of the files that were set aside, now ending in `.damaged`.
        """
        dropped = []
        for place in sorted((self.path / "rungs").glob("*/")):
            records = [path for path in place.glob("[0-9]*.json")]
            spoilt = False
            for path in sorted(records, key=lambda path: int(path.name.split("-")[0])):
                spoilt = spoilt or not _whole(path)
                for file in (
                    (path, path.with_suffix(".npz"), path.with_suffix(".safetensors")) if spoilt else ()
                ):
                    if file.exists():
                        file.replace(file.with_name(f"{file.name}.damaged"))
                        dropped.append(str(file.relative_to(self.path)))
        return tuple(dropped)

    def probabilities(self, record: RungRecord, split: Literal["select", "report"]) -> NDArray[np.float32]:
        """Read a finished rung's class probabilities for one split, (n, k)."""
        path = self.rung_folder(record.model) / f"{record.position}-{record.rung}.npz"
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[split])

    def cross(self, record: RungRecord) -> NDArray[np.float32] | None:
        """Read a finished rung's cross-validated class probabilities, (n_first + n_select, k), if there are any."""
        path = self.rung_folder(record.model) / f"{record.position}-{record.rung}.npz"
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays["cross"]) if "cross" in arrays else None

    def end_model(self, ending: Ending) -> None:
        """Note why a model goes no further."""
        write_atomically(self.rung_folder(ending.model) / "because.json", ending.model_dump_json())

    def clear_ending(self, model: str) -> None:
        """Forget why a model had ended, because it climbed on."""
        path = self.rung_folder(model) / "because.json"
        with storing(path):
            path.unlink(missing_ok=True)

    def ending(self, model: str) -> Ending | None:
        """Read why a model went no further, if that was noted and can be read."""
        return _ending(self.rung_folder(model) / "because.json")

    def endings(self) -> list[Ending]:
        """Read why models went no further, of all for which that was noted and can be read."""
        found = [_ending(path) for path in (self.path / "rungs").glob("*/because.json")]
        return [ending for ending in found if ending is not None]


def _whole(record: Path) -> bool:
    try:
        kept = RungRecord.model_validate(unseal(record.read_text(encoding="utf-8")))
        predictions = record.with_suffix(".npz").read_bytes()
    except (OSError, ValueError):
        return False
    return kept.predictions_sha256 in ("", sha256(predictions).hexdigest())


def _ending(path: Path) -> Ending | None:
    try:
        return Ending.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
