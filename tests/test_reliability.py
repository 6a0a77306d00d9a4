"""Calibration with known answers: perfect, over-confident by a known temperature, and a diagram counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from advisor.reliability import confidence, fit_temperature, reliability, scaled

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def calibrated(n: int, k: int, seed: int) -> tuple[Indices, Floats]:
    """Labels that are drawn by the probabilities that are stated."""
    draw = np.random.default_rng(seed)
    stated = scaled(np.exp(draw.normal(scale=1.5, size=(n, k))), 1.0)
    truth = (stated.cumsum(axis=1) < draw.random((n, 1))).sum(axis=1)
    return np.minimum(truth, k - 1).astype(np.int64), stated


def test_a_diagram_counted_by_hand() -> None:
    stated = np.asarray([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.45, 0.55]])
    found = reliability(np.asarray([0, 1, 1, 1]), stated)
    assert [(one.right.n, one.right.value) for one in found.bins] == [(2, 1.0), (2, 0.5)]
    assert [one.mean for one in found.bins] == pytest.approx([0.575, 0.9])
    assert found.ece == pytest.approx(0.5 * 0.425 + 0.5 * 0.4)
    assert found.surplus == pytest.approx(0.7375 - 0.75)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.1, 0.6, 0.55]).mean())
    assert found.bins[0].low == pytest.approx(8 / 15) and found.bins[0].high == pytest.approx(9 / 15)


def test_a_probability_on_an_edge_belongs_to_the_bin_below() -> None:
    found = reliability(np.zeros(1, dtype=np.int64), np.asarray([[0.6, 0.4]]))
    assert found.bins[0].high == pytest.approx(0.6)


@pytest.mark.parametrize("k", [2, 7])
def test_perfect_calibration_lies_within_chance_and_needs_no_temperature(k: int) -> None:
    truth, stated = calibrated(4000, k, 3)
    found = reliability(truth, stated)
    assert found.ece < found.by_chance < 0.04
    assert abs(found.surplus) < 0.02
    assert fit_temperature(truth, stated) == pytest.approx(1, abs=0.06)


def test_chance_is_exceeded_by_about_one_calibrated_model_in_twenty() -> None:
    beyond = [
        found.ece > found.by_chance
        for seed in range(200)
        for found in [reliability(*calibrated(150, 3, seed), seed)]
    ]
    assert 0.01 <= np.mean(beyond) <= 0.1


@given(st.floats(0.4, 4.0), st.integers(2, 6))
@settings(max_examples=20, deadline=None)
def test_a_known_temperature_is_found_again(temperature: float, k: int) -> None:
    truth, stated = calibrated(4000, k, 11)
    distorted = scaled(stated, 1 / temperature)
    assert fit_temperature(truth, distorted) == pytest.approx(
        temperature * fit_temperature(truth, stated), rel=1e-3
    )
    assert fit_temperature(truth, distorted) == pytest.approx(temperature, rel=0.1)


def test_too_sure_by_a_known_temperature_is_mended_on_other_examples() -> None:
    truth, stated = calibrated(4000, 4, 5)
    sure = scaled(stated, 1 / 3)
    found = confidence(truth[:2000], sure[:2000], truth[2000:], sure[2000:], crossed=True)
    assert found.temperature == pytest.approx(3, rel=0.1)
    assert found.after is not None
    assert found.before.surplus > 0.1 and abs(found.after.surplus) < 0.03
    assert found.before.ece > found.before.by_chance
    assert found.after.ece < found.after.by_chance
    assert found.after.log_loss < found.before.log_loss
    assert (found.fitted_on, found.fitted_examples, found.because) == ("cross-validation", 2000, "")


def test_scaling_keeps_every_answer_and_adds_up() -> None:
    _, stated = calibrated(300, 5, 1)
    for temperature in (0.1, 1.0, 9.0):
        now = scaled(stated, temperature)
        assert (now.argmax(axis=1) == stated.argmax(axis=1)).all()
        assert now.sum(axis=1) == pytest.approx(1)
    assert scaled(stated, 1.0) == pytest.approx(stated)


def test_where_all_temperatures_do_as_well_nothing_changes() -> None:
    truth = np.arange(60) % 4
    assert fit_temperature(truth, np.full((60, 4), 0.25)) == 1.0


@pytest.mark.parametrize("known", [0, 40])
def test_without_errors_there_is_nothing_to_fit_on(known: int) -> None:
    truth, stated = calibrated(50, 3, 2)
    right = stated[:known].argmax(axis=1).astype(np.int64)
    found = confidence(truth, stated, right, stated[:known], crossed=False)
    assert found.temperature is None and found.after is None and found.fitted_on is None
    assert found.because == f"0 of {known} answers to fit it on are wrong, and it takes 2"


def test_a_probability_of_zero_is_no_infinite_loss() -> None:
    found = reliability(np.asarray([1]), np.asarray([[1.0, 0.0]], dtype=np.float32))
    assert np.isfinite(found.log_loss) and found.ece == 1.0
