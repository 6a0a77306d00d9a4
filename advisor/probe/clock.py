"""Time and the wish to stop, asked about between any two steps of work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from advisor.errors import AdvisorError, Cancelled

__all__ = ["SPENT", "Clock", "OutOfTime"]

LATENESS = 0.03
SPENT = "The time budget was spent"


class OutOfTime(AdvisorError):
    """The budget, or one model's share of it, is spent."""


class Clock:
    """Counts from the worker's start.

    :param budget_s: seconds after which no work may go on; None for a run that follows a fixed plan.
    :param started: when the worker's process started, in the time of `now`.
    :param stop_asked: says whether somebody asked to stop.
    :param now: the time in seconds.
    """

    def __init__(
        self,
        budget_s: float | None,
        started: float,
        stop_asked: Callable[[], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._budget_s = budget_s
        self._started = started
        self._stop_asked = stop_asked
        self._now = now
        self._limit: float | None = None
        self._kept_s = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the worker started."""
        return self._now() - self._started

    @property
    def left(self) -> float:
        """Seconds that may still be spent now; infinite without a budget."""
        return float("inf") if self._budget_s is None else self._budget_s - self._kept_s - self.elapsed

    @property
    def room(self) -> float:
        """Seconds before what may be spent now, or the present limit, is spent."""
        return min(self.left, float("inf") if self._limit is None else self._limit - self.elapsed)

    @contextmanager
    def keeping(self, seconds: float) -> Iterator[None]:
        """Keep seconds at the end of what may be spent now for what comes afterwards."""
        self._kept_s += seconds
        try:
            yield
        finally:
            self._kept_s -= seconds

    def allow(self, seconds: float | None) -> None:
        """Set a limit of its own to what follows; None lifts it."""
        bounded = seconds is not None and self._budget_s is not None
        self._limit = self.elapsed + seconds if bounded and seconds is not None else None

    def excuse(self, seconds: float) -> None:
        """Do not count some seconds against the present limit; the budget counts them."""
        if self._limit is not None:
            self._limit += seconds

    def go_on(self) -> None:
        """Return if work that is nearly done may be finished: a model's own limit and a little lateness do not count.

        :raises Cancelled: if somebody asked to stop.
        :raises OutOfTime: if what may be spent now is overspent by 3 % of the budget.
        """
        if self._stop_asked():
            raise Cancelled("The run was cancelled")
        if self._budget_s is not None and self.left < -LATENESS * self._budget_s:
            raise OutOfTime(self._spent())

    def check(self, needed: float = 0.0) -> None:
        """Return if work may go on.

        :param needed: seconds that the next piece of it will take.
        :raises Cancelled: if somebody asked to stop.
        :raises OutOfTime: if the budget or the present limit is spent, or would be by that piece.
        """
        if self._stop_asked():
            raise Cancelled("The run was cancelled")
        if self.left <= needed:
            raise OutOfTime(self._spent())
        if self._limit is not None and self.elapsed + needed > self._limit:
            raise OutOfTime("The model's own time limit was spent")

    def _spent(self) -> str:
        if self._kept_s < 1:
            return SPENT
        return f"The time budget was spent but {self._kept_s:.0f} s kept for what comes after"
