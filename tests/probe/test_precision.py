"""Mixed precision: only where it gains, and the features stay what they were."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import bert_model, picture, timm_model

from advisor.probe import precision
from advisor.probe.backbone import load_backbone
from advisor.probe.precision import mixed, number_format
from advisor.weights import Weights


def test_the_format_follows_the_device_and_the_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert number_format(cpu, False) is number_format(cpu, True) is None
    assert number_format(gpu, False) == torch.float16
    for able, chosen in ((True, torch.bfloat16), (False, None)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda able=able: able)
        assert number_format(gpu, True) == chosen


@pytest.mark.parametrize("loader", ["timm", "transformers"])
def test_lower_precision_gives_nearly_the_same_float32_features(
    tmp_path: Path, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = timm_model(tmp_path / "m") if loader == "timm" else bert_model(tmp_path / "m")
    weights = Weights("m", "local", loader, "local:0", folder, (), 0.1, None, None)  # type: ignore[arg-type]
    body = load_backbone(weights, lambda content: picture(content, 1))
    batch = body.prepare(["red", "green"] if loader == "timm" else ["money back", "late parcel"])
    with torch.inference_mode():
        whole = body.forward(batch)
    used = []
    monkeypatch.setattr(
        precision, "number_format", lambda device, learning: used.append(learning) or torch.bfloat16
    )
    with torch.inference_mode():
        half = body.forward(batch)
    loss = body.forward(batch).square().mean()
    loss.backward()
    assert used == [False, True]
    assert whole.dtype == half.dtype == torch.float32
    assert not torch.equal(whole, half)
    assert np.corrcoef(whole.numpy().ravel(), half.numpy().ravel())[0, 1] > 0.999
    assert body.module is not None
    assert all(p.grad is None or p.grad.dtype == torch.float32 for p in body.module.parameters())
    with mixed(torch.device("cpu")):
        assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == torch.bfloat16
