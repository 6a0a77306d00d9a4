"""What is kept of a budget, and what budget leaves enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.budget import budget_for, kept_for_looking


@pytest.mark.parametrize(("budget", "kept"), [(5, 0), (60, 0), (120, 9), (300, 36), (460, 60), (7200, 60)])
def test_what_is_kept(budget: float, kept: float) -> None:
    assert kept_for_looking(budget) == pytest.approx(kept)


@given(st.floats(min_value=0.1, max_value=1e5))
def test_the_budget_for_a_climb_leaves_just_that(climb: float) -> None:
    budget = budget_for(climb)
    assert budget - kept_for_looking(budget) == pytest.approx(climb)
