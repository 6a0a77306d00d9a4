"""A classical baseline as one skops file: scikit-learn objects without a pickle."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.errors import InputError
from advisor.jobs.folder import RunFolder, RungRecord
from advisor.probe.baselines import colour_edges, make_baseline

__all__ = ["TRUSTED", "export_baseline"]

TRUSTED = ["sklearn.tree._tree.Tree"]


def export_baseline(
    folder: RunFolder, best: RungRecord, out: Path
) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Fit a run's baseline again, as its one rung did, and write it.

    :param folder: the run.
    :param best: the baseline's rung.
    :param out: the folder; gets `model.skops`.
    :return: answers contents with probabilities (n, k) by the written file.
    :raises InputError: if skops is not installed.
    """
    if find_spec("skops") is None:
        raise InputError("A baseline is written by skops, which is not installed", fix="pip install skops")
    from advisor.dataset import ImageReader

    skops_io: Any = import_module("skops.io")

    examples = folder.examples()
    truth = np.asarray(examples.truth, dtype=np.int64)[list(examples.train)]
    contents = [examples.contents[i] for i in examples.train]
    images = examples.task == "image-classification"
    reader: Any = ImageReader(Path(examples.origin)) if images else None
    balanced = best.hyperparameters.get("class_weight") == "balanced"
    baseline: Any = make_baseline(best.model, reader, {}, balanced)
    baseline.fit(contents, truth, len(examples.labels), best.hyperparameters["seed"])
    path = out / "model.skops"
    skops_io.dump(_pipeline(best.model, baseline, contents, truth, images), path)
    model = skops_io.load(path, trusted=TRUSTED)
    classes = np.asarray(model.classes_, dtype=np.int64)

    def answer(some: Sequence[str]) -> NDArray[np.float32]:
        inputs: Any = [colour_edges(reader(one)) for one in some] if images else list(some)
        result = np.zeros((len(some), len(examples.labels)), dtype=np.float32)
        result[:, classes] = model.predict_proba(inputs)
        return result

    return answer


def _pipeline(
    model: str, baseline: Any, contents: Sequence[str], truth: NDArray[np.int64], images: bool
) -> Any:
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import FeatureUnion, Pipeline

    if model == "baseline/majority":
        return DummyClassifier(strategy="prior").fit(np.zeros((len(contents), 1)), truth)
    if images:
        return baseline.model
    words, characters = baseline.vectorise.parts
    union = FeatureUnion([("words", words), ("characters", characters)])
    return Pipeline([("features", union), ("classifier", baseline.model)])
