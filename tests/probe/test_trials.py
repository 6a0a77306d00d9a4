"""The settings of a search: within their bounds, spread, the usual one first, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.probe.recipes import epochs, recipe_for
from advisor.probe.trials import MOST, Trial, searching, suggest

TEXT = "text-classification"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5000), st.booleans())
def test_settings_stay_within_their_bounds(seed: int, examples: int, balanced: bool) -> None:
    found = suggest(TEXT, ["full", "last-block", "lora"], examples, balanced, seed)
    assert len(found) == MOST
    assert found[0] == Trial(recipe_for(TEXT, "search", examples, balanced))
    assert found == suggest(TEXT, ["full", "last-block", "lora"], examples, balanced, seed)
    for trial in found:
        usual = recipe_for(TEXT, trial.recipe.scope, examples, balanced)
        assert 0.25 <= trial.factor <= 4
        assert trial.recipe.body_rate == pytest.approx(usual.body_rate * trial.factor)
        assert trial.recipe.head_rate == pytest.approx(usual.head_rate * trial.factor)
        assert 0 <= trial.recipe.dropout <= 0.5
        assert trial.recipe.layer_decay == 1 or trial.recipe.scope == "full"
        assert 0.65 <= trial.recipe.layer_decay <= 1
        assert trial.recipe.balanced == balanced
        assert trial.recipe.epochs == epochs("full", examples)
        assert trial.short.epochs == max(1, trial.recipe.epochs // 2)


def test_many_settings_fill_the_space() -> None:
    found = suggest(TEXT, ["full", "last-block", "lora"], 100, False, 0, trials=201)[1:]
    rates = np.log2([trial.factor for trial in found])
    assert np.histogram(rates, 4, (-2, 2))[0] == pytest.approx(50, abs=6)
    scopes = [trial.recipe.scope for trial in found]
    assert [scopes.count(scope) for scope in ("full", "last-block", "lora")] == pytest.approx([67] * 3, abs=6)


def test_images_have_no_adapters_to_search() -> None:
    scopes = {
        trial.recipe.scope for trial in suggest("image-classification", ["full", "last-block"], 50, False, 1)
    }
    assert scopes <= {"full", "last-block"}


def test_what_a_search_costs_in_passes() -> None:
    assert searching(8, trials=5) == 5 * 4 * 0.8 + 8
    assert searching(1, trials=3) == pytest.approx(3 * 0.8 + 1)
