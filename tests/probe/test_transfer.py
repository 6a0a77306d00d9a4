"""Transferability scores: metamorphic properties and bounds."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from advisor.probe.transfer import MOST, transferability

Features = NDArray[np.float32]


def blobs(n: int, d: int, k: int, apart: float, seed: int = 0) -> tuple[Features, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % k
    return (rng.normal(size=(k, d))[truth] * apart + rng.normal(size=(n, d))).astype(np.float32), truth


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
    names = rng.permutation(50)[:k]
    score = transferability(features, truth)
    renamed = transferability(features, names[truth])
    turned = transferability((features.astype(float) @ turn).astype(np.float32), truth)
    moved = transferability(features + 3, truth)
    assert renamed["h_score"] == pytest.approx(score["h_score"], rel=1e-6)
    assert turned["h_score"] == pytest.approx(score["h_score"], rel=1e-2, abs=1e-3)
    assert moved["h_score"] == pytest.approx(score["h_score"], rel=1e-2, abs=1e-3)
    assert -1e-9 <= score["h_score"] <= k - 1 + 1e-6
    assert 0 <= score["knn_accuracy"] <= 1
    assert (score["n"], score["d"]) == (n, d)


def test_useful_features_score_higher_than_useless_ones() -> None:
    useless, useful = (transferability(*blobs(200, 20, 4, apart)) for apart in (0.0, 3.0))
    assert useless["h_score"] < 0.5
    assert useful["h_score"] > 2.5
    assert useless["knn_accuracy"] < 0.45
    assert useful["knn_accuracy"] > 0.95


def test_fewer_examples_than_dimensions_do_not_make_noise_look_good() -> None:
    """100 × 300 noise reaches 8.7 of at most 9 without shrinking."""
    noise = np.random.default_rng(0).normal(size=(100, 300)).astype(np.float32)
    assert transferability(noise, np.arange(100) % 10)["h_score"] < 4.5


def test_constant_features_are_worth_nothing() -> None:
    assert transferability(np.ones((20, 5), np.float32), np.arange(20) % 2)["h_score"] == 0


def test_nearest_neighbours_vote() -> None:
    angles = np.concatenate([np.linspace(0, 0.2, 8), np.linspace(1.3, 1.5, 8)])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert transferability(features, np.repeat([0, 1], 8))["knn_accuracy"] == 1.0
    two = transferability(features[:2], np.array([0, 1]))
    assert two["knn_accuracy"] == 0.0, "each has only the other to ask"


def test_many_examples_are_cut_to_a_part() -> None:
    features, truth = blobs(30_000, 16, 900, 1.0)
    begun = time.perf_counter()
    score = transferability(features, truth)
    assert time.perf_counter() - begun < 15
    assert score["n"] == MOST
