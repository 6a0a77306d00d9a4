import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_fixture import card, make_knowledge, text
from per_card import score

from advisor.brief import Brief, Priorities
from advisor.fit import fit_to_data
from advisor.quantity import Quantity
from advisor.recommendation import Adaptation, Estimates
from advisor.score import CRITERIA, Judged, weights

KNOWLEDGE = make_knowledge()
RATINGS = st.fixed_dictionaries({name: st.floats(0, 5) for name in CRITERIA})


def quantity(value: float | None, unit: str) -> Quantity:
    return (
        Quantity.unknown(unit, "nobody knows") if value is None else Quantity.exact(value, unit, "estimated")
    )


def judged(id: str, quality: float | None, ms: float | None, **more: float | None) -> Judged:
    return Judged(
        card(id, "image-classification", 1e6),
        quantity(quality, "quality"),
        Estimates(
            latency_ms=quantity(ms, "ms"),
            throughput_per_s=quantity(1.0, "1/s"),
            memory_mb=quantity(more.get("memory", 100.0), "MB"),
            size_mb=quantity(1.0, "MB"),
            train_minutes=quantity(more.get("minutes", 1.0), "min"),
            monthly_cost_usd=quantity(more.get("usd", 1.0), "USD"),
        ),
        Adaptation(strategy="frozen", because="few"),
    )


NUMBERS = st.one_of(st.none(), st.floats(1e-3, 1e6))
ROWS = st.tuples(st.one_of(st.none(), st.floats(0, 1)), NUMBERS, NUMBERS, NUMBERS)
POOLS = st.lists(ROWS, min_size=1, max_size=8).map(
    lambda rows: [
        judged(f"a/{n}", quality, ms, memory=memory, minutes=minutes)
        for n, (quality, ms, memory, minutes) in enumerate(rows)
    ]
)  # fmt: skip


def brief(**priorities: float) -> Brief:
    return Brief.parse({"task": "image-classification", "priorities": priorities})


@given(RATINGS)
def test_weights_sum_to_one(ratings: dict[str, float]) -> None:
    found = weights(Priorities(**ratings))
    assert math.fsum(found.values()) == pytest.approx(1, abs=1e-9)
    assert all(weight >= 0 for weight in found.values())


def test_no_priority_at_all_weighs_all_the_same() -> None:
    assert set(weights(Priorities(**dict.fromkeys(CRITERIA, 0.0))).values()) == {1 / 7}


@given(POOLS, RATINGS)
def test_parts_sum_to_the_score(pool: list[Judged], ratings: dict[str, float]) -> None:
    for one in score(pool, brief(**ratings), "image"):
        assert [part.criterion for part in one.parts] == list(CRITERIA)
        assert math.fsum(part.contribution for part in one.parts) == pytest.approx(one.score, abs=1e-9)
        assert math.fsum(part.weight for part in one.parts) == pytest.approx(1, abs=1e-9)
        for part in one.parts:
            assert 0 <= part.value <= 1 and part.because
            assert part.contribution == part.weight * part.value


@given(POOLS, RATINGS, st.sampled_from(CRITERIA), st.floats(0, 5))
def test_more_weight_never_lowers_the_best_on_a_criterion(
    pool: list[Judged], ratings: dict[str, float], criterion: str, more: float
) -> None:
    ratings = {**ratings, "accuracy": max(ratings["accuracy"], 0.1)}
    raised = {**ratings, criterion: max(ratings[criterion], more)}
    before, after = (score(pool, brief(**given), "image") for given in (ratings, raised))

    def value(one: object) -> float:
        return next(part.value for part in one.parts if part.criterion == criterion)  # type: ignore[attr-defined,no-any-return]

    best = max(value(one) for one in before)
    for one in before:
        if value(one) == best:
            place = [other.judged.card.id for other in before].index(one.judged.card.id)
            above = {other.judged.card.id for other in before[place + 1 :] if other.score < one.score - 1e-9}
            now = [other.judged.card.id for other in after]
            assert not above & set(now[: now.index(one.judged.card.id)])


@given(POOLS, st.randoms())
def test_the_order_of_the_pool_does_not_matter(pool: list[Judged], random: object) -> None:
    shuffled = list(pool)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (
        [(one.judged.card.id, one.score) for one in score(p, brief(), "image")] for p in (pool, shuffled)
    )
    assert first == second


def test_the_scales_mean_what_they_say() -> None:
    for ms, value in ((0.5, 1.0), (1.0, 1.0), (10.0, 0.75), (100.0, 0.5), (10_000.0, 0.0), (1e6, 0.0)):
        (one,) = score([judged("a/b", 0.5, ms)], brief(), "image")
        assert next(p.value for p in one.parts if p.criterion == "latency") == pytest.approx(value)


def test_the_unknown_takes_the_lower_quartile_and_says_so() -> None:
    pool = [judged(f"a/{n}", quality, 10.0) for n, quality in enumerate((0.2, 0.4, 0.6, 0.8, None))]
    part = next(one.parts[0] for one in score(pool, brief(), "image") if one.judged.card.id == "a/4")
    assert part.value == 0.2 and "unknown" in part.because and "lower quartile" in part.because
    (alone,) = score([judged("a/b", None, None)], brief(), "image")
    assert alone.parts[0].value == 0.5


def test_ties_stand_in_the_order_of_their_ids() -> None:
    pool = [judged(id, 0.5, 10.0) for id in ("b/x", "a/x", "c/x")]
    assert [one.judged.card.id for one in score(pool, brief(), "image")] == ["a/x", "b/x", "c/x"]


def moves(id_or_card: object, modality: str = "text", **data: object) -> dict[str, float]:
    one = KNOWLEDGE.model(id_or_card) if isinstance(id_or_card, str) else id_or_card
    asked = Brief.parse({"task": "text-classification", "data": data})
    return {why: move for move, why in fit_to_data(one, asked, modality)}  # type: ignore[arg-type]


def test_the_data_move_the_quality_with_a_reason() -> None:
    assert moves("bert/base", languages=["en", "zh"]) == {"it does not read Chinese": pytest.approx(-0.1)}
    assert moves("odd/reader", languages=["zh"]) == {"which languages it reads is unknown": -0.16}
    assert moves("odd/reader", languages=["en"]) == {"which languages it reads is unknown": -0.08}
    assert moves("xlmr/base", languages=["zh"]) == {}
    (why,) = moves("bert/base", examples=20, classes=2, languages=["en"])
    assert "sentence embeddings" in why
    assert moves("minilm/l6", examples=20, classes=2, languages=["en"]) == {}
    assert moves("bert/base", tokens=1024, languages=["en"]) == {
        "your texts of 1024 tokens are cut at 512": pytest.approx(-0.05)
    }


def test_pictures_are_judged_by_resolution_domain_and_size() -> None:
    assert list(moves("clinic/net", "image", domain="medical")) == [
        "it was trained on medical data (chexpert)"
    ]
    assert moves("res/50", "image", domain="medical") == {}
    assert moves("res/50", "image", resolution=32) == {
        "your images of 32 pixels are blown up to 224": pytest.approx(-0.03 * math.log2(7))
    }
    assert "hard to tune" in next(iter(moves("eva/giant", "image", examples=10, classes=2)))


def test_every_move_stands_in_the_accuracy_part() -> None:
    one = Judged(
        text("a/b", 1e6, ["en"]), quantity(0.5, "quality"), judged("a/c", 0.5, 1.0).estimates,
        Adaptation(strategy="frozen", because="few"),
    )  # fmt: skip
    asked = Brief.parse({"task": "text-classification", "data": {"languages": ["en", "zh"]}})
    (scored,) = score([one], asked, "text")
    assert scored.parts[0].value == pytest.approx(0.4)
    assert "-0.10: it does not read Chinese" in scored.parts[0].because


def test_maturity_and_explainability_follow_the_facts() -> None:
    def parts(id: str) -> dict[str, float]:
        base = judged("a/b", 0.5, 1.0)
        one = Judged(KNOWLEDGE.model(id), base.quality, base.estimates, base.adaptation)
        (scored,) = score([one], brief(), "image")
        return {part.criterion: part.value for part in scored.parts}

    assert parts("res/50")["maturity"] > parts("res/101")["maturity"] > parts("mobile/small")["maturity"]
    assert parts("forest/hog")["explainability"] > parts("mobile/tiny")["explainability"]
    assert parts("mobile/tiny")["explainability"] > parts("res/50")["explainability"]
    assert parts("res/50")["explainability"] > parts("hosted/gpt")["explainability"]
    assert parts("hosted/gpt")["memory"] == 1.0
