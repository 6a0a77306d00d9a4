import math
import random
import re
import time
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from knowledge_fixture import image, make_knowledge
from per_card import advise

from advisor.brief import Brief
from advisor.errors import InputError
from advisor.knowledge import Knowledge
from advisor.measured import Measured
from advisor.recommend import recommend
from advisor.recommendation import Criterion, NearMiss, Recommendation

KNOWLEDGE = make_knowledge()
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LIMITS = {
    "latency_ms": (0.5, 5000.0), "memory_mb": (10.0, 50_000.0), "size_mb": (1.0, 5000.0),
    "throughput_per_s": (0.1, 500.0), "train_minutes": (0.01, 10_000.0), "monthly_cost_usd": (0.1, 2000.0),
}  # fmt: skip
BRIEFS = st.builds(
    lambda task, data, limits, words, priorities: {
        "task": task,
        "data": {key: value for key, value in data.items() if value is not None},
        "constraints": {**{key: value for key, value in limits.items() if value is not None}, **words},
        "priorities": priorities,
    },
    st.sampled_from(["image-classification", "text-classification"]),
    st.fixed_dictionaries(
        {
            "examples": st.one_of(st.none(), st.integers(0, 10**5)),
            "classes": st.one_of(st.none(), st.integers(2, 100)),
            "domain": st.sampled_from([None, "general", "medical"]),
            "languages": st.sampled_from([None, ["en"], ["zh"], ["zh", "en"], ["en", "zh"]]),
            "tokens": st.sampled_from([None, 20, 900]),
        }
    ),
    st.fixed_dictionaries(
        {name: st.one_of(st.none(), st.floats(low, high)) for name, (low, high) in LIMITS.items()}
    ),
    st.fixed_dictionaries(
        {
            "device": st.sampled_from(["laptop", "server", "raspberry-pi-5", "nvidia-l4", "riddle"]),
            "train_device": st.sampled_from(["laptop", "nvidia-l4"]),
            "licence": st.sampled_from(["any", "commercial", "permissive"]),
            "privacy": st.sampled_from(["any", "local"]),
            "offline": st.booleans(),
        }
    ),
    st.fixed_dictionaries({name: st.floats(0, 5) for name in ("accuracy", "latency", "cost", "maturity")}),
)


NAMED = ("accuracy", "latency", "memory", "training_cost", "cost", "maturity", "explainability")


def asked(content: dict[str, Any], **more: Any) -> Recommendation:
    return recommend(Brief.parse(content), KNOWLEDGE, **more)


def lists(found: Recommendation) -> Iterator[list[str]]:
    yield [one.model for one in found.shortlist]
    yield list(found.beyond_limit)
    yield [one.model for one in found.near_misses]
    yield [one.model for one in found.dropped]


def kept(found: Recommendation) -> list[str]:
    return [one.model for one in found.shortlist] + list(found.beyond_limit)


@QUICK
@given(BRIEFS, st.integers(0, 12))
def test_each_model_is_in_one_list_and_the_counts_add_up(content: dict[str, Any], limit: int) -> None:
    found = asked(content, limit=limit)
    models = [model for one in lists(found) for model in one]
    assert len(models) == len(set(models)) == found.considered
    assert set(models) == {card.id for card in KNOWLEDGE.for_task(content["task"])}
    assert len(found.shortlist) <= limit and (not found.beyond_limit or len(found.shortlist) == limit)


def bare(miss: NearMiss) -> tuple[Any, ...]:
    failed = [
        (one.constraint, one.limit, pytest.approx(one.value) if isinstance(one.value, float) else one.value)
        for one in miss.failed
    ]
    return miss.model, failed, miss.admitted_if


@QUICK
@given(BRIEFS)
def test_all_at_once_is_the_same_as_one_after_another(content: dict[str, Any]) -> None:
    brief = Brief.parse(content)
    found = recommend(brief, KNOWLEDGE, measured={}, limit=4)
    ranking, near, dropped = advise(brief, KNOWLEDGE)
    assert kept(found) == [model for model, _ in ranking]
    assert [(one.model, pytest.approx(one.score, abs=1e-12)) for one in found.shortlist] == ranking[:4]
    assert [bare(one) for one in found.near_misses] == [bare(one) for one in near]
    assert {one.model: one.because for one in found.dropped} == dropped


@QUICK
@given(BRIEFS)
def test_every_candidate_is_explained_and_adds_up(content: dict[str, Any]) -> None:
    found = asked(content)
    assert [one.rank for one in found.shortlist] == list(range(1, len(found.shortlist) + 1))
    scores = [one.score for one in found.shortlist]
    assert scores == sorted(scores, reverse=True)
    for one in found.shortlist:
        assert one.because and all(line.strip() for line in one.because)
        assert math.fsum(part.contribution for part in one.parts) == pytest.approx(one.score, abs=1e-9)
        assert math.fsum(part.weight for part in one.parts) == pytest.approx(1, abs=1e-9)
        assert not one.model.startswith("baseline/")
    for miss in found.near_misses:
        assert miss.failed and miss.admitted_if
    assert all(one.because for one in found.dropped)


@QUICK
@given(BRIEFS, st.sampled_from(sorted(LIMITS)), st.floats(1.0, 100.0))
def test_loosening_a_limit_never_drops_a_kept_model(
    content: dict[str, Any], name: str, factor: float
) -> None:
    """Training minutes are left out: more time admits heavier tuning, which is another plan for the same model."""
    limits = content["constraints"]
    if name not in limits or name == "train_minutes":
        return
    wider = limits[name] / factor if name == "throughput_per_s" else limits[name] * factor
    loose = {**content, "constraints": {**limits, name: wider}}
    assert set(kept(asked(content))) <= set(kept(asked(loose)))
    removed = {**content, "constraints": {key: value for key, value in limits.items() if key != name}}
    assert set(kept(asked(content))) <= set(kept(asked(removed)))


@QUICK
@given(BRIEFS, st.sampled_from(sorted(NAMED)), st.floats(0.1, 5))
def test_raising_a_priority_never_lowers_what_is_better_only_in_it(
    content: dict[str, Any], name: Criterion, more: float
) -> None:
    before = asked(content, limit=20)
    rating = min(content["priorities"].get(name, 1) + more, 5)
    after = asked({**content, "priorities": {**content["priorities"], name: rating}}, limit=20)
    order = kept(after)
    values = {one.model: {part.criterion: part.value for part in one.parts} for one in before.shortlist}
    for ahead, behind in permutations(kept(before), 2):
        own, other = values[ahead], values[behind]
        only = own[name] > other[name] and all(own[one] <= other[one] for one in own if one != name)
        if only and kept(before).index(ahead) < kept(before).index(behind):
            assert order.index(ahead) < order.index(behind)


@QUICK
@given(BRIEFS)
def test_longer_training_never_drops_a_kept_model(content: dict[str, Any]) -> None:
    limits = content["constraints"]
    if "train_minutes" in limits:
        loose = {**content, "constraints": {**limits, "train_minutes": limits["train_minutes"] * 10}}
        assert set(kept(asked(content))) <= set(kept(asked(loose)))


@QUICK
@given(BRIEFS)
def test_chinese_data_never_get_an_english_only_model_first(content: dict[str, Any]) -> None:
    chinese = {**content, "task": "text-classification", "data": {**content["data"], "languages": ["zh"]}}
    assert not {"bert/base", "bert/large", "minilm/l6"} & set(kept(asked(chinese)))


@QUICK
@given(BRIEFS, st.integers(0, 1000))
def test_the_order_of_the_knowledge_does_not_matter(content: dict[str, Any], seed: int) -> None:
    shuffler = random.Random(seed)
    mixed = {name: list(getattr(KNOWLEDGE, name)) for name in ("models", "results", "devices", "latencies")}
    for rows in mixed.values():
        shuffler.shuffle(rows)
    fields = {name: getattr(KNOWLEDGE, name) for name in Knowledge.model_fields}
    other = Knowledge(**{**fields, **{name: tuple(rows) for name, rows in mixed.items()}})
    brief = Brief.parse(content)
    one, two = recommend(brief, KNOWLEDGE), recommend(brief, other)
    assert list(lists(one)) == list(lists(two))
    assert one.near_misses == two.near_misses


NUMBERED = {
    "latency": "latency_ms", "memory": "memory_mb", "size": "size_mb", "training time": "train_minutes",
    "monthly cost": "monthly_cost_usd", "throughput": "throughput_per_s",
}  # fmt: skip


@QUICK
@given(BRIEFS)
def test_a_counterfactual_comes_true(content: dict[str, Any]) -> None:
    """Set each limit that `admitted_if` names: the model must be admitted."""
    for miss in asked(content).near_misses:
        limits = dict(content["constraints"])
        if "unknown" in miss.admitted_if or "the device's memory" in miss.admitted_if:
            continue
        for name, number in re.findall(r"([a-z ]+?) [≤≥] ([\d.e+-]+)", miss.admitted_if):
            limits[NUMBERED[name.split(" and ")[-1].strip()]] = float(number)
        if "the licence need not" in miss.admitted_if:
            limits["licence"] = "any"
        if limits.get("train_minutes") != content["constraints"].get("train_minutes"):
            continue
        assert miss.model in kept(asked({**content, "constraints": limits}))


@QUICK
@given(BRIEFS)
def test_the_device_that_a_counterfactual_names_admits(content: dict[str, Any]) -> None:
    names = {device.name.split(" (")[0]: device.id for device in KNOWLEDGE.devices}
    for miss in asked(content).near_misses:
        named = re.fullmatch(r"[^()]* or on an? ([\w ]+)", miss.admitted_if)
        if named:
            limits = {**content["constraints"], "device": names[named[1]]}
            assert miss.model in kept(asked({**content, "constraints": limits}))


def test_an_unknown_word_names_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'image-classification'"):
        asked({"task": "image-clasification"})
    with pytest.raises(InputError, match="Did you mean 'nvidia-l4'"):
        asked({"task": "image-classification", "constraints": {"device": "nvidia-l40"}})
    with pytest.raises(InputError, match="Did you mean 'raspberry-pi-5'"):
        asked({"task": "image-classification", "constraints": {"train_device": "raspbery-pi-5"}})
    with pytest.raises(InputError, match="Did you mean 'res/50'"):
        asked({"task": "image-classification"}, models=["res/5"])
    with pytest.raises(InputError, match="limit"):
        asked({"task": "image-classification"}, limit=-1)


def test_named_models_alone_are_considered() -> None:
    found = asked(
        {"task": "image-classification"}, models=["res/50", "bert/base", "res/50", "baseline/majority"]
    )
    assert found.considered == 3 and kept(found) == ["res/50"]
    assert {one.model: one.because.split(":")[0] for one in found.dropped} == {
        "bert/base": "task", "baseline/majority": "baseline",
    }  # fmt: skip


def test_nothing_qualifying_is_an_answer_not_an_error() -> None:
    found = asked({"task": "image-classification", "constraints": {"latency_ms": 0.001, "device": "laptop"}})
    assert found.shortlist == () and found.considered == 12


def test_offline_takes_the_starters_or_what_the_caller_says() -> None:
    offline = {"task": "image-classification", "constraints": {"offline": True}}
    assert set(kept(asked(offline))) == {"mobile/small", "forest/hog"}
    assert set(kept(asked(offline, loadable=lambda card: card.id == "res/50"))) == {"res/50", "forest/hog"}


def test_chinese_offline_is_told_to_be_thin() -> None:
    found = asked(
        {"task": "text-classification", "data": {"languages": ["zh"]}, "constraints": {"offline": True}}
    )
    assert kept(found) == ["use/multilingual"]
    assert any("thin for Chinese" in note for note in found.notes)


def test_what_is_open_is_said() -> None:
    notes = " ".join(asked({"task": "text-classification"}).notes)
    assert "language is open" in notes and "number of examples is open" in notes
    zero = {name: 0 for name in ("accuracy", "latency", "memory", "training_cost", "cost", "maturity",
                                 "explainability")}  # fmt: skip
    assert any(
        "Every priority is 0" in n for n in asked({"task": "image-classification", "priorities": zero}).notes
    )
    riddle = asked({"task": "image-classification", "constraints": {"device": "riddle"}})
    assert any("speed of Riddle is unknown" in note for note in riddle.notes)


def test_an_unknown_licence_is_a_near_miss_for_a_business() -> None:
    found = asked({"task": "image-classification", "constraints": {"licence": "commercial"}})
    missed = {one.model: one.admitted_if for one in found.near_misses}
    assert set(missed) == {"mystery/net", "vit/base"}
    assert "Not in a business" in missed["vit/base"]


def test_figures_measured_here_lead() -> None:
    found = asked(
        {"task": "image-classification"}, measured={"res/50": Measured(1.0, 2.0)}, models=["res/50"]
    )
    latency = found.shortlist[0].estimates.latency_ms
    assert (latency.value, latency.basis) == (2.0, "measured")
    elsewhere = asked(
        {"task": "image-classification", "constraints": {"device": "laptop"}},
        measured={"res/50": Measured(1.0, 2.0)}, models=["res/50"],
    )  # fmt: skip
    assert elsewhere.shortlist[0].estimates.latency_ms.basis == "published"


def test_priorities_turn_the_ranking() -> None:
    data = {"task": "image-classification", "constraints": {"device": "raspberry-pi-5"}}
    rest = {"memory": 0, "training_cost": 0, "cost": 0, "maturity": 0, "explainability": 0}
    exact = asked({**data, "priorities": {"accuracy": 5, "latency": 0, **rest}})
    quick = asked({**data, "priorities": {"accuracy": 0, "latency": 5, **rest}})
    assert exact.shortlist[0].model == "eva/giant"
    assert quick.shortlist[0].model in ("forest/hog", "mobile/tiny")


def test_two_thousand_cards_are_ranked_within_a_second() -> None:
    cards = tuple(image(f"f{n % 50}/net{n}", 1e6 * (1 + n % 300), 0.1 * (1 + n % 500)) for n in range(2000))
    fields = {name: getattr(KNOWLEDGE, name) for name in Knowledge.model_fields}
    many = Knowledge(**{**fields, "models": KNOWLEDGE.models + cards})
    brief = Brief.parse(
        {"task": "image-classification", "constraints": {"device": "raspberry-pi-5", "latency_ms": 300}}
    )
    recommend(brief, many)
    start = time.process_time()
    found = recommend(brief, many)
    assert found.considered == 2012
    assert time.process_time() - start < 1.5
