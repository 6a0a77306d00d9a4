"""How a budget is shared: most of it goes into finding the winner, a part into looking at it."""

__all__ = ["budget_for", "kept_for_looking"]

FROM_S, SHARE, MOST_S = 60.0, 0.15, 60.0


def kept_for_looking(budget_s: float) -> float:
    """Give the seconds of a budget that are kept for looking at the winner: none of the first minute."""
    return min(MOST_S, SHARE * max(0.0, budget_s - FROM_S))


def budget_for(climb_s: float) -> float:
    """Give the budget of which as many seconds are left for the climb: what `kept_for_looking` takes is added."""
    return min(climb_s + MOST_S, max(climb_s, FROM_S + (climb_s - FROM_S) / (1 - SHARE)))
