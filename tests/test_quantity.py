"""A quantity is consistent with its basis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from advisor.quantity import Quantity

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.tuples(finite, finite, finite), st.sampled_from(["measured", "published", "scaled", "estimated"]))
def test_numbers_must_be_in_order(numbers: tuple[float, float, float], basis: str) -> None:
    low, value, high = numbers
    content = {"value": value, "low": low, "high": high, "unit": "ms", "basis": basis}
    if low <= value <= high:
        assert Quantity.model_validate(content).value == value
    else:
        with pytest.raises(ValidationError, match="low <= value <= high"):
            Quantity.model_validate(content)


@pytest.mark.parametrize("key", ["value", "low", "high"])
def test_unknown_has_no_numbers(key: str) -> None:
    content = {"value": None, "low": None, "high": None, "unit": "ms", "basis": "unknown"}
    with pytest.raises(ValidationError, match="no numbers"):
        Quantity.model_validate({**content, key: 0.0})


def test_known_needs_a_value_and_zero_is_one() -> None:
    with pytest.raises(ValidationError, match="needs a value"):
        Quantity(value=None, low=None, high=None, unit="MB", basis="measured")
    assert Quantity.exact(0.0, "MB", "measured").value == 0.0


def test_unknown_and_exact_and_open_ends() -> None:
    unknown = Quantity.unknown("ms", "nobody measured it")
    assert (unknown.value, unknown.basis, unknown.source) == (None, "unknown", "nobody measured it")
    exact = Quantity.exact(3.0, "ms", "published", "s")
    assert (exact.low, exact.high) == (3.0, 3.0)
    assert Quantity(value=3.0, low=None, high=4.0, unit="ms", basis="estimated").low is None


def test_frozen_and_strict() -> None:
    exact = Quantity.exact(3.0, "ms", "published")
    with pytest.raises(ValidationError, match="frozen"):
        exact.value = 4.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra"):
        Quantity.model_validate({**exact.model_dump(), "colour": "red"})
    assert Quantity.model_validate_json(exact.model_dump_json()) == exact
