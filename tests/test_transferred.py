from typing import Any

import pytest
from knowledge_fixture import image, make_knowledge, text

from advisor.brief import Brief
from advisor.knowledge import Coefficient, DataSet, Knowledge, Result
from advisor.prior import prior_for, standing
from advisor.recommend import recommend

BASE = make_knowledge()
IMAGES, TEXTS = BASE.tasks
MODELS = [f"lab/{name}" for name in "abcdefgh"]
ACCURACY = {
    "accuracy": 5, "latency": 0, "memory": 0, "training_cost": 0, "cost": 0, "maturity": 0, "explainability": 0,
}  # fmt: skip


def data_set(id: str, task: str = "image-classification", **traits: Any) -> DataSet:
    return DataSet.model_validate({"id": id, "name": id.title(), "tasks": [task], **traits})


def row(model: str, benchmark: str, value: float, source: str = "s") -> Result:
    return Result(model=model, benchmark=benchmark, metric="result", value=value, source=source)


SETS = (
    data_set("tiny-a", domain="general", classes=10, examples=50_000, resolution=32),
    data_set("tiny-b", domain="general", classes=100, examples=50_000, resolution=32),
    data_set("birds", domain="nature", classes=200, examples=5_000, resolution=500),
    data_set("plants", domain="nature", classes=100, examples=2_000, resolution=500),
)
UP = tuple(row(model, one, 0.5 + 0.05 * n) for n, model in enumerate(MODELS) for one in ("tiny-a", "tiny-b"))
DOWN = tuple(row(model, one, 0.9 - 0.05 * n) for n, model in enumerate(MODELS) for one in ("birds", "plants"))


def knowledge(**update: Any) -> Knowledge:
    fields = {name: getattr(BASE, name) for name in Knowledge.model_fields}
    cards = tuple(image(id, 1e6 * (n + 1), 1.0) for n, id in enumerate(MODELS))
    return Knowledge(**{**fields, "models": cards, "datasets": SETS, "results": UP + DOWN, **update})


def brief(**data: Any) -> Brief:
    return Brief.parse({"task": "image-classification", "data": data, "priorities": ACCURACY})


def test_recommend_ranks_by_results_on_data_sets_like_the_users() -> None:
    tiny = recommend(brief(domain="general", classes=20, resolution=32), knowledge(), measured={})
    wild = recommend(brief(domain="nature", classes=150, resolution=480), knowledge(), measured={})
    assert [one.model for one in tiny.shortlist] == MODELS[::-1]
    assert [one.model for one in wild.shortlist] == MODELS
    because = tiny.shortlist[0].parts[0].because
    assert "after tuning on 4 data sets" in because and "Tiny-" in because


def test_rows_may_stand_under_another_name() -> None:
    """Two names of one data set are two columns: the same pictures with other labels, for instance."""
    sets = (*SETS[2:], SETS[0].model_copy(update={"also": ("tiny/a", "tiny/again")}))
    rows = tuple(row(one.model, one.benchmark.replace("tiny-a", "tiny/a"), one.value) for one in UP[::2])
    again = tuple(row(one.model, "tiny/again", one.value) for one in rows)
    named = knowledge(datasets=sets, results=rows + again)
    quality = prior_for(IMAGES, named, brief()).quality(named.model("lab/h"))
    assert "2 data sets" in quality.source and quality.value is not None and quality.value > 0.6


def test_smaller_may_be_better() -> None:
    sets = tuple(one.model_copy(update={"lower_is_better": True}) for one in SETS[:2])
    advice = recommend(brief(), knowledge(datasets=sets, results=UP), measured={})
    assert [one.model for one in advice.shortlist] == MODELS


def test_where_data_sets_disagree_the_doubt_is_wide() -> None:
    """Two kinds of data sets rank the models contrariwise: without traits nothing can be said."""
    mixed = knowledge(datasets=tuple(data_set(one.id) for one in SETS))
    agreed = knowledge(results=UP)
    wide, narrow = (
        prior_for(IMAGES, one, brief()).quality(one.model("lab/h")) for one in (mixed, agreed)
    )  # fmt: skip
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)  # type: ignore[operator]
    assert abs(wide.value - 0.5) < 0.02 < narrow.value - 0.5  # type: ignore[operator]
    doubts = [doubt for _, doubt in standing(mixed.models, IMAGES, mixed, brief()).values()]
    assert min(doubts) > 1


def test_yardsticks_say_where_a_table_stands() -> None:
    tops = tuple(
        Result(model=model, benchmark="imagenet-1k", metric="top1", value=0.84 + 0.005 * n, source="s")
        for n, model in enumerate(MODELS)
    )
    low, high = knowledge(results=UP), knowledge(results=UP + tops)
    for one in MODELS:
        without = prior_for(IMAGES, low, brief()).quality(low.model(one)).value
        placed = prior_for(IMAGES, high, brief()).quality(high.model(one)).value
        assert without is not None and placed is not None and placed > without
        assert 0.75 < placed < 1


def test_a_model_of_two_tables_takes_both() -> None:
    more = tuple(image(f"new/{n}", 1e6, 1.0) for n in range(12))
    rows = tuple(row(one.id, "plants", 0.1 * n, "t") for n, one in enumerate(more))
    both = (*rows, row("lab/h", "plants", 5.0, "t"))
    cards = knowledge().models + more
    base, joined = (
        knowledge(models=cards, results=UP + some, datasets=SETS) for some in (rows, both)
    )  # fmt: skip
    prior = prior_for(IMAGES, joined, brief())
    assert "more such table" in prior.quality(joined.model("lab/h")).source
    assert "more such table" not in prior.quality(joined.model("lab/a")).source
    assert prior_for(IMAGES, base, brief()).quality(base.model("lab/h")).value is not None


def test_too_few_models_make_no_table() -> None:
    few = knowledge(results=UP[:4])
    assert prior_for(IMAGES, few, brief()).quality(few.model("lab/a")).basis == "unknown"


def test_models_beside_a_table_stand_at_its_middle_discounted() -> None:
    beside = knowledge(models=(*knowledge().models, image("new/one", 1e6, 1.0)), results=UP)
    quality = prior_for(IMAGES, beside, brief()).quality(beside.model("new/one"))
    assert quality.basis == "estimated" and quality.value is not None and quality.value < 0.5


def test_a_data_set_is_no_yardstick() -> None:
    """Where a benchmark of the task is described as a data set, its `low` and `high` say nothing."""
    mark = IMAGES.benchmarks[0].model_copy(update={"id": "tiny-a", "metric": "result"})
    task = IMAGES.model_copy(update={"benchmarks": (mark, *IMAGES.benchmarks)})
    found = prior_for(task, knowledge(tasks=(task, TEXTS)), brief())
    assert not found.marks.keys() & {("tiny-a", "result")} and set(found.transfer) == set(MODELS)


@pytest.mark.parametrize(("languages", "read"), [(["en"], True), (["zh"], False), (["zh", "en"], True)])
def test_texts_in_another_language_do_not_count(languages: list[str], read: bool) -> None:
    cards = tuple(text(id, 1e8, ["mul"]) for id in MODELS)
    sets = (data_set("news", "text-classification", languages=["en"]),)
    base = knowledge(
        models=cards, datasets=sets, results=tuple(row(one, "news", n) for n, one in enumerate(MODELS))
    )
    asked = Brief.parse({"task": "text-classification", "data": {"languages": languages}})
    assert bool(prior_for(TEXTS, base, asked).transfer) == read


def test_a_folder_may_bring_its_own_coefficients() -> None:
    """Where likeness has no strength, all data sets count alike and the contrary ones cancel."""
    shipped = {
        "domain": 0.5, "classes": 0.05, "examples": 0.05, "resolution": 0.4, "tokens": 0.1,
        "strength": 0.0, "own": 0.45, "models": 20.0, "noise": 0.1,
    }  # fmt: skip
    blunt = knowledge(
        coefficients=tuple(Coefficient(id=id, value=value, says="") for id, value in shipped.items())
    )
    asked = brief(domain="general", classes=20, resolution=32)
    values = [prior_for(IMAGES, blunt, asked).quality(one).value for one in blunt.models]
    assert values == pytest.approx([0.5] * 8, abs=0.02)


def test_many_at_once_agree_with_one_by_one() -> None:
    for base in (knowledge(), BASE):
        prior = prior_for(IMAGES, base, brief())
        cards = base.for_task("image-classification")
        values, published = prior.qualities(cards)
        for card, value, there in zip(cards, values, published, strict=True):
            quality = prior.quality(card)
            assert quality.value is None or value == quality.value
            assert there == (quality.basis == "published")
