"""What a task's published transfer results let expect of its models on the user's data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from advisor.brief import Brief
from advisor.columns import Columns, Floats
from advisor.equating import results_of_all
from advisor.knowledge import DataSet, Knowledge, Task, default_folder
from advisor.languages import ANY, has_language, primary
from advisor.transfer import FEW, Likeness, Traits, coefficients, expect, likeness, percentiles, tables

__all__ = ["Standing", "standings"]

UNPLACED = (0.5, 0.15)
"""Where the models of a table stand, and how far apart, when no yardstick says so."""
ENOUGH_PLACED = 3
LEAST_SPREAD = 0.02
MIDDLE = (0.1, 0.9)
Column = tuple[str, str, str]
Means = dict[Column, dict[int, float]]


@dataclass(frozen=True)
class Standing:
    """What transfer results say of one model.

    :ivar value: expected quality, within 0–1.
    :ivar sd: its standard deviation.
    :ivar says: on what it rests.
    """

    value: float
    sd: float
    says: str


def standings(
    columns: Columns, task: Task, knowledge: Knowledge, brief: Brief, known: Floats
) -> dict[str, Standing]:
    """Place the models that have transfer results.

    Each table of results (columns that share models) is predicted for the brief's data set and put where the
    yardsticks place its models; a model of several tables takes their mean, the surer one weighing more.

    :param columns: all cards of the task.
    :param task: the task.
    :param knowledge: results and data sets.
    :param brief: what the data are like.
    :param known: quality of each by yardsticks; NaN where there is none.
    :return: model → standing.
    """
    datasets = {
        name: one
        for one in knowledge.datasets
        if task.id in one.tasks and _reads(one, task, brief)
        for name in one.names
    }
    asked = ("transfer results", *datasets)
    results: Means = columns.remembered(asked, lambda: _means(columns, knowledge, datasets))
    if not results:
        return {}
    there = sorted({row for column in results.values() for row in column})
    names = sorted(results)
    values = np.array([[results[name].get(row, math.nan) for name in names] for row in there])
    values *= np.array([-1.0 if datasets[name[0]].lower_is_better else 1.0 for name in names])
    sizes = columns.amounts("parameters")
    by = _coefficients(knowledge)
    target = _asked(brief)
    found: dict[int, list[Standing]] = {}
    for table in tables(np.isfinite(values)):
        rows = np.flatnonzero(np.isfinite(values[:, table]).any(axis=1))
        group = [there[row] for row in rows]
        extra = np.stack([known[group], np.log10(sizes[group])], axis=1)
        traits = [_traits(datasets[names[column][0]]) for column in table]
        mean, sd = expect(percentiles(values[rows][:, table]), percentiles(extra), traits, target, by)
        says = _says([names[column] for column in table], traits, target, datasets, by)
        for row, standing in zip(group, _placed(mean, sd, known[group], says), strict=True):
            found.setdefault(row, []).append(standing)
    return {columns.cards[row].id: _joined(several) for row, several in found.items()}


def _means(columns: Columns, knowledge: Knowledge, datasets: Mapping[str, DataSet]) -> Means:
    """Collect the results per data set, metric and source; too few models make no column."""
    found: Means = {}
    for name, results in results_of_all(columns, knowledge).items():
        several: dict[int, list[float]] = {}
        for row, value in zip(*results, strict=True) if name[0] in datasets else ():
            if columns.cards[row].kind != "baseline":
                several.setdefault(row, []).append(value)
        if len(several) >= FEW:
            found[name] = {row: math.fsum(values) / len(values) for row, values in several.items()}
    return found


def _placed(mean: Floats, sd: Floats, known: Floats, says: str) -> list[Standing]:
    """Put a table on the scale of quality, where the yardsticks place its models."""
    at = known[np.isfinite(known)]
    centre, wide = UNPLACED
    if len(at) >= ENOUGH_PLACED:
        centre, wide = float(at.mean()), max(float(at.std()), LEAST_SPREAD)
    centre = min(max(centre, MIDDLE[0]), MIDDLE[1])
    steep = wide / (centre * (1 - centre))
    values = 1 / (1 + np.exp(-(math.log(centre / (1 - centre)) + steep * mean)))
    return [
        Standing(float(value), wide * float(doubt), says) for value, doubt in zip(values, sd, strict=True)
    ]


def _joined(several: Sequence[Standing]) -> Standing:
    if len(several) == 1:
        return several[0]
    weights = [one.sd**-2 for one in several]
    total = math.fsum(weights)
    value = math.fsum(weight * one.value for weight, one in zip(weights, several, strict=True)) / total
    best = min(several, key=lambda one: (one.sd, one.says))
    return Standing(value, best.sd, f"{best.says} and {len(several) - 1} more such table(s)")


def _says(
    columns: Sequence[Column],
    traits: Sequence[Traits],
    target: Traits,
    datasets: Mapping[str, DataSet],
    by: Likeness,
) -> str:
    source = min(source for _, _, source in columns)
    says = f"results after tuning on {len(columns)} data set{'s' if len(columns) > 1 else ''}, {source}"
    alike = {
        datasets[column[0]].name: near
        for column, one in zip(columns, traits, strict=True)
        if (near := likeness(one, target, by)) is not None
    }
    if alike and max(alike.values()) > min(alike.values()):
        says += f"; most like yours is {max(alike, key=lambda name: (alike[name], name))}"
    return says


def _reads(one: DataSet, task: Task, brief: Brief) -> bool:
    """Say whether a data set's language is one of the brief's; where none is told it counts."""
    if one.languages is None or not has_language(task.id, task.modality):
        return True
    wanted = {primary(tag) for tag in brief.data.languages or ("en",)}
    return bool(wanted.intersection({primary(tag) for tag in one.languages})) or ANY in one.languages


def _traits(one: DataSet) -> Traits:
    return Traits(one.domain, one.classes, one.examples, one.resolution, one.tokens)


def _asked(brief: Brief) -> Traits:
    data = brief.data
    return Traits(data.domain, data.classes, data.examples or None, data.resolution, data.tokens)


def _coefficients(knowledge: Knowledge) -> Likeness:
    if knowledge.coefficients:
        return coefficients({one.id: one.value for one in knowledge.coefficients})
    return _shipped()


@lru_cache(maxsize=1)
def _shipped() -> Likeness:
    import yaml

    listed = yaml.safe_load((default_folder() / "prior.yaml").read_text(encoding="utf-8"))
    return coefficients({one["id"]: one["value"] for one in listed})
