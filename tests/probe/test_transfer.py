"""Transferability scores: metamorphic properties, bounds, and the same figures found in another way."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.metrics import mutual_info_score
from sklearn.neighbors import KNeighborsClassifier

from advisor.probe.h_score import h_score
from advisor.probe.source_head import SourceHead, leep, nce, source_head
from advisor.probe.spectrum import class_spectrum
from advisor.probe.transfer import MOST, transferability

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def blobs(n: int, d: int, k: int, apart: float, seed: int = 0) -> tuple[Floats, Indices]:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % k
    return rng.normal(size=(k, d))[truth] * apart + rng.normal(size=(n, d)), truth


def guesses(n: int, z: int, seed: int = 0) -> Floats:
    """Probabilities of z source classes."""
    return np.random.default_rng(seed).dirichlet(np.full(z, 0.3), size=n)


def classifier(d: int, z: int, seed: int = 0) -> SourceHead:
    rng = np.random.default_rng(seed)
    return SourceHead(rng.normal(size=(z, d)), rng.normal(size=z))


def log_evidence(features: Floats, truth: Indices) -> float:
    """LogME by its definition: the Gaussian density of each class's labels at the best α and β."""
    n, classes = len(truth), np.unique(truth)
    inner = features @ features.T
    total = 0.0
    for label in classes:
        wanted = (truth == label).astype(float)

        def lost(at: Floats, wanted: Floats = wanted) -> float:
            covariance = math.exp(-at[0]) * inner + math.exp(-at[1]) * np.eye(n)
            return -float(multivariate_normal.logpdf(wanted, np.zeros(n), covariance))

        found = [
            minimize(
                lost, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2000}
            )
            for start in ((0.0, 0.0), (4.0, 3.0))
        ]
        total -= min(one.fun for one in found)
    return total / len(classes) / n


def inverted(features: Floats, truth: Indices) -> float:
    """The shrunk H-score with the whole covariance matrix, inverted."""
    fitted = LedoitWolf().fit(features)
    centre = features.mean(axis=0)
    between = np.zeros_like(fitted.covariance_)
    for label, count in Counter(truth.tolist()).items():
        away = features[truth == label].mean(axis=0) - centre
        between += count / len(truth) * np.outer(away, away)
    return float((1 - fitted.shrinkage_) * np.trace(np.linalg.inv(fitted.covariance_) @ between))


def expected_prediction(source: Floats, truth: Indices) -> float:
    """LEEP, sum by sum."""
    n, z = source.shape
    total = 0.0
    for i in range(n):
        likely = 0.0
        for j in range(z):
            share = sum(source[m, j] for m in range(n) if truth[m] == truth[i]) / source[:, j].sum()
            likely += share * source[i, j]
        total += math.log(likely)
    return total / n


@pytest.mark.parametrize(("n", "d", "k", "apart"), [(60, 8, 3, 1.0), (40, 55, 4, 0.7), (50, 20, 2, 0.0)])
def test_logme_is_the_log_evidence_by_its_definition(n: int, d: int, k: int, apart: float) -> None:
    features, truth = blobs(n, d, k, apart)
    assert transferability(features, truth)["logme"] == pytest.approx(log_evidence(features, truth), abs=1e-6)


@given(st.integers(12, 60), st.integers(2, 70), st.integers(2, 5), st.floats(0, 5), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_h_score_is_the_trace_by_its_definition(n: int, d: int, k: int, apart: float, seed: int) -> None:
    features, truth = blobs(n, d, k, apart, seed)
    assert transferability(features, truth)["h_score"] == pytest.approx(inverted(features, truth), abs=1e-6)


@given(st.integers(2, 40), st.integers(2, 7), st.integers(2, 5), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_leep_and_nce_agree_with_their_definitions(n: int, z: int, k: int, seed: int) -> None:
    source, truth = guesses(n, z, seed), np.arange(n) % min(k, n)
    assert leep(source, truth) == pytest.approx(expected_prediction(source, truth), abs=1e-6)
    shares = np.bincount(truth) / n
    entropy = -float(sum(share * math.log(share) for share in shares))
    known = mutual_info_score(source.argmax(axis=1), truth)
    assert nce(source, truth) == pytest.approx(known - entropy, abs=1e-6)


def test_neighbours_agree_with_a_classifier_left_out_one_by_one() -> None:
    features, truth = blobs(60, 6, 2, 0.6)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    right = 0
    for i in range(60):
        rest = np.arange(60) != i
        model = KNeighborsClassifier(5).fit(unit[rest], truth[rest])
        right += model.predict(unit[i : i + 1])[0] == truth[i]
    assert transferability(features, truth)["knn_accuracy"] == pytest.approx(right / 60)


shapes = st.tuples(
    st.integers(10, 60), st.integers(2, 80), st.integers(2, 5), st.floats(0, 5), st.integers(0, 99)
)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_neither_the_names_of_classes_nor_a_rotation_change_a_score(
    shape: tuple[int, int, int, float, int],
) -> None:
    n, d, k, apart, seed = shape
    features, truth = blobs(n, d, k, apart, seed)
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    source, other = classifier(d, 6, seed), rng.permutation(6)
    score = transferability(features, truth, source)
    shuffled = SourceHead(source.weight[other], source.bias[other])
    renamed = transferability(features, rng.permutation(50)[:k][truth], shuffled)
    turned = transferability(features @ turn, truth, SourceHead(source.weight @ turn, source.bias))
    moved = transferability(features + 3, truth)
    assert renamed == pytest.approx(score, rel=1e-6, abs=1e-6)
    assert turned == pytest.approx(score, rel=1e-6, abs=1e-6)
    assert moved["h_score"] == pytest.approx(score["h_score"], rel=1e-6, abs=1e-6)
    assert -1e-9 <= score["h_score"] <= k - 1 + 1e-6
    assert 0 <= score["knn_accuracy"] <= 1
    assert max(score["leep"], score["nce"]) <= 1e-12
    assert (score["n"], score["d"]) == (n, d)


@given(shapes)
@settings(max_examples=20, deadline=None)
def test_the_order_of_examples_changes_no_score(shape: tuple[int, int, int, float, int]) -> None:
    n, d, k, apart, seed = shape
    features, truth = blobs(n, d, k, apart, seed)
    source, order = classifier(d, 4, seed), np.random.default_rng(seed).permutation(n)
    score = transferability(features, truth, source)
    assert transferability(features[order], truth[order], source) == pytest.approx(score, abs=1e-6)


def test_useful_features_score_higher_than_useless_ones() -> None:
    useless, useful = (transferability(*blobs(200, 20, 4, apart)) for apart in (0.0, 3.0))
    assert useless["h_score"] < 0.5
    assert useful["h_score"] > 2.5
    assert useless["knn_accuracy"] < 0.45
    assert useful["knn_accuracy"] > 0.95
    assert useful["logme"] > useless["logme"] + 0.5


def test_a_source_class_for_each_class_says_everything_and_one_for_all_nothing() -> None:
    truth = np.arange(30) % 3
    assert leep(np.eye(3)[truth], truth) == nce(np.eye(3)[truth], truth) == 0.0
    same = np.full((30, 2), 0.5)
    assert leep(same, truth) == pytest.approx(-math.log(3))
    assert nce(same, truth) == pytest.approx(-math.log(3))


def test_fewer_examples_than_dimensions_do_not_make_noise_look_good() -> None:
    """100 × 300 noise reaches 8.7 of at most 9 without shrinking."""
    noise = np.random.default_rng(0).normal(size=(100, 300)).astype(np.float32)
    assert transferability(noise, np.arange(100) % 10)["h_score"] < 4.5


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_features_are_worth_nothing(value: float) -> None:
    score = transferability(np.full((20, 5), value, np.float32), np.arange(20) % 2)
    assert score["h_score"] == 0
    assert math.isfinite(score["logme"])
    assert h_score(class_spectrum(np.zeros((20, 5)), np.arange(20) % 2), 5, 0.1) == 0


def test_features_that_name_the_class_beat_noisy_ones_and_stay_finite() -> None:
    truth = np.arange(40) % 4
    exact, noisy = np.eye(4)[truth], np.eye(4)[truth] + 0.3 * np.random.default_rng(0).normal(size=(40, 4))
    assert math.isfinite(transferability(exact, truth)["logme"])
    assert transferability(exact, truth)["logme"] > transferability(noisy, truth)["logme"]


def test_without_a_source_classifier_there_are_no_scores_of_one() -> None:
    assert set(transferability(*blobs(20, 4, 2, 1.0))) == {"logme", "h_score", "knn_accuracy", "n", "d"}


def test_the_mean_over_the_layers_has_its_own_logme_and_changes_no_other_score() -> None:
    last, truth = blobs(40, 6, 3, 0.5)
    mean, _ = blobs(40, 6, 3, 2.0, seed=1)
    alone, both = transferability(last, truth), transferability(last, truth, layers=mean)
    assert both.pop("logme_layers") == pytest.approx(transferability(mean, truth)["logme"], abs=1e-12)
    assert both == alone


def test_nearest_neighbours_vote() -> None:
    angles = np.concatenate([np.linspace(0, 0.2, 8), np.linspace(1.3, 1.5, 8)])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert transferability(features, np.repeat([0, 1], 8))["knn_accuracy"] == 1.0
    two = transferability(features[:2], np.array([0, 1]))
    assert two["knn_accuracy"] == 0.0, "each has only the other to ask"


def test_many_examples_are_cut_to_a_part() -> None:
    features, truth = blobs(5_000, 8, 300, 1.0)
    source = classifier(8, 5)
    score = transferability(features, truth, source)
    assert score["n"] == MOST
    assert score == transferability(features[:MOST], truth[:MOST], source)


def test_the_classifier_of_a_checkpoint_is_taken_before_it_goes() -> None:
    import timm
    import torch

    model = timm.create_model("test_resnet", num_classes=7).eval()
    head = source_head(model)
    images = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        wanted = model(images).softmax(dim=1).numpy()
        model.reset_classifier(0)
        features = model(images).numpy()
    assert head is not None
    assert head.probabilities(features) == pytest.approx(wanted, abs=1e-5)
    assert source_head(model) is None
