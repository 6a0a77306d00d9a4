"""Splitting examples into those to learn from, to choose by, and to judge by once."""

import hashlib
from collections import defaultdict

from advisor.dataset.types import Dataset, Splits

__all__ = ["split"]

SHARES = {"report": 0.2, "select": 0.2}


def split(dataset: Dataset, *, seed: int = 0) -> Splits:
    """Split about 60/20/20 within each class; duplicates stay together.

    Groups are dealt in the order of a hash of seed and content (the text, or the path of an image below any
    wrapping folder), so neither the order of files or rows nor their packing matters. A class of three or more
    groups is in all three splits; of two groups one is learnt from and one judged by; a single group is learnt
    from. A group with several labels counts for the one with the fewest groups.

    :param dataset: the examples.
    :param seed: another seed deals otherwise.
    :return: ascending indices, each example in exactly one split.
    """
    named = dataset.ids if dataset.task == "image-classification" else dataset.contents
    members: dict[int, list[int]] = defaultdict(list)
    for index, number in enumerate(dataset.groups):
        members[number].append(index)
    spread: dict[str, int] = defaultdict(int)
    for group in members.values():
        for label in {dataset.labels[index] for index in group}:
            spread[label] += 1
    strata: dict[str, list[tuple[int, bytes, list[int]]]] = defaultdict(list)
    salt = f"{seed}\0".encode()
    for group in members.values():
        stratum = min({dataset.labels[index] for index in group}, key=lambda label: (spread[label], label))
        key = min(
            hashlib.blake2b(salt + named[index].encode("utf-8", "replace"), digest_size=8).digest()
            for index in group
        )
        strata[stratum].append((-len(group), key, group))
    parts: dict[str, list[int]] = {"train": [], "select": [], "report": []}
    for label in sorted(strata):
        _deal(sorted(strata[label], key=lambda item: item[:2]), parts)
    return Splits(**{name: tuple(sorted(part)) for name, part in parts.items()})


def _deal(groups: list[tuple[int, bytes, list[int]]], parts: dict[str, list[int]]) -> None:
    """Give each group, largest first, to the split that lacks most; none stays empty where groups suffice."""
    total = sum(len(group) for _, _, group in groups)
    lack = {name: max(1.0, round(total * share)) for name, share in SHARES.items()}
    lack["train"] = total - sum(lack.values())
    wanted = ["train", "report", "select"][: len(groups)]
    empty = set(wanted)
    for left, (_, _, group) in zip(range(len(groups), 0, -1), groups, strict=True):
        among = sorted(empty if left <= len(empty) else wanted, key=wanted.index)
        name = max(among, key=lambda part: lack[part])
        parts[name] += group
        lack[name] -= len(group)
        empty.discard(name)
