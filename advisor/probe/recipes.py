"""How each rung tunes: which layers learn, how fast, for how many passes over the examples, and what a pass costs."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["TUNING", "Recipe", "Scope", "epochs", "recipe_for", "visit_cost"]

Scope = Literal["last-block", "lora", "full"]
SCOPES: dict[str, Scope] = {
    "last-block": "last-block",
    "longer": "last-block",
    "lora": "lora",
    "full": "full",
    "search": "full",
}
TUNING = tuple(SCOPES)
"""The rungs that tune, in the order of the ladder."""
EPOCHS = {"last-block": 4, "longer": 8, "lora": 8, "full": 8, "search": 8}
VISITS = {"last-block": 2000, "longer": 4000, "lora": 3200, "full": 3200, "search": 3200}
COST: dict[tuple[str, Scope], float] = {
    ("image-classification", "last-block"): 1.6,
    ("image-classification", "full"): 3.0,
    ("text-classification", "last-block"): 1.6,
    ("text-classification", "lora"): 2.9,
    ("text-classification", "full"): 4.7,
}
"""A visit of an example in forward passes; that of `full` is the mean of `benchmarks/selection/truth.csv`, that of
`lora` was measured with paraphrase-MiniLM-L3-v2 on 200 questions of trec6."""
BODY_RATE = {"text-classification": 5e-4, "image-classification": 3e-4}
FULL_RATE, LORA_RATE = 1e-4, 1e-3
LAYER_DECAY = 0.85


@dataclass(frozen=True)
class Recipe:
    """How to tune.

    :ivar epochs: passes over the training examples.
    :ivar body_rate: peak learning rate of the uppermost layer that learns.
    :ivar head_rate: peak learning rate of the head.
    :ivar warm_up: share of the steps in which the rates rise.
    :ivar smoothing: label smoothing (Szegedy et al. 2016).
    :ivar dropout: share of the standardised features that are dropped before the head.
    :ivar balanced: weight the classes inversely to their frequency.
    :ivar scope: which layers learn.
    :ivar layer_decay: the rate of each layer, as a share of that of the layer above it (Howard & Ruder 2018).
    """

    epochs: int
    body_rate: float
    head_rate: float = 1e-4
    weight_decay: float = 0.01
    batch_size: int = 16
    warm_up: float = 0.1
    smoothing: float = 0.1
    dropout: float = 0.2
    balanced: bool = False
    scope: Scope = "last-block"
    layer_decay: float = 1.0


def recipe_for(task: str, rung: str, examples: int, balanced: bool) -> Recipe:
    """Say how a rung tunes.

    :param examples: how many it learns from.
    """
    passes = epochs(rung, examples)
    if SCOPES[rung] == "last-block":
        return Recipe(passes, BODY_RATE[task], balanced=balanced)
    if SCOPES[rung] == "lora":
        return Recipe(passes, LORA_RATE, head_rate=1e-3, balanced=balanced, scope="lora")
    return Recipe(
        passes, FULL_RATE, head_rate=1e-3, weight_decay=0.05, balanced=balanced, scope="full",
        layer_decay=LAYER_DECAY,
    )  # fmt: skip


def epochs(rung: str, examples: int) -> int:
    """How often a tuning rung passes over its examples: with many of them fewer passes teach as much."""
    return max(1, min(EPOCHS[rung], round(VISITS[rung] / max(1, examples))))


def visit_cost(task: str, rung: str) -> float:
    """What it costs to learn from an example once, in forward passes."""
    return COST[task, SCOPES[rung]]
