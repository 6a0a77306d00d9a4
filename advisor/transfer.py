"""From published results on some data sets to what to expect on another one, described by its traits.

Models that were tuned on several data sets form tables with one column per data set. A new data set is one more
column, of which nothing but its traits is known: its best linear prediction from the other columns (kriging; Cressie
1993, "Statistics for Spatial Data") weighs each by how well it agrees with the rest and by how like the new one it is.
What is published of a model elsewhere and its size are columns too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FEW", "Likeness", "Traits", "coefficients", "expect", "likeness", "percentiles", "tables"]

Floats = npt.NDArray[np.float64]
FEW = 3
"""Fewer models in common say nothing of how two data sets agree."""
MOST = 0.98


@dataclass(frozen=True)
class Traits:
    """What a data set is like; None is unknown. Resolution is the shorter side in pixels."""

    domain: str | None = None
    classes: int | None = None
    examples: int | None = None
    resolution: int | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Likeness:
    """The coefficients of the prior; `knowledge/prior.yaml` says what each means and how it was found."""

    domain: float
    classes: float
    examples: float
    resolution: float
    tokens: float
    strength: float
    own: float
    models: float
    noise: float


RANGES = {
    "classes": (2, 1024, 4.0),
    "examples": (100, 10**6, 5.0),
    "resolution": (16, 256, 3.0),
    "tokens": (8, 512, 3.0),
}
"""Between which values a trait counts, and the most octaves by which two data sets may differ in it."""
UNTOLD = 0.5
"""Share of the largest distance that a trait counts which is told of one data set alone."""
KIN = frozenset({frozenset({"nature", "food"})})


def likeness(one: Traits, other: Traits, by: Likeness) -> float | None:
    """Say how alike two data sets are.

    :param one: traits of one.
    :param other: traits of the other.
    :param by: what a difference in each trait costs.
    :return: exp(-distance), 1 where no known trait differs; None where no trait is known of both.
    """
    far, shared = 0.0, False
    if one.domain is not None and other.domain is not None:
        shared = True
        if one.domain != other.domain:
            far += by.domain * (0.5 if frozenset({one.domain, other.domain}) in KIN else 1.0)
    elif one.domain != other.domain:
        far += UNTOLD * by.domain
    for name, (least, most, octaves) in RANGES.items():
        here, there = getattr(one, name), getattr(other, name)
        if here is not None and there is not None:
            shared = True
            apart = math.log2(min(max(here, least), most)) - math.log2(min(max(there, least), most))
            far += getattr(by, name) * min(abs(apart), octaves)
        elif here != there:
            far += UNTOLD * getattr(by, name) * octaves
    return math.exp(-far) if shared else None


def percentiles(values: Floats) -> Floats:
    """Turn each column into standardised percentile ranks, ties at their middle; NaN stays.

    :param values: (models, columns), larger is better.
    :return: the same shape, mean 0 and standard deviation 1 in each column; 0 where all are equal.
    """
    ranks = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        there = np.isfinite(values[:, column])
        _, place, count = np.unique(values[there, column], return_inverse=True, return_counts=True)
        ranks[there, column] = (np.cumsum(count) - (count - 1) / 2)[place]
    filled = np.where(np.isfinite(ranks).any(axis=0), ranks, 0.0)
    spread = np.nanstd(filled, axis=0)
    scaled: Floats = (ranks - np.nanmean(filled, axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def tables(known: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Find which columns belong together: those that share at least half of the smaller one's models.

    :param known: (models, columns), where a result is there.
    :return: the columns of each table.
    """
    shared = known.T.astype(np.float64) @ known
    sizes = np.diag(shared)
    joined = shared >= np.maximum(FEW, 0.5 * np.minimum.outer(sizes, sizes))
    found: list[list[int]] = []
    left = set(range(len(sizes)))
    while left:
        table, edge = set[int](), {min(left)}
        while edge:
            table |= edge
            edge = {other for one in edge for other in np.flatnonzero(joined[one]).tolist()} - table
        left -= table
        found.append(sorted(table))
    return found


def expect(
    scores: Floats, extra: Floats, traits: Sequence[Traits], target: Traits, by: Likeness
) -> tuple[Floats, Floats]:
    """Predict a new column of a table.

    :param scores: (models, data sets), standardised as `percentiles` does; NaN is not published.
    :param extra: (models, others): what else is known of the models, standardised alike.
    :param traits: of the data sets.
    :param target: traits of the new one; without any, it is one like the others.
    :param by: the coefficients.
    :return: per model the expected standardised result and its standard deviation; (0, 1) where nothing is known.
    """
    every = np.hstack([scores, extra])
    n, m = scores.shape[1], every.shape[1]
    agreement, common = _agreement(every)
    trusted = by.own * common / (common + by.models)
    level = _level(agreement[:n, :n], common[:n, :n])
    like = _likenesses([*traits, target], by)
    cov = np.eye(m)
    cov[:n, :n] = _blend(trusted[:n, :n], agreement[:n, :n], level + (1 - level) * by.strength * like[:n, :n])
    wanted = np.zeros(m)
    alone = ~np.eye(n, dtype=bool)
    for i in range(n):
        others = alone[i] & (common[i, :n] >= FEW)
        own = agreement[i, :n][others].mean() if others.any() else level
        wanted[i] = (
            by.own * own
            + (1 - by.own) * level
            + (1 - level) * by.strength * (like[n, i] - like[n, :n].mean())
        )
    for i in range(n, m):
        told = common[i, :n] >= FEW
        usual = float(np.average(agreement[i, :n][told], weights=common[i, :n][told])) if told.any() else 0.0
        cov[i, :n] = cov[:n, i] = _blend(trusted[i, :n], agreement[i, :n], np.full(n, usual))
        cov[i, n:] = agreement[i, n:]
        wanted[i] = usual
    np.fill_diagonal(cov, 1.0)
    return _predict(every, cov, np.clip(wanted, 0.0, MOST), by.noise)


def _predict(every: Floats, cov: Floats, wanted: Floats, noise: float) -> tuple[Floats, Floats]:
    """Solve once for each pattern of what is known; a weight below 0 counts as 0."""
    there = np.isfinite(every)
    mean, variance = np.zeros(len(every)), np.ones(len(every))
    patterns, kind = np.unique(there, axis=0, return_inverse=True)
    for place, pattern in enumerate(patterns):
        use, rows = np.flatnonzero(pattern), kind.ravel() == place
        if len(use) == 0:
            continue
        within = cov[np.ix_(use, use)] + noise * np.eye(len(use))
        weights = np.maximum(np.linalg.lstsq(within, wanted[use], rcond=None)[0], 0.0)
        mean[rows] = (every[np.ix_(rows, use)] * weights).sum(axis=1)
        variance[rows] = 1 - 2 * weights @ wanted[use] + weights @ within @ weights
    return mean, np.sqrt(np.clip(variance + 1 / len(every), 0.05, 1.0))


def _agreement(every: Floats) -> tuple[Floats, Floats]:
    """Correlate columns over the models that both know: (m, m) correlations and numbers of models."""
    there = np.isfinite(every).astype(np.float64)
    filled = np.nan_to_num(every)
    common = there.T @ there
    squares = (filled**2).T @ there
    return filled.T @ filled / np.sqrt(np.maximum(squares * squares.T, 1e-12)), common


def _level(agreement: Floats, common: Floats) -> float:
    """Say how well the data sets of a table agree on the whole, at least a little."""
    weights = np.where((common >= FEW) & ~np.eye(len(common), dtype=bool), common, 0.0)
    total = weights.sum()
    return float(np.clip((agreement * weights).sum() / total, 0.05, 0.95)) if total else 0.5


def _likenesses(traits: Sequence[Traits], by: Likeness) -> Floats:
    """Likeness of each to each, above or below that of the average pair; 0 where it is unknown."""
    found = [[likeness(one, other, by) for other in traits] for one in traits]
    like = np.array([[np.nan if value is None else value for value in row] for row in found])
    among = like[:-1, :-1][~np.eye(len(traits) - 1, dtype=bool)]
    if not np.isfinite(among).any():
        return np.zeros_like(like)
    centred: Floats = np.nan_to_num(like - np.nanmean(among))
    return centred


def _blend(share: Floats, seen: Floats, expected: Floats) -> Floats:
    blended: Floats = share * seen + (1 - share) * np.clip(expected, 0.0, MOST)
    return blended


def coefficients(values: Mapping[str, float]) -> Likeness:
    """Read the coefficients by their names."""
    return Likeness(**{name: values[name] for name in Likeness.__dataclass_fields__})
