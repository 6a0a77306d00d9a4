"""Which settings a search tries: rates, dropout, layer decay and what learns, spread evenly by a Halton sequence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from advisor.probe.recipes import Recipe, Scope, recipe_for

__all__ = ["ASIDE", "FEWEST", "MOST", "Trial", "searching", "suggest"]

MOST, FEWEST = 6, 3
ASIDE = 0.2
"""The share of the training examples by which trials are judged."""
FACTOR, DROPOUT, DECAY = (0.25, 4.0), (0.0, 0.5), (0.65, 1.0)


@dataclass(frozen=True)
class Trial:
    """One setting of a search.

    :ivar recipe: with as many passes as the best setting gets in the end; a trial makes half of them.
    :ivar factor: its learning rates, as multiples of the usual ones of its scope.
    """

    recipe: Recipe
    factor: float = 1.0

    @property
    def short(self) -> Recipe:
        """How it is tried."""
        return replace(self.recipe, epochs=max(1, self.recipe.epochs // 2))


def suggest(
    task: str, scopes: Sequence[Scope], examples: int, balanced: bool, seed: int, trials: int = MOST
) -> list[Trial]:
    """Give the settings to try, the usual one of `full` first, so that a search begins where the ladder ended.

    Factors of the rates are log-uniform; the points of a scrambled Halton sequence (Halton 1960) fill the space more
    evenly than chance, however many of them there is time for.

    :param scopes: what may learn.
    :param examples: how many there are to learn from.
    """
    from scipy.stats import qmc

    usual = recipe_for(task, "search", examples, balanced)
    points = qmc.Halton(4, scramble=True, seed=np.random.default_rng(seed)).random(trials - 1)
    found = [Trial(usual)]
    for scope, rate, dropout, decay in points:
        own: Scope = scopes[int(scope * len(scopes))]
        base = recipe_for(task, own, examples, balanced)
        factor = float(np.exp(_within((log(FACTOR[0]), log(FACTOR[1])), rate)))
        recipe = replace(
            base,
            epochs=usual.epochs,
            body_rate=base.body_rate * factor,
            head_rate=base.head_rate * factor,
            dropout=_within(DROPOUT, dropout),
            layer_decay=_within(DECAY, decay) if own == "full" else base.layer_decay,
        )
        found.append(Trial(recipe, factor))
    return found


def searching(epochs: int, trials: int = MOST) -> float:
    """How many passes over all training examples a search makes, the last ones with the best setting included."""
    return trials * max(1, epochs // 2) * (1 - ASIDE) + epochs


def _within(bounds: Sequence[float], share: float) -> float:
    low, high = bounds
    return float(low + (high - low) * share)
