"""Joining prior and scores: linear, fair to what repeats itself, and better than its parts where they are noisy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from advisor.joining import TRUST, Case, Trust, join, learn

values = st.lists(
    st.floats(-100, 100).map(lambda value: round(value, 3)), min_size=3, max_size=6, unique=True
)


def named(numbers: list[float]) -> dict[str, float]:
    return {f"m{place}": number for place, number in enumerate(numbers)}


def trust(prior: float, score: float, both: float, doubt: float = 0.0) -> Trust:
    return Trust(
        {"prior": prior, "score": score}, {("prior", "score"): both}, {"prior": doubt, "score": doubt}
    )


def share(found: Trust) -> float:
    """Weight of the score: it alone tells the models apart, the prior is the same pattern turned by a quarter."""
    joined = join(
        {"prior": {"a": 1, "b": 1, "c": 0, "d": 0}, "score": {"a": 1, "b": 0, "c": 1, "d": 0}}, found
    )
    return (joined["c"] + 1) / 2


@given(values, st.floats(0.1, 50), st.floats(-9, 9))
def test_one_reading_keeps_its_order_and_its_scale_does_not_matter(
    numbers: list[float], factor: float, shift: float
) -> None:
    joined = join({"prior": named(numbers)})
    assert sorted(joined, key=joined.__getitem__) == sorted(named(numbers), key=named(numbers).__getitem__)
    moved = join({"prior": {name: factor * value + shift for name, value in named(numbers).items()}})
    assert moved == pytest.approx(joined, abs=1e-6)
    assert np.mean(list(joined.values())) == pytest.approx(0, abs=1e-9)
    assert np.std(list(joined.values())) == pytest.approx(1)


@given(values)
def test_a_model_ahead_in_all_readings_is_ahead(numbers: list[float]) -> None:
    readings = {"prior": named(sorted(numbers)), "logme": named(sorted(number**3 for number in numbers))}
    joined = join(readings)
    assert list(joined) == sorted(joined, key=joined.__getitem__)


def test_a_reading_that_says_more_of_the_outcome_weighs_more() -> None:
    assert share(trust(0.5, 0.8, 0.0)) > share(trust(0.5, 0.5, 0.0)) > share(trust(0.8, 0.5, 0.0))
    assert share(trust(0.5, 0.5, 0.0)) == pytest.approx(0.5)


def test_what_another_reading_says_already_weighs_less_and_nothing_is_turned_round() -> None:
    assert share(trust(0.8, 0.5, 0.6)) < share(trust(0.8, 0.5, 0.0))
    assert share(trust(0.8, 0.3, 0.6)) == pytest.approx(0.25), "half of an equal share"
    assert share(trust(0.8, 0.3, 0.6, doubt=5.0)) > 0.25, "when nothing is sure, equality counts"


def test_models_without_a_reading_stand_in_its_middle_and_unknown_readings_are_left_out() -> None:
    joined = join(
        {"prior": {"a": 1.0, "b": 3.0}, "logme": {"a": 1.0, "b": 2.0, "c": 1.5}, "stars": {"z": 9.0}}
    )
    assert joined["a"] < joined["c"] == 0.0 < joined["b"]
    assert "z" not in joined
    assert join({}) == join({"prior": {}}) == join({"stars": {"z": 9.0}}) == {}
    assert join({"prior": {"a": 1.0, "b": math.nan}}) == {"a": 0.0, "b": 0.0}


def cases(rng: np.random.Generator, count: int, noise: dict[str, float]) -> list[Case]:
    made = []
    for _ in range(count):
        truth = rng.normal(size=12)
        readings = {name: named(list(truth + spread * rng.normal(size=12))) for name, spread in noise.items()}
        made.append(Case(readings, named(list(truth))))
    return made


def test_trust_is_learnt_and_the_join_then_beats_each_reading() -> None:
    rng = np.random.default_rng(0)
    learnt = learn(cases(rng, 6, {"prior": 0.7, "score": 1.2}))
    assert learnt.agreement["prior"] == pytest.approx(1 / math.hypot(1, 0.7), abs=0.1)
    assert learnt.agreement["score"] == pytest.approx(1 / math.hypot(1, 1.2), abs=0.15)
    assert all(doubt >= 1 / 11 for doubt in learnt.doubt.values())

    def right(guess: dict[str, float], one: Case) -> float:
        return float(spearmanr([guess[name] for name in one.outcome], list(one.outcome.values())).statistic)

    new = cases(rng, 60, {"prior": 0.7, "score": 1.2})
    joined = np.mean([right(join(one.readings, learnt), one) for one in new])
    alone = [np.mean([right(dict(one.readings[name]), one) for one in new]) for name in ("prior", "score")]
    assert joined > max(alone) + 0.02


def test_what_is_shipped_trusts_the_prior_more_and_logme_somewhat() -> None:
    joined = join(
        {"prior": {"a": 1, "b": 1, "c": 0, "d": 0}, "logme": {"a": 1, "b": 0, "c": 1, "d": 0}}, TRUST
    )
    assert joined["a"] > joined["b"] > 0 > joined["c"] > joined["d"]
