"""What a rung may be hoped to bring, and which is worth its seconds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.posterior import Posterior
from advisor.probe.allocate import Gain, Option, counted_from, expected_gain, hoped, learnt_gain, probe_gain
from advisor.result import CurvePoint, NamedMetric


def known(**means: float) -> Posterior:
    draws = np.random.default_rng(0).normal(0, 0.005, (2000, len(means))) + np.array(list(means.values()))
    return Posterior(tuple(means), draws)


def option(model: str, mean: float = 0.01, sd: float = 0.01, seconds: float = 10.0) -> Option:
    return Option(model, "last-block", Gain(mean, sd), seconds)


def point(value: float, examples: int) -> CurvePoint:
    named = NamedMetric(name="accuracy", value=value, low=0.0, high=1.0)
    return CurvePoint(rung="linear-probe", examples=examples, epochs=1, seconds=1.0, metric=named)


@given(st.floats(0.3, 0.9), st.floats(0.02, 0.3), st.floats(-0.02, 0.05), st.floats(0.001, 0.05))
@settings(max_examples=40, deadline=None)
def test_expected_gain_is_positive_falls_with_the_gap_and_agrees_with_simulation(
    level: float, gap: float, mean: float, sd: float
) -> None:
    found = known(a=level, b=level - gap)
    near, far = (expected_gain(option(model, mean, sd), found, ("a", "b")) for model in ("a", "b"))
    assert far >= 0
    assert near >= far - 0.003
    away = found.draws[:, 1] - found.draws[:, 0]
    spread = np.hypot(sd, away.std())
    drawn = np.random.default_rng(1).normal(away.mean() + mean, spread, 200_000)
    assert far == pytest.approx(np.maximum(0, drawn).mean(), abs=0.001)


def test_most_gain_per_second_comes_first() -> None:
    found = known(a=0.8, b=0.79, c=0.3)
    slow, quick, hopeless = option("a", seconds=100), option("b", seconds=5), option("c", seconds=1)
    gains = hoped([slow, hopeless, quick], found, ("a", "b", "c"))
    assert next(iter(gains)) == quick
    assert gains[hopeless] < 1e-6 < gains[slow]


def test_this_run_teaches_what_tuning_brings() -> None:
    usual = learnt_gain("text-classification", "last-block", [])
    assert learnt_gain("text-classification", "last-block", [-0.05] * 3).mean < 0 < usual.mean


def test_tuning_is_counted_from_the_probe_and_longer_from_what_came_before() -> None:
    reached = {"linear-probe": 0.7, "linear-probe-all": 0.75, "last-block": 0.8, "longer": 0.82, "full": 0.9}
    assert [counted_from(reached, rung) for rung in ("last-block", "longer", "full")] == [0.75, 0.8, 0.75]
    assert (
        learnt_gain("text-classification", "full", []).mean
        > learnt_gain("text-classification", "last-block", []).mean
    )


def test_a_rising_curve_promises_more_than_a_flat_one() -> None:
    rising = probe_gain([point(0.6, 25), point(0.7, 50), point(0.78, 100)], 400)
    flat = probe_gain([point(0.78, 25), point(0.78, 50), point(0.78, 100)], 400)
    assert rising.mean > 0.05
    assert flat.mean == pytest.approx(0, abs=1e-9)
    assert probe_gain([point(0.78, 100)], 400).mean > 0
    assert probe_gain([point(0.6, 25), point(0.78, 100)], 100).mean == 0
