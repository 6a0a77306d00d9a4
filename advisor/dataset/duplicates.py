"""Which examples are the same, exactly or nearly."""

import string
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

__all__ = ["bare_text", "group_equal", "group_similar", "same_text"]

CROWD = 64
MEAN_DIFFERENCE = 4.0
SHARE_OF_CONTRAST = 0.25
LARGEST_DIFFERENCE = 40


def same_text(text: str) -> str:
    """Give the form in which two texts are compared: width, case and white space do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def bare_text(text: str) -> str:
    """Give the form in which two texts are nearly the same: `same_text` without white space and punctuation.

    What is on a keyboard between the letters goes too (`$ + < = > ^ | ~`); emoji and other symbols count. A text of
    nothing else stays as it is.
    """
    same = same_text(text)
    return same.translate(_unwritten()) or same


@lru_cache(maxsize=1)
def _unwritten() -> dict[int, None]:
    """White space, punctuation of all scripts and the symbols of ASCII, as a table for `str.translate`."""
    points = (point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point))[0] in "PZ")
    return dict.fromkeys((*points, *map(ord, string.punctuation)))


def group_equal(keys: Sequence[Hashable]) -> list[int]:
    """Number examples so that equal keys get the number of their first.

    :param keys: n keys.
    :return: n group numbers, each the index of the group's first example.
    """
    first: dict[Hashable, int] = {}
    return [first.setdefault(key, index) for index, key in enumerate(keys)]


def group_similar(thumbs: Sequence[bytes], groups: Sequence[int]) -> list[int]:
    """Join groups of images that show the same picture, resized or compressed anew.

    A difference hash (gradient signs of the brightness, 64 bits) finds the candidates: with at most three
    bits changed, one of its four bands is unchanged. The pixels of the thumbnails decide.

    :param thumbs: n thumbnails of equal size, RGB bytes; empty where there is none.
    :param groups: n group numbers, each the index of the group's first example.
    :return: n group numbers, coarser than or equal to `groups`.
    """
    import numpy as np

    firsts = [index for index, group in enumerate(groups) if index == group and thumbs[index]]
    if len(firsts) < 2:
        return list(groups)
    pixels = np.frombuffer(b"".join(thumbs[index] for index in firsts), np.uint8).reshape(len(firsts), -1)
    contrast = pixels.reshape(len(firsts), -1, 3).std(1).mean(1)
    bands = _hashes(pixels)
    parent = list(range(len(firsts)))
    for band in range(bands.shape[1]):
        buckets: dict[int, list[int]] = defaultdict(list)
        for position, value in enumerate(bands[:, band].tolist()):
            buckets[value].append(position)
        for members in buckets.values():
            if len(members) < 2:
                continue
            for anchor in range(min(len(members) - 1, CROWD)):
                rest = np.array(members[anchor + 1 : anchor + 1 + 4 * CROWD])
                difference = np.abs(pixels[rest].astype(np.int16) - pixels[members[anchor]].astype(np.int16))
                mean = min(MEAN_DIFFERENCE, SHARE_OF_CONTRAST * contrast[members[anchor]])
                alike = (difference.mean(1) <= mean) & (difference.max(1) <= LARGEST_DIFFERENCE)
                for other in rest[alike].tolist():
                    _join(parent, members[anchor], other)
    root = {first: firsts[_root(parent, position)] for position, first in enumerate(firsts)}
    return [root.get(group, group) for group in groups]


def _hashes(pixels: Any) -> Any:
    """(n, 4) bands of 16 bits of the difference hash of (n, 16·16·3) thumbnails."""
    import numpy as np

    side = int((pixels.shape[1] // 3) ** 0.5)
    grey = pixels.reshape(len(pixels), side, side, 3).mean(3)
    cells = grey.reshape(len(pixels), 8, side // 8, 8, side // 8).mean((2, 4))
    signs = np.roll(cells, -1, axis=2) > cells + 0.5
    return np.packbits(signs.reshape(len(pixels), 64), axis=1).view(np.uint16)


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def _join(parent: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(parent, one), _root(parent, other)))
    parent[high] = low
