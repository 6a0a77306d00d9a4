"""Many models at once, as arrays, against one after another by definition: all cards of the shipped base."""

import gc
import math
import weakref
from collections.abc import Callable, Hashable

import numpy as np
import pytest

from advisor.adapt import planned_alike
from advisor.brief import Brief
from advisor.bulk import Works, base_ms, inference_mb
from advisor.columns import NUMBERS, Columns, columns_for
from advisor.fit import JUDGEMENTS
from advisor.knowledge import Device, Fact, Knowledge, Modality, ModelCard, load_knowledge
from advisor.memory import inference_mb as one_inference_mb
from advisor.prior import prior_for
from advisor.recommend import recommend
from advisor.roofline import activations_of, default_regime, load_regimes
from advisor.roofline import base_ms as one_base_ms
from advisor.rules import excluded_alike, licence_alike
from advisor.score import maturity, popularity, standing
from advisor.workload import amount, modality_of, workload

DEVICES = ("nvidia-t4", "raspberry-pi-5", "amd-epyc-7742", "coral-edge-tpu", "intel-atom-x5-z8350")
"""The last three have no known bandwidth."""
LIKENESSES: dict[str, Callable[[ModelCard], Hashable]] = {
    "excluded": excluded_alike,
    "licence": licence_alike,
    "planned": planned_alike,
    **{name: likeness for name, (likeness, _) in JUDGEMENTS.items()},
}


@pytest.fixture(scope="module")
def base() -> Knowledge:
    return load_knowledge()


def nan(value: float | None) -> float:
    return math.nan if value is None else value


def used_for(base: Knowledge, task: str) -> Callable[[ModelCard], Modality]:
    modalities = {one.id: one.modality for one in base.tasks}
    return lambda card: modality_of(card, modalities, task)


@pytest.mark.parametrize("tokens", [None, 900])
def test_works_are_the_work_of_each(base: Knowledge, tokens: int | None) -> None:
    for task in base.tasks:
        columns, modality = columns_for(base, task.id), used_for(base, task.id)
        works = Works.of(columns, modality, tokens)
        each = [workload(card, modality(card), tokens) for card in columns.cards]
        assert [works.classes[place] for place in works.klass] == [work.klass for work in each]
        for name in ("flops", "weight_mb", "step_flops", "steps", "parameters"):
            wanted = [nan(getattr(work, name)) for work in each]
            assert getattr(works, name) == pytest.approx(wanted, rel=1e-12, nan_ok=True), (task.id, name)
        numbers = [(activations_of(work) or 0.0) / 1e6 for work in each]
        assert works.numbers == pytest.approx(numbers, rel=1e-12)


@pytest.mark.parametrize("id", DEVICES)
def test_time_and_memory_are_those_of_each(base: Knowledge, id: str) -> None:
    device: Device = base.device(id)
    regime = load_regimes()[default_regime(device)]
    for task in ("image-classification", "text-generation", "image-captioning", "tabular-classification"):
        columns, modality = columns_for(base, task), used_for(base, task)
        works = Works.of(columns, modality, None)
        each = [workload(card, modality(card)) for card in columns.cards]
        times = [nan(one_base_ms(work, device, regime)) for work in each]
        assert base_ms(works, device, regime) == pytest.approx(times, rel=1e-9, nan_ok=True)
        classical = np.array([card.kind in ("classical", "baseline") for card in columns.cards])
        pairs = zip(columns.cards, each, strict=True)
        memory = [nan(one_inference_mb(card, work, device)) for card, work in pairs]
        assert inference_mb(works, classical, device, None) == pytest.approx(memory, rel=1e-9, nan_ok=True)


def test_facts_and_maturity_are_those_of_each(base: Knowledge) -> None:
    columns = Columns(base.models)
    for name in NUMBERS:
        wanted = [nan(amount(getattr(card, name))) for card in columns.cards]
        assert np.array_equal(columns.amounts(name), wanted, equal_nan=True)
    mature = columns.line("standing", standing) + popularity(columns.amounts("downloads"))
    assert np.clip(mature, 0, 1) == pytest.approx([maturity(card)[0] for card in columns.cards], abs=1e-12)


def test_cards_of_a_kind_are_alike_whether_they_share_their_words_or_not(base: Knowledge) -> None:
    """Each card stands there three times: itself, with the same words but ten times the size, and read anew."""
    some = base.for_task("text-classification")
    sizes = [
        Fact(value=10 * (amount(card.parameters) or 1e7), unit="parameters", source="paper") for card in some
    ]
    larger = [
        card.model_copy(update={"id": f"{card.id}-10", "parameters": size})
        for card, size in zip(some, sizes, strict=True)
    ]
    anew = [card.model_copy(update={"id": f"{card.id}-2"}, deep=True) for card in some]
    columns = Columns([*some, *larger, *anew])
    for name, likeness in LIKENESSES.items():
        kinds = columns.kinds(name, likeness)
        assert len(set(map(likeness, kinds.examples))) == len(kinds.examples)
        for card, code in zip(columns.cards, kinds.codes, strict=True):
            assert likeness(card) == likeness(kinds.examples[code])


def test_expected_quality_is_that_of_each_also_for_models_of_other_tasks(base: Knowledge) -> None:
    asked = Brief.parse({"task": "depth-estimation"})
    prior = prior_for(base.task(asked.task), base, asked)
    cards = base.for_task("depth-estimation") + base.for_task("text-classification")[:20]
    values, published = prior.qualities(cards)
    each = [prior.quality(card) for card in cards]
    assert values == pytest.approx([nan(one.value) for one in each], abs=1e-12, nan_ok=True)
    assert published.tolist() == [one.basis == "published" for one in each]
    assert published.any() and not published.all()


def test_a_base_that_nobody_holds_any_more_is_let_go(base: Knowledge) -> None:
    other = Knowledge.model_construct(**{name: getattr(base, name) for name in Knowledge.model_fields})
    held = weakref.ref(other)
    assert recommend(Brief(task="depth-estimation"), other, measured={}).shortlist
    del other
    gc.collect()
    assert held() is None
