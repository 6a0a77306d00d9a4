"""Compressed forms of tiny bodies: what changes, what does not, and what cannot be done."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from advisor.probe.compress import NotCompressible, compress, compressing_s, packed_mb, race, stored_mb


class Tiny:
    """A backbone over numbers written as text."""

    def __init__(self, module: nn.Module | None) -> None:
        self.module = module.eval() if module else None
        self.batch_size = 4

    def prepare(self, contents: Sequence[str]) -> torch.Tensor:
        return torch.tensor([[float(word) for word in one.split()] for one in contents])

    def forward(self, batch: Any) -> torch.Tensor:
        assert self.module is not None
        features: torch.Tensor = self.module(batch).float()
        return features


TEXTS = ["0.1 0.2 0.3 0.4", "1 -1 0.5 2"]


def dense() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 6))


def features(form: Any) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(form.forward(form.prepare(TEXTS)).numpy())


@pytest.mark.parametrize(("name", "off"), [("int8", 0.1), ("half", 0.02), ("pruned-30", 0.2)])
def test_a_form_answers_nearly_as_its_origin_which_stays_as_it_was(name: str, off: float) -> None:
    backbone = Tiny(dense())
    before = features(backbone)
    state = {key: tensor.clone() for key, tensor in backbone.module.state_dict().items()}  # type: ignore[union-attr]
    form = compress(backbone, name, TEXTS)
    difference = np.abs(features(form) - before).max()
    assert 0 < difference < off
    assert (features(backbone) == before).all()
    assert all(torch.equal(tensor, state[key]) for key, tensor in backbone.module.state_dict().items())  # type: ignore[union-attr]


def test_sizes_follow_from_the_numbers_of_bits() -> None:
    backbone = Tiny(nn.Sequential(nn.Linear(4, 500), nn.Linear(500, 500)))
    assert backbone.module is not None
    whole, packed = stored_mb(backbone.module), packed_mb(backbone.module)
    weights = sum(p.numel() for p in backbone.module.parameters())
    assert whole == pytest.approx(4 * weights / 1e6, rel=0.02)
    sizes = {name: stored_mb(compress(backbone, name, TEXTS).module) for name in ("int8", "half")}  # type: ignore[arg-type]
    assert sizes["int8"] == pytest.approx(whole / 4, rel=0.05)
    assert sizes["half"] == pytest.approx(whole / 2, rel=0.05)
    cut = compress(backbone, "pruned-60", TEXTS).module
    assert cut is not None
    deflated = packed_mb(cut)
    assert stored_mb(cut) == pytest.approx(whole, rel=0.01)
    assert packed is not None and deflated is not None
    assert deflated < 0.6 * packed

    def stop() -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        packed_mb(cut, stop)


def test_making_a_form_is_forecast_by_size() -> None:
    small, large = nn.Linear(100, 100), nn.Sequential(*(nn.Linear(100, 100) for _ in range(10)))
    for name in ("int8", "half", "pruned-30", "pruned-60"):
        assert compressing_s(large, name) == pytest.approx(10 * compressing_s(small, name), rel=0.1)
    assert compressing_s(small, "pruned-30") > compressing_s(small, "int8") > compressing_s(small, "half") > 0


def test_pruning_zeroes_the_smallest_weights() -> None:
    backbone = Tiny(dense())
    form = compress(backbone, "pruned-30", TEXTS)
    pairs = [
        (own.weight, cut.weight)
        for own, cut in zip(backbone.module.modules(), form.module.modules(), strict=True)  # type: ignore[union-attr]
        if isinstance(own, nn.Linear)
    ]
    own = torch.cat([a.flatten() for a, _ in pairs])
    cut = torch.cat([b.flatten() for _, b in pairs])
    gone = cut == 0
    assert gone.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert own[gone].abs().max() <= own[~gone].abs().min()
    assert torch.equal(own[~gone], cut[~gone])


def test_pruning_keeps_the_order_of_convolutions() -> None:
    body = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten()).to(memory_format=torch.channels_last)
    backbone = Tiny(body)
    backbone.prepare = lambda contents: torch.ones(len(contents), 4, 5, 5)  # type: ignore[method-assign]
    kernel = compress(backbone, "pruned-30", TEXTS).module[0].weight  # type: ignore[index,union-attr]
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert (kernel == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)


def test_what_cannot_be_compressed_says_why() -> None:
    with pytest.raises(NotCompressible, match="package of its own"):
        compress(Tiny(None), "int8", TEXTS)
    bare = Tiny(nn.Sequential(nn.BatchNorm1d(4)))
    with pytest.raises(NotCompressible, match="no linear layers, and"):
        compress(bare, "int8", TEXTS)
    with pytest.raises(NotCompressible, match="to prune"):
        compress(bare, "pruned-30", TEXTS)


def test_sixteen_bits_fall_back_where_fp16_does_not_run() -> None:
    class Picky(nn.Linear):
        refused = (torch.float16,)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            if values.dtype in self.refused:
                raise RuntimeError("not implemented for 'Half'")
            return super().forward(values)

    form = compress(Tiny(Picky(4, 3)), "half", TEXTS)
    assert "bfloat16" in form.what and "FP16 does not run" in form.what
    Picky.refused = (torch.float16, torch.bfloat16)  # type: ignore[assignment]
    with pytest.raises(NotCompressible, match="neither FP16 nor bfloat16"):
        compress(Tiny(Picky(4, 3)), "half", TEXTS)


def test_numbers_that_overflow_are_no_form() -> None:
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.fill_(60000.0)
    with pytest.raises(NotCompressible, match="not finite"):
        compress(Tiny(layer), "half", ["9 9 9 9"])


def test_a_race_is_fair_and_stops_in_time() -> None:
    at = [0.0]
    asked: list[str] = []

    def runner(name: str, seconds: float) -> Any:
        def answer(contents: Sequence[str]) -> None:
            asked.append(name)
            at[0] += seconds

        return answer

    slow, fast = race([runner("slow", 0.3), runner("fast", 0.1)], TEXTS, most_seconds=4.0, now=lambda: at[0])
    assert (slow.p50, fast.p50) == (pytest.approx(300), pytest.approx(100))
    assert asked[2:6] == ["slow", "fast", "fast", "slow"]
    assert len(asked) == 2 + 2 * 11
