"""The checks that follow the climb, as they lie in the run's folder, and how they are opened at the end.

checks/NAME.json   a record with its own checksum; what was predicted for the report split lies beside it, unopened
"""

import contextlib
import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from advisor.checks import (
    CHECKS,
    Check,
    CheckName,
    Checks,
    Compressed,
    Compression,
    Control,
    Damaged,
    LabelNoise,
    Robustness,
    Saliency,
)
from advisor.dataset.types import Finding, Severity
from advisor.files import seal, unseal, write_atomically
from advisor.jobs.folder import RunFolder
from advisor.jobs.records import Examples, RungRecord, RunSpec
from advisor.metrics import evaluate, weighted_scores
from advisor.quantity import Frozen

__all__ = ["CheckRecord", "noise_finding", "open_checks", "read_check", "save_check"]

Part = TypeVar("Part", Compressed, Damaged)
DRAWS = 2000
NAMED = 20


class CheckRecord(Frozen):
    """What one check, or one form of a compression, left.

    :ivar name: the check's name; `compression-FORM` for a form.
    :ivar model, rung: whom it looked at.
    :ivar content: what it found, without anything that needs the report split's labels.
    :ivar examples: of the report split, from its start, how many it predicted.
    """

    name: str
    model: str
    rung: str
    status: Literal["done", "skipped", "failed"]
    because: str = ""
    seconds: float = 0.0
    content: dict[str, Any] = Field(default_factory=dict)
    examples: int = 0
    predictions_sha256: str = ""


def save_check(folder: RunFolder, record: CheckRecord, report: NDArray[np.float32] | None = None) -> None:
    """Keep what a check found: first its predictions, then the record that makes them count.

    :param report: (n, k) class probabilities for the first n examples of the report split.
    :raises StorageError: if it cannot be written.
    """
    place = _place(folder, record.name)
    if report is not None:
        stream = io.BytesIO()
        np.savez_compressed(stream, report=report)
        content = stream.getvalue()
        write_atomically(place.with_suffix(".npz"), content)
        digest = sha256(content).hexdigest()
        record = record.model_copy(update={"examples": len(report), "predictions_sha256": digest})
    write_atomically(place, seal(record.model_dump(mode="json")))


def read_check(folder: RunFolder, name: str) -> CheckRecord | None:
    """Read what a check left; a damaged record, or one whose predictions are, is none."""
    place = _place(folder, name)
    with contextlib.suppress(OSError, ValueError):
        record = CheckRecord.model_validate(unseal(place.read_text(encoding="utf-8")))
        kept = record.predictions_sha256
        if not kept or kept == sha256(place.with_suffix(".npz").read_bytes()).hexdigest():
            return record
    return None


def noise_finding(noise: LabelNoise) -> Finding | None:
    """Say that labels look wrong, as a finding about the data; None where none do."""
    if not noise.found:
        return None
    share = noise.found / noise.checked
    severity: Severity = "high" if share >= 0.1 else "medium" if share >= 0.02 else "low"
    detail = (
        f"{noise.found} of {noise.checked} labels look wrong to {noise.model}, which had not seen them "
        f"({noise.method}). Look at them, worst first: some are hard examples. Nothing was left out."
    )
    rows = tuple(f"{one.id} ({one.given!r} – likely {one.likely!r})" for one in noise.suspects[:NAMED])
    return Finding(kind="label-noise", severity=severity, detail=detail, examples=rows)


def open_checks(
    folder: RunFolder, examples: Examples, spec: RunSpec, best: dict[str, RungRecord], told: str
) -> Checks:
    """Read all checks and judge what they predicted, once the decision is fixed.

    :param best: model → its best rung, for all `ok` models.
    :param told: why the run ended, which is why a check that left nothing was not begun.
    """
    rows = tuple(_row(folder, name, spec, told) for name in CHECKS)
    done = {row.name for row in rows if row.status == "done"}
    noise = read_check(folder, "label-noise") if "label-noise" in done else None
    looked = read_check(folder, "saliency") if "saliency" in done else None
    judge = _Judge(folder, examples, spec, best)
    return Checks(
        rows=rows,
        label_noise=LabelNoise.model_validate(noise.content) if noise else None,
        saliency=Saliency.model_validate(looked.content) if looked else None,
        compression=judge.compression() if "compression" in done else None,
        robustness=judge.robustness() if "robustness" in done else None,
        control=judge.control() if "control" in done else None,
    )


def _row(folder: RunFolder, name: CheckName, spec: RunSpec, told: str) -> Check:
    record = read_check(folder, name)
    if record is not None:
        return Check(name=name, status=record.status, because=record.because, seconds=record.seconds)
    if spec.plan and name not in spec.plan.checks:
        return Check(name=name, status="skipped", because="the plan does not name it")
    return Check(name=name, status="skipped", because=f"not begun: {told}")


class _Judge:
    """Holds stored predictions against the labels of the report split."""

    def __init__(
        self, folder: RunFolder, examples: Examples, spec: RunSpec, best: dict[str, RungRecord]
    ) -> None:
        self.folder = folder
        self.examples = examples
        self.spec = spec
        self.best = best
        self.truth = np.asarray([examples.truth[i] for i in examples.report], dtype=np.int64)

    def compression(self) -> Compression | None:
        whole = read_check(self.folder, "compression")
        if whole is None:
            return None
        parts = self.parts("compression", whole.content["forms"])
        forms = tuple(self.with_metrics(Compressed, record) for record in parts)
        return Compression(model=whole.model, rung=whole.rung, forms=forms)

    def robustness(self) -> Robustness | None:
        whole = read_check(self.folder, "robustness")
        if whole is None:
            return None
        parts = self.parts("robustness", whole.content["kinds"])
        kinds = tuple(self.with_metrics(Damaged, record) for record in parts)
        return Robustness(model=whole.model, rung=whole.rung, kinds=kinds)

    def parts(self, name: str, names: Sequence[str]) -> list[CheckRecord]:
        found = (read_check(self.folder, f"{name}-{part}") for part in names)
        return [record for record in found if record]

    def with_metrics(self, kind: type[Part], record: CheckRecord) -> Part:
        """Add what the form scored, and what the model itself scored on the same examples."""
        bare = kind.model_validate({**record.content, "because": record.because})
        rung = next((r for r in self.folder.rungs(record.model) if r.rung == record.rung), None)
        if record.status != "done" or not record.examples or rung is None:
            return bare
        after = self.predicted(_place(self.folder, record.name).with_suffix(".npz"))
        before = self.folder.probabilities(rung, "report")[: len(after)].argmax(axis=1).astype(np.int64)
        return bare.model_copy(update={"metric": self.measure(after), "before": self.measure(before)})

    def predicted(self, path: Path) -> NDArray[np.int64]:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays["report"].argmax(axis=1), dtype=np.int64)

    def measure(self, predicted: NDArray[np.int64]) -> Any:
        truth = self.truth[: len(predicted)]
        return evaluate(self.spec.brief.metric, truth, predicted, self.examples.labels, self.spec.seed)

    def control(self) -> Control | None:
        record = read_check(self.folder, "control")
        if record is None or record.model not in self.best or not record.examples:
            return None
        predicted = self.predicted(_place(self.folder, "control").with_suffix(".npz"))
        own = self.of(record.model)
        weights = np.random.default_rng(self.spec.seed).exponential(size=(DRAWS, len(predicted)))
        drawn = self.drawn(own[: len(predicted)], weights) - self.drawn(predicted, weights)
        low, high = (float(bound) for bound in np.quantile(drawn, (0.025, 0.975)))
        measured, pretrained = self.measure(predicted), self.measure(own[: len(predicted)])
        gain = pretrained.value - measured.value
        below = [
            model
            for model, rung in self.best.items()
            if rung.kind == "weights" and self.measure(self.of(model)).value < measured.value
        ]
        return Control(
            model=record.model,
            examples=int(record.content["examples"]),
            seconds=float(record.content["seconds"]),
            pretrained_seconds=float(record.content["pretrained_seconds"]),
            metric=measured,
            pretrained=pretrained,
            gain=gain,
            low=min(low, gain),
            high=max(high, gain),
            negative_transfer=tuple(below),
        )

    def of(self, model: str) -> NDArray[np.int64]:
        return np.asarray(
            self.folder.probabilities(self.best[model], "report").argmax(axis=1), dtype=np.int64
        )

    def drawn(self, predicted: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        truth = self.truth[: len(predicted)]
        return weighted_scores(self.spec.brief.metric, truth, predicted, self.examples.labels, weights)


def _place(folder: RunFolder, name: str) -> Path:
    return folder.path / "checks" / f"{name}.json"
