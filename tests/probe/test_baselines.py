"""Each baseline learns a toy problem, and says what it consists of."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tiny_models import COLOURS, WORDS, picture, sentence

from advisor.probe.baselines import colour_edges, make_baseline
from advisor.probe.plan import BASELINES

Cache = dict[str, NDArray[np.float32]]


def open_picture(content: str) -> Image.Image:
    colour, seed = content.split("/")
    return picture(colour, int(seed))


def problem(task: str, n: int, start: int = 0) -> tuple[list[str], NDArray[np.int64]]:
    names = list(COLOURS if task == "image-classification" else WORDS)
    truth = np.arange(n) % 3
    if task == "image-classification":
        return [f"{names[k]}/{start + i}" for i, k in enumerate(truth)], truth
    return [sentence(names[k], start + i) for i, k in enumerate(truth)], truth


@pytest.mark.parametrize(
    ("task", "model"), [(task, model) for task in BASELINES for model in BASELINES[task]]
)
def test_learns_and_is_measured(task: str, model: str) -> None:
    contents, truth = problem(task, 45)
    fresh, answers = problem(task, 30, start=500)
    baseline = make_baseline(model, open_picture, {})
    baseline.fit(contents, truth, 5, seed=0)
    shares = baseline.probabilities(fresh)
    assert shares.shape == (30, 5)
    assert shares.dtype == np.float32
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    assert shares[:, 3:].max() == 0, "classes that were not learnt get nothing"
    right = (shares.argmax(axis=1) == answers).mean()
    assert right == pytest.approx(1 / 3) if model == "baseline/majority" else right > 0.75
    assert baseline.size_mb() > 0
    again = make_baseline(model, open_picture, {})
    again.fit(contents, truth, 5, seed=0)
    assert np.array_equal(again.probabilities(fresh), shares)


def test_majority_gives_the_shares() -> None:
    baseline = make_baseline("baseline/majority", open_picture, {})
    baseline.fit(list("abcd"), np.array([0, 1, 1, 1]), 3, seed=0)
    assert baseline.probabilities(["x"]).tolist() == [[0.25, 0.75, 0.0]]


def test_chinese_texts_are_told_apart() -> None:
    contents = ["我要退款", "请退钱给我", "包裹还没到", "快递太慢了"] * 5
    baseline = make_baseline("baseline/tfidf-logreg", open_picture, {})
    baseline.fit(contents, np.array([0, 0, 1, 1] * 5), 2, seed=0)
    assert baseline.probabilities(["什么时候退款", "快递在哪里"]).argmax(axis=1).tolist() == [0, 1]


def test_descriptors_are_shared_and_computed_once() -> None:
    opened: list[str] = []

    def count(content: str) -> Image.Image:
        opened.append(content)
        return open_picture(content)

    cache: Cache = {}
    contents, truth = problem("image-classification", 9)
    for model in ("baseline/colour-edges-logreg", "baseline/colour-edges-forest"):
        make_baseline(model, count, cache).fit(contents, truth, 3, seed=0)
    assert sorted(opened) == sorted(contents)
    assert set(cache) == set(contents)


def test_a_constant_image_has_one_colour_and_no_edges() -> None:
    parts = colour_edges(Image.new("RGB", (30, 70), (255, 0, 0)))
    colour, edges, thumbnail = parts[:256].reshape(4, 64), parts[256 : 256 + 576], parts[832:]
    assert parts.shape == (1088,)
    assert (colour.max(axis=1) == 1).all()
    assert (colour.sum(axis=1) == 1).all()
    assert np.abs(edges).max() == 0
    assert np.ptp(thumbnail) < 1e-6


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_any_mode_is_described(mode: str) -> None:
    assert np.isfinite(colour_edges(picture("red", 1).convert(mode))).all()


def test_an_unknown_baseline() -> None:
    with pytest.raises(KeyError):
        make_baseline("baseline/magic", open_picture, {})
