"""The rung of a classical baseline: fitted on growing parts of the training examples."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from advisor.jobs.folder import RungRecord
from advisor.probe.baselines import make_baseline
from advisor.probe.measure import measure_latency
from advisor.probe.rungs.sizes import learnable, learning_sizes
from advisor.probe.setting import Setting
from advisor.result import CurvePoint

__all__ = ["climb_baseline"]

COLOUR_EDGES = "colour-edges-1"


def climb_baseline(setting: Setting, model: str, most_seconds: float | None = None) -> None:
    """Fit a classical baseline on growing parts of the run's training examples and keep it as a finished rung.

    :param most_seconds: no larger part is begun that would end later than this; None for all examples in any case.
    """
    examples, truth = setting.examples, setting.truth
    begun = time.monotonic()
    setting.memory.start(apart=True)
    own = setting.folder.rung_folder(model) / "features"
    used = setting.contents([*examples.train, *examples.select, *examples.report])
    if "colour-edges" in model and not setting.descriptors:
        setting.descriptors.update(setting.find(COLOUR_EDGES, used, own))
    found = len(setting.descriptors)
    tell = setting.steps(model, "fit", "fitting")
    points: list[CurvePoint] = []
    sizes = learning_sizes(len(examples.train), len(examples.labels))
    for done, size in enumerate(sizes):
        setting.clock.check()
        since = time.monotonic()
        ahead = points[-1].seconds * size / points[-1].examples if points else 0.0
        if points and most_seconds is not None and since - begun + ahead > most_seconds:
            break
        baseline = make_baseline(model, setting.open_image, setting.descriptors, setting.balanced)
        chosen = list(examples.train[:size])
        if not learnable(truth[chosen]) and model != "baseline/majority":
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
