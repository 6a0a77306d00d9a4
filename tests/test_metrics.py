"""Metrics against scikit-learn, known intervals, and what must not change them."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from advisor.metrics import (
    class_scores,
    confusion,
    evaluate,
    evaluate_all,
    parse_metric,
    weighted_scores,
    wilson,
)

LABELS = ("ant", "bee", "cat", "dog")
AVERAGES = ("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall")
Indices = NDArray[np.int64]
answers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def columns(pairs: list[tuple[int, int]]) -> tuple[Indices, Indices]:
    both = np.asarray(pairs, dtype=np.int64)
    return both[:, 0], both[:, 1]


def by_scikit(metric: str, truth: Indices, predicted: Indices) -> float:
    from sklearn import metrics

    name, chosen = parse_metric(metric)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if chosen is not None:
            score = metrics.recall_score if name == "recall" else metrics.precision_score
            picked = [LABELS.index(chosen)]
            return float(score(truth, predicted, labels=picked, average="macro", zero_division=0))
        macro = {"average": "macro", "zero_division": 0}
        return float(
            {
                "accuracy": lambda: metrics.accuracy_score(truth, predicted),
                "balanced_accuracy": lambda: metrics.balanced_accuracy_score(truth, predicted),
                "macro_f1": lambda: metrics.f1_score(truth, predicted, **macro),
                "precision": lambda: metrics.precision_score(truth, predicted, **macro),
                "recall": lambda: metrics.recall_score(truth, predicted, **macro),
            }[name]()
        )


@given(answers, st.sampled_from([*AVERAGES, "recall:bee", "precision:bee"]))
@settings(max_examples=150, deadline=None)
def test_values_equal_scikit_learns(pairs: list[tuple[int, int]], metric: str) -> None:
    truth, predicted = columns(pairs)
    measured = evaluate(metric, truth, predicted, LABELS)
    assert measured.value == pytest.approx(by_scikit(metric, truth, predicted), abs=1e-12)


@given(answers, st.sampled_from(AVERAGES), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_weights_count_like_repeated_examples(pairs: list[tuple[int, int]], metric: str, seed: int) -> None:
    truth, predicted = columns(pairs)
    times = np.random.default_rng(seed).integers(1, 4, len(truth))
    weighted = weighted_scores(metric, truth, predicted, LABELS, times[None].astype(float))[0]
    repeated = by_scikit(metric, np.repeat(truth, times), np.repeat(predicted, times))
    assert weighted == pytest.approx(repeated, abs=1e-12)


@given(answers, st.sampled_from([*AVERAGES, "recall:cat", "precision:cat"]))
@settings(max_examples=60, deadline=None)
def test_interval_holds_the_value_and_stays_in_range(pairs: list[tuple[int, int]], metric: str) -> None:
    measured = evaluate(metric, *columns(pairs), LABELS)
    assert 0 <= measured.low <= measured.value <= measured.high <= 1
    assert measured.low < measured.high, "few examples are never certain"


@given(answers, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_examples_and_names_of_classes_change_no_value(
    pairs: list[tuple[int, int]], random: object
) -> None:
    truth, predicted = columns(pairs)
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    renamed = np.array([2, 0, 3, 1])
    for metric in AVERAGES:
        value = evaluate(metric, truth, predicted, LABELS).value
        assert evaluate(metric, *columns(shuffled), LABELS).value == pytest.approx(value, abs=1e-12)
        other = evaluate(metric, renamed[truth], renamed[predicted], LABELS)
        assert other.value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81/263, 15/148, 0/20 and 1/29
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500), st.floats(0, 1))
def test_wilson_mirrors_and_contains(n: int, share: float) -> None:
    k = round(share * n)
    low, high = wilson(k, n)
    assert low <= k / n <= high
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    assert wilson(k, n, level=0.5)[1] - wilson(k, n, level=0.5)[0] < high - low


def test_wilson_covers_about_95_percent() -> None:
    rng = np.random.default_rng(7)
    covered = []
    for p in (0.5, 0.8, 0.95):
        hits = rng.binomial(60, p, size=2000)
        bounds = {k: wilson(k, 60) for k in set(hits.tolist())}
        covered.append(np.mean([bounds[k][0] <= p <= bounds[k][1] for k in hits.tolist()]))
    assert 0.93 <= np.mean(covered) <= 0.97


def test_macro_f1_interval_covers() -> None:
    """Of 120 examples 70 % are right, the rest anywhere; the target comes from a large sample."""
    rng = np.random.default_rng(3)

    def draw(n: int) -> tuple[Indices, Indices]:
        truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
        return truth, np.where(rng.random(n) < 0.7, truth, rng.integers(0, 3, n))

    target = weighted_scores("macro_f1", *draw(200_000), LABELS[:3], np.ones((1, 200_000)))[0]
    covered = 0
    for _ in range(200):
        measured = evaluate("macro_f1", *draw(120), LABELS[:3])
        covered += measured.low <= target <= measured.high
    assert 0.88 <= covered / 200 <= 0.99


def test_one_class_is_counted_by_its_own_examples() -> None:
    truth, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])
    recall, precision = (
        evaluate(f"{name}:ant", truth, predicted, LABELS) for name in ("recall", "precision")
    )
    assert (recall.value, recall.n) == (pytest.approx(2 / 3), 3)
    assert (precision.value, precision.n) == (pytest.approx(2 / 3), 3)
    absent = evaluate("recall:dog", truth, predicted, LABELS)
    assert (absent.value, absent.low, absent.high, absent.n) == (0.0, 0.0, 1.0, 0)


def test_names_with_colons_and_line_breaks_are_whole() -> None:
    assert parse_metric("recall:a:b\nc") == ("recall", "a:b\nc")
    assert parse_metric("macro_f1") == ("macro_f1", None)


def test_same_seed_same_interval() -> None:
    truth = np.arange(50) % 4
    predicted = np.where(np.arange(50) % 7 == 0, 0, truth)
    assert evaluate("macro_f1", truth, predicted, LABELS, 1) == evaluate(
        "macro_f1", truth, predicted, LABELS, 1
    )
    assert evaluate("macro_f1", truth, predicted, LABELS, 1) != evaluate(
        "macro_f1", truth, predicted, LABELS, 2
    )


@given(answers)
@settings(max_examples=60, deadline=None)
def test_confusion_and_class_scores_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    truth, predicted = columns(pairs)
    table = confusion(truth, predicted, LABELS)
    assert table.labels == LABELS
    assert np.array_equal(table.matrix, confusion_matrix(truth, predicted, labels=range(4)))
    expected = precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=0)
    scores = class_scores(truth, predicted, LABELS)
    occurring = {LABELS[i] for i in [*truth.tolist(), *predicted.tolist()]}
    assert set(scores) == occurring
    for label, one in scores.items():
        wanted = [column[LABELS.index(label)] for column in expected]
        assert (one.precision, one.recall, one.f1, one.n) == pytest.approx(tuple(wanted))


def test_all_metrics_and_the_briefs_own() -> None:
    truth, predicted = np.array([0, 1, 2]), np.array([0, 1, 1])
    assert list(evaluate_all(truth, predicted, LABELS, "macro_f1")) == list(AVERAGES)
    assert list(evaluate_all(truth, predicted, LABELS, "recall:bee")) == [*AVERAGES, "recall:bee"]


def test_five_thousand_classes_take_seconds_not_minutes() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5000, 1000)
    predicted = np.where(rng.random(1000) < 0.7, truth, rng.integers(0, 5000, 1000))
    labels = [f"class {i}" for i in range(5000)]
    begun = time.perf_counter()
    measured = evaluate_all(truth, predicted, labels, "recall:class 4")
    scores = class_scores(truth, predicted, labels)
    assert time.perf_counter() - begun < 10
    assert 0.6 < measured["accuracy"].value < 0.8
    assert len(scores) <= 2000
