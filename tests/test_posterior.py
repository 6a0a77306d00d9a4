"""The posterior of the models' scores: cross-validation sharpens it, doubt widens it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from advisor.doubt import Doubt
from advisor.posterior import join, measure, posterior
from advisor.result import CurvePoint, Evidence, ModelResult, NamedMetric

CERTAIN = Doubt(resampling=1.0, learning=0.0)
K = 4


def right(n: int, share: float, seed: int) -> NDArray[np.int64]:
    truth = np.arange(n, dtype=np.int64) % K
    wrong = np.random.default_rng(seed).permutation(n)[: round(n * (1 - share))]
    truth[wrong] = (truth[wrong] + 1) % K
    return truth


def evidence(select: dict[str, float], cross: dict[str, float], climbed: tuple[str, ...] = ()) -> Evidence:
    n, more = 40, 200
    return Evidence(
        labels=tuple("abcd"),
        truth=np.arange(n, dtype=np.int64) % K,
        predictions={model: right(n, share, i) for i, (model, share) in enumerate(select.items())},
        standing={},
        learnt=dict.fromkeys(select, 160),
        available=400,
        cross_truth=np.arange(more, dtype=np.int64) % K if cross else np.zeros(0, dtype=np.int64),
        cross={model: right(more, share, 10 + i) for i, (model, share) in enumerate(cross.items())},
        first_best=frozenset(cross) - frozenset(climbed),
    )


def rows(*models: str) -> list[ModelResult]:
    return [ModelResult(model=model, kind="weights", status="ok") for model in models]


def spread(found: Evidence, doubt: Doubt = CERTAIN) -> float:
    return float(posterior(found, "accuracy", rows("a", "b"), 0, doubt, prospects=False).draws[:, 0].std())


def test_cross_validation_decides_where_there_is_some() -> None:
    select, cross = {"a": 0.8, "b": 0.75}, {"a": 0.6, "b": 0.75}
    alone = posterior(evidence(select, {}), "accuracy", rows("a", "b"), 0, CERTAIN)
    both = posterior(evidence(select, cross), "accuracy", rows("a", "b"), 0, CERTAIN)
    assert alone.ahead("a", "b") > 0.5 > 0.1 > both.ahead("a", "b")
    assert spread(evidence(select, cross)) < 0.8 * spread(evidence(select, {}))


def test_a_model_that_climbed_on_keeps_what_it_gained() -> None:
    select, cross = {"a": 0.95, "b": 0.75}, {"a": 0.7, "b": 0.72}
    stayed = posterior(evidence(select, cross), "accuracy", rows("a", "b"), 0, CERTAIN)
    climbed = posterior(evidence(select, cross, ("a",)), "accuracy", rows("a", "b"), 0, CERTAIN)
    assert climbed.interval("a")[0] > stayed.interval("a")[0] + 0.1


def climbed_on(wrong: range, probe_wrong: range) -> float:
    """The score of a tuned model whose probe was right in 60 % of the other 160 examples that it was judged on."""
    found = evidence({"a": 1.0, "b": 0.75}, {"a": 0.6, "b": 0.75}, ("a",))
    truth = found.truth
    tuned, there = truth.copy(), truth.copy()
    tuned[list(wrong)] = (tuned[list(wrong)] + 1) % K
    there[list(probe_wrong)] = (there[list(probe_wrong)] + 1) % K
    cross = np.concatenate([right(160, 0.6, 3), there])
    found = replace(found, predictions={**found.predictions, "a": tuned}, cross={**found.cross, "a": cross})
    return float(measure(found, "accuracy", rows("a", "b"), 0).scores[0])


def test_light_examples_count_as_far_as_probe_and_tuned_model_err_together() -> None:
    """The tuned model is right in 0.8 of those to choose by; where it errs in the very same, all examples count."""
    whole = (160 * 0.6 + 32) / 200
    assert climbed_on(range(16, 24), range(20)) == pytest.approx(0.8, abs=0.005)
    assert climbed_on(range(8), range(8)) == pytest.approx(whole)
    assert whole < climbed_on(range(4, 12), range(8)) < 0.8


def test_doubt_widens_and_more_examples_to_learn_from_lessen_it() -> None:
    found = evidence({"a": 0.8, "b": 0.7}, {})
    assert spread(found, Doubt(resampling=4.0, learning=0.0)) > 1.2 * spread(found)
    assert spread(found, Doubt(resampling=1.0, learning=5.0)) > spread(found)


def test_regret_is_what_the_best_is_ahead_on_average() -> None:
    found = posterior(evidence({"a": 0.9, "b": 0.5}, {}), "accuracy", rows("a", "b"), 0, CERTAIN)
    gap = found.interval("a")[0] - found.interval("b")[0]
    assert found.regret("b", ("a", "b")) == pytest.approx(gap, abs=0.02)
    assert found.regret("a", ("a", "b")) < 0.01


def curve(*rungs: str) -> tuple[CurvePoint, ...]:
    named = NamedMetric(name="accuracy", value=0.7, low=0.6, high=0.8)
    return tuple(CurvePoint(rung=rung, examples=100, epochs=1, seconds=1.0, metric=named) for rung in rungs)


def test_a_model_that_was_not_tuned_is_granted_what_tuning_gave_to_others() -> None:
    found = evidence({"a": 0.95, "b": 0.75, "c": 0.75}, {"a": 0.75, "b": 0.75, "c": 0.75}, ("a",))
    found = replace(found, frozen=frozenset("c"))
    ran = [
        ModelResult(model=model, kind="weights", status="ok", curve=curve("linear-probe", *more))
        for model, more in (("a", ("last-block",)), ("b", ()), ("c", ()))
    ]
    hoped, seen = (posterior(found, "accuracy", ran, 0, CERTAIN, prospects=way) for way in (True, False))
    assert hoped.ahead("b", "c") > 0.6
    assert hoped.interval("b")[0] > seen.interval("b")[0] + 0.02
    assert hoped.p_best("abc")["a"] < seen.p_best("abc")["a"]
    deeper = [ran[0].model_copy(update={"curve": curve("linear-probe", "full")}), *ran[1:]]
    deeper[1] = ran[1].model_copy(update={"curve": curve("linear-probe", "last-block")})
    more = replace(found, first_best=found.first_best - {"b"})
    light, none = (posterior(more, "accuracy", deeper, 0, CERTAIN, prospects=way) for way in (True, False))
    assert light.interval("b")[0] > none.interval("b")[0] + 0.02, "less deeply tuned than others"
    aside = [one.model_copy(update={"curve": curve("linear-probe", "few-shot")}) for one in ran]
    alike = [one.model_copy(update={"curve": curve("linear-probe")}) for one in ran]
    tried, untried = (posterior(found, "accuracy", some, 0, CERTAIN) for some in (aside, alike))
    assert np.array_equal(tried.draws, untried.draws), (
        "few-shot, given up, is no part of the way to full tuning"
    )
    taken = [one.model_copy(update={"strategy": "contrast"}) for one in aside]
    assert posterior(found, "accuracy", taken, 0, CERTAIN).interval("b") != tried.interval("b")
    usual, bare = (posterior(found, "accuracy", alike, 0, CERTAIN, prospects=way) for way in (True, False))
    assert usual.interval("b")[0] > bare.interval("b")[0]
    assert np.array_equal(usual.draws[:, 2], bare.draws[:, 2]), "c cannot be tuned"


def test_a_model_that_was_not_reached_stands_where_published_results_put_it() -> None:
    found = evidence({"a": 0.8, "b": 0.7}, {})
    waiting = [ModelResult(model="c", kind="weights", status="stopped")]
    chances = []
    for place in (-2.0, 0.0, 2.0):
        known = replace(found, standing={"a": (0.0, 0.5), "b": (0.0, 0.5), "c": (place, 0.5)})
        joined = join(measure(known, "accuracy", rows("a", "b"), 0, unreached=waiting), 0, CERTAIN)
        assert joined.models == ("a", "b", "c")
        chances.append(joined.ahead("c", "a"))
    assert chances == sorted(chances)
    assert chances[0] < 0.4 < 0.6 < chances[2]


def test_a_model_that_was_not_reached_changes_nothing_for_the_others() -> None:
    found = evidence({"a": 0.8, "b": 0.7}, {})
    waiting = [ModelResult(model="c", kind="weights", status="stopped")]
    alone = posterior(found, "accuracy", rows("a", "b"), 0, CERTAIN)
    beside = join(measure(found, "accuracy", rows("a", "b"), 0, unreached=waiting), 0, CERTAIN)
    for model in ("a", "b"):
        assert beside.interval(model) == pytest.approx(alone.interval(model), abs=0.02)
