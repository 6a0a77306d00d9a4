import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.dataset import Dataset, split


def dataset_of(labels: list[str], groups: list[int] | None = None) -> Dataset:
    names = tuple(f"example {index}" for index in range(len(labels)))
    numbers = tuple(groups) if groups is not None else tuple(range(len(labels)))
    return Dataset("text-classification", Path("data.csv"), names, tuple(labels), names, numbers, "0" * 64)


@st.composite
def grouped(draw: st.DrawFn) -> Dataset:
    """Groups of one label each, numbered by their first example."""
    sizes = draw(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 5)), min_size=1, max_size=60))
    labels = [label for label, size in sizes for _ in range(size)]
    groups: list[int] = []
    for _, size in sizes:
        groups += [len(groups)] * size
    return dataset_of(labels, groups)


@given(grouped(), st.integers(0, 5))
def test_each_example_once_groups_together_and_classes_everywhere(dataset: Dataset, seed: int) -> None:
    parts = split(dataset, seed=seed)
    assert sorted(parts.train + parts.select + parts.report) == list(range(len(dataset)))
    sides = [{dataset.groups[index] for index in part} for part in (parts.train, parts.select, parts.report)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    for label in dataset.classes:
        groups = len({dataset.groups[index] for index, name in enumerate(dataset.labels) if name == label})
        held = [
            any(dataset.labels[index] == label for index in part)
            for part in (parts.train, parts.select, parts.report)
        ]
        assert held[0]
        assert held[2] == (groups >= 2)
        assert held[1] == (groups >= 3)


@given(grouped(), st.randoms(use_true_random=False))
def test_the_order_of_examples_does_not_matter(dataset: Dataset, random: Random) -> None:
    order = list(range(len(dataset)))
    random.shuffle(order)
    mixed = replace(
        dataset,
        ids=tuple(dataset.ids[index] for index in order),
        labels=tuple(dataset.labels[index] for index in order),
        contents=tuple(dataset.contents[index] for index in order),
        groups=tuple(dataset.groups[index] for index in order),
    )
    before, after = split(dataset), split(mixed)
    for part in ("train", "select", "report"):
        names = {dataset.contents[index] for index in getattr(before, part)}
        assert names == {mixed.contents[index] for index in getattr(after, part)}


@settings(deadline=None)
@given(st.lists(st.integers(20, 200), min_size=2, max_size=6))
def test_shares_are_60_20_20_in_each_class(sizes: list[int]) -> None:
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    parts = split(dataset_of(labels))
    for part, share in ((parts.train, 0.6), (parts.select, 0.2), (parts.report, 0.2)):
        counts = Counter(labels[index] for index in part)
        assert all(abs(counts[f"class {number}"] - share * size) <= 1.5 for number, size in enumerate(sizes))


def test_seeds_differ_and_repeat() -> None:
    dataset = dataset_of(["a", "b"] * 100)
    assert split(dataset, seed=1) == split(dataset, seed=1) != split(dataset, seed=2)


def test_a_group_of_mixed_labels_counts_for_the_rarer() -> None:
    dataset = dataset_of(["a"] * 10 + ["b"] * 3, [*range(10), 0, 11, 12])
    parts = split(dataset)
    for part in (parts.train, parts.select, parts.report):
        assert any(dataset.labels[index] == "b" for index in part)


def test_many_examples_of_many_classes_are_quick() -> None:
    dataset = dataset_of([f"class {number % 10_000}" for number in range(100_000)])
    start = time.perf_counter()
    parts = split(dataset)
    assert time.perf_counter() - start < 5
    assert (len(parts.train), len(parts.select), len(parts.report)) == (60_000, 20_000, 20_000)
