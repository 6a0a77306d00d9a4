"""What a run keeps: the question, the examples, a finished rung, and why a model went no further."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from advisor.brief import Brief
from advisor.checks import CheckName
from advisor.dataset.types import Finding
from advisor.quantity import Frozen
from advisor.result import CurvePoint, LatencyMeasured, SplitSizes, Status, Waits

__all__ = ["Ending", "Examples", "Plan", "RunSpec", "RungRecord", "best_rung"]

EXCERPT = 240
"""Characters of a text that are shown."""


class Plan(Frozen):
    """A schedule without a clock: how many examples, which rungs each model climbs, in order, and what is checked."""

    examples: SplitSizes | None = None
    models: dict[str, tuple[str, ...]]
    checks: tuple[CheckName, ...] = ()


class RunSpec(Frozen):
    """What was asked of a run.

    :ivar layout: how the run's folder is laid out; 1 for runs that were made before this was noted.
    :ivar files: SHA-256 of the files that were laid down with this one.
    :ivar made_by: the version of this program that laid the run out; empty if that was not noted.
    :ivar owner: whose run it is where several people share a machine; empty for anybody's.
    """

    version: int = Field(default=1, alias="schema", serialization_alias="schema")
    brief: Brief
    brief_filled: tuple[str, ...] = ()
    data: str
    budget_s: float = Field(gt=0)
    seed: int = 0
    offline: bool = False
    models: tuple[str, ...] | None = None
    chosen: tuple[str, ...] = ()
    plan: Plan | None = None
    columns: tuple[str, str] | None = None
    unlabelled: str | None = None
    knowledge: str | None = None
    created: str
    command: str
    layout: int = 1
    files: dict[str, str] = Field(default_factory=dict)
    made_by: str = ""
    owner: str = ""


class Examples(Frozen):
    """The examples that a probe uses, with their splits: positions into `ids`.

    :ivar first: how many of `train`, from its start, the first rung learns from.
    :ivar available: the sizes of the whole splits, of which the budget may have taken a part.
    :ivar unlabelled: examples of the same domain without labels, for learning only: texts, or paths of images.
    :ivar unlabelled_origin: the folder or zip of those images; empty for texts.
    """

    task: str
    origin: str
    name: str
    sha256: str
    total: int
    counts: dict[str, int]
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    contents: tuple[str, ...]
    truth: tuple[int, ...]
    train: tuple[int, ...]
    select: tuple[int, ...]
    report: tuple[int, ...]
    first: int
    available: SplitSizes
    findings: tuple[Finding, ...] = ()
    typical_length: float = 0.0
    unlabelled: tuple[str, ...] = ()
    unlabelled_origin: str = ""

    @property
    def crossed(self) -> tuple[int, ...]:
        """Those that probes are cross-validated on, as far as they learnt from them: the first rung's are the last."""
        return (*self.train[self.first :], *self.train[: self.first], *self.select)

    def excerpt(self, position: int) -> str | None:
        """Give the beginning of a text; None for an image."""
        return self.contents[position][:EXCERPT] if self.task == "text-classification" else None


class RungRecord(Frozen):
    """A finished rung. Its predictions lie beside it; the report split's stay unopened until the end.

    :ivar predictions_sha256: of the file of predictions; empty in runs of layout 1.
    """

    model: str
    kind: Literal["weights", "baseline"]
    rung: str
    position: int
    strategy: str
    revision: str | None
    licence: str | None = None
    hyperparameters: dict[str, Any]
    curve: tuple[CurvePoint, ...]
    seconds: float
    note: str = ""
    transferability: dict[str, float] = Field(default_factory=dict)
    latency_ms: LatencyMeasured | None = None
    throughput_per_s: float | None = None
    peak_memory_mb: float | None = None
    size_mb: float | None = None
    predictions_sha256: str = ""


def best_rung(rungs: Sequence[RungRecord]) -> RungRecord:
    """Choose the rung that counts for a model: the best on the select split, of equals the earliest.

    :param rungs: at least one, each with a curve.
    """
    return max(rungs, key=lambda record: (record.curve[-1].metric.value, -record.position))


class Ending(Frozen):
    """Why a model went no further, and what it would still need where only time was short."""

    model: str
    status: Status
    because: str
    waits: Waits | None = None
