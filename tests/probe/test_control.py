"""The control: the same architecture from random weights, trained for a given time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import COLOURS, bert_model, picture, sentence, timm_model

from advisor.probe.backbone import load_backbone
from advisor.probe.clock import Clock
from advisor.probe.control import blank, predict, train_from_scratch
from advisor.weights import Weights


def weights_of(folder: Path, loader: str) -> Weights:
    return Weights(
        model="tiny/x", origin="local", loader=loader, revision="r", folder=folder, files=(),  # type: ignore[arg-type]
        size_mb=1.0, architecture=None, licence=None,
    )  # fmt: skip


@pytest.mark.parametrize("loader", ["timm", "transformers"])
def test_the_weights_are_new_and_the_shapes_are_not(tmp_path: Path, loader: str) -> None:
    folder = timm_model(tmp_path / "m") if loader == "timm" else bert_model(tmp_path / "m")
    weights = weights_of(folder, loader)
    backbone = load_backbone(weights, lambda content: picture(content, 0))
    own = {name: p.detach().clone() for name, p in backbone.module.named_parameters()}  # type: ignore[union-attr]
    blank(weights, backbone, seed=5)
    fresh = dict(backbone.module.named_parameters())  # type: ignore[union-attr]
    assert {name: p.shape for name, p in own.items()} == {name: p.shape for name, p in fresh.items()}
    changed = [name for name, p in own.items() if p.ndim > 1 and not torch.equal(p, fresh[name])]
    assert len(changed) == sum(p.ndim > 1 for p in own.values())
    again = load_backbone(weights, lambda content: picture(content, 0))
    blank(weights, again, seed=5)
    assert all(torch.equal(p, fresh[name]) for name, p in again.module.named_parameters())  # type: ignore[union-attr]


def test_it_learns_in_its_time_and_asks_whether_to_go_on(tmp_path: Path) -> None:
    weights = weights_of(bert_model(tmp_path / "m"), "transformers")
    backbone = load_backbone(weights, lambda content: picture("red", 0))
    blank(weights, backbone, seed=0)
    texts = [sentence(label, i) for label in ("refund", "delivery") for i in range(24)]
    truth = np.repeat([0, 1], 24)
    ticks = iter(range(10_000))
    asked: list[int] = []
    head = train_from_scratch(
        backbone, texts, truth, 2, 3e-3, 150.0, seed=0, balanced=True, check=lambda: asked.append(1),
        now=lambda: float(next(ticks)),
    )  # fmt: skip
    assert len(asked) == 150
    clock = Clock(None, 0.0, lambda: False, lambda: 0.0)
    fresh = [sentence(label, 500 + i) for label in ("refund", "delivery") for i in range(10)]
    found = predict(backbone, head, fresh, clock)
    assert found.shape == (20, 2)
    assert (found.argmax(axis=1) == np.repeat([0, 1], 10)).mean() > 0.8
    assert not backbone.module.training  # type: ignore[union-attr]


def test_a_batch_too_large_for_memory_is_halved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = weights_of(timm_model(tmp_path / "m"), "timm")
    backbone = load_backbone(weights, lambda content: picture(*content.split()))  # type: ignore[arg-type]
    monkeypatch.setattr(
        backbone, "open_image", lambda content: picture(content.split()[0], int(content.split()[1]))
    )
    sizes: list[int] = []
    forward = backbone.forward

    def narrow(batch: torch.Tensor) -> torch.Tensor:
        sizes.append(len(batch))
        if len(batch) > 4:
            raise RuntimeError("out of memory")
        return forward(batch)

    monkeypatch.setattr(backbone, "forward", narrow)
    contents = [f"{colour} {i}" for colour in COLOURS for i in range(6)]
    ticks = iter(range(1000))
    train_from_scratch(
        backbone, contents, np.repeat([0, 1, 2], 6), 3, 1e-3, 3.0, seed=0, now=lambda: float(next(ticks))
    )
    assert sizes[:4] == [1, 16, 8, 4]
