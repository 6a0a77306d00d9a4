"""Class prototypes and the choice of a head: known answers and properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.probe.choice import Chosen, choose_head
from advisor.probe.head import fit_head
from advisor.probe.prototypes import fit_prototypes


def blobs(
    counts: list[int], seed: int = 0, width: int = 12, apart: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(counts)), counts)
    centres = np.random.default_rng(99).normal(0, apart, (len(counts), width))
    return centres[truth] + draw.normal(0, 1, (len(truth), width)), truth


def test_the_nearest_mean_wins() -> None:
    features, truth = blobs([4, 4, 4])
    head = fit_prototypes(features, truth, 3)
    scaled = (features - features.mean(0)) / features.std(0)
    means = np.stack([scaled[truth == label].mean(0) for label in range(3)])
    fresh, _ = blobs([30, 30, 30], seed=1)
    moved = (fresh - head.centre) / head.spread
    nearest = ((moved[:, None] - means) ** 2).sum(2).argmin(1)
    assert (head.probabilities(fresh).argmax(1) == nearest).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(1, 6))
def test_rotating_the_standardised_features_changes_no_choice(seed: int, each: int) -> None:
    features, truth = blobs([each + 1, each, each], seed)
    features = (features - features.mean(0)) / features.std(0)
    shuffled = np.random.default_rng(seed).permutation(features.shape[1])
    one = fit_prototypes(features, truth, 3).probabilities(features)
    two = fit_prototypes(features[:, shuffled] * 3 + 5, truth, 3).probabilities(features[:, shuffled] * 3 + 5)
    assert np.allclose(one, two, atol=1e-4)


def test_a_class_without_examples_is_never_called() -> None:
    features, truth = blobs([3, 0, 3])
    found = fit_prototypes(features, truth, 3).probabilities(features)
    assert found[:, 1].max() < 1e-6
    assert np.allclose(found.sum(1), 1, atol=1e-5)


def test_one_example_each_is_enough() -> None:
    features, truth = blobs([1, 1, 1], apart=6.0)
    fresh, expected = blobs([20, 20, 20], seed=1, apart=6.0)
    assert (fit_prototypes(features, truth, 3).probabilities(fresh).argmax(1) == expected).mean() > 0.9


def test_overlapping_classes_make_it_less_sure() -> None:
    near, far = (fit_prototypes(*blobs([12, 12], apart=apart), 2) for apart in (0.1, 5.0))
    sure_near = near.probabilities(blobs([40, 40], seed=3, apart=0.1)[0]).max(1).mean()
    sure_far = far.probabilities(blobs([40, 40], seed=3, apart=5.0)[0]).max(1).mean()
    assert sure_near < 0.8 < sure_far


def chosen(counts: list[int], metric: str = "accuracy", balanced: bool = False, apart: float = 0.6):  # type: ignore[no-untyped-def]
    features, truth = blobs(counts, apart=apart)
    select, expected = blobs([20] * len(counts), seed=5, apart=apart)
    labels = [f"c{i}" for i in range(len(counts))]
    return choose_head(
        features,
        truth,
        labels,
        select,
        expected,
        metric=metric,
        balanced=balanced,
        seed=0,
        check=lambda: None,
    )


def test_even_plentiful_classes_have_one_head() -> None:
    found = chosen([30, 30, 30])
    assert (found.name, found.tried, found.note) == ("logistic regression", {}, "")


@pytest.mark.parametrize("balanced", [False, True])
def test_uneven_classes_are_tried_weighted_and_plain(balanced: bool) -> None:
    found = chosen([120, 20, 20], "balanced_accuracy", balanced)
    assert set(found.tried) == {"logistic regression", "logistic regression, classes weighted"}
    assert found.tried[found.name] == max(found.tried.values())
    assert "tried beside it" in found.note


def test_few_examples_try_prototypes_too() -> None:
    found = chosen([5, 5, 5])
    assert set(found.tried) == {"logistic regression", "class prototypes"}
    assert found.tried[found.name] == max(found.tried.values())


def test_the_usual_head_stays_when_nothing_is_better() -> None:
    assert chosen([5, 5, 5], apart=9.0).name == "logistic regression"


def test_without_a_select_split_the_usual_head_stays() -> None:
    features, truth = blobs([5, 5])
    found = choose_head(
        features, truth, ["a", "b"], features[:0], truth[:0], metric="accuracy", balanced=False, seed=0,
        check=lambda: None,
    )  # fmt: skip
    assert (found.name, found.tried) == ("logistic regression", {})


def test_a_head_is_fitted_again_as_it_was_chosen() -> None:
    features, truth = blobs([5, 5, 5])
    for name, kind in (("class prototypes", "sharpness"), ("logistic regression", "C")):
        head = (
            fit_prototypes(features, truth, 3)
            if kind == "sharpness"
            else fit_head(features, truth, 3, seed=0)
        )
        found = Chosen(head, name, {})
        assert found.settings == {"head": name, kind: head.strength}
        again = found.again(features, truth, 3, 0, lambda: None)
        assert np.allclose(again.probabilities(features), head.probabilities(features), atol=1e-3)
        crossed = found.crossed(features, truth, 3, 0, lambda: None)
        assert crossed is not None
        assert np.allclose(crossed.sum(1), 1, atol=1e-4)
        assert (crossed.argmax(1) == truth).mean() > 0.5
    assert found.crossed(features[:6], truth[:6], 3, 0, lambda: None) is None
