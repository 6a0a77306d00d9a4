"""Which of the brief's limits a probed model broke, as measured on this machine."""

from advisor.brief import Brief
from advisor.result import ModelResult

__all__ = ["broken_limits"]


def broken_limits(result: ModelResult, brief: Brief) -> list[str]:
    """Say which measured limits a model breaks.

    :param result: a model that finished a rung.
    :param brief: the limits; those on speed bind only where the model will run on this machine.
    :return: each broken limit in words that follow the model's name.
    """
    limits = brief.constraints
    broken = []
    if limits.device == "this-machine":
        latency = result.latency_ms.p95 if result.latency_ms else None
        if limits.latency_ms and latency and latency > limits.latency_ms:
            broken.append(f"answered in {latency:.0f} ms where {limits.latency_ms:.0f} ms are allowed")
        if (
            limits.throughput_per_s
            and result.throughput_per_s
            and result.throughput_per_s < limits.throughput_per_s
        ):
            broken.append(
                f"answered {result.throughput_per_s:.0f} requests a second "
                f"where {limits.throughput_per_s:.0f} are needed"
            )
    if limits.size_mb and result.size_mb and result.size_mb > limits.size_mb:
        broken.append(f"is {result.size_mb:.0f} MB where {limits.size_mb:.0f} MB are allowed")
    return broken
