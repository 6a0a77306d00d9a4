"""What the classifier that a checkpoint was pretrained with says of the user's examples: LEEP and NCE."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SourceHead", "leep", "nce", "source_head"]

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class SourceHead:
    """The linear classifier of the pretraining over d features, into z source classes.

    :ivar weight: (z, d).
    :ivar bias: (z,).
    """

    weight: NDArray[Any]
    bias: NDArray[Any]

    def probabilities(self, features: NDArray[Any]) -> Probabilities:
        """Softmax over the source classes, (n, d) → (n, z)."""
        logits = features.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
        scores: Probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        return scores


def source_head(model: Any) -> SourceHead | None:
    """Take the classifier of a timm model, before it is removed.

    :return: None where it is not one linear layer over the features, with at least two classes.
    """
    from torch import nn

    layer = model.get_classifier()
    wide = getattr(model, "head_hidden_size", None)
    if not isinstance(layer, nn.Linear) or layer.in_features != wide or layer.out_features < 2:
        return None
    weight = layer.weight.detach().float().cpu().numpy().copy()
    bias = (
        np.zeros(len(weight), np.float32)
        if layer.bias is None
        else layer.bias.detach().float().cpu().numpy().copy()
    )
    return SourceHead(weight=weight, bias=bias)


def leep(source: Probabilities, truth: NDArray[np.int64]) -> float:
    """Give the log expected empirical prediction (Nguyen et al. 2020).

    Each source class is read as the distribution of labels that goes along with it; the score is the mean log
    probability that this gives to the labels.

    :param source: (n, z) probabilities of the source classes.
    :param truth: (n,) class indices 0 … k − 1.
    :return: at most 0; larger is better.
    """
    member = np.zeros((len(truth), int(truth.max()) + 1))
    member[np.arange(len(truth)), truth] = 1.0
    joint = member.T @ source
    given = joint / np.maximum(joint.sum(axis=0), np.finfo(float).tiny)
    expected = (source @ given.T)[np.arange(len(truth)), truth]
    return float(np.log(np.maximum(expected, np.finfo(float).tiny)).mean())


def nce(source: Probabilities, truth: NDArray[np.int64]) -> float:
    """Give the negative conditional entropy of the labels, given the likeliest source class (Tran et al. 2019).

    :param source: (n, z) probabilities of the source classes.
    :param truth: (n,) class indices 0 … k − 1.
    :return: at most 0, in nats; larger is better.
    """
    likeliest = np.unique(source.argmax(axis=1), return_inverse=True)[1]
    joint = np.zeros((int(likeliest.max()) + 1, int(truth.max()) + 1))
    np.add.at(joint, (likeliest, truth), 1.0)
    given = joint / joint.sum(axis=1, keepdims=True)
    return float(np.log(given[likeliest, truth]).mean())
