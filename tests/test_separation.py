"""Areas under the curves against scikit-learn, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from advisor.separation import separation

LABELS = ("ant", "bee", "cat")
COUNTS = {"ant": 10, "bee": 20, "cat": 30}
rows = st.lists(st.tuples(st.integers(0, 2), st.tuples(*[st.integers(0, 6)] * 3)), min_size=3, max_size=40)


def table(drawn: list[tuple[int, tuple[int, ...]]], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    truth = np.asarray([own % k for own, _ in drawn], dtype=np.int64)
    raw = np.asarray([scores[:k] for _, scores in drawn], dtype=float) + 0.5
    return truth, raw / raw.sum(axis=1, keepdims=True)


@given(rows)
@settings(max_examples=80, deadline=None)
def test_many_classes_equal_scikit_learns(drawn: list[tuple[int, tuple[int, ...]]]) -> None:
    truth, probabilities = table(drawn, 3)
    found = separation(truth, probabilities, LABELS, COUNTS)
    if len(set(truth.tolist())) < 2:
        assert found is None
        return
    assert found is not None and found.positive is None and found.roc == found.precision_recall == ()
    for index in set(truth.tolist()):
        own = found.per_class[LABELS[index]]
        assert own.roc_auc == pytest.approx(metrics.roc_auc_score(truth == index, probabilities[:, index]))
        expected = metrics.average_precision_score(truth == index, probabilities[:, index])
        assert own.average_precision == pytest.approx(expected)
        assert own.n == int((truth == index).sum())
    assert found.roc_auc.value == pytest.approx(np.mean([one.roc_auc for one in found.per_class.values()]))
    assert 0 <= found.roc_auc.low <= found.roc_auc.value <= found.roc_auc.high <= 1


@given(rows)
@settings(max_examples=60, deadline=None)
def test_two_classes_equal_scikit_learns_curves(drawn: list[tuple[int, tuple[int, ...]]]) -> None:
    truth, probabilities = table(drawn, 2)
    found = separation(truth, probabilities, ("no", "yes"), {"no": 30, "yes": 10})
    if found is None:
        assert len(set(truth.tolist())) == 1
        return
    assert found.positive == "yes"
    score = probabilities[:, 1]
    false, true, _ = metrics.roc_curve(truth, score, drop_intermediate=False)
    assert np.asarray(found.roc) == pytest.approx(np.stack([false, true], axis=1))
    precision, recall, _ = metrics.precision_recall_curve(truth, score)
    expected = np.stack([recall[:-1][::-1], precision[:-1][::-1]], axis=1)
    ours = np.asarray(found.precision_recall)
    assert ours[: len(expected)] == pytest.approx(expected[: len(ours)])
    assert found.average_precision == pytest.approx(metrics.average_precision_score(truth, score))
    assert found.prevalence == pytest.approx(truth.mean())


def test_the_positive_class_is_the_rarer_one_or_the_one_that_was_asked_for() -> None:
    truth, probabilities = np.asarray([0, 1, 1]), np.asarray([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    for metric, positive in (("accuracy", "a"), ("recall:b", "b"), ("precision:a", "a"), ("macro_f1", "a")):
        found = separation(truth, probabilities, ("a", "b"), {"a": 3, "b": 9}, metric)
        assert found is not None and found.positive == positive


def test_perfect_and_useless_scores() -> None:
    truth = np.repeat([0, 1], 50)
    sharp = np.stack([1.0 - truth, truth], axis=1)
    perfect = separation(truth, sharp, ("a", "b"), {"a": 1, "b": 2})
    useless = separation(truth, np.full((100, 2), 0.5), ("a", "b"), {"a": 1, "b": 2})
    assert perfect is not None and useless is not None
    assert perfect.roc_auc.value == perfect.average_precision == 1.0
    assert perfect.roc_auc.low < 0.99 and perfect.roc_auc.high == 1.0, "100 examples prove no perfection"
    assert useless.roc_auc.value == useless.average_precision == 0.5


def test_the_interval_holds_the_true_area_as_often_as_it_says() -> None:
    draw, hits = np.random.default_rng(0), 0
    truth = np.repeat([0, 1], [80, 40])
    for _ in range(300):
        shift = draw.normal(size=120) + truth
        odds = 1 / (1 + np.exp(-shift))
        found = separation(truth, np.stack([1 - odds, odds], axis=1), ("a", "b"), {"a": 2, "b": 1})
        assert found is not None
        hits += found.roc_auc.low <= 0.76025 <= found.roc_auc.high
    assert 0.91 <= hits / 300 <= 0.985


def test_long_curves_are_thinned_with_their_ends() -> None:
    draw = np.random.default_rng(1)
    truth, odds = draw.integers(0, 2, 3000), draw.random(3000)
    found = separation(truth, np.stack([1 - odds, odds], axis=1), ("a", "b"), {"a": 2, "b": 1})
    assert found is not None
    assert len(found.roc) <= 101 and found.roc[0] == (0, 0) and found.roc[-1] == (1, 1)
    assert found.precision_recall[-1][0] == 1.0
