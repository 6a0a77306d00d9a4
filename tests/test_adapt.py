import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_fixture import card, make_knowledge

from advisor.adapt import adapt, adaptation_minutes
from advisor.brief import Brief
from advisor.recommendation import Adaptation

KNOWLEDGE = make_knowledge()
LAPTOP = KNOWLEDGE.device("laptop")
L4 = KNOWLEDGE.device("nvidia-l4")


def advised(id: str, constraints: dict[str, object] | None = None, **data: object) -> Adaptation:
    one = KNOWLEDGE.model(id)
    brief = Brief.parse({"task": one.tasks[0], "data": data, "constraints": constraints or {}})
    return adapt(one, brief, LAPTOP, KNOWLEDGE.task(one.tasks[0]).modality)


@pytest.mark.parametrize(
    ("data", "strategy"),
    [
        ({"examples": 0, "classes": 5}, "zero-shot"),
        ({"examples": 50, "classes": 5}, "frozen"),
        ({"examples": 250, "classes": 5}, "last-block"),
        ({"examples": 1000, "classes": 5}, "last-block"),
        ({"examples": 1000, "classes": 5, "domain": "medical"}, "full"),
        ({"examples": 5000, "classes": 5}, "full"),
        ({}, "last-block"),
    ],
)
def test_the_data_decide_how_much_is_tuned(data: dict[str, object], strategy: str) -> None:
    one = card("a/b", "image-classification", 25e6,
               tuning=["zero-shot", "frozen", "head", "last-block", "full"])  # fmt: skip
    brief = Brief.parse({"task": "image-classification", "data": data})
    found = adapt(one, brief, LAPTOP, "image")
    assert found.strategy == strategy and found.because


def test_large_models_are_tuned_by_lora_where_they_allow_it() -> None:
    assert advised("vit/large", examples=5000, classes=5).strategy == "lora"
    assert advised("eva/giant", examples=5000, classes=5).strategy == "full"


def test_a_model_is_never_tuned_in_a_way_it_does_not_allow() -> None:
    found = advised("use/multilingual", examples=100_000, classes=2)
    assert found.strategy == "frozen" and "allows" in found.because
    assert found.learning_rate is None and found.epochs is None and not found.early_stopping


def test_hosted_and_classical_models_have_ways_of_their_own() -> None:
    assert advised("hosted/gpt", examples=100).strategy == "prompt"
    forest = advised("forest/hog", examples=100, imbalance=9.0)
    assert forest.strategy == "from-scratch" and forest.class_weights and forest.learning_rate is None


def test_a_ready_model_is_used_as_it_is() -> None:
    ready = card("a/b", "image-classification", 1e6, tuning=["zero-shot"])
    brief = Brief.parse({"task": "image-classification", "data": {"examples": 500, "classes": 2}})
    found = adapt(ready, brief, LAPTOP, "image")
    assert found.strategy == "zero-shot" and "not made to be tuned" in found.because
    both = card("a/b", "image-classification", 1e6, tuning=["zero-shot", "full"])
    open_ = adapt(both, Brief(task="image-classification"), LAPTOP, "image")
    assert open_.strategy == "zero-shot"


def test_too_little_time_steps_down_and_says_so() -> None:
    wide = advised("res/101", examples=20_000, classes=2)
    tight = advised("res/101", {"train_minutes": 60}, examples=20_000, classes=2)
    none = advised("res/101", {"train_minutes": 0.001}, examples=20_000, classes=2)
    assert wide.strategy == "full"
    assert tight.strategy in ("head", "last-block") and "60 minutes" in tight.because
    assert none.strategy == "frozen" and "even the lightest" in none.because


@given(st.integers(0, 10**6), st.integers(1, 1000), st.floats(0.01, 1e4))
def test_the_chosen_way_keeps_the_time_or_nothing_does(examples: int, classes: int, minutes: float) -> None:
    one = KNOWLEDGE.model("res/50")
    brief = Brief.parse(
        {
            "task": "image-classification",
            "data": {"examples": examples, "classes": classes},
            "constraints": {"train_minutes": minutes},
        }
    )
    chosen = adapt(one, brief, L4, "image").strategy
    taken, least = (
        adaptation_minutes(one, brief, L4, "image", strategy).value for strategy in (chosen, "frozen")
    )
    assert taken is not None and least is not None
    assert taken <= minutes or chosen == "frozen"


def test_uneven_classes_are_weighed_from_three_times_on() -> None:
    assert advised("res/50", examples=1000, classes=2, imbalance=3.0).class_weights
    assert not advised("res/50", examples=1000, classes=2, imbalance=2.9).class_weights


def test_the_domain_chooses_the_augmentation() -> None:
    medical = advised("res/50", examples=1000, classes=2, domain="medical").augmentation
    satellite = advised("res/50", examples=1000, classes=2, domain="satellite").augmentation
    assert not any("horizontal flip" in how for how in medical)
    assert any("vertical flip" in how for how in satellite)
    assert advised("res/50", examples=10, classes=2).augmentation == ()
    assert advised("bert/base", examples=100, classes=2).augmentation == ("word dropout",)
    spoken = card("a/b", "image-classification", 1e6)
    sound = adapt(
        spoken, Brief.parse({"task": "x", "data": {"examples": 900, "classes": 2}}), LAPTOP, "audio"
    )
    assert "SpecAugment masks" in sound.augmentation


def test_transformers_are_tuned_gently() -> None:
    bert = advised("bert/base", examples=5000, classes=2).learning_rate
    res = advised("res/50", examples=5000, classes=2).learning_rate
    assert bert is not None and res is not None and bert[1] < res[1]
    assert bert[0] < bert[1]


def test_compression_is_advised_near_a_limit_only() -> None:
    one = KNOWLEDGE.model("res/50")
    brief = Brief.parse(
        {"task": "image-classification", "constraints": {"latency_ms": 50, "size_mb": 110, "memory_mb": 150}}
    )
    near = adapt(one, brief, LAPTOP, "image", latency_ms=45, size_mb=100).compression
    assert len(near) == 4 and any("Quantise" in how for how in near) and any("distil" in how for how in near)
    assert adapt(one, brief, LAPTOP, "image", latency_ms=10, size_mb=20).compression == ()


def test_long_texts_and_unlabelled_ones_are_spoken_of() -> None:
    found = advised("bert/base", examples=500, classes=2, tokens=900, unlabelled=5000)
    assert any("cut at 512" in line for line in found.advice)
    assert any("5000 unlabelled" in line for line in found.advice)
