"""Latency by a clock that the test turns, and peak memory."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from advisor.probe.measure import PeakMemory, measure_latency


class Turned:
    def __init__(self, costs: Sequence[float]) -> None:
        self.now = 0.0
        self.costs = costs
        self.asked: list[Sequence[str]] = []

    def answer(self, contents: Sequence[str]) -> None:
        self.now += self.costs[len(self.asked) % len(self.costs)]
        self.asked.append(contents)

    def time(self) -> float:
        return self.now


def test_quantiles_of_single_requests_in_milliseconds() -> None:
    clock = Turned([9.0, 9.0, *[0.010] * 19, *[0.020]])
    measured = measure_latency(clock.answer, ["a", "b", "c"], requests=20, most_seconds=99, now=clock.time)
    assert measured.p50 == pytest.approx(10)
    assert measured.p95 == pytest.approx(np.quantile([10.0] * 19 + [20.0], 0.95))
    assert measured.batch == 1
    assert [len(one) for one in clock.asked] == [1] * 22, "two to warm up, twenty measured"
    assert {one[0] for one in clock.asked} == {"a", "b", "c"}


def test_a_slow_model_is_asked_five_times() -> None:
    clock = Turned([3.0])
    assert measure_latency(clock.answer, ["a"], now=clock.time).p50 == pytest.approx(3000)
    assert len(clock.asked) == 2 + 5


def test_peak_memory_sees_what_was_held() -> None:
    memory = PeakMemory(psutil.Process().memory_info().rss / 1e6)
    memory.start()
    block = np.ones(40_000_000)
    del block
    assert memory.stop() > 200
    assert PeakMemory(1e9).stop() == 0


def test_what_stands_from_before_is_not_counted_where_nothing_needs_it() -> None:
    memory = PeakMemory(psutil.Process().memory_info().rss / 1e6)
    block = np.ones(40_000_000)
    memory.start()
    assert memory.stop() > 200
    memory.start(apart=True)
    assert memory.stop() < 100
    memory.start()
    assert memory.stop() > 200
    assert block.any()


def test_an_imported_library_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy_library.py").write_text(
        "import numpy\nheld = numpy.ones(20_000_000)\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    memory = PeakMemory(psutil.Process().memory_info().rss / 1e6)
    held = memory.baseline_mb
    memory.settle("heavy_library")
    assert memory.baseline_mb > held + 150
    settled = memory.baseline_mb
    memory.settle("heavy_library")
    assert memory.baseline_mb == settled
    del sys.modules["heavy_library"]
