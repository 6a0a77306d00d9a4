"""Last layer or the mean over all: chosen by the training examples alone, and only beyond chance."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from advisor.probe.choice import Chosen, Layering, choose_head, choose_layers
from advisor.probe.head import MOST_COMPARED, fit_head, held_out

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def blobs(n: int, apart: float, seed: int = 0, d: int = 12, k: int = 3) -> tuple[Floats, Indices]:
    truth = np.arange(n) % k
    centres = np.random.default_rng(99).normal(0, apart, (k, d))
    return centres[truth] + np.random.default_rng(seed).normal(size=(n, d)), truth


def layered(last: Floats, mean: Floats) -> Floats:
    return np.stack([last, mean], axis=1)


def layering(features: Floats, truth: Indices, balanced: bool = False) -> Layering:
    return choose_layers(features, truth, balanced=balanced, seed=0, check=lambda: None)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_destroyed_last_layer_is_left_and_a_destroyed_mean_as_well(balanced: bool) -> None:
    useful, truth = blobs(90, 0.8)
    noise = np.random.default_rng(5).normal(size=useful.shape)
    found = layering(layered(noise, useful), truth, balanced)
    assert found.layers == "mean"
    assert found.losses[1] < found.losses[0]
    assert layering(layered(useful, noise), truth, balanced).layers == "last"
    assert layering(layered(useful, useful), truth, balanced).layers == "last", "no difference is no gain"


def test_chance_alone_seldom_leaves_the_last_layer() -> None:
    taken = 0
    for seed in range(40):
        one, truth = blobs(60, 0.4, seed)
        other, _ = blobs(60, 0.4, 1000 + seed)
        taken += layering(layered(one, other), truth).layers == "mean"
    assert taken <= 8, "one in twenty is expected, and for correlated folds a few more"


def test_what_is_found_on_the_way_is_what_the_head_would_choose() -> None:
    features, truth = blobs(60, 0.5)
    found = layering(layered(features, features[:, ::-1]), truth)
    head = fit_head(features, truth, 3, seed=0)
    assert found.strength == head.strength == held_out(features, truth, seed=0).strength


def test_losses_of_examples_left_out_agree_with_a_plain_loop() -> None:
    features, truth = blobs(60, 0.5)
    found = held_out(features, truth, seed=3)
    scaled = (features - features.mean(0)) / features.std(0)
    means = []
    for learn, hold in StratifiedKFold(3, shuffle=True, random_state=3).split(scaled, truth):
        model = LogisticRegression(C=found.strength, tol=1e-8, max_iter=5000).fit(scaled[learn], truth[learn])
        means.append(log_loss(truth[hold], model.predict_proba(scaled[hold])))
        assert found.losses[hold].mean() == pytest.approx(means[-1], rel=1e-3)


def test_classes_too_rare_to_cross_validate_are_left_out() -> None:
    features, truth = blobs(40, 2.0)
    truth[truth == 2] = 1
    truth[:2] = 2
    found = held_out(features, truth, seed=0)
    assert np.isnan(found.losses[:2]).all() and not np.isnan(found.losses[2:]).any()
    few, names = layered(features[:3], features[:3]), np.array([0, 1, 2])
    assert layering(few, names).layers == "last"


def test_of_very_many_examples_the_first_are_compared() -> None:
    useful, truth = blobs(MOST_COMPARED + 30, 1.0, d=4)
    useful[MOST_COMPARED:] = 1e6
    noise = np.random.default_rng(5).normal(size=useful.shape)
    found = layering(layered(noise, useful), truth)
    first = layering(layered(noise, useful)[:MOST_COMPARED], truth[:MOST_COMPARED])
    assert found == first and found.layers == "mean"


def chosen(features: Floats, truth: Indices, select: Floats, select_truth: Indices) -> Chosen:
    return choose_head(
        features, truth, ["a", "b", "c"], select, select_truth, metric="accuracy", balanced=False, seed=0,
        check=lambda: None,
    )  # fmt: skip


@pytest.mark.parametrize("n", [90, 36], ids=["many", "few, with prototypes"])
def test_the_head_follows_the_choice_wherever_it_is_used(n: int) -> None:
    useful, truth = blobs(n, 1.5)
    noise = np.random.default_rng(5).normal(size=useful.shape)
    fresh, expected = blobs(60, 1.5, seed=7)
    both = layered(noise, useful)
    found = chosen(both, truth, layered(np.zeros_like(fresh), fresh), expected)
    alone = choose_head(
        useful, truth, ["a", "b", "c"], fresh, expected, metric="accuracy", balanced=False, seed=0,
        check=lambda: None,
    )  # fmt: skip
    assert found.layers == "mean" and found.settings == {**alone.settings, "layers": "mean"}
    assert "layers" not in alone.settings and alone.layers == "last"
    assert "It reads the mean over its layers" in found.note and "mean" not in alone.note
    assert np.allclose(found.head.probabilities(fresh), alone.head.probabilities(fresh), atol=1e-5)
    assert np.allclose(
        found.again(both, truth, 3, 0, lambda: None).weight,
        alone.again(useful, truth, 3, 0, lambda: None).weight,
    )
    crossed = [
        one.crossed(values, truth, 3, 0, lambda: None) for one, values in ((found, both), (alone, useful))
    ]
    assert crossed[0] is not None and np.array_equal(crossed[0], crossed[1])


def test_the_select_split_has_no_say() -> None:
    """It speaks for the mean as loudly as it can; the training examples do not, and they decide."""
    same, truth = blobs(60, 0.8)
    fresh, expected = blobs(60, 4.0, seed=7)
    noise = np.random.default_rng(5).normal(size=fresh.shape)
    found = chosen(layered(same, same), truth, layered(noise, fresh), expected)
    assert found.layers == "last" and found.note == ""
    assert found.settings["layers"] == "last"
