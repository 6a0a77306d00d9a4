"""Before the evidence: standing and LogME move a model, one bad model leaves the others alone, levels stay free."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.place import AGREEMENT, HINT, SPREAD, UNTOLD, VAGUE, chances, place
from advisor.result import ModelResult

NAMES = ("a", "b", "c", "d", "e")
SCORES = np.array([0.70, 0.74, 0.80, 0.83, 0.86])


def rows(*names: str, kind: str = "weights") -> list[ModelResult]:
    return [ModelResult.model_validate({"model": name, "kind": kind, "status": "ok"}) for name in names]


def on(n: int, logme: dict[str, float]) -> dict[str, dict[int, float]]:
    return {model: {n: value} for model, value in logme.items()}


def own(covariance: np.ndarray) -> np.ndarray:
    """The variance of each pretrained model beside the level that all share."""
    return np.diag(covariance) - VAGUE**2


def test_without_standing_all_stand_at_the_median() -> None:
    means, covariance = place(rows(*NAMES), SCORES, {})
    assert means == pytest.approx([0.80] * 5)
    assert covariance[0, 1] == pytest.approx(VAGUE**2)


def test_a_standing_moves_a_model_by_its_share_of_the_spread() -> None:
    spread = 1.4826 * 0.06
    means, _ = place(rows(*NAMES), SCORES, {"b": (1.5, 0.5)})
    assert means[1] - 0.80 == pytest.approx(AGREEMENT * 1.5 * spread)


@given(st.floats(0.0, 0.69))
def test_one_bad_model_does_not_loosen_what_is_known_of_the_good_ones(bad: float) -> None:
    usual_means, usual = place(rows(*NAMES), SCORES, {"c": (1.0, 0.5)})
    means, covariance = place(rows(*NAMES), np.array([bad, *SCORES[1:]]), {"c": (1.0, 0.5)})
    assert means[1:] == pytest.approx(usual_means[1:])
    assert own(covariance)[1:] == pytest.approx(own(usual)[1:])
    assert own(covariance)[0] >= own(usual)[0] - 1e-12


def test_a_model_far_from_its_place_is_hardly_bound_by_it() -> None:
    _, covariance = place(rows(*NAMES), np.array([0.1, *SCORES[1:]]), {})
    assert own(covariance)[0] > 10 * own(covariance)[2]


def test_logme_moves_a_model_and_makes_it_surer() -> None:
    logme = dict(zip(NAMES, (0.0, 0.1, 0.2, 0.3, 0.4), strict=True))
    plain, loose = place(rows(*NAMES), SCORES, {})
    means, covariance = place(rows(*NAMES), SCORES, {}, on(100, logme))
    assert np.all(np.diff(means) > 0) and means[2] == pytest.approx(plain[2])
    assert np.all(own(covariance)[1:4] < own(loose)[1:4])
    before = 1 - AGREEMENT**2 + (AGREEMENT * UNTOLD) ** 2
    share = before / (before + HINT**-2 - 1)
    z = 0.1 / (1.4826 * 0.1)
    assert means[3] - means[2] == pytest.approx(share * z * 1.4826 * 0.06)


@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_the_scale_of_logme_says_nothing(scale: float, shift: float) -> None:
    logme = dict(zip(NAMES, (0.0, 0.15, 0.2, 0.3, 0.45), strict=True))
    moved = {model: scale * value + shift for model, value in logme.items()}
    means, covariance = place(rows(*NAMES), SCORES, {}, on(100, logme))
    others, other = place(rows(*NAMES), SCORES, {}, on(100, moved))
    assert others == pytest.approx(means, abs=1e-6)
    assert other == pytest.approx(covariance, abs=1e-6)


def test_logme_of_other_examples_is_not_compared() -> None:
    logme = dict(zip(NAMES, (0.0, 0.1, 0.2, 0.3, 0.4), strict=True))
    read = on(100, logme) | on(20, {"e": 0.4})
    means, _ = place(rows(*NAMES), SCORES, {}, read)
    assert means[4] == pytest.approx(0.80)
    assert means[3] > means[0]


def test_logme_on_more_examples_counts_and_their_number_does_not() -> None:
    few = dict(zip(NAMES, (0.0, 0.1, 0.2, 0.3, 0.4), strict=True))
    plain, _ = place(rows(*NAMES), SCORES, {}, on(100, few))
    more = {model: {100: value, 400: value + 7} for model, value in few.items()}
    for climbed in (NAMES, NAMES[2:]):
        read = {model: more[model] if model in climbed else {100: few[model]} for model in NAMES}
        means, _ = place(rows(*NAMES), SCORES, {}, read)
        assert means == pytest.approx(plain)
    more["d"][400] += 0.5
    means, _ = place(rows(*NAMES), SCORES, {}, more)
    assert means[3] > means[4]


@pytest.mark.parametrize("names", [NAMES[:2], NAMES])
def test_equal_or_too_few_hints_say_nothing(names: tuple[str, ...]) -> None:
    means, _ = place(rows(*names), SCORES[: len(names)], {}, on(100, dict.fromkeys(names, 0.3)))
    assert len(set(means.round(12))) == 1


def test_a_baseline_may_be_anywhere_and_has_no_part_in_the_spread() -> None:
    found = [*rows(*NAMES), *rows("baseline/x", kind="baseline")]
    means, covariance = place(found, np.array([*SCORES, 0.2]), {})
    assert means[:5] == pytest.approx([0.80] * 5)
    assert covariance[5, 5] == pytest.approx(VAGUE**2)
    assert np.all(covariance[5, :5] == 0)


def test_a_model_that_was_not_reached_stands_where_its_standing_says() -> None:
    found = [*rows(*NAMES), *rows("late")]
    means, covariance = place(found, SCORES, {"late": (2.0, 0.3)})
    spread = 1.4826 * 0.06
    assert means[5] == pytest.approx(0.80 + AGREEMENT * 2 * spread)
    assert own(covariance)[5] == pytest.approx(spread**2 * (1 - AGREEMENT**2 + (AGREEMENT * 0.3) ** 2))


def test_a_spread_is_neither_nothing_nor_everything() -> None:
    for scores in (np.full(5, 0.8), np.array([0.0, 0.0, 0.5, 1.0, 1.0])):
        _, covariance = place(rows(*NAMES), scores, {})
        alone = 1 - AGREEMENT**2 + (AGREEMENT * UNTOLD) ** 2
        assert own(covariance)[2] <= SPREAD[1] ** 2 * alone + 1e-12
        assert own(covariance)[2] >= 0.8 * SPREAD[0] ** 2 * alone - 1e-12


def test_no_pretrained_model_is_no_fault() -> None:
    means, covariance = place(rows("baseline/x", kind="baseline"), np.array([0.4]), {})
    assert means == pytest.approx([0.4])
    assert covariance.shape == (1, 1)


def test_the_likeliest_before_any_evidence_is_whom_the_standing_speaks_for() -> None:
    found = chances(("a", "b", "c"), {"a": (2.0, 0.3), "b": (-2.0, 0.3)})
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["a"] > found["c"] > found["b"] > 0
    assert chances((), {}) == {}


def test_nothing_known_makes_all_alike() -> None:
    found = chances(NAMES, {})
    assert max(found.values()) - min(found.values()) < 0.05
