"""What the cards of a task need on a device and in training, as arrays."""

from collections.abc import Mapping

import numpy as np

from advisor.adapt import adaptation_minutes
from advisor.brief import Brief
from advisor.columns import Columns, Flags, Floats, Rows
from advisor.costs import monthly_cost
from advisor.estimate import Estimator
from advisor.knowledge import Device, Knowledge, Strategy, Task
from advisor.measured import Measured

__all__ = ["Needs", "needs_on", "training_minutes"]


class Needs:
    """Values of the estimates of some cards; NaN is unknown. Intervals and words are made for what is shown.

    :ivar latency_ms: of one answer.
    :ivar memory_mb: for loading and one answer.
    :ivar size_mb: of the weight files.
    :ivar monthly_cost_usd: of the brief's requests.
    """

    def __init__(
        self, latency_ms: Floats, memory_mb: Floats, size_mb: Floats, monthly_cost_usd: Floats
    ) -> None:
        self.latency_ms = latency_ms
        self.memory_mb = memory_mb
        self.size_mb = size_mb
        self.monthly_cost_usd = monthly_cost_usd

    def only(self, flags: Flags) -> "Needs":
        """Give the needs of the flagged cards alone."""
        return Needs(
            self.latency_ms[flags], self.memory_mb[flags], self.size_mb[flags], self.monthly_cost_usd[flags]
        )

    @property
    def throughput_per_s(self) -> Floats:
        """Answers per second, one after another."""
        return 1000.0 / self.latency_ms


def needs_on(
    device: Device, columns: Columns, rows: Rows, brief: Brief, knowledge: Knowledge, task: Task,
    measured: Mapping[str, Measured] | None = None,
) -> Needs:  # fmt: skip
    """Estimate what some cards need on a device.

    :param device: where they would run.
    :param columns: the cards.
    :param rows: which of them.
    :param brief: length of texts and requests.
    :param knowledge: published speeds.
    :param task: the task.
    :param measured: figures of earlier probes on this machine.
    :return: their needs, in the order of the rows.
    """
    figures = tuple(sorted((measured or {}).items(), key=lambda pair: pair[0]))
    asked = (
        brief.data.tokens,
        brief.constraints.requests_per_month,
        task.id,
        device.model_dump_json(),
        figures,
    )
    table = columns.table(asked, 4)

    estimator = Estimator(device, knowledge, tokens=brief.data.tokens, task=task.id, measured=measured)

    def fill(row: int) -> tuple[float | None, ...]:
        card = columns.cards[row]
        here = estimator.figures(card)
        cost = monthly_cost(card, device, brief, here.latency_ms)
        return here.latency_ms, here.memory_mb, here.size_mb, cost.value

    return Needs(*table.read(rows, fill))


def training_minutes(
    strategy: Strategy, device: Device, columns: Columns, rows: Rows, brief: Brief, task: Task
) -> Floats:
    """Estimate the minutes that a strategy takes on the user's data, for some cards."""
    asked = (strategy, brief.data.examples, brief.data.tokens, task.modality, device.model_dump_json())
    table = columns.table(asked, 1)

    def fill(row: int) -> tuple[float | None, ...]:
        return (adaptation_minutes(columns.cards[row], brief, device, task.modality, strategy).value,)

    (minutes,) = table.read(rows, fill)
    return np.asarray(minutes)
