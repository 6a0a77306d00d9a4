"""Which rung is worth its seconds next: the gain in the score that may be hoped for, over what it costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erf, exp, pi, sqrt

from advisor.curve import Curve, extrapolate
from advisor.posterior import Posterior
from advisor.probe.plan import LADDER
from advisor.probe.recipes import TUNING
from advisor.result import CurvePoint

__all__ = [
    "LEAST_GAIN",
    "Gain",
    "Option",
    "counted_from",
    "expected_gain",
    "hoped",
    "learnt_gain",
    "probe_gain",
]

LEAST_GAIN = 0.001
TRUST = 2.0


@dataclass(frozen=True)
class Gain:
    """What a rung adds to a model's score: mean and standard deviation."""

    mean: float
    sd: float


USUAL = {
    ("image-classification", "adapted"): Gain(0.0, 0.02),
    ("image-classification", "last-block"): Gain(0.005, 0.015),
    ("image-classification", "longer"): Gain(0.005, 0.01),
    ("image-classification", "few-shot"): Gain(0.0, 0.03),
    ("image-classification", "full"): Gain(0.04, 0.04),
    ("image-classification", "search"): Gain(0.005, 0.01),
    ("text-classification", "adapted"): Gain(0.0, 0.015),
    ("text-classification", "last-block"): Gain(0.03, 0.03),
    ("text-classification", "longer"): Gain(0.01, 0.015),
    ("text-classification", "few-shot"): Gain(0.02, 0.03),
    ("text-classification", "lora"): Gain(0.08, 0.08),
    ("text-classification", "full"): Gain(0.09, 0.08),
    ("text-classification", "search"): Gain(0.005, 0.015),
}
"""Of the runs of `benchmarks/README.md` before this one; `full` of the fine-tunings of `benchmarks/selection`. With the
model of the smallest gain there, `lora` reached the same on trec6 (+16 points each), so it stands little below.
`few-shot` is of the draws of `benchmarks/few_shot.py`, as far as a run would have kept it. What `search` adds to the
rungs below it is assumed."""


@dataclass(frozen=True)
class Option:
    """A rung that a model may climb next.

    :ivar gain: what it may add.
    :ivar seconds: what it is forecast to take.
    """

    model: str
    rung: str
    gain: Gain
    seconds: float


def counted_from(reached: Mapping[str, float], rung: str) -> float:
    """Give the score that a rung's gain is counted from: the best of the probes, for `longer` and
    `search` of all rungs below it.

    :param reached: the score of each rung that a model has finished.
    """
    tuned = (*TUNING, "few-shot")
    below = [one for one in LADDER[: LADDER.index(rung)] if rung in ("longer", "search") or one not in tuned]
    return max(value for one, value in reached.items() if one in below)


def learnt_gain(task: str, rung: str, seen: Sequence[float]) -> Gain:
    """Say what tuning may add to a model, from earlier runs and from the other models of this run.

    :param seen: what the same rung added to other models of this run, over `counted_from`.
    """
    usual = USUAL[task, rung]
    return Gain((TRUST * usual.mean + sum(seen)) / (TRUST + len(seen)), usual.sd)


def probe_gain(points: Iterable[CurvePoint], examples: int) -> Gain:
    """Say what more examples may add to a linear probe: its error falls as a power of their number.

    :param points: the probe's learning curve.
    :param examples: how many it would learn from.
    """
    known = [point for point in points if point.rung == "linear-probe"]
    curve = Curve(tuple(point.examples for point in known), tuple(1 - point.metric.value for point in known))
    mean = extrapolate(curve, known[-1].examples) - extrapolate(curve, examples)
    return Gain(mean, max(0.01, mean / 2))


def expected_gain(option: Option, found: Posterior, among: Sequence[str]) -> float:
    """Give by how much the best score is expected to rise if the option is taken (expected improvement).

    A model that lies behind must first make up for that; how far it lies behind is itself uncertain.

    :param found: what is known of all models now.
    :param among: the models that may win.
    """
    means = {model: float(found.draws[:, found.models.index(model)].mean()) for model in among}
    leader = max(means, key=lambda model: (means[model], model))
    gap = found.draws[:, found.models.index(option.model)] - found.draws[:, found.models.index(leader)]
    spread = sqrt(option.gain.sd**2 + float(gap.var()))
    above = float(gap.mean()) + option.gain.mean
    z = above / spread
    return above * 0.5 * (1 + erf(z / sqrt(2))) + spread * exp(-z * z / 2) / sqrt(2 * pi)


def hoped(options: Sequence[Option], found: Posterior, among: Sequence[str]) -> Mapping[Option, float]:
    """Give the expected gain of each option, most gain per second first."""
    gains = {option: expected_gain(option, found, among) for option in options}
    order = sorted(gains, key=lambda one: (-gains[one] / max(one.seconds, 0.1), one.model, one.rung))
    return {option: gains[option] for option in order}
