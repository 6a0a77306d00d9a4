"""Whether models stand in the same order on several data sets."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.posterior import SURE, Posterior
from advisor.quantity import Frozen

__all__ = ["Interval", "Stability", "Turn", "stability"]

FEWEST = 3
SHUFFLES = 5000


class Interval(Frozen):
    """A mean with its central 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: NDArray[np.floating[Any]]) -> "Interval":
        """Summarise draws of one number, (draws,)."""
        low, high = np.quantile(draws, (0.025, 0.975))
        value = float(draws.mean())
        return cls(value=value, low=min(float(low), value), high=max(float(high), value))


class Turn(Frozen):
    """A pair of models whose order turns round from one set to another, by their places among the sets."""

    models: tuple[str, str]
    first_ahead_on: int
    second_ahead_on: int


class Stability(Frozen):
    """How alike the orders of some models are on several sets.

    :ivar models: the models that were measured on every set, baselines left out.
    :ivar correlation: the mean Spearman correlation between the sets: 1 is one order everywhere, 0 unrelated orders;
        None for fewer than three models.
    :ivar chance: the share of random orders that agree at least as well.
    :ivar kept: pairs whose order is the same on every set with 90 % on each.
    :ivar turned: pairs whose order is one way on some set and the other way on another, with 90 % on each.
    :ivar unsure: the other pairs.
    """

    models: tuple[str, ...]
    correlation: Interval | None = None
    chance: float | None = None
    kept: int = 0
    turned: tuple[Turn, ...] = ()
    unsure: int = 0


def stability(found: Sequence[Posterior], models: Sequence[str], seed: int = 0) -> Stability:
    """Measure how alike the orders are, and count the pairs of which that can be said.

    The mean Spearman correlation r of k sets says the same as Kendall's W (Kendall & Babington Smith 1939), which is
    (1 + (k - 1) r) / k, but is 0 and not 1 / k where the orders have nothing in common.

    :param found: what is known of the models on each set.
    :param models: models that every one of them has.
    :param seed: of the random orders.
    """
    draws = np.stack([one.draws[:, [one.models.index(m) for m in models]] for one in found], axis=1)
    kept, turned, unsure = 0, [], 0
    for one, other in combinations(models, 2):
        ahead = [belief.ahead(one, other) for belief in found]
        if min(ahead) >= SURE or max(ahead) <= 1 - SURE:
            kept += 1
        elif max(ahead) >= SURE and min(ahead) <= 1 - SURE:
            places = int(np.argmax(ahead)), int(np.argmin(ahead))
            turned.append(Turn(models=(one, other), first_ahead_on=places[0], second_ahead_on=places[1]))
        else:
            unsure += 1
    correlation, chance = None, None
    if len(models) >= FEWEST:
        correlation = Interval.of(_correlation(draws))
        shape = (SHUFFLES, len(found), len(models))
        shuffled = np.random.default_rng(seed).random(shape)
        seen = _correlation(draws.mean(axis=0))
        chance = float(np.mean(_correlation(shuffled) >= seen - 1e-9))
    return Stability(
        models=tuple(models),
        correlation=correlation,
        chance=chance,
        kept=kept,
        turned=tuple(turned),
        unsure=unsure,
    )


def _correlation(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Give the mean Spearman correlation between the sets, (..., k, m) → (...)."""
    k, m = scores.shape[-2:]
    sums = scores.argsort(axis=-1).argsort(axis=-1).sum(axis=-2)
    spread = ((sums - k * (m - 1) / 2) ** 2).sum(axis=-1)
    agreement = 12 * spread / (k * k * (m**3 - m))
    return np.asarray((k * agreement - 1) / (k - 1))
