"""Is the advice from the shipped knowledge sensible?"""

from functools import cache
from typing import Any

import pytest

from advisor.brief import Brief
from advisor.knowledge import Knowledge, load_knowledge
from advisor.languages import ANY, primary
from advisor.recommend import recommend
from advisor.recommendation import Recommendation

ONLY_ACCURACY = {
    "accuracy": 5, "latency": 0, "memory": 0, "training_cost": 0, "cost": 0, "maturity": 0, "explainability": 0,
}  # fmt: skip


@cache
def knowledge() -> Knowledge:
    return load_knowledge()


def asked(task: str, data: dict[str, Any] | None = None, limit: int = 10, **rest: Any) -> Recommendation:
    priorities = rest.pop("priorities", {})
    content = {"task": task, "data": data or {}, "constraints": rest, "priorities": priorities}
    return recommend(Brief.parse(content), knowledge(), limit=limit)


def admitted(found: Recommendation) -> list[str]:
    return [one.model for one in found.shortlist] + list(found.beyond_limit)


@pytest.mark.parametrize("task", [task.id for task in load_knowledge().tasks])
def test_every_task_gets_advice_that_adds_up(task: str) -> None:
    found = asked(task)
    assert found.shortlist, f"nobody qualifies for {task}"
    total = len(admitted(found)) + len(found.near_misses) + len(found.dropped)
    assert found.considered == len(knowledge().for_task(task)) == total
    assert all(one.because for one in found.shortlist)


def test_a_small_board_with_a_tight_limit_gets_small_nets() -> None:
    found = asked("image-classification", device="raspberry-pi-5", latency_ms=30)
    assert found.shortlist
    for one in found.shortlist:
        assert one.estimates.latency_ms.value is not None and one.estimates.latency_ms.value <= 30
        assert one.estimates.size_mb.value is not None and one.estimates.size_mb.value < 120
    assert any(word in one.model for one in found.shortlist for word in ("mobilenet", "efficientnet"))
    assert not any("large_patch" in model or "huge" in model for model in admitted(found))


def test_accuracy_first_on_a_large_gpu_gets_large_models() -> None:
    found = asked(
        "image-classification", {"examples": 50_000, "classes": 10}, priorities=ONLY_ACCURACY,
        device="nvidia-a100-80gb", train_device="nvidia-a100-80gb",
    )  # fmt: skip
    top = [one.model for one in found.shortlist[:5]]
    assert all(
        any(word in id for word in ("eva", "vit", "convnext", "beit", "regnet", "maxvit")) for id in top
    )
    large = [knowledge().model(id).parameters for id in top]
    assert all(fact is not None and fact.value > 8e7 for fact in large)


def test_a_business_is_kept_from_licences_that_forbid_it() -> None:
    for task in ("image-classification", "text-classification", "object-detection", "text-generation"):
        for id in admitted(asked(task, licence="commercial")):
            assert knowledge().model(id).licence.klass in ("permissive", "copyleft")


def test_local_privacy_admits_no_hosted_model() -> None:
    for task in ("text-generation", "text-to-image", "speech-recognition"):
        found = asked(task, privacy="local")
        assert all(knowledge().model(id).kind != "api" for id in admitted(found))


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("examples", [60, 1000, 20_000])
def test_chinese_reviews_get_models_that_read_chinese(offline: bool, examples: int) -> None:
    found = asked(
        "text-classification", {"languages": ["zh"], "examples": examples, "classes": 2}, offline=offline
    )
    assert found.shortlist
    for one in found.shortlist:
        card = knowledge().model(one.model)
        if card.kind == "weights" and card.input.languages is not None:
            assert {"zh", ANY} & {primary(tag) for tag in card.input.languages}
    if offline:
        assert any("thin for Chinese" in note for note in found.notes)
    else:
        first = knowledge().model(found.shortlist[0].model)
        assert first.kind == "api" or first.input.languages


def test_learning_from_raw_pixels_does_not_lead_over_pretrained_nets() -> None:
    found = asked("image-classification", {"examples": 1000, "classes": 10})
    assert all(knowledge().model(one.model).kind == "weights" for one in found.shortlist[:3])


@pytest.mark.parametrize(
    ("words", "task"),
    [
        (("bert-base", "bert-large"), "text-classification"),
        (("roberta",), "text-classification"),
        (("albert",), "text-classification"),
        (("gpt2",), "text-generation"),
        (("openai/gpt-",), "text-generation"),
        (("t5",), "summarisation"),
        (("resnet",), "image-classification"),
        (("vgg",), "image-classification"),
        (("inception",), "image-classification"),
        (("densenet",), "image-classification"),
        (("efficientnet",), "image-classification"),
        (("mobilenet",), "image-classification"),
        (("vit_",), "image-classification"),
        (("yolo",), "object-detection"),
        (("faster", "fasterrcnn"), "object-detection"),
        (("mask-rcnn", "maskrcnn", "mask_rcnn"), "instance-segmentation"),
        (("wav2vec",), "speech-recognition"),
        (("deepspeech",), "speech-recognition"),
        (("whisper",), "speech-recognition"),
        (("wavenet",), "text-to-speech"),
        (("clip",), "zero-shot-image-classification"),
        (("dall-e", "dalle"), "text-to-image"),
        (("stable-diffusion",), "text-to-image"),
        (("gan",), "image-generation"),
        (("vae",), "image-generation"),
        (("lstm",), "time-series-forecasting time-series-classification text-classification text-generation"),
        (("mlp",), "tabular-classification"),
        (("svm",), "tabular-classification"),
        (("random-forest", "randomforest", "random_forest"), "tabular-classification"),
    ],
)
def test_every_system_that_was_asked_for_can_be_recommended(words: tuple[str, ...], task: str) -> None:
    models = [
        id
        for one in task.split()
        for id in admitted(asked(one, device="nvidia-h100", train_device="nvidia-h100"))
    ]
    assert any(word in id.lower() for id in models for word in words), f"none of {words} for {task}"
