"""What a data set is like, in a few numbers."""

from collections import Counter
from collections.abc import Sequence

from advisor.dataset.language import language_shares
from advisor.dataset.types import Dataset, Profile

__all__ = ["estimate_tokens", "profile"]

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


def profile(dataset: Dataset) -> Profile:
    """Describe a data set.

    :param dataset: the examples.
    :return: counts, balance, repetitions; lengths and languages of texts, or sizes and colour of images.
    """
    counts = dict(sorted(Counter(dataset.labels).items(), key=lambda item: (-item[1], item[0])))
    images = dataset.task == "image-classification"
    return Profile(
        task=dataset.task,
        examples=len(dataset),
        counts=counts,
        imbalance=max(counts.values()) / min(counts.values()),
        duplicates=len(dataset) - len(set(dataset.groups)),
        lengths=() if images else _quantiles([estimate_tokens(text) for text in dataset.contents]),
        sizes=_quantiles([min(size) for size in dataset.sizes]) if dataset.sizes else (),
        languages={} if images else language_shares(dataset.contents),
        grey_share=sum(dataset.grey) / len(dataset.grey) if dataset.grey else None,
    )


def estimate_tokens(text: str) -> float:
    """Estimate how many tokens a text has: 1.3 for a word, 1 for a Chinese, Japanese or Korean character."""
    if text.isascii():
        return 1.3 * len(text.split())
    dense = 0
    rest: list[str] = []
    for char in text:
        if "\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af":
            dense += 1
            rest.append(" ")
        else:
            rest.append(char)
    words = [word for word in "".join(rest).split() if any(map(str.isalnum, word))]
    return dense + 1.3 * len(words)


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    import numpy as np

    return tuple(float(value) for value in np.quantile(np.asarray(values, dtype=float), QUANTILES))
