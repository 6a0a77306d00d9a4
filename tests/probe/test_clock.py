"""Time and the wish to stop."""

import pytest

from advisor.errors import Cancelled
from advisor.probe.clock import Clock, OutOfTime


class Watch:
    def __init__(self) -> None:
        self.now = 1000.0
        self.stop = False

    def clock(self, budget: float | None) -> Clock:
        return Clock(budget, 1000.0, lambda: self.stop, lambda: self.now)


def test_the_budget_runs_out() -> None:
    watch = Watch()
    clock = watch.clock(10)
    watch.now += 9
    clock.check()
    assert (clock.elapsed, clock.left) == (9, 1)
    watch.now += 1
    with pytest.raises(OutOfTime, match="time budget"):
        clock.check()


def test_a_models_own_limit_and_its_end() -> None:
    watch = Watch()
    clock = watch.clock(100)
    watch.now += 5
    clock.allow(3)
    watch.now += 3
    clock.check()
    watch.now += 0.1
    with pytest.raises(OutOfTime, match="own time limit"):
        clock.check()
    clock.allow(None)
    clock.check()


def test_without_a_budget_nothing_runs_out() -> None:
    watch = Watch()
    clock = watch.clock(None)
    clock.allow(1)
    watch.now += 1e9
    clock.check()
    assert clock.left == float("inf")


def test_the_wish_to_stop_comes_first() -> None:
    watch = Watch()
    clock = watch.clock(1)
    watch.now, watch.stop = 2000.0, True
    with pytest.raises(Cancelled):
        clock.check()


def test_what_would_not_be_done_in_time_is_not_begun() -> None:
    watch = Watch()
    clock = watch.clock(10)
    watch.now += 7
    clock.check(2.9)
    with pytest.raises(OutOfTime, match="time budget"):
        clock.check(3.1)
    clock.allow(1)
    with pytest.raises(OutOfTime, match="own time limit"):
        clock.check(1.5)


def test_what_is_nobodys_fault_does_not_count_against_a_models_limit() -> None:
    watch = Watch()
    clock = watch.clock(100)
    clock.excuse(5)
    clock.allow(3)
    watch.now += 5
    clock.excuse(4)
    clock.check()
    watch.now += 2.5
    with pytest.raises(OutOfTime, match="own time limit"):
        clock.check()
    assert clock.left == pytest.approx(92.5)


def test_what_is_kept_for_later_is_not_spent_before() -> None:
    watch = Watch()
    clock = watch.clock(100)
    watch.now += 85
    with clock.keeping(15), clock.keeping(5):
        assert clock.left == -5
        for asked in (clock.check, clock.go_on):
            with pytest.raises(OutOfTime, match="but 20 s kept for what comes after"):
                asked()
    assert clock.left == 15
    clock.check()


def test_room_is_what_the_nearer_limit_leaves() -> None:
    watch = Watch()
    clock = watch.clock(100)
    assert clock.room == 100
    clock.allow(30)
    watch.now += 10
    assert clock.room == 20
    with clock.keeping(80):
        assert clock.room == 10
    clock.allow(None)
    assert clock.room == 90
    assert watch.clock(None).room == float("inf")
