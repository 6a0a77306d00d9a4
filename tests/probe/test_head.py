"""The logistic-regression head against scikit-learn's own."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from advisor.probe import head
from advisor.probe.head import GRID, MOST_COMPARED, fit_head, held_out, out_of_fold

Data = tuple[NDArray[np.float64], NDArray[np.int64]]


def blobs(n: int, d: int, k: int, seed: int = 0, apart: float = 1.0) -> Data:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % k
    return rng.normal(size=(k, d))[truth] * apart + rng.normal(size=(n, d)), truth


def plain(data: Data, strength: float, test: NDArray[np.float64]) -> NDArray[np.float64]:
    scaler = StandardScaler().fit(data[0])
    model = LogisticRegression(C=strength, max_iter=5000, tol=1e-8).fit(scaler.transform(data[0]), data[1])
    return np.asarray(model.predict_proba(scaler.transform(test)))


@pytest.mark.parametrize(("n", "d", "k"), [(200, 8, 4), (120, 5, 2), (40, 100, 3), (30, 200, 2)])
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_equals_scikit_learn_with_more_and_with_fewer_examples_than_features(
    n: int, d: int, k: int, strength: float
) -> None:
    data, test = blobs(n, d, k), blobs(100, d, k, seed=1)[0]
    ours = fit_head(*data, k, seed=0, strength=strength).probabilities(test)
    theirs = plain(data, strength, test)
    assert np.allclose(ours, theirs, atol=0.01)
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= 0.99
    assert np.allclose(ours.sum(axis=1), 1, atol=1e-5)


def test_scaling_and_shifting_features_changes_nothing() -> None:
    (features, truth), test = blobs(90, 12, 3), blobs(50, 12, 3, seed=1)[0]
    one = fit_head(features, truth, 3, seed=0, strength=0.1).probabilities(test)
    two = fit_head(features * 7 + 3, truth, 3, seed=0, strength=0.1).probabilities(test * 7 + 3)
    assert np.allclose(one, two, atol=1e-3)


def test_classes_without_an_example_get_nearly_nothing() -> None:
    features, truth = blobs(60, 6, 2)
    shares = fit_head(features, truth * 3 + 1, 6, seed=0, strength=0.1).probabilities(features)
    assert shares.shape == (60, 6)
    assert shares[:, [0, 2, 3, 5]].max() < 1e-6
    assert set(shares.argmax(axis=1)) == {1, 4}


def test_a_dead_feature_gets_no_huge_weight() -> None:
    features, truth = blobs(80, 10, 2)
    features[:, 3] = 1.0
    features[0, 3] = 1.0 + 1e-6
    features[:, 4] = 0.0
    head = fit_head(features, truth, 2, seed=0)
    moved = features.copy()
    moved[:, [3, 4]] += 0.01
    assert np.abs(head.probabilities(moved) - head.probabilities(features)).max() < 0.2
    assert np.isfinite(head.weight).all()


def test_strength_is_chosen_from_the_grid_by_the_data() -> None:
    noise = np.random.default_rng(0).normal(size=(90, 20))
    weak = fit_head(noise, np.arange(90) % 3, 3, seed=0)
    strong = fit_head(*blobs(90, 4, 3, apart=2.0), 3, seed=0)
    assert weak.strength == min(GRID)
    assert strong.strength > weak.strength
    assert strong.strength in GRID


@pytest.mark.parametrize("apart", [0.1, 0.4, 1.5])
def test_the_rough_comparison_chooses_what_scikit_learn_would(apart: float) -> None:
    features, truth = blobs(240, 12, 4, apart=apart)
    exact = LogisticRegressionCV(
        Cs=GRID, cv=StratifiedKFold(3, shuffle=True, random_state=0), scoring="neg_log_loss", tol=1e-8,
        max_iter=5000, refit=False, l1_ratios=(0,), use_legacy_attributes=False,
    ).fit(StandardScaler().fit_transform(features), truth)  # fmt: skip
    losses = -np.squeeze(exact.scores_).mean(axis=0)
    found = held_out(features, truth, seed=0)
    assert found.strength == GRID[int(losses.argmin())]
    assert np.nanmean(found.losses) == pytest.approx(losses.min(), abs=5e-3)


def test_of_very_many_examples_some_of_all_classes_choose_the_strength() -> None:
    features, truth = blobs(2 * MOST_COMPARED, 3, 2, apart=3.0)
    order = np.argsort(truth, kind="stable")
    mixed = fit_head(features, truth, 2, seed=0).strength
    assert fit_head(features[order], truth[order], 2, seed=0).strength == mixed > GRID[1]


def test_of_very_many_examples_few_are_cross_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    plain_choice = head._choose_strength

    def noted(scaled: NDArray[np.float64], truth: NDArray[np.int64], *more: Any) -> head.HeldOut:
        seen.append(len(truth))
        return plain_choice(scaled, truth, *more)

    monkeypatch.setattr(head, "_choose_strength", noted)
    for n in (MOST_COMPARED - 1, MOST_COMPARED + 600):
        fit_head(*blobs(n, 3, 2), 2, seed=0)
    assert seen == [MOST_COMPARED - 1, MOST_COMPARED]


def test_single_examples_of_a_class_are_no_obstacle() -> None:
    features, truth = blobs(12, 4, 3)
    truth = np.where(np.arange(12) == 0, 3, truth)
    assert fit_head(features, truth, 4, seed=0).probabilities(features).shape == (12, 4)
    assert fit_head(features[:2], np.array([0, 1]), 2, seed=0).strength in GRID


def test_balancing_helps_the_rare_class() -> None:
    features, truth = blobs(200, 3, 2, apart=0.5)
    keep = (truth == 0) | (np.arange(200) < 20)
    plainly, balanced = (
        fit_head(features[keep], truth[keep], 2, seed=0, strength=1.0, balanced=weigh)
        for weigh in (False, True)
    )
    rare = features[truth == 1]
    assert balanced.probabilities(rare)[:, 1].mean() > plainly.probabilities(rare)[:, 1].mean() + 0.1


def test_same_seed_same_head() -> None:
    data = blobs(50, 30, 4)
    assert np.array_equal(fit_head(*data, 4, seed=1).weight, fit_head(*data, 4, seed=1).weight)


def test_no_example_is_judged_by_a_head_that_learnt_from_it() -> None:
    features, truth = blobs(60, 5, 3, apart=3.0)
    truth[0] = (truth[0] + 1) % 3
    judged = out_of_fold(features, truth, 3, seed=0, strength=1.0)
    assert judged is not None
    assert judged.argmax(axis=1)[0] != truth[0], "a wrong label is not repeated"
    assert (judged.argmax(axis=1) == truth)[1:].mean() > 0.9
    assert np.allclose(judged.sum(axis=1), 1, atol=1e-5)
    assert out_of_fold(features[:4], np.array([0, 0, 1, 1]), 2, seed=0, strength=1.0) is None


def test_a_fit_can_be_stopped_while_it_goes_on() -> None:
    asked = []

    def stop_later() -> None:
        asked.append(1)
        if len(asked) == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit_head(*blobs(90, 30, 3), 3, seed=0, check=stop_later)


def test_stretches_end_where_one_long_fit_does(monkeypatch: pytest.MonkeyPatch) -> None:
    (features, truth), test = blobs(90, 30, 3), blobs(50, 30, 3, seed=1)[0]
    whole = fit_head(features, truth, 3, seed=0, strength=1.0).probabilities(test)
    monkeypatch.setattr(head, "BREATH", 1.0)
    assert np.allclose(
        fit_head(features, truth, 3, seed=0, strength=1.0).probabilities(test), whole, atol=1e-3
    )
