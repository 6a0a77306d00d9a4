"""What tuning is expected to add: less where more is done, corrected by what it brought to others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.probe.recipes import TUNING
from advisor.prospects import PART, USUAL, Climbed, foresee

WAITING = Climbed(probe=0.7, best=0.7, part=0.0, tunable=True)
DONE = Climbed(probe=0.7, best=0.9, part=1.0, tunable=True)
FROZEN = Climbed(probe=0.7, best=0.7, part=0.0, tunable=False)


def after(models: list[Climbed], examples: int = 200, modality: str = "text") -> np.ndarray:
    draws = np.full((4000, len(models)), 0.7)
    return foresee(models, examples, modality).tuned(draws, 0)


def test_what_cannot_be_tuned_or_was_tuned_in_full_stays_as_it_is() -> None:
    found = after([WAITING, DONE, FROZEN])
    assert found[:, 0].mean() > 0.75
    assert np.all(found[:, 1:] == 0.7)


def test_every_rung_that_tunes_is_a_part_of_the_way() -> None:
    assert set(TUNING) <= set(PART)
    assert all(0 < part <= 1 for part in PART.values())


def test_less_is_left_the_further_a_model_has_climbed() -> None:
    some = Climbed(probe=None, best=0.7, part=0.4, tunable=True)
    found = after([WAITING, some])
    assert 0.7 < found[:, 1].mean() < found[:, 0].mean()


@pytest.mark.parametrize("modality", ["image", "text"])
def test_tuning_that_brought_much_or_nothing_speaks_for_the_others(modality: str) -> None:
    usual = foresee([WAITING], 200, modality).shared
    assert usual == USUAL[modality]
    much = foresee([WAITING, DONE], 200, modality).shared
    nothing = foresee([WAITING, Climbed(probe=0.7, best=0.7, part=1.0, tunable=True)], 200, modality).shared
    assert much.mean < usual.mean < nothing.mean
    assert much.between < usual.between


def test_few_examples_say_less() -> None:
    few, many = (foresee([DONE], n, "text").shared.between for n in (20, 2000))
    assert many < few < USUAL["text"].between


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 9))
def test_scores_stay_scores(scores: list[float], seed: int) -> None:
    models = [Climbed(probe=score, best=score, part=0.0, tunable=True) for score in scores]
    draws = np.tile(scores, (50, 1))
    found = foresee(models, 40, "image").tuned(draws, seed)
    assert np.all(found <= 1)
    assert np.array_equal(found[:, np.array(scores) == 1], draws[:, np.array(scores) == 1])


def test_doubt_of_tuning_parts_models_that_are_alike() -> None:
    prospects = foresee([Climbed(0.8, 0.8, 0.0, True)] * 2, 100, "image")
    draws = np.full((4000, 2), 0.8)
    usual, doubted = (prospects.tuned(draws, 0, doubt) for doubt in (1.0, 3.0))
    apart = [float(np.std(found[:, 0] - found[:, 1])) for found in (usual, doubted)]
    assert 2 < apart[1] / apart[0] < 4
