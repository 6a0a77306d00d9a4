"""Adapting without labels: statistics that move to where the data are, and a loss that agrees with its formula."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tiny_models import bert_model, timm_model
from torch import nn

from advisor.errors import Cancelled
from advisor.probe.adaptation import (
    SelfContrast,
    adapt_statistics,
    contrast_with_itself,
    has_batch_norm,
    self_contrast_loss,
)
from advisor.probe.backbone import TextBackbone
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.head import fit_head
from advisor.probe.source_head import SourceHead
from advisor.weights import Weights

pytestmark = pytest.mark.usefixtures("one_thread")

CHANNELS = 3


class Pictures:
    """A body of convolutions and batch norms whose contents are names of arrays, (channels, 8, 8)."""

    def __init__(self, pictures: dict[str, np.ndarray], module: nn.Module, most: int = 10_000) -> None:
        self.module: nn.Module | None = module.eval()
        self.pictures = pictures
        self.batch_size = 16
        self.source: SourceHead | None = None
        self.most = most

    def prepare(self, contents: Sequence[str]) -> torch.Tensor:
        return torch.tensor(np.stack([self.pictures[name] for name in contents]), dtype=torch.float32)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        assert self.module is not None
        features: torch.Tensor = self.module(batch)
        if len(batch) > self.most:
            raise MemoryError
        return features


def clock(**more: Any) -> Clock:
    return Clock(None, 0.0, more.get("stop", lambda: False))


def noise(n: int, mean: float, spread: float, seed: int = 0) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {f"p{i}": draw.normal(mean, spread, (CHANNELS, 8, 8)) for i in range(n)}


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.floats(0, 200), st.integers(1, 16), st.floats(-3, 3), st.floats(0.1, 4))
def test_one_layer_holds_the_weighted_moments_of_both(
    n: int, prior: float, batch: int, mean: float, spread: float
) -> None:
    pictures = noise(n, mean, spread)
    norm = nn.BatchNorm2d(CHANNELS)
    norm.running_mean.fill_(0.5)
    norm.running_var.fill_(2.0)
    body = Pictures(pictures, nn.Sequential(norm))
    body.batch_size = batch
    found = adapt_statistics(body, list(pictures), clock(), seed=1, prior_weight=prior)
    values = np.stack(list(pictures.values())).astype(np.float32)
    first, square = values.mean(axis=(0, 2, 3)), (values**2).mean(axis=(0, 2, 3))
    share = n / (n + prior)
    mixed = share * first + (1 - share) * 0.5
    mixed_square = share * square + (1 - share) * (2.0 + 0.25)
    assert np.allclose(found["0.running_mean"], mixed, atol=1e-4)
    assert np.allclose(found["0.running_var"], mixed_square - mixed**2, rtol=1e-3, atol=1e-4)
    assert torch.equal(norm.running_mean, found["0.running_mean"])


def test_deep_statistics_are_those_that_the_data_have_there() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.BatchNorm2d(CHANNELS), nn.Conv2d(CHANNELS, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 3),
        nn.BatchNorm2d(4),
    )  # fmt: skip
    pictures = noise(400, 3.0, 2.0)
    body = Pictures(pictures, module)
    before = {name: value.clone() for name, value in module.named_parameters()}
    told: list[tuple[int, int]] = []
    adapt_statistics(
        body, list(pictures), clock(), seed=0, prior_weight=1, progress=lambda done, total: told.append((done, total))
    )  # fmt: skip
    assert told[-1] == (400, 400)
    assert all(torch.equal(value, before[name]) for name, value in module.named_parameters())
    assert not module.training and not any(part._forward_pre_hooks for part in module)
    with torch.no_grad():
        last = module(body.prepare(list(pictures)))
    assert last.mean(dim=(0, 2, 3)).abs().max() < 0.15, "nearly standardised at every depth"
    assert (last.var(dim=(0, 2, 3)) - 1).abs().max() < 0.3


def test_a_batch_too_large_for_memory_counts_nothing_twice() -> None:
    pictures = noise(30, 1.0, 1.0)
    results = []
    for most in (10_000, 3):
        norm = nn.BatchNorm2d(CHANNELS)
        body = Pictures(pictures, nn.Sequential(norm), most)
        results.append(adapt_statistics(body, list(pictures), clock(), seed=0, prior_weight=8))
    for name, value in results[0].items():
        assert torch.allclose(value, results[1][name], atol=1e-5), name
    body = Pictures(pictures, nn.Sequential(nn.BatchNorm2d(CHANNELS)), most=0)
    with pytest.raises(MemoryError):
        adapt_statistics(body, list(pictures), clock(), seed=0)


def test_a_body_without_batch_norm_gives_nothing() -> None:
    body = Pictures(noise(4, 0, 1), nn.Sequential(nn.GroupNorm(1, CHANNELS)))
    assert adapt_statistics(body, ["p0", "p1"], clock(), seed=0) == {}


def test_a_planted_shift_is_made_good() -> None:
    """Classes are told by patterns; the target domain is far brighter, with four times the contrast.

    What follows the batch norm saturates, so that features lose the classes while it knows the source only.
    """
    draw = np.random.default_rng(0)
    patterns = draw.normal(size=(3, CHANNELS, 8, 8))

    def pictures(per_class: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        own = np.random.default_rng(seed)
        truth = np.repeat(np.arange(3), per_class)
        clean = patterns[truth] + own.normal(0, 2.5, (len(truth), CHANNELS, 8, 8))
        shifted = 60.0 + 4.0 * clean
        return {f"{seed}-{i}": picture for i, picture in enumerate(shifted)}, truth

    learnt, truth = pictures(8, seed=1)
    fresh, expected = pictures(60, seed=2)
    spare, _ = pictures(40, seed=3)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(CHANNELS, 24, 8), nn.BatchNorm2d(24), nn.Hardtanh(), nn.Flatten())
    body = Pictures(learnt | fresh | spare, module)
    shares = []
    for adapting in (False, True):
        if adapting:
            adapt_statistics(body, [*spare, *learnt], clock(), seed=0, prior_weight=4)
        with torch.no_grad():
            rows, others = (body.forward(body.prepare(list(part))).numpy() for part in (learnt, fresh))
        head = fit_head(rows, truth, 3, seed=0)
        shares.append(float((head.probabilities(others).argmax(axis=1) == expected).mean()))
    assert shares[1] > shares[0] + 0.05


def test_the_clock_stops_statistics() -> None:
    pictures = noise(40, 0, 1)
    body, told = Pictures(pictures, nn.Sequential(nn.BatchNorm2d(CHANNELS))), list[int]()
    with pytest.raises(Cancelled):
        adapt_statistics(
            body, list(pictures), clock(stop=lambda: len(told) >= 1), seed=0,
            progress=lambda done, total: told.append(done),
        )  # fmt: skip
    assert told == [16]
    with pytest.raises(OutOfTime):
        adapt_statistics(body, list(pictures), Clock(1, 0.0, lambda: False), seed=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.floats(0.05, 2), st.integers(0, 10_000))
def test_the_loss_against_its_formula(n: int, d: int, temperature: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    first, second = draw.normal(size=(2, n, d))
    total = 0.0
    for i in range(n):
        scores = [
            np.exp(first[i] @ other / np.linalg.norm(first[i]) / np.linalg.norm(other) / temperature)
            for other in second
        ]
        total -= np.log(scores[i] / np.sum(scores))
    found = self_contrast_loss(torch.tensor(first), torch.tensor(second), temperature)
    assert float(found) == pytest.approx(total / n, rel=1e-6, abs=1e-9)


class Numbers:
    """A body whose contents are numbers written out, with dropout before a linear map."""

    def __init__(self, p: float = 0.0, most: int = 10_000, dropout: bool = True) -> None:
        torch.manual_seed(0)
        self.module: nn.Module | None = nn.ModuleDict(
            {"words": nn.Embedding(3, 6), "map": nn.Linear(6, 6)}
            | ({"drop": nn.Dropout(p)} if dropout else {})
        ).eval()
        self.batch_size = 16
        self.source: SourceHead | None = None
        self.most = most
        self.sizes: list[int] = []

    def prepare(self, contents: Sequence[str]) -> torch.Tensor:
        return torch.tensor([[float(number) for number in content.split()] for content in contents])

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(batch))
        if len(batch) > self.most:
            raise MemoryError
        parts: Any = self.module
        features: torch.Tensor = parts["map"](parts["drop"](batch))
        return features


def numbers(n: int) -> list[str]:
    draw = np.random.default_rng(0)
    return [" ".join(f"{value:.3f}" for value in 1 + 0.3 * row) for row in draw.normal(size=(n, 6))]


def test_texts_are_told_apart_better_afterwards_and_the_rest_stays() -> None:
    contents, body = numbers(320), Numbers()
    parts: Any = body.module
    before = {name: value.clone() for name, value in parts.named_parameters()}

    def loss() -> float:
        torch.manual_seed(1)
        rows = body.prepare(contents)
        with torch.no_grad():
            views = [parts["map"](nn.functional.dropout(rows, 0.1)) for _ in range(2)]
        return float(self_contrast_loss(views[0], views[1], 0.05))

    confused = loss()
    told: list[tuple[int, int, float]] = []
    tuned = contrast_with_itself(
        body, contents, SelfContrast(rate=0.01), clock(), seed=0, progress=lambda *one: told.append(one)
    )
    assert set(tuned) == {"map.weight", "map.bias"}
    assert torch.equal(parts["words"].weight, before["words.weight"])
    assert not torch.equal(parts["map"].weight, before["map.weight"])
    assert [step for step, _, _ in told] == list(range(1, 11))
    assert loss() < confused
    assert parts["drop"].p == 0.0 and not parts.training
    assert not any(parameter.requires_grad for parameter in parts.parameters())


def test_same_seed_same_weights_and_less_memory_is_enough() -> None:
    found = [
        contrast_with_itself(Numbers(), numbers(40), SelfContrast(rate=0.01), clock(), seed=seed)
        for seed in (3, 3, 4)
    ]
    assert torch.equal(found[0]["map.weight"], found[1]["map.weight"])
    assert not torch.equal(found[0]["map.weight"], found[2]["map.weight"])
    small = Numbers(most=9)
    contrast_with_itself(small, numbers(64), SelfContrast(), clock(), seed=0)
    assert small.sizes[:3] == [32, 16, 8] and set(small.sizes[2:]) == {8}
    with pytest.raises(MemoryError):
        contrast_with_itself(Numbers(most=3), numbers(64), SelfContrast(), clock(), seed=0)


def test_a_network_without_dropout_is_refused_and_the_clock_is_heeded() -> None:
    with pytest.raises(ValueError, match="dropout"):
        contrast_with_itself(Numbers(dropout=False), numbers(8), SelfContrast(), clock(), seed=0)
    body, told = Numbers(), list[int]()
    with pytest.raises(Cancelled):
        contrast_with_itself(
            body, numbers(96), SelfContrast(), clock(stop=lambda: len(told) >= 2), seed=0,
            progress=lambda step, steps, loss: told.append(step),
        )  # fmt: skip
    assert told == [1, 2]
    assert body.module is not None and not body.module.training


def test_a_real_encoder_sees_a_text_in_two_ways(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = bert_model(tmp_path / "bert")
    body = TextBackbone(AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder), 32)
    losses: list[float] = []
    contents = [f"please {a} {b}" for a in ("refund", "parcel", "login") for b in ("now", "today", "again")]
    contrast_with_itself(
        body, contents, SelfContrast(rate=1e-3), clock(), seed=0, progress=lambda *one: losses.append(one[2])
    )
    assert 0 < losses[0] < np.log(len(contents)) * 3
    assert body.module is not None and not body.module.training


@pytest.mark.parametrize("form", ["safetensors", "zip", "before 1.6"])
@pytest.mark.parametrize(("architecture", "normed"), [("test_efficientnet", True), ("test_vit", False)])
def test_batch_norm_is_seen_in_the_names(tmp_path: Path, architecture: str, normed: bool, form: str) -> None:
    folder = timm_model(tmp_path / "net", architecture)
    file = folder / "model.safetensors"
    if form != "safetensors":
        state, file = load_file(file), folder / "model.pth"
        torch.save(state, file, _use_new_zipfile_serialization=form == "zip")
    weights = Weights(
        model="x", origin="local", loader="timm", revision="r", folder=folder,
        files=(file,), size_mb=1.0, architecture=None, licence=None,
    )  # fmt: skip
    assert has_batch_norm(weights) is normed
