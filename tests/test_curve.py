"""Learning curves: exact on power laws and bounded elsewhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.curve import STEEPEST, UNTOLD, Curve, extrapolate, slope

SIZES = (25.0, 50.0, 100.0, 200.0)
steepness = st.floats(0, STEEPEST)


def power(steep: float, scale: float = 2.0, sizes: tuple[float, ...] = SIZES) -> Curve:
    return Curve(sizes, tuple(scale * size**-steep for size in sizes))


@given(steepness, st.floats(0.5, 5), st.floats(1, 100))
def test_a_power_law_is_continued_exactly(steep: float, scale: float, growth: float) -> None:
    curve, at = power(steep, scale), growth * SIZES[-1]
    assert slope(curve) == pytest.approx(steep, abs=1e-9)
    assert extrapolate(curve, at) == pytest.approx(scale * at**-steep, rel=1e-6)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(1, 64))
def test_more_examples_never_make_it_worse_and_never_better_than_the_steepest(
    errors: list[float], growth: float
) -> None:
    curve = Curve(SIZES, tuple(errors))
    found = extrapolate(curve, growth * SIZES[-1])
    last = max(errors[-1], 0.005)
    assert last * growth**-STEEPEST * (1 - 1e-9) <= found <= last * (1 + 1e-9)


def test_the_end_of_a_bent_curve_counts_most() -> None:
    early, late = math.log(0.9 / 0.8) / math.log(2), math.log(0.8 / 0.6) / math.log(2)
    bent = slope(Curve((1.0, 2.0, 4.0), (0.9, 0.8, 0.6)))
    assert (early + late) / 2 < bent < late


@pytest.mark.parametrize("curve", [Curve((50.0,), (0.3,)), Curve((50.0, 50.0), (0.3, 0.2))])
def test_one_size_tells_no_slope(curve: Curve) -> None:
    assert slope(curve) == UNTOLD
    assert extrapolate(curve, 100) == pytest.approx(curve.errors[-1] * 2**-UNTOLD)


def test_before_its_last_point_a_curve_stays_there() -> None:
    assert extrapolate(power(0.3), 10) == pytest.approx(2.0 * 200**-0.3)
