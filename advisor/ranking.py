"""The order of all models that met every constraint, from the same criteria as the score."""

import math

import numpy as np

from advisor.brief import Brief
from advisor.columns import Columns, Floats, Rows
from advisor.fit import fit_moves
from advisor.knowledge import Modality
from advisor.needs import Needs
from advisor.recommendation import Criterion
from advisor.score import CRITERIA, SCALES, USABLE, explainability, popularity, standing, weights

__all__ = ["rank"]


def rank(
    columns: Columns, rows: Rows, quality: Floats, needs: Needs, minutes: Floats, brief: Brief, modality: Modality
) -> tuple[Rows, dict[Criterion, float]]:  # fmt: skip
    """Rank models; ties stand in the order of their ids.

    :param columns: the cards.
    :param rows: which of them met every constraint, in the order of their ids.
    :param quality: the expected quality of each of these, 0–1; NaN is unknown, here as in the other figures.
    :param needs: what each of these needs on the device.
    :param minutes: of training.
    :param brief: priorities and data.
    :param modality: of the task.
    :return: the rows, best first, and the value that an unknown one takes in each criterion: the lower
        quartile of the known.
    """
    hosted = columns.hosted[rows]
    accuracy = np.clip(quality + fit_moves(columns, brief, modality)[rows], 0.0, 1.0)
    use = np.where(np.isnan(accuracy), 1.0, np.minimum(accuracy / USABLE, 1.0))
    values: dict[Criterion, Floats] = {
        "accuracy": accuracy,
        "latency": use * _on_scale("latency", needs.latency_ms),
        "memory": use * np.where(hosted, 1.0, _on_scale("memory", needs.memory_mb)),
        "training_cost": use * _on_scale("training_cost", minutes),
        "cost": use * _on_scale("cost", needs.monthly_cost_usd),
        "maturity": np.clip(
            columns.line("standing", standing)[rows] + popularity(columns.amounts("downloads")[rows]),
            0.0,
            1.0,
        ),
        "explainability": columns.line("explainability", lambda card: explainability(card)[0])[rows],
    }
    share = weights(brief.priorities)
    floors = {name: _lower_quartile(values[name]) for name in CRITERIA}
    total = np.zeros(len(rows))
    for name in CRITERIA:
        total += share[name] * np.where(np.isnan(values[name]), floors[name], values[name])
    return rows[np.argsort(-np.round(total, 12), kind="stable")], floors


def _on_scale(criterion: Criterion, own: Floats) -> Floats:
    best, worst = SCALES[criterion]
    value: Floats = np.clip(1 - np.log(np.maximum(own, best) / best) / math.log(worst / best), 0.0, 1.0)
    return value


def _lower_quartile(values: Floats) -> float:
    known = np.sort(values[~np.isnan(values)])
    return float(known[(len(known) - 1) // 4]) if len(known) else 0.5
