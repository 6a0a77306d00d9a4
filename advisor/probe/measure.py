"""What a model costs on this machine: latency of single requests, throughput, and peak memory."""

import contextlib
import gc
import importlib
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil

from advisor.allocator import give_back_freed_memory
from advisor.result import LatencyMeasured

__all__ = ["PeakMemory", "measure_latency"]

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


def measure_latency(
    answer: Callable[[Sequence[str]], object],
    contents: Sequence[str],
    *,
    requests: int = 30,
    warm_up: int = 2,
    most_seconds: float = 2.0,
    now: Callable[[], float] = time.perf_counter,
) -> LatencyMeasured:
    """Time single requests, preprocessing and forward pass together.

    :param answer: answers a batch of contents.
    :param contents: examples to ask about, in turn.
    :param most_seconds: stop asking after that long, but not before 5 requests.
    :return: median and 95th percentile in milliseconds at batch 1.
    """
    for i in range(warm_up):
        answer([contents[i % len(contents)]])
    times: list[float] = []
    begun = now()
    while len(times) < requests and (len(times) < 5 or now() - begun < most_seconds):
        start = now()
        answer([contents[len(times) % len(contents)]])
        times.append((now() - start) * 1000)
    p50, p95 = np.quantile(times, [0.5, 0.95])
    return LatencyMeasured(p50=float(p50), p95=float(p95), batch=1)


class PeakMemory:
    """Peak memory of what runs between `start` and `stop`, less what the process held before, in 10^6 bytes.

    On a GPU it is torch's peak of allocated device memory; on Linux the kernel's own high-water mark, which
    is reset first; elsewhere the resident set at the end, a lower bound.

    :param baseline_mb: the resident set after the imports.
    """

    def __init__(self, baseline_mb: float) -> None:
        self.baseline_mb = baseline_mb
        self._standing_mb = 0.0

    def settle(self, library: str) -> None:
        """Import a library, once: what it takes stays for good, so it is not counted and not collected.

        :param library: its name; collections that pass over it are a second shorter each.
        """
        if library in sys.modules:
            return
        before = psutil.Process().memory_info().rss
        importlib.import_module(library)
        gc.collect()
        gc.freeze()
        self.baseline_mb += max(0, psutil.Process().memory_info().rss - before) / 1e6

    def start(self, *, apart: bool = False) -> None:
        """Give freed memory back and forget earlier peaks.

        :param apart: do not count what stands now either: what comes needs nothing of it.
        """
        import torch

        gc.collect()
        give_back_freed_memory()
        self._standing_mb = psutil.Process().memory_info().rss / 1e6 if apart else 0.0
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        elif CLEAR.exists():
            with contextlib.suppress(OSError):
                CLEAR.write_text("5")

    def stop(self) -> float:
        """Give the peak since `start`."""
        import torch

        if torch.cuda.is_available():
            return float(torch.cuda.max_memory_allocated() / 1e6)
        peak = psutil.Process().memory_info().rss / 1e6
        if STATUS.exists():
            for line in STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]) * 1024 / 1e6)
        return max(0.0, peak - max(self.baseline_mb, self._standing_mb))
