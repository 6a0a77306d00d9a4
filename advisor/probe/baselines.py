"""Cheap classical models that run in every probe, so that a user sees when a deep model is not worth it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from advisor.dataset import OpenImage
from advisor.hardware import usable_cores
from advisor.probe.head import single_threaded

__all__ = ["Baseline", "colour_edges", "make_baseline"]

TREES = 100
Probabilities = NDArray[np.float32]


class Baseline(Protocol):
    """A classifier of contents that is fitted from scratch."""

    hyperparameters: dict[str, Any]

    def fit(self, contents: Sequence[str], truth: NDArray[np.int64], classes: int, seed: int) -> None:
        """Learn from n contents and their (n,) class indices."""

    def probabilities(self, contents: Sequence[str]) -> Probabilities:
        """Predict class probabilities, (n, k)."""

    def size_mb(self) -> float:
        """The arrays and words that the fitted model consists of, in 10^6 bytes."""


class Majority:
    """Always answers with the share of each class among the training examples."""

    hyperparameters: dict[str, Any]

    def __init__(self) -> None:
        self.hyperparameters = {}

    def fit(self, contents: Sequence[str], truth: NDArray[np.int64], classes: int, seed: int) -> None:
        """Count the classes."""
        counts = np.bincount(truth, minlength=classes)
        self.shares = (counts / counts.sum()).astype(np.float32)

    def probabilities(self, contents: Sequence[str]) -> Probabilities:
        """Repeat the shares."""
        return np.tile(self.shares, (len(contents), 1))

    def size_mb(self) -> float:
        """One number per class."""
        return float(self.shares.nbytes / 1e6)


class Classical:
    """A vectoriser and a scikit-learn classifier."""

    hyperparameters: dict[str, Any]

    def __init__(
        self, vectorise: Any, classifier: Callable[[int], Any], hyperparameters: dict[str, Any]
    ) -> None:
        self.vectorise = vectorise
        self.classifier = classifier
        self.hyperparameters = hyperparameters

    def fit(self, contents: Sequence[str], truth: NDArray[np.int64], classes: int, seed: int) -> None:
        """Fit vectoriser and classifier; trees grow on all cores."""
        from joblib import parallel_config

        self.classes = classes
        with single_threaded(), parallel_config("threading", n_jobs=usable_cores()):
            self.model = self.classifier(seed).fit(self.vectorise.fit_transform(list(contents)), truth)

    def probabilities(self, contents: Sequence[str]) -> Probabilities:
        """Predict; classes that were not learnt get 0."""
        known = self.model.predict_proba(self.vectorise.transform(list(contents)))
        result = np.zeros((len(contents), self.classes), dtype=np.float32)
        result[:, self.model.classes_] = known
        return result

    def size_mb(self) -> float:
        """Coefficients or tree nodes, and the vocabulary."""
        model = self.model[-1] if hasattr(self.model, "steps") else self.model
        trees = getattr(model, "estimators_", [])
        numbers = sum(tree.tree_.__getstate__()["nodes"].nbytes + tree.tree_.value.nbytes for tree in trees)
        numbers += getattr(model, "coef_", np.zeros(0)).nbytes
        words = sum(len(word.encode()) + 8 for word in getattr(self.vectorise, "vocabulary", lambda: ())())
        return float((numbers + words) / 1e6)


class _Words:
    """TF-IDF of words and of characters, side by side: the latter carry languages without spaces."""

    def __init__(self) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        common = {"sublinear_tf": True, "max_features": 40_000, "dtype": np.float32}
        self.parts = [
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **common),
            TfidfVectorizer(analyzer="char", ngram_range=(1, 4), **common),
        ]

    def fit_transform(self, texts: Sequence[str]) -> Any:
        from scipy.sparse import hstack

        return hstack([part.fit_transform(texts) for part in self.parts]).tocsr()

    def transform(self, texts: Sequence[str]) -> Any:
        from scipy.sparse import hstack

        return hstack([part.transform(texts) for part in self.parts]).tocsr()

    def vocabulary(self) -> list[str]:
        return [word for part in self.parts for word in part.vocabulary_]


def colour_edges(image: Image.Image) -> NDArray[np.float32]:
    """Describe an image by colour, edges and a thumbnail.

    A 4 × 4 × 4 colour histogram over each quarter of the image; magnitudes of the grey gradient in 9
    orientations over 8 × 8 cells (after Dalal & Triggs 2005, without overlapping blocks); the grey image at
    16 × 16 pixels.

    :return: (256 + 576 + 256,) float32.
    """
    small = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR), dtype=np.float32)
    bins = (small // 64).astype(np.int64) @ np.array([16, 4, 1])
    quarters = [bins[:32, :32], bins[:32, 32:], bins[32:, :32], bins[32:, 32:]]
    colour = np.concatenate([np.bincount(part.ravel(), minlength=64) / part.size for part in quarters])
    grey = small @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    down, right = np.gradient(grey)
    strength = np.hypot(down, right)
    angle = (np.arctan2(down, right) % np.pi / np.pi * 9).astype(np.int64) % 9
    cell = (np.arange(64) // 8)[:, None] * 8 + np.arange(64) // 8
    edges = np.bincount((cell * 9 + angle).ravel(), weights=strength.ravel(), minlength=576).reshape(64, 9)
    edges = edges / np.sqrt((edges**2).sum(axis=1, keepdims=True) + 100.0)
    thumbnail = grey.reshape(16, 4, 16, 4).mean(axis=(1, 3)) / 255
    return np.concatenate([colour, edges.ravel(), thumbnail.ravel()]).astype(np.float32)


class _ColourEdges:
    """Turns image contents into descriptors, each computed once."""

    def __init__(self, open_image: OpenImage, cache: dict[str, NDArray[np.float32]]) -> None:
        self.open_image = open_image
        self.cache = cache

    def fit_transform(self, contents: Sequence[str]) -> NDArray[np.float32]:
        return self.transform(contents)

    def transform(self, contents: Sequence[str]) -> NDArray[np.float32]:
        for content in contents:
            if content not in self.cache:
                self.cache[content] = colour_edges(self.open_image(content))
        return np.stack([self.cache[content] for content in contents])


def make_baseline(
    model: str, open_image: OpenImage, cache: dict[str, NDArray[np.float32]], balanced: bool = False
) -> Baseline:
    """Build a baseline by its id.

    :param model: an id of `BASELINES`.
    :param open_image: opens an RGB image by the content of an example.
    :param cache: image descriptors that baselines share; filled here.
    :param balanced: weight the classes inversely to their frequency; TF-IDF with logistic regression always
        does, because it helps it under every metric.
    :raises KeyError: if there is no such baseline.
    """
    class_weight = "balanced" if balanced else None
    forest = {"trees": TREES, "class_weight": class_weight}
    grow = partial(_forest, class_weight=class_weight)
    regress = partial(_image_regression, class_weight=class_weight)
    makers: dict[str, Callable[[], Baseline]] = {
        "baseline/majority": Majority,
        "baseline/tfidf-logreg": lambda: Classical(
            _Words(),
            _text_regression,
            {"C": 30.0, "class_weight": "balanced", "ngrams": "words 1-2, characters 1-4"},
        ),
        "baseline/tfidf-forest": lambda: Classical(_Words(), grow, forest),
        "baseline/colour-edges-logreg": lambda: Classical(
            _ColourEdges(open_image, cache),
            regress,
            {"C": 0.01, "features": 1088, "class_weight": class_weight},
        ),
        "baseline/colour-edges-forest": lambda: Classical(_ColourEdges(open_image, cache), grow, forest),
    }
    return makers[model]()


def _forest(seed: int, class_weight: str | None = None) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=TREES, class_weight=class_weight, random_state=seed)


def _text_regression(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=30.0, max_iter=300, class_weight="balanced", random_state=seed)


def _image_regression(seed: int, class_weight: str | None = None) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=0.01, max_iter=300, class_weight=class_weight, random_state=seed)
    return make_pipeline(StandardScaler(), regression)
