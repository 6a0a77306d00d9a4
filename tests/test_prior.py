import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowledge_fixture import RESULTS, card, image, make_knowledge, text

from advisor.brief import Brief
from advisor.knowledge import Knowledge, Result
from advisor.prior import prior_for, standing

KNOWLEDGE = make_knowledge()
IMAGES, TEXTS = KNOWLEDGE.tasks


def brief(task: str = "image-classification", **data: object) -> Brief:
    return Brief.parse({"task": task, "data": data})


def rebuilt(**update: object) -> Knowledge:
    return Knowledge(**{**{name: getattr(KNOWLEDGE, name) for name in Knowledge.model_fields}, **update})  # type: ignore[arg-type]


def test_a_result_is_read_between_its_yardsticks_ends() -> None:
    alone = rebuilt(
        results=(Result(model="res/50", benchmark="imagenet-1k", metric="top1", value=0.75, source="s"),)
    )
    quality = prior_for(IMAGES, alone, brief()).quality(alone.model("res/50"))
    assert quality.value == pytest.approx(0.5)
    assert (quality.unit, quality.basis) == ("quality", "published") and "ImageNet" in quality.source


def test_smaller_is_better_where_low_exceeds_high() -> None:
    alone = rebuilt(
        results=(Result(model="bert/base", benchmark="error", metric="wer", value=0.1, source="s"),)
    )
    quality = prior_for(TEXTS, alone, brief("text-classification")).quality(alone.model("bert/base"))
    assert quality.value == pytest.approx(0.75)


def test_a_second_yardstick_is_put_on_the_scale_of_the_first() -> None:
    """ImageNet-A readings lie far below ImageNet's; having one must neither punish nor lift a model by itself."""
    prior = prior_for(IMAGES, KNOWLEDGE, brief())
    with_a = prior.quality(KNOWLEDGE.model("vit/large")).value
    without = prior.quality(KNOWLEDGE.model("vit/base")).value
    assert with_a is not None and without is not None and with_a > without
    five = ("mobile/tiny", "res/50", "res/101", "vit/large", "eva/giant")
    readings = [prior.quality(KNOWLEDGE.model(id)).value or 0.0 for id in five]
    assert readings == sorted(readings)
    assert sum(readings) / 5 == pytest.approx((0.2 + 0.6667 + 0.7333 + 0.9333 + 0.9833) / 5, abs=0.02)


def test_no_result_of_its_own_is_flagged_discounted_and_wider() -> None:
    prior = prior_for(IMAGES, KNOWLEDGE, brief())
    sister = prior.quality(image("res/152", 60e6, 23.0))
    own = prior.quality(KNOWLEDGE.model("res/101"))
    assert sister.basis == "estimated" and "family res" in sister.source
    assert sister.value is not None and own.value is not None and sister.value < own.value
    assert width(sister) > width(own)
    stranger = prior.quality(card("new/thing", "image-classification"))
    assert stranger.basis == "estimated" and "all models" in stranger.source


def width(quality: object) -> float:
    return quality.high - quality.low  # type: ignore[attr-defined,no-any-return]


def test_with_enough_models_size_speaks_for_the_unmeasured() -> None:
    cards = tuple(
        image(f"f{n}/net", 10.0**size, 1.0) for n, size in enumerate((5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5))
    )
    rows = tuple(
        Result(model=one.id, benchmark="imagenet-1k", metric="top1", value=0.62 + 0.03 * n, source="s")
        for n, one in enumerate(cards)
    )
    knowledge = rebuilt(models=cards, results=rows)
    prior = prior_for(IMAGES, knowledge, brief())
    small, large = (prior.quality(image("g/new", size, 1.0)) for size in (1e6, 1e8))
    assert "size" in small.source and small.value is not None and large.value is not None
    assert large.value - small.value == pytest.approx(4 * 0.03 / 0.3, abs=0.01)


def test_where_nobody_has_results_quality_is_unknown() -> None:
    bare = rebuilt(results=())
    assert prior_for(IMAGES, bare, brief()).quality(bare.model("res/50")).basis == "unknown"


def test_a_name_alike_inherits_nothing() -> None:
    twin = image("other/50", 25.6e6, 8.2, name="res50")
    quality = prior_for(IMAGES, KNOWLEDGE, brief()).quality(twin)
    assert quality.basis == "estimated"


def test_chinese_data_are_judged_by_chinese_yardsticks() -> None:
    """Its Chinese result stands well above its English one, so the language asked for must show."""
    both = KNOWLEDGE.model("xlmr/base")
    chinese = prior_for(TEXTS, KNOWLEDGE, brief("text-classification", languages=["zh"])).quality(both)
    english = prior_for(TEXTS, KNOWLEDGE, brief("text-classification", languages=["en"])).quality(both)
    assert chinese.value is not None and english.value is not None and chinese.value > english.value + 0.2
    assert "ChnSentiCorp" in chinese.source


def test_results_in_another_language_are_flagged_and_wider() -> None:
    bert = KNOWLEDGE.model("bert/base")
    foreign = prior_for(TEXTS, KNOWLEDGE, brief("text-classification", languages=["zh"])).quality(bert)
    home = prior_for(TEXTS, KNOWLEDGE, brief("text-classification", languages=["en"])).quality(bert)
    assert "another language" in foreign.source and width(foreign) > width(home)


def test_a_distant_domain_widens() -> None:
    near = prior_for(IMAGES, KNOWLEDGE, brief()).quality(KNOWLEDGE.model("res/50"))
    far = prior_for(IMAGES, KNOWLEDGE, brief(domain="medical")).quality(KNOWLEDGE.model("res/50"))
    assert width(far) > width(near)


@settings(max_examples=30)
@given(st.permutations(RESULTS))
def test_the_order_of_the_rows_does_not_matter(rows: list[Result]) -> None:
    shuffled = rebuilt(results=tuple(rows))
    for id in ("res/50", "vit/large", "vit/base"):
        before = prior_for(IMAGES, KNOWLEDGE, brief()).quality(KNOWLEDGE.model(id))
        after = prior_for(IMAGES, shuffled, brief()).quality(KNOWLEDGE.model(id))
        assert after.value == pytest.approx(before.value, abs=1e-12)


def test_standing_is_centred_and_leaves_baselines_out() -> None:
    cards = [one for one in KNOWLEDGE.for_task("image-classification") if one.kind in ("weights", "baseline")]
    found = standing(cards, IMAGES, KNOWLEDGE, brief())
    assert set(found) == {one.id for one in cards if one.kind == "weights"}
    means = [mean for mean, _ in found.values()]
    assert sum(means) == pytest.approx(0, abs=1e-9)
    assert sum(mean**2 for mean in means) / len(means) == pytest.approx(1)
    assert all(sd > 0 for _, sd in found.values())
    assert found["eva/giant"][0] > found["mobile/tiny"][0]


def test_standing_of_the_unknown_is_the_middle_with_a_wide_doubt() -> None:
    bare = rebuilt(results=())
    assert standing([bare.model("res/50")], IMAGES, bare, brief()) == {"res/50": (0.0, 1.5)}
    alone = standing([KNOWLEDGE.model("res/50")], IMAGES, KNOWLEDGE, brief())
    assert alone["res/50"][0] == pytest.approx(0)
    assert standing([], IMAGES, KNOWLEDGE, brief()) == {}


def test_text_cards_need_no_languages_to_be_judged() -> None:
    quality = prior_for(TEXTS, KNOWLEDGE, brief("text-classification")).quality(text("new/one", 1e8, None))
    assert quality.basis == "estimated"


def test_a_yardstick_that_few_share_counts_less() -> None:
    """A perfect reading that nobody else has must not put an old model above well-measured ones."""
    rows = (*RESULTS, Result(model="odd/reader", benchmark="error", metric="wer", value=0.0, source="s"))
    knowledge = rebuilt(results=rows)
    quality = prior_for(TEXTS, knowledge, brief("text-classification")).quality(knowledge.model("odd/reader"))
    assert quality.basis == "published" and "drawn towards" in quality.source
    assert quality.value is not None and 0.5 < quality.value < 0.9


def test_unpretrained_methods_stand_with_their_kind_or_below_the_weakest() -> None:
    prior = prior_for(IMAGES, KNOWLEDGE, brief())
    weakest = prior.quality(KNOWLEDGE.model("mobile/tiny")).value
    forest = prior.quality(KNOWLEDGE.model("forest/hog"))
    assert forest.value is not None and weakest is not None and forest.value < weakest
    sibling = card("svm/hog", "image-classification", kind="classical")
    rows = (
        *RESULTS,
        Result(model="forest/hog", benchmark="imagenet-1k", metric="top1", value=0.72, source="s"),
    )
    informed = rebuilt(models=(*KNOWLEDGE.models, sibling), results=rows)
    assert prior_for(IMAGES, informed, brief()).quality(sibling).value == pytest.approx(0.35)
