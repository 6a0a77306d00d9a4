"""Contrastive tuning: pairs of one class come together, those of two move apart, and nothing else moves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from advisor.errors import Cancelled
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.few_shot import Contrast, contrast, contrast_steps, few_enough, pair_loss
from advisor.probe.prototypes import fit_prototypes
from advisor.probe.source_head import SourceHead

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH = 12
RECIPE = Contrast(rate=0.02, visits=20, batch_size=16)


class Plain:
    """A body whose contents are numbers written out: one token that is looked up, added to a linear map."""

    def __init__(self, most: int = 10_000) -> None:
        torch.manual_seed(0)
        self.module: nn.Module | None = nn.ModuleDict(
            {"words": nn.Embedding(3, WIDTH), "map": nn.Linear(WIDTH, WIDTH)}
        )
        self.batch_size = 16
        self.source: SourceHead | None = None
        self.most = most
        self.seen: list[list[str]] = []
        self.sizes: list[int] = []

    def prepare(self, contents: Sequence[str]) -> torch.Tensor:
        self.seen.append(list(contents))
        return torch.tensor([[float(number) for number in content.split()] for content in contents])

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(batch))
        if len(batch) > self.most:
            raise MemoryError
        parts: Any = self.module
        words = parts["words"](torch.zeros(len(batch), dtype=torch.long))
        return torch.tanh(parts["map"](batch)) + 0.01 * words


def drawn(per_class: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Three classes that differ a little in the first three numbers; the others are noise."""
    draw = np.random.default_rng(seed)
    truth = np.repeat(np.arange(3), per_class)
    values = draw.normal(size=(len(truth), WIDTH))
    values[:, :3] = 0.5 * values[:, :3] + 0.8 * np.eye(3)[truth]
    return [" ".join(f"{value:.4f}" for value in row) for row in values], truth


def features(body: Plain, contents: Sequence[str]) -> np.ndarray:
    with torch.inference_mode():
        return body.forward(body.prepare(contents)).numpy()


def clock(**more: Any) -> Clock:
    return Clock(None, 0.0, more.get("stop", lambda: False))


def test_the_loss_of_three_vectors() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert float(pair_loss(vectors, torch.tensor([0, 0, 1]))) == pytest.approx(0.0)
    # alike of two classes: 1; unlike of two classes: 0; unlike of one class: 1
    assert float(pair_loss(vectors, torch.tensor([0, 1, 1]))) == pytest.approx((1.0 + 0.5) / 2)
    assert float(pair_loss(vectors, torch.tensor([0, 1, 2]))) == pytest.approx(1 / 3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 3), min_size=2, max_size=9))
def test_the_loss_knows_neither_order_nor_names_nor_axes(seed: int, labels: list[int]) -> None:
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(len(labels), 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    order = draw.permutation(len(labels))
    turn = np.linalg.qr(draw.normal(size=(4, 4)))[0]
    truth = np.array(labels)
    one = pair_loss(torch.tensor(rows), torch.tensor(truth))
    other = pair_loss(torch.tensor(rows[order] @ turn), torch.tensor(7 - truth[order]))
    assert float(one) == pytest.approx(float(other))
    assert 0 <= float(one) <= 4


@pytest.mark.parametrize(
    ("counts", "few"),
    [
        ((16, 16), True),
        ((17, 16), False),
        ((2, 2, 1), True),
        ((16, 1, 1), False),
        ((16,), False),
        ((), False),
    ],
)
def test_few_means_at_most_sixteen_and_something_to_compare(counts: tuple[int, ...], few: bool) -> None:
    assert few_enough(np.repeat(np.arange(len(counts)), np.array(counts, dtype=np.int64))) is few


def test_a_handful_is_told_apart_better_afterwards() -> None:
    contents, truth = drawn(8, seed=1)
    fresh, expected = drawn(60, seed=2)
    body = Plain()
    shares = []
    for tuned in (False, True):
        if tuned:
            contrast(body, contents, truth, RECIPE, clock(), seed=0)
        head = fit_prototypes(features(body, contents), truth, 3)
        shares.append(float((head.probabilities(features(body, fresh)).argmax(axis=1) == expected).mean()))
    assert shares[1] > shares[0] + 0.02


def test_the_table_of_words_stays_and_nothing_learns_on() -> None:
    contents, truth = drawn(4, seed=1)
    body, told = Plain(), list[tuple[int, int, float]]()
    assert body.module is not None
    before = {name: value.detach().clone() for name, value in body.module.named_parameters()}
    tuned = contrast(body, contents, truth, RECIPE, clock(), seed=0, progress=lambda *one: told.append(one))
    moved = {name for name, value in body.module.named_parameters() if not torch.equal(value, before[name])}
    assert moved == set(tuned) == {"map.weight", "map.bias"}
    assert not any(parameter.requires_grad for parameter in body.module.parameters())
    assert [step for step, _, _ in told] == list(range(1, contrast_steps(len(contents), RECIPE) + 1))
    assert told[-1][2] < told[0][2]


def test_same_seed_same_weights() -> None:
    contents, truth = drawn(5, seed=1)
    results = [contrast(Plain(), contents, truth, RECIPE, clock(), seed=seed) for seed in (3, 3, 4)]
    assert torch.equal(results[0]["map.weight"], results[1]["map.weight"])
    assert not torch.equal(results[0]["map.weight"], results[2]["map.weight"])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 16), min_size=2, max_size=20), st.integers(0, 1000))
def test_every_batch_holds_pairs_of_both_kinds(counts: list[int], seed: int) -> None:
    truth = np.repeat(np.arange(len(counts)), counts)
    names = [f"{place} " + " ".join(["0"] * (WIDTH - 1)) for place in range(len(truth))]
    body = Plain()
    contrast(body, names, truth, Contrast(rate=1e-3, visits=1, batch_size=8), clock(), seed=seed)
    for batch in body.seen:
        places = [int(name.split()[0]) for name in batch]
        assert len(places) == len(set(places)) <= 8, "no example is compared with itself"
        classes = truth[places]
        assert len(set(classes)) >= 2
        several = any(counts[label] > 1 for label in classes)
        assert not several or len(set(classes)) < len(classes)


def test_a_batch_too_large_for_memory_is_halved() -> None:
    contents, truth = drawn(8, seed=1)
    body = Plain(most=5)
    contrast(body, contents, truth, RECIPE, clock(), seed=0)
    assert body.sizes[:3] == [16, 8, 4]
    assert set(body.sizes[3:]) == {4}
    with pytest.raises(MemoryError):
        contrast(Plain(most=3), contents, truth, RECIPE, clock(), seed=0)


def test_the_clock_stops_between_steps() -> None:
    contents, truth = drawn(4, seed=1)
    body, told = Plain(), list[int]()
    stopping = clock(stop=lambda: len(told) >= 2)
    with pytest.raises(Cancelled):
        contrast(
            body, contents, truth, RECIPE, stopping, seed=0,
            progress=lambda step, steps, loss: told.append(step),
        )  # fmt: skip
    assert told == [1, 2]
    assert body.module is not None
    assert not any(parameter.requires_grad for parameter in body.module.parameters())
    with pytest.raises(OutOfTime):
        contrast(Plain(), contents, truth, RECIPE, Clock(1, 0.0, lambda: False), seed=0)
