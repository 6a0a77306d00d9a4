"""One model climbs one rung: features and a linear probe, or tuning, with everything measured on the way."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from advisor.files import storing, write_atomically
from advisor.jobs.folder import Examples, RunFolder, RungRecord
from advisor.metrics import evaluate
from advisor.probe.adapters import ALPHA, DROPOUT, RANK, attention
from advisor.probe.backbone import BATCH_SIZE, MAX_TOKENS, Backbone, OpenImage, load_backbone, torch_device
from advisor.probe.baselines import make_baseline
from advisor.probe.cache import FeatureCache, body_key
from advisor.probe.choice import Chosen, choose_head
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.earlier import Costs, costs_path, read_costs, read_source, write_costs, write_source
from advisor.probe.features import embed
from advisor.probe.few_shot import TEXT, contrast
from advisor.probe.head import Head, fit_head
from advisor.probe.measure import PeakMemory, measure_latency
from advisor.probe.recipes import TUNING, Recipe, Scope, recipe_for
from advisor.probe.scope import changed
from advisor.probe.source_head import SourceHead
from advisor.probe.transfer import transferability
from advisor.probe.tune import TunedHead, load_learnt, tune
from advisor.result import CurvePoint, NamedMetric
from advisor.weights import Weights

__all__ = ["Setting", "climb", "climb_baseline", "known_features", "learnt_path"]

SOFT = 0.01
FRACTIONS = (0.25, 0.5, 1.0)
PARTS = 4
FEWEST_TIMED = 32
MOST_CROSSED = 1500
KEPT_AT_ONCE = 256
KEEPING_S, SLOWER = 2.0, 1.3
COLOUR_EDGES = "colour-edges-1"
LIBRARIES = {"timm": ("timm",), "transformers": ("transformers.models.auto.modeling_auto",)}
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
    digest: Callable[[str], bytes]
    cache: FeatureCache
    digests: dict[str, bytes] = field(default_factory=dict)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Class index of every example, (n,)."""
        return np.asarray(self.examples.truth, dtype=np.int64)

    def contents(self, positions: Sequence[int]) -> list[str]:
        """The contents at some positions."""
        return [self.examples.contents[i] for i in positions]

    def key(self, content: str) -> bytes:
        """SHA-256 of what a content holds, computed once."""
        if content not in self.digests:
            self.digests[content] = self.digest(content)
        return self.digests[content]

    def find(self, body: str, contents: Sequence[str], own: Path) -> dict[str, NDArray[np.float32]]:
        """Look features up, in the advisor's cache and in this run.

        :param own: the run's own folder for features, used where the cache cannot be written.
        :return: content → (d,) for those that are known.
        """
        keys = {content: self.key(content) for content in contents}
        known = self.cache.find(body, list(keys.values()))
        if len(known) < len(set(keys.values())) and own.exists():
            known |= FeatureCache(own).find(body, [key for key in keys.values() if key not in known])
        return {content: known[key] for content, key in keys.items() if key in known}

    def keep(self, body: str, rows: Mapping[str, NDArray[np.float32]], own: Path) -> None:
        """Keep features in the advisor's cache, or in this run where that cannot be written.

        :raises StorageError: if neither can be written.
        """
        keyed = {self.key(content): row for content, row in rows.items()}
        try:
            self.cache.keep(body, keyed)
        except OSError:
            with storing(own):
                FeatureCache(own).keep(body, keyed)

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


def _learning_sizes(available: int, classes: int) -> list[int]:
    fewest = min(available, max(2 * classes, 10))
    return sorted({max(fewest, round(available * fraction)) for fraction in FRACTIONS} | {available})


def _learnable(truth: NDArray[np.int64]) -> bool:
    return len(np.unique(truth)) >= 2


def climb_baseline(setting: Setting, model: str, most_seconds: float | None = None) -> None:
    """Fit a classical baseline on growing parts of the run's training examples and keep it as a finished rung.

    :param most_seconds: no larger part is begun that would end later than this; None for all examples in any case.
    """
    examples, truth = setting.examples, setting.truth
    begun = time.monotonic()
    setting.memory.start()
    own = setting.folder.rung_folder(model) / "features"
    used = setting.contents([*examples.train, *examples.select, *examples.report])
    if "colour-edges" in model and not setting.descriptors:
        setting.descriptors.update(setting.find(COLOUR_EDGES, used, own))
    found = len(setting.descriptors)
    tell = setting.steps(model, "fit", "fitting")
    points: list[CurvePoint] = []
    sizes = _learning_sizes(len(examples.train), len(examples.labels))
    for done, size in enumerate(sizes):
        setting.clock.check()
        since = time.monotonic()
        ahead = points[-1].seconds * size / points[-1].examples if points else 0.0
        if points and most_seconds is not None and since - begun + ahead > most_seconds:
            break
        baseline = make_baseline(model, setting.open_image, setting.descriptors, setting.balanced)
        chosen = list(examples.train[:size])
        if not _learnable(truth[chosen]) and model != "baseline/majority":
            continue
        baseline.fit(setting.contents(chosen), truth[chosen], len(examples.labels), setting.seed)
        select = baseline.probabilities(setting.contents(examples.select))
        points.append(setting.point("fit", size, 1, time.monotonic() - since, select))
        tell(done + 1, len(sizes))
    learnt = points[-1].examples if points else sizes[-1]
    report = baseline.probabilities(setting.contents(examples.report))
    if len(setting.descriptors) > found:
        setting.keep(COLOUR_EDGES, setting.descriptors, own)
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
        note=f"its time limit left {learnt} of {sizes[-1]} examples to learn from"
        if learnt < sizes[-1]
        else "",
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

    :param rung: one of the ladder's (`advisor.probe.plan.LADDER`).
    :param position: the rung's number in this model's climb.
    :raises OutOfTime, Cancelled: from the clock; nothing is kept of an unfinished rung but its features.
    :raises WeightsUnavailable: if the weights do not load.
    :raises StorageError: if something cannot be written.
    """
    setting.memory.start()
    begun = time.monotonic()
    climber = _Probe if rung.startswith("linear-probe") else _FewShot if rung == "few-shot" else _Tuning
    climber(setting, weights, rung, position, begun).climb()


class _Climb:
    def __init__(self, setting: Setting, weights: Weights, rung: str, position: int, begun: float) -> None:
        self.setting = setting
        self.weights = weights
        self.rung = rung
        self.position = position
        self.begun = begun
        examples = setting.examples
        alone = rung == "linear-probe"
        self.before = setting.folder.rungs(weights.model)
        seen = any(record.rung == "linear-probe-all" for record in self.before) or rung == "linear-probe-all"
        self.train = list(examples.train if seen and not alone else examples.train[: examples.first])
        self.judged = list(examples.select) + list(examples.report)
        self.computed = 0
        self.body = body_key(weights, "mean pooling", MAX_TOKENS, torch_device().type)
        self.own = setting.folder.rung_folder(weights.model) / "features"
        requests = [setting.key(content) for content in setting.contents(examples.select)]
        self.costs = costs_path(setting.cache.root, self.body, requests, torch.get_num_threads())

    def climb(self) -> None:
        raise NotImplementedError

    @cached_property
    def backbone(self) -> Backbone:
        """The body, loaded when it is first needed: a probe whose features are all known needs none."""
        step = {"what": "loading", "done": 0, "total": 1}
        self.setting.emit({"kind": "step", "model": self.weights.model, "rung": self.rung, **step})
        for library in LIBRARIES.get(self.weights.loader, ()):
            self.setting.memory.settle(library)
        backbone = load_backbone(self.weights, self.setting.open_image)
        self.setting.clock.check()
        return backbone

    @property
    def source(self) -> SourceHead | None:
        """The classifier of the body's pretraining, from an earlier probe where the body is not loaded."""
        kept, source = read_source(self.costs.parent)
        if not kept:
            source = self.backbone.source
            write_source(self.costs.parent, source)
        return source

    @cached_property
    def known(self) -> dict[str, NDArray[np.float32]]:
        """The features of this climb's examples, as far as they are there: content → (d,)."""
        contents = self.setting.contents([*self.judged, *self.train])
        return self.setting.find(self.body, contents, self.own)

    def features(self, positions: Sequence[int]) -> NDArray[np.float32]:
        """Look up features, computing and keeping those that are not there yet; what is computed is kept at once."""
        contents = self.setting.contents(positions)
        missing = list(dict.fromkeys(content for content in contents if content not in self.known))
        if missing:
            fresh: dict[str, NDArray[np.float32]] = {}

            def flush() -> None:
                self.computed += len(fresh)
                self.setting.keep(self.body, fresh, self.own)
                fresh.clear()

            def keep(places: Sequence[int], rows: NDArray[np.float32]) -> None:
                found = {missing[place]: row for place, row in zip(places, rows, strict=True)}
                fresh.update(found)
                self.known.update(found)
                if len(fresh) >= KEPT_AT_ONCE:
                    flush()

            tell = self.setting.steps(self.weights.model, self.rung, "features")
            try:
                embed(self.backbone, missing, self.setting.clock, tell, keep)
            finally:
                flush()
        return np.stack([self.known[content] for content in contents])

    def fit(
        self, features: NDArray[np.float32], truth: NDArray[np.int64], strength: float | None = None
    ) -> Head:
        k = len(self.setting.examples.labels)
        return fit_head(
            features, truth, k, seed=self.setting.seed, strength=strength, balanced=self.setting.balanced,
            check=self.setting.clock.go_on,
        )  # fmt: skip

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
        cross: Probabilities | None = None,
        **more: Any,
    ) -> None:
        """Measure latency and memory, and keep the rung.

        A model's later rungs answer through the same network, so its first one's latency stands for them. Where
        nothing had to be computed, an earlier probe's figures for the same requests on this machine stand.
        """
        contents = self.setting.contents(self.setting.examples.select)
        earlier = read_costs(self.costs) if not self.computed and not self.before else None
        if earlier:
            latency, throughput = earlier.latency_ms, earlier.throughput_per_s
            self.setting.emit(
                {"kind": "recalled", "model": self.weights.model, **earlier.model_dump(mode="json")}
            )
        else:
            timed = self.before[0].latency_ms if self.before else None
            latency = timed or measure_latency(answer, contents)
        peak = self.setting.memory.stop()
        if self.rung == "linear-probe" and self.computed == len(
            set(self.setting.contents(self.judged + self.train))
        ):
            write_costs(
                self.costs, Costs(latency_ms=latency, throughput_per_s=throughput, peak_memory_mb=peak)
            )
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
                "batch_size": BATCH_SIZE if "backbone" not in vars(self) else self.backbone.batch_size,
            },
            curve=tuple(points),
            seconds=time.monotonic() - self.begun,
            latency_ms=latency,
            throughput_per_s=throughput,
            peak_memory_mb=max(peak, earlier.peak_memory_mb) if earlier else peak,
            size_mb=self.weights.size_mb,
            **more,
        )
        n = len(self.setting.examples.select)
        self.setting.folder.save_rung(record, judged[:n], judged[n:], cross)

    def keep(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Keep what this rung has learnt, so that the model can be exported or tuned on.

        :param tensors: `body.NAME` of every tuned parameter, and `head.` centre, spread, weight and bias.
        """
        from safetensors.numpy import save

        path = learnt_path(self.setting.folder, self.weights.model, self.position, self.rung)
        whole = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
        write_atomically(path, save(whole))


def known_features(
    setting: Setting, weights: Weights, positions: Sequence[int]
) -> dict[int, NDArray[np.float32]]:
    """Look up the frozen features of some examples without computing any: position → (d,)."""
    known = _Climb(setting, weights, "linear-probe-all", 0, time.monotonic()).known
    contents = zip(positions, setting.contents(positions), strict=True)
    return {position: known[content] for position, content in contents if content in known}


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
        n = len(setting.examples.select)
        select_truth = setting.truth[list(setting.examples.select)]
        chosen = choose_head(
            features, truth, setting.examples.labels, judged[:n], select_truth, metric=setting.metric,
            balanced=setting.balanced, seed=setting.seed, check=setting.clock.go_on,
        )  # fmt: skip
        head = chosen.head
        points = []
        sizes = _learning_sizes(len(features), k) if self.rung == "linear-probe" else [len(features)]
        for size in sizes:
            since = time.monotonic()
            if not _learnable(truth[:size]):
                continue
            whole = size == len(features)
            part = (
                head
                if whole
                else chosen.again(features[:size], truth[:size], k, setting.seed, setting.clock.go_on)
            )
            share = spent * (size / len(features)) + time.monotonic() - since
            points.append(setting.point(self.rung, size, 1, share, part.probabilities(judged[:n])))
        hyperparameters = {**chosen.settings, "dimensions": features.shape[1]}
        scores = transferability(features, truth, self.source) if self.rung == "linear-probe" else {}
        throughput = self.computed / spent if self.computed >= FEWEST_TIMED else None
        cross = self.cross(features, judged[:n], truth, chosen)
        note = (
            f"its time limit left {len(features)} of {len(self.train)} examples to learn from"
            if cut
            else chosen.note
        )
        self.keep({f"head.{name}": getattr(head, name) for name in ("centre", "spread", "weight", "bias")})
        self.save(
            head.probabilities(judged), points, self.answer(head), hyperparameters, "frozen", throughput,
            cross=cross, transferability=scores, note=note,
        )  # fmt: skip

    def cross(
        self,
        features: NDArray[np.float32],
        select: NDArray[np.float32],
        truth: NDArray[np.int64],
        chosen: Chosen,
    ) -> Probabilities | None:
        """Cross-validate the head over the examples to learn from and to choose by: more to decide by than the latter.

        :return: (n + n_select, k) in the order of `Examples.crossed`, or None for cut or many examples, and too rare
            classes.
        """
        setting = self.setting
        whole = len(features) == len(self.train)
        if not whole or len(features) + len(select) > MOST_CROSSED:
            return None
        first = setting.examples.first
        values = np.concatenate([features[first:], features[:first], select])
        select_truth = setting.truth[list(setting.examples.select)]
        everything = np.concatenate([truth[first:], truth[:first], select_truth])
        k = len(setting.examples.labels)
        return chosen.crossed(values, everything, k, setting.seed, setting.clock.go_on)

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
        """The fewest examples that a probe can be fitted on, and learns more from than the rung before."""
        before = 0 if self.rung == "linear-probe" else self.setting.examples.first
        return max(2 * len(self.setting.examples.labels), before + 1)


class _Tuning(_Climb):
    """Head and body learn on, from the linear probe or from where an earlier tuning of this model ended."""

    def climb(self) -> None:
        setting, model = self.setting, self.weights.model
        body = self.backbone.module
        if body is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        head = TunedHead(self.fit(self.features(self.train), setting.truth[self.train], self.strength()))
        start = self.start()
        restored = self.restore(start, body, head)
        recipe = recipe_for(setting.examples.task, self.rung, len(self.train), setting.balanced)
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        since = time.monotonic()
        tell = setting.steps(model, self.rung, "tuning")
        tuned = tune(
            self.backbone, head, contents, truth, recipe, setting.clock, seed=setting.seed,
            reserve_s=self.judging_s(), progress=tell,
        )  # fmt: skip
        spent = time.monotonic() - since
        tell = setting.steps(model, self.rung, "measuring")
        since = time.monotonic()
        features = embed(self.backbone, setting.contents(self.judged), setting.clock, tell)
        throughput = len(features) / (time.monotonic() - since)
        judged = head.probabilities(features)
        select = judged[: len(setting.examples.select)]
        point = setting.point(self.rung, len(self.train), tuned.epochs, spent, select)
        names = restored | changed(body, recipe)
        learnt = {
            f"body.{name}": value.detach().cpu().numpy()
            for name, value in body.named_parameters()
            if name in names
        }
        self.keep(learnt | {f"head.{name}": value for name, value in head.arrays().items()})
        hyperparameters = {
            **_settings(recipe, tuned.epochs, body),
            "continues": start.rung if start else "linear-probe",
        }
        self.save(
            judged, [point], self.answer(head), hyperparameters, recipe.scope, throughput,
            note=self.note(point, recipe.epochs),
        )  # fmt: skip

    def judging_s(self) -> float:
        """Seconds to keep for answering all examples to choose and to judge by, from the first rung's speed."""
        speeds = [record.throughput_per_s for record in self.before if record.throughput_per_s]
        return KEEPING_S + SLOWER * len(self.judged) / speeds[0] if speeds else KEEPING_S

    def note(self, point: CurvePoint, planned: int) -> str:
        """Explain a tuned rung that was cut short, or ends below the model's own earlier ones."""
        notes = []
        if point.epochs < planned:
            notes.append(f"{self.rung} had time for {point.epochs} of {planned} passes")
        before = [record.curve[-1].metric.value for record in self.before]
        if before and point.metric.value < max(before):
            notes.append(
                f"Tuning ended below the model's own earlier rung ({point.metric.value:.3f} against "
                f"{max(before):.3f}): {len(self.train)} examples and {point.epochs} epochs did not help it; "
                "the earlier rung counts."
            )
        return ". ".join(notes)

    def strength(self) -> float | None:
        """A hundredth of the C that the linear probe chose: a soft head leaves the body something to learn."""
        probes = [r.hyperparameters for r in self.before if r.rung.startswith("linear-probe")]
        chosen = [settings["C"] for settings in probes if settings.get("C") is not None]
        return SOFT * float(chosen[-1]) if chosen else None

    def start(self) -> RungRecord | None:
        """Find the rung to go on from: the last block's for `longer`, else the best, if that was tuned at all."""
        if self.rung == "longer":
            return next((record for record in reversed(self.before) if record.rung == "last-block"), None)
        best = max(
            self.before, key=lambda record: (record.curve[-1].metric.value, record.position), default=None
        )
        return best if best and best.rung in TUNING else None

    def restore(self, start: RungRecord | None, body: torch.nn.Module, head: TunedHead) -> set[str]:
        """Go on from where a rung ended.

        :return: the parameters of the body that it had tuned.
        """
        if start is None:
            return set()
        path = learnt_path(self.setting.folder, self.weights.model, start.position, start.rung)
        return load_learnt(path, body, head) if path.exists() else set()


class _FewShot(_Climb):
    """The body learns from pairs what belongs together; the head is fitted on what it sees then."""

    def climb(self) -> None:
        setting, model = self.setting, self.weights.model
        if self.backbone.module is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        since = time.monotonic()
        tell = setting.steps(model, self.rung, "tuning")
        tuned = contrast(
            self.backbone, contents, truth, TEXT, setting.clock, seed=setting.seed, progress=tell
        )  # fmt: skip
        spent = time.monotonic() - since
        tell = setting.steps(model, self.rung, "measuring")
        since = time.monotonic()
        features = embed(self.backbone, [*contents, *setting.contents(self.judged)], setting.clock, tell)
        throughput = len(features) / (time.monotonic() - since)
        learnt, judged = np.split(features, [len(contents)])
        n = len(setting.examples.select)
        chosen = choose_head(
            learnt, truth, setting.examples.labels, judged[:n], setting.truth[list(setting.examples.select)],
            metric=setting.metric, balanced=setting.balanced, seed=setting.seed, check=setting.clock.go_on,
        )  # fmt: skip
        answers = chosen.head.probabilities(judged)
        point = setting.point(self.rung, len(contents), TEXT.visits, spent, answers[:n])
        body = {f"body.{name}": parameter.detach().cpu().numpy() for name, parameter in tuned.items()}
        head = {f"head.{name}": getattr(chosen.head, name) for name in ("centre", "spread", "weight", "bias")}
        self.keep(body | head)
        hyperparameters = {
            **chosen.settings,
            "epochs": TEXT.visits,
            "learning_rate": TEXT.rate,
            "weight_decay": TEXT.weight_decay,
            "compared_at_once": TEXT.batch_size,
            "schedule": "warm-up, then linear",
        }
        self.save(
            answers, [point], self.answer(chosen.head), hyperparameters, "contrast", throughput,
            note=chosen.note,
        )  # fmt: skip


def _settings(recipe: Recipe, epochs: int, body: torch.nn.Module) -> dict[str, Any]:
    targets = sorted({name.rpartition(".")[2] for name in attention(body)})
    own: dict[Scope, dict[str, Any]] = {
        "last-block": {},
        "lora": {"rank": RANK, "alpha": ALPHA, "lora_dropout": DROPOUT, "targets": " ".join(targets)},
        "full": {"layer_decay": recipe.layer_decay},
    }
    return {
        "epochs": epochs,
        "learning_rate": recipe.body_rate,
        **own[recipe.scope],
        "head_learning_rate": recipe.head_rate,
        "weight_decay": recipe.weight_decay,
        "label_smoothing": recipe.smoothing,
        "dropout": recipe.dropout,
        "schedule": "warm-up, then cosine",
        "batch_norm": "evaluation mode",
    }
