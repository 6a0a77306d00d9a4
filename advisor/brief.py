"""What the user needs. The questionnaire, the CLI and the report all read this one object."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator

from advisor.errors import BriefError, nearest
from advisor.quantity import Frozen

__all__ = ["Brief", "Constraints", "DataFacts", "Domain", "Priorities", "read_brief"]

Domain = Literal[
    "general", "medical", "satellite", "industrial", "documents", "nature", "food", "retail",
    "legal", "finance", "science", "code", "social", "support", "speech", "other",
]  # fmt: skip
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rating = Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)]
METRIC = re.compile(r"accuracy|balanced_accuracy|macro_f1|(recall|precision):.+", re.DOTALL)
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "recall:CLASS", "precision:CLASS")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
MOST = 10**12


def _question(
    ask: str, why: str, unit: str = "", expert: bool = False, default: Any = None, **limits: Any
) -> Any:
    """Attach to a field the plain question that the questionnaire asks for it."""
    extra: Any = {"ask": ask, "why": why, "unit": unit, "expert": expert}
    return Field(default=default, json_schema_extra=extra, **limits)


class DataFacts(Frozen):
    """What is known about the user's data; None is read from the data or stays open."""

    examples: int | None = _question(
        "How many labelled examples do you have?",
        "Few examples favour frozen models, many favour full tuning.",
        ge=0,
        le=MOST,
    )
    classes: int | None = _question(
        "How many classes?", "More classes need more examples and a richer model.", ge=1, le=MOST
    )
    domain: Domain | None = _question(
        "What is the data about?", "The further from what a model was trained on, the more must be tuned."
    )
    languages: tuple[str, ...] | None = _question(
        "Which languages occur?", "A model that never read a language guesses in it.", "BCP-47"
    )
    tokens: int | None = _question(
        "How long is a typical text?", "Longer texts are cut or cost more.", "tokens", True, ge=1, le=MOST
    )
    resolution: int | None = _question(
        "How large are the images (shorter side)?",
        "Small images gain nothing from large inputs.",
        "pixels",
        True,
        ge=1,
        le=MOST,
    )
    imbalance: float | None = _question(
        "How many times larger is the largest class than the smallest?",
        "Uneven classes need weights and another metric than accuracy.",
        "×",
        True,
        ge=1,
        allow_inf_nan=False,
    )
    unlabelled: int | None = _question(
        "How many unlabelled examples could you add?",
        "They can adapt a model to your domain.",
        "",
        True,
        ge=0,
        le=MOST,
    )

    @field_validator("languages")
    @classmethod
    def _tags(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for tag in value or ():
            if not LANGUAGE.fullmatch(tag):
                raise ValueError(f"{tag!r} is not a BCP-47 language tag such as en, zh or pt-BR")
        return value


class Constraints(Frozen):
    """What must hold. None binds nothing."""

    device: str = _question(
        "Where will it run?", "Latency, memory and cost follow from it.", default="this-machine"
    )
    train_device: str = _question(
        "Where will it be trained?",
        "It decides which tuning is affordable.",
        expert=True,
        default="this-machine",
    )
    train_minutes: Positive | None = _question(
        "How long may training take?", "It rules out tuning that would not finish.", "min", True
    )
    latency_ms: Positive | None = _question(
        "How long may one answer take?", "Slower models are dropped.", "ms"
    )
    throughput_per_s: Positive | None = _question(
        "How many answers per second?", "Models that cannot keep up are dropped.", "1/s", True
    )
    memory_mb: Positive | None = _question("How much memory may it use?", "Larger models are dropped.", "MB")
    size_mb: Positive | None = _question(
        "How large may the download be?", "Larger files are dropped.", "MB", True
    )
    licence: Literal["any", "commercial", "permissive"] = _question(
        "What will you do with it?",
        "Some weights may not be used in a business, some bind your own code.",
        default="any",
    )
    privacy: Literal["any", "local"] = _question(
        "May the data leave your machines?", "If not, hosted services are out.", default="any"
    )
    offline: bool = _question(
        "Must it work without any download?", "Then only models that are already here count.", default=False
    )
    monthly_cost_usd: Positive | None = _question(
        "What may it cost a month?", "Hosted services and rented machines are held against it.", "USD"
    )
    requests_per_month: Positive | None = _question(
        "How many requests a month?", "It turns prices per request into a monthly cost.", "", True
    )
    framework: Literal["pytorch", "tensorflow", "jax", "onnx", "scikit-learn"] | None = _question(
        "Which framework must it run in?", "Others are dropped.", "", True
    )


class Priorities(Frozen):
    """How much each criterion matters, 0 (not at all) to 5 (most)."""

    accuracy: Rating = 5
    latency: Rating = 1
    memory: Rating = 1
    training_cost: Rating = 1
    cost: Rating = 1
    maturity: Rating = 1
    explainability: Rating = 1


class Brief(Frozen):
    """The need: a task, what is known of the data, what must hold and what matters."""

    task: str
    data: DataFacts = DataFacts()
    metric: str = "accuracy"
    constraints: Constraints = Constraints()
    priorities: Priorities = Priorities()

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, value: str) -> str:
        if not METRIC.fullmatch(value):
            raise ValueError(f"not one of {', '.join(METRICS)}. {nearest(value, METRICS)}")
        return value

    @classmethod
    def parse(cls, content: Any, origin: str = "brief") -> Self:
        """Check a mapping that came from outside.

        :param content: what YAML or JSON gave.
        :param origin: what to call it in a complaint.
        :return: the brief.
        :raises BriefError: naming the key, the offending value and what is allowed.
        """
        if not isinstance(content, dict):
            raise BriefError(
                f"{origin} is not a mapping of keys to values", "at least `task: image-classification`"
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise _complaint(error, origin) from None


SHAPES = {
    "model_type": ("a mapping", "keys with their values, such as `data: {examples: 1000}`"),
    "tuple_type": ("a list", "values in brackets, such as `languages: [en, zh]`"),
}


def _keys_at(path: tuple[Any, ...]) -> list[str]:
    model: Any = Brief
    for step in path:
        field = getattr(model, "model_fields", {}).get(step)
        model = field.annotation if field else None
    return list(getattr(model, "model_fields", {}))


def _complaint(error: ValidationError, origin: str) -> BriefError:
    first = min(error.errors(), key=lambda one: one["type"] == "missing")
    loc = tuple(step for step in first["loc"] if isinstance(step, str))
    if first["type"] == "invalid_key":
        loc = (*loc, str(first["input"]))
    key = ".".join(loc)
    if first["type"] in ("extra_forbidden", "invalid_key"):
        allowed = _keys_at(loc[:-1])
        return BriefError(f"{origin}: unknown key {key!r}", ", ".join(allowed), nearest(loc[-1], allowed))
    if first["type"] == "missing":
        return BriefError(
            f"{origin}: the key {key!r} is missing", fix="Add `task:`; `advisor tasks` lists the tasks."
        )
    if first["type"] in SHAPES:
        shape, example = SHAPES[first["type"]]
        return BriefError(f"{origin}: {key} is {first['input']!r}, not {shape}", example)
    message = first["msg"].removeprefix("Value error, ")
    expected = str(first.get("ctx", {}).get("expected", ""))
    way_out = nearest(str(first["input"]), re.findall(r"'([^']+)'", expected)) if expected else ""
    return BriefError(f"{origin}: {key} is {first['input']!r}: {message}", expected.replace("'", ""), way_out)


def read_brief(path: Path) -> Brief:
    """Read a brief from a YAML or JSON file.

    :param path: the file; JSON if its name ends in .json, YAML otherwise.
    :return: the brief.
    :raises BriefError: if the file cannot be read, parsed or validated.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BriefError(f"The brief {path} cannot be read: {error}", "a UTF-8 YAML or JSON file") from None
    try:
        content = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise BriefError(f"The brief {path} is not valid YAML or JSON: {error}") from None
    return Brief.parse(content, str(path))
