"""What a measurement looks like, wherever it is shown."""

from advisor.quantity import Frozen

__all__ = ["LatencyMeasured", "Metric"]


class Metric(Frozen):
    """A metric (0–1) with its 95 % interval over n examples."""

    value: float
    low: float
    high: float
    n: int


class LatencyMeasured(Frozen):
    """Preprocessing + forward of requests of `batch` examples, in milliseconds, on this machine."""

    p50: float
    p95: float
    batch: int = 1
