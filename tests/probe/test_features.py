"""Features in order, with a batch that backs off and a clock between batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import Cancelled
from advisor.probe.clock import Clock
from advisor.probe.features import embed, is_out_of_memory


class Lengths:
    """A body whose feature of a text is its length; batches above `fits` do not fit into memory."""

    module = None

    def __init__(self, batch_size: int = 16, fits: int = 99) -> None:
        self.batch_size = batch_size
        self.fits = fits
        self.batches: list[list[str]] = []

    def prepare(self, contents: Sequence[str]) -> Any:
        return list(contents)

    def forward(self, batch: Any) -> torch.Tensor:
        if len(batch) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.batches.append(batch)
        return torch.tensor([[float(len(one)), float(sum(map(ord, one)))] for one in batch])


def clock(stop: Any = lambda: False) -> Clock:
    return Clock(None, 0.0, stop)


@given(st.lists(st.text(max_size=30), max_size=40), st.integers(1, 9))
@settings(deadline=None)
def test_order_is_restored_and_like_lengths_go_together(texts: list[str], size: int) -> None:
    body = Lengths(size)
    features = embed(body, texts, clock())
    assert len(features) == len(texts)
    if texts:
        assert features[:, 0].tolist() == [len(text) for text in texts]
        assert features[:, 1].tolist() == [np.float32(sum(map(ord, text))) for text in texts]
    lengths = [len(text) for batch in body.batches for text in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_the_batch_backs_off_and_stays_small() -> None:
    body = Lengths(16, fits=3)
    told: list[tuple[int, int]] = []
    features = embed(
        body, [str(10**i) for i in range(10)], clock(), lambda done, total: told.append((done, total))
    )
    assert features[:, 0].tolist() == list(range(1, 11))
    assert body.batch_size == 2
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_not_even_one_fits() -> None:
    with pytest.raises(MemoryError, match="not even one"):
        embed(Lengths(4, fits=0), ["a", "b"], clock())


def test_a_cancel_between_batches() -> None:
    body = Lengths(2)
    with pytest.raises(Cancelled):
        embed(body, list("abcdef"), clock(lambda: len(body.batches) >= 2))
    assert len(body.batches) == 2


def test_other_errors_and_strange_numbers_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(batch: Any) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    body = Lengths()
    monkeypatch.setattr(body, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        embed(body, ["a"], clock())
    monkeypatch.setattr(body, "forward", lambda batch: torch.full((len(batch), 2), float("nan")))
    with pytest.raises(ValueError, match="not finite"):
        embed(body, ["a"], clock())


@pytest.mark.parametrize(
    ("error", "lack"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("x"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes"), False),
        (ValueError("x"), False),
    ],
)
def test_what_counts_as_a_lack_of_memory(error: Exception, lack: bool) -> None:
    assert is_out_of_memory(error) is lack
