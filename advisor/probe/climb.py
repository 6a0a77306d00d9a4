"""One model climbs one rung: features and a linear probe, or tuning, with everything measured on the way."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from advisor.jobs.folder import Examples, RunFolder, RungRecord
from advisor.metrics import evaluate
from advisor.probe.backbone import Backbone, OpenImage, load_backbone
from advisor.probe.baselines import make_baseline
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.features import embed
from advisor.probe.head import Head, fit_head
from advisor.probe.measure import PeakMemory, measure_latency
from advisor.probe.transfer import transferability
from advisor.probe.tune import Recipe, TunedHead, last_block, load_learnt, tune
from advisor.result import CurvePoint, NamedMetric
from advisor.weights import Weights

__all__ = ["Setting", "climb", "climb_baseline", "epochs", "learnt_path"]

EPOCHS = {"last-block": 4, "longer": 8}
VISITS = {"last-block": 2000, "longer": 4000}
SOFT = 0.01
FRACTIONS = (0.25, 0.5, 1.0)
PARTS = 4
FEWEST_TIMED = 32
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Setting:
    """What every rung of a run shares."""

    folder: RunFolder
    examples: Examples
    metric: str
    seed: int
    balanced: bool
    open_image: OpenImage
    clock: Clock
    emit: Callable[[Mapping[str, Any]], None]
    memory: PeakMemory
    descriptors: dict[str, NDArray[np.float32]]

    @property
    def truth(self) -> NDArray[np.int64]:
        """Class index of every example, (n,)."""
        return np.asarray(self.examples.truth, dtype=np.int64)

    def contents(self, positions: Sequence[int]) -> list[str]:
        """The contents at some positions."""
        return [self.examples.contents[i] for i in positions]

    def point(self, rung: str, learnt: int, epochs: int, seconds: float, select: Probabilities) -> CurvePoint:
        """Measure predictions on the select split."""
        truth = self.truth[list(self.examples.select)]
        predicted = select.argmax(axis=1).astype(np.int64)
        measured = evaluate(self.metric, truth, predicted, self.examples.labels, self.seed)
        named = NamedMetric(name=self.metric, value=measured.value, low=measured.low, high=measured.high)
        return CurvePoint(rung=rung, examples=learnt, epochs=epochs, seconds=seconds, metric=named)

    def steps(self, model: str, rung: str, what: str) -> Callable[..., None]:
        """Make a progress callback that emits at most five events a second."""
        last = [0.0]
        begun = time.monotonic()

        def tell(done: int, total: int, loss: float | None = None) -> None:
            now = time.monotonic()
            if now - last[0] >= 0.2 or done == total:
                last[0] = now
                eta = (now - begun) / max(done, 1) * (total - done)
                step = {
                    "model": model,
                    "rung": rung,
                    "what": what,
                    "done": done,
                    "total": total,
                    "eta_s": eta,
                }
                self.emit({"kind": "step", **step, **({} if loss is None else {"loss": loss})})

        return tell


def epochs(rung: str, examples: int) -> int:
    """How often a tuning rung passes over its examples: with many of them fewer passes teach as much."""
    return max(1, min(EPOCHS[rung], round(VISITS[rung] / max(1, examples))))


def _learning_sizes(available: int, classes: int) -> list[int]:
    fewest = min(available, max(2 * classes, 10))
    return sorted({max(fewest, round(available * fraction)) for fraction in FRACTIONS} | {available})


def _learnable(truth: NDArray[np.int64]) -> bool:
    return len(np.unique(truth)) >= 2


def climb_baseline(setting: Setting, model: str) -> None:
    """Fit a classical baseline on all training examples of the run and keep it as a finished rung."""
    examples, truth = setting.examples, setting.truth
    begun = time.monotonic()
    setting.memory.start()
    tell = setting.steps(model, "fit", "fitting")
    points: list[CurvePoint] = []
    sizes = _learning_sizes(len(examples.train), len(examples.labels))
    for done, size in enumerate(sizes):
        setting.clock.check()
        since = time.monotonic()
        baseline = make_baseline(model, setting.open_image, setting.descriptors, setting.balanced)
        chosen = list(examples.train[:size])
        if not _learnable(truth[chosen]) and model != "baseline/majority":
            continue
        baseline.fit(setting.contents(chosen), truth[chosen], len(examples.labels), setting.seed)
        select = baseline.probabilities(setting.contents(examples.select))
        points.append(setting.point("fit", size, 1, time.monotonic() - since, select))
        tell(done + 1, len(sizes))
    report = baseline.probabilities(setting.contents(examples.report))
    latency = measure_latency(
        _uncached(setting, baseline), setting.contents(examples.select), most_seconds=1.0
    )
    record = RungRecord(
        model=model,
        kind="baseline",
        rung="fit",
        position=0,
        strategy="from-scratch",
        revision=_scikit_version(),
        licence="BSD-3-Clause",
        hyperparameters={**baseline.hyperparameters, "seed": setting.seed},
        curve=tuple(points),
        seconds=time.monotonic() - begun,
        latency_ms=latency,
        throughput_per_s=1000 / latency.p50,
        peak_memory_mb=setting.memory.stop(),
        size_mb=baseline.size_mb(),
    )
    setting.folder.save_rung(record, select, report)


def _uncached(setting: Setting, baseline: Any) -> Callable[[Sequence[str]], object]:
    def answer(contents: Sequence[str]) -> object:
        for content in contents:
            setting.descriptors.pop(content, None)
        return baseline.probabilities(contents)

    return answer


def _scikit_version() -> str:
    import sklearn

    return f"scikit-learn=={sklearn.__version__}"


def climb(setting: Setting, weights: Weights, rung: str, position: int) -> None:
    """Take a pretrained model up one rung of the ladder and keep the rung as finished.

    :param rung: `linear-probe` (first examples), `linear-probe-all`, `last-block` or `longer`.
    :param position: the rung's number in this model's climb.
    :raises OutOfTime, Cancelled: from the clock; nothing is kept of an unfinished rung but its features.
    :raises WeightsUnavailable: if the weights do not load.
    """
    setting.memory.start()
    begun = time.monotonic()
    setting.emit(
        {"kind": "step", "model": weights.model, "rung": rung, "what": "loading", "done": 0, "total": 1}
    )
    backbone = load_backbone(weights, setting.open_image)
    setting.clock.check()
    climber = _Probe if rung.startswith("linear-probe") else _Tuning
    climber(setting, weights, backbone, rung, position, begun).climb()


class _Climb:
    def __init__(
        self, setting: Setting, weights: Weights, backbone: Backbone, rung: str, position: int, begun: float
    ) -> None:
        self.setting = setting
        self.weights = weights
        self.backbone = backbone
        self.rung = rung
        self.position = position
        self.begun = begun
        examples = setting.examples
        alone = rung == "linear-probe"
        before = setting.folder.rungs(weights.model)
        seen = any(record.rung == "linear-probe-all" for record in before) or rung == "linear-probe-all"
        self.train = list(examples.train if seen and not alone else examples.train[: examples.first])
        self.judged = list(examples.select) + list(examples.report)
        self.computed = 0

    def climb(self) -> None:
        raise NotImplementedError

    def features(self, positions: Sequence[int]) -> NDArray[np.float32]:
        """Look up features, computing and keeping those that are not there yet."""
        path = self.setting.folder.rung_folder(self.weights.model) / "features.npz"
        known: dict[int, NDArray[np.float32]] = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                known = dict(zip(stored["positions"].tolist(), stored["values"], strict=True))
        missing = [i for i in positions if i not in known]
        self.computed += len(missing)
        if missing:
            tell = self.setting.steps(self.weights.model, self.rung, "features")
            values = embed(self.backbone, self.setting.contents(missing), self.setting.clock, tell)
            known.update(zip(missing, values, strict=True))
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(".features.tmp.npz")
            np.savez(temporary, positions=np.asarray(list(known)), values=np.stack(list(known.values())))
            temporary.replace(path)
        return np.stack([known[i] for i in positions])

    def fit(
        self, features: NDArray[np.float32], truth: NDArray[np.int64], strength: float | None = None
    ) -> Head:
        k = len(self.setting.examples.labels)
        return fit_head(
            features, truth, k, seed=self.setting.seed, strength=strength, balanced=self.setting.balanced
        )

    def answer(self, head: Head | TunedHead) -> Callable[[Sequence[str]], object]:
        def once(contents: Sequence[str]) -> object:
            with torch.inference_mode():
                features = self.backbone.forward(self.backbone.prepare(contents)).cpu().numpy()
            return head.probabilities(features)

        return once

    def save(
        self,
        judged: Probabilities,
        points: Sequence[CurvePoint],
        answer: Callable[[Sequence[str]], object],
        hyperparameters: Mapping[str, Any],
        strategy: str,
        throughput: float | None,
        **more: Any,
    ) -> None:
        """Measure latency and memory, and keep the rung."""
        contents = self.setting.contents(self.setting.examples.select)
        latency = measure_latency(answer, contents)
        record = RungRecord(
            model=self.weights.model,
            kind="weights",
            rung=self.rung,
            position=self.position,
            strategy=strategy,
            revision=self.weights.revision,
            licence=self.weights.licence,
            hyperparameters={
                **hyperparameters,
                "seed": self.setting.seed,
                "batch_size": self.backbone.batch_size,
            },
            curve=tuple(points),
            seconds=time.monotonic() - self.begun,
            latency_ms=latency,
            throughput_per_s=throughput,
            peak_memory_mb=self.setting.memory.stop(),
            size_mb=self.weights.size_mb,
            **more,
        )
        n = len(self.setting.examples.select)
        self.setting.folder.save_rung(record, judged[:n], judged[n:])

    def keep(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Keep what this rung has learnt, so that the model can be exported or tuned on.

        :param tensors: `body.NAME` of every tuned parameter, and `head.` centre, spread, weight and bias.
        """
        from safetensors.numpy import save_file

        path = learnt_path(self.setting.folder, self.weights.model, self.position, self.rung)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        whole = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
        save_file(whole, temporary)
        temporary.replace(path)


def learnt_path(folder: RunFolder, model: str, position: int, rung: str) -> Path:
    """Where a rung keeps what it has learnt."""
    return folder.rung_folder(model) / f"{position}-{rung}.safetensors"


class _Probe(_Climb):
    """Frozen features and a logistic regression, at growing numbers of examples.

    The examples to judge by come first, then the training examples in stratified parts: when the model's own time
    limit passes, the parts that are done are enough for a probe.
    """

    def climb(self) -> None:
        setting, k = self.setting, len(self.setting.examples.labels)
        since = time.monotonic()
        judged = self.features(self.judged)
        features, cut = self.learnt()
        spent = time.monotonic() - since
        truth = setting.truth[self.train[: len(features)]]
        head = self.fit(features, truth)
        points = []
        sizes = _learning_sizes(len(features), k) if self.rung == "linear-probe" else [len(features)]
        n = len(setting.examples.select)
        for size in sizes:
            since = time.monotonic()
            if not _learnable(truth[:size]):
                continue
            part = head if size == len(features) else self.fit(features[:size], truth[:size], head.strength)
            share = spent * (size / len(features)) + time.monotonic() - since
            points.append(setting.point(self.rung, size, 1, share, part.probabilities(judged[:n])))
        hyperparameters = {"head": "logistic regression", "C": head.strength, "dimensions": features.shape[1]}
        if setting.balanced:
            hyperparameters["class_weight"] = "balanced"
        scores = transferability(features, truth, self.backbone.source) if self.rung == "linear-probe" else {}
        throughput = self.computed / spent if self.computed >= FEWEST_TIMED else None
        note = (
            f"its time limit left {len(features)} of {len(self.train)} examples to learn from" if cut else ""
        )
        self.keep({f"head.{name}": getattr(head, name) for name in ("centre", "spread", "weight", "bias")})
        self.save(
            head.probabilities(judged), points, self.answer(head), hyperparameters, "frozen", throughput,
            transferability=scores, note=note,
        )  # fmt: skip

    def learnt(self) -> tuple[NDArray[np.float32], bool]:
        """Compute the training features part by part.

        :return: the features of a prefix of the training examples, and whether time cut it short.
        """
        edges = sorted({round(len(self.train) * part / PARTS) for part in range(1, PARTS + 1)} - {0})
        enough = 0
        for edge in edges:
            try:
                self.features(self.train[:edge])
            except OutOfTime:
                if enough < self.fewest() or self.setting.clock.left <= 0:
                    raise
                return self.features(self.train[:enough]), True
            enough = edge
        return self.features(self.train), False

    def fewest(self) -> int:
        """The fewest examples that a probe can be fitted on."""
        return 2 * len(self.setting.examples.labels)


class _Tuning(_Climb):
    """Head and last block, from the linear probe on; `longer` goes on where `last-block` ended."""

    def climb(self) -> None:
        setting, model = self.setting, self.weights.model
        body = self.backbone.module
        if body is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        head = TunedHead(self.fit(self.features(self.train), setting.truth[self.train], self.strength()))
        self.restore(body, head)
        is_text = setting.examples.task == "text-classification"
        recipe = Recipe(
            epochs=epochs(self.rung, len(self.train)), body_rate=5e-4 if is_text else 3e-4, balanced=setting.balanced
        )  # fmt: skip
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        since = time.monotonic()
        tell = setting.steps(model, self.rung, "tuning")
        tune(self.backbone, head, contents, truth, recipe, setting.clock, seed=setting.seed, progress=tell)
        spent = time.monotonic() - since
        tell = setting.steps(model, self.rung, "measuring")
        since = time.monotonic()
        features = embed(self.backbone, setting.contents(self.judged), setting.clock, tell)
        throughput = len(features) / (time.monotonic() - since)
        judged = head.probabilities(features)
        select = judged[: len(setting.examples.select)]
        point = setting.point(self.rung, len(self.train), recipe.epochs, spent, select)
        hyperparameters = {
            "epochs": recipe.epochs,
            "learning_rate": recipe.body_rate,
            "head_learning_rate": recipe.head_rate,
            "weight_decay": recipe.weight_decay,
            "label_smoothing": recipe.smoothing,
            "dropout": recipe.dropout,
            "schedule": "warm-up, then cosine",
            "batch_norm": "evaluation mode",
        }
        learnt = {f"body.{name}": p.detach().cpu().numpy() for name, p in last_block(body).items()}
        self.keep(learnt | {f"head.{name}": value for name, value in head.arrays().items()})
        self.save(
            judged,
            [point],
            self.answer(head),
            hyperparameters,
            "last-block",
            throughput,
            note=self.note(point),
        )

    def note(self, point: CurvePoint) -> str:
        """Explain a tuned rung that ends below the model's own linear probe."""
        before = [record.curve[-1].metric.value for record in self.setting.folder.rungs(self.weights.model)]
        if not before or point.metric.value >= max(before):
            return ""
        return (
            f"Tuning ended below the model's own earlier rung ({point.metric.value:.3f} against "
            f"{max(before):.3f}): {len(self.train)} examples and {point.epochs} epochs did not help it; "
            "the earlier rung counts."
        )

    def strength(self) -> float | None:
        """A hundredth of the C that the linear probe chose: a soft head leaves the body something to learn."""
        rungs = self.setting.folder.rungs(self.weights.model)
        chosen = [r.hyperparameters["C"] for r in rungs if r.hyperparameters.get("C") is not None]
        return SOFT * float(chosen[-1]) if chosen else None

    def restore(self, body: torch.nn.Module, head: TunedHead) -> None:
        """Go on from where an earlier tuning of this model ended."""
        earlier = [r for r in self.setting.folder.rungs(self.weights.model) if r.strategy == "last-block"]
        if self.rung != "longer" or not earlier:
            return
        path = learnt_path(self.setting.folder, self.weights.model, earlier[-1].position, earlier[-1].rung)
        if path.exists():
            load_learnt(path, body, head)
