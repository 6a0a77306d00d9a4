"""Hard constraints: what is kept, what just misses, and what is out of the question."""

import math
from collections.abc import Callable, Hashable

from advisor.brief import Brief
from advisor.knowledge import Device, ModelCard
from advisor.languages import covered, english_name
from advisor.quantity import Quantity
from advisor.recommendation import Estimates, Failed

__all__ = [
    "AT_LEAST",
    "DEVICE_BOUND",
    "NAMES",
    "Loadable",
    "check",
    "excluded",
    "excluded_alike",
    "licence_alike",
    "loosened",
    "misses",
    "misses_licence",
]

Loadable = Callable[[ModelCard], bool]
DEVICE_BOUND = frozenset({"latency_ms", "throughput_per_s", "device_memory_mb", "monthly_cost_usd"})
NAMES = {
    "latency_ms": ("latency", "ms"),
    "throughput_per_s": ("throughput", "answers per second"),
    "memory_mb": ("memory", "MB"),
    "device_memory_mb": ("the device's memory", "MB"),
    "size_mb": ("size", "MB"),
    "train_minutes": ("training time", "min"),
    "monthly_cost_usd": ("monthly cost", "USD"),
    "rows": ("the longest table that it learns from", "rows"),
}
AT_LEAST = ("throughput_per_s", "rows")
"""Limits that are met by more, not by less."""
COMMERCIAL = ("permissive", "copyleft")


def check(card: ModelCard, brief: Brief, device: Device, estimates: Estimates) -> tuple[Failed, ...]:
    """Hold a model that is not excluded against the brief's limits and its licence.

    :param card: the model.
    :param brief: the constraints.
    :param device: where it would run.
    :param estimates: what it needs there.
    :return: what it misses; nothing if it is kept.
    """
    said = misses_licence(card, brief)
    licence = [Failed(constraint="licence", limit=brief.constraints.licence, value=said)] if said else []
    return (*licence, *misses(card, brief, device, estimates))


def excluded(card: ModelCard, brief: Brief, loadable: Loadable) -> str:
    """Say why a model is out of the question, whatever the numbers; empty if it is not.

    :param card: the model.
    :param brief: task, privacy, offline, framework and languages.
    :param loadable: whether its weights are here; asked only if the brief is offline.
    """
    limits = brief.constraints
    if card.kind == "baseline":
        return "baseline: it always runs beside the shortlist in a probe"
    if brief.task not in card.tasks:
        return f"task: made for {', '.join(card.tasks)}, asked is {brief.task}"
    if limits.privacy == "local" and card.kind == "api":
        return "privacy: a hosted service, and your data may not leave your machines"
    if limits.offline and card.kind == "api":
        return "offline: a hosted service needs the network"
    if limits.offline and card.kind != "classical" and not loadable(card):
        return "offline: its weights are not on this machine, and no download is allowed"
    if limits.framework and limits.framework not in card.frameworks + card.exports:
        return (
            f"framework: it runs in {', '.join(card.frameworks + card.exports)}, asked is {limits.framework}"
        )
    languages = brief.data.languages
    if languages and covered(languages[:1], card.input.languages) == 0.0:
        reads = ", ".join(english_name(tag) for tag in (card.input.languages or ())[:4])
        return f"language: it reads {reads}, and your data are mainly {english_name(languages[0])}"
    return ""


def excluded_alike(card: ModelCard) -> Hashable:
    """Give what two cards must have in common to be excluded for the same reason, but for being here."""
    return card.kind, card.tasks, card.frameworks, card.exports, card.input.languages


def misses_licence(card: ModelCard, brief: Brief) -> str:
    """Name the licence with its class where the brief does not allow it; empty where it does."""
    allowed = {"any": None, "commercial": COMMERCIAL, "permissive": ("permissive",)}[
        brief.constraints.licence
    ]
    klass = card.licence.klass
    return "" if allowed is None or klass in allowed else f"{card.licence.id} ({klass})"


def licence_alike(card: ModelCard) -> Hashable:
    """Give what two cards must have in common for the same judgement of their licences."""
    return card.licence.id, card.licence.klass


def misses(card: ModelCard, brief: Brief, device: Device, estimates: Estimates) -> tuple[Failed, ...]:
    """List the numeric limits that a model misses, each with its own value; None where that is unknown."""
    limits = brief.constraints
    found = [
        _most("latency_ms", limits.latency_ms, estimates.latency_ms),
        _least("throughput_per_s", limits.throughput_per_s, estimates.throughput_per_s),
        _most("train_minutes", limits.train_minutes, estimates.train_minutes, card.kind != "api"),
        _most("monthly_cost_usd", limits.monthly_cost_usd, estimates.monthly_cost_usd),
    ]
    if card.kind == "weights" and card.input.rows is not None and brief.data.examples:
        holds = Quantity.exact(float(card.input.rows), "rows", "published")
        found.append(_least("rows", float(brief.data.examples), holds))
    if card.kind != "api":
        found += [
            _most("memory_mb", limits.memory_mb, estimates.memory_mb),
            _most("size_mb", limits.size_mb, estimates.size_mb),
        ]
        if estimates.memory_mb.value is not None:
            found.append(_most("device_memory_mb", device.memory_mb, estimates.memory_mb))
    return tuple(miss for miss in found if miss)


def loosened(failed: Failed) -> float | None:
    """Give the limit at which a miss would be none, rounded outwards; None if there is no such number."""
    if not isinstance(failed.value, int | float) or isinstance(failed.value, bool):
        return None
    value = float(failed.value)
    if value <= 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) - (2 if value >= 100 else 1))
    if failed.constraint in AT_LEAST:
        return float(f"{math.floor(value / unit) * unit:.12g}")
    rounded = float(f"{math.ceil(value / unit) * unit:.12g}")
    return rounded if rounded >= value else float(f"{(math.ceil(value / unit) + 1) * unit:.12g}")


def _most(name: str, limit: float | None, own: Quantity, applies: bool = True) -> Failed | None:
    if limit is None or not applies or (own.value is not None and own.value <= limit):
        return None
    return Failed(constraint=name, limit=limit, value=own.value)


def _least(name: str, limit: float | None, own: Quantity) -> Failed | None:
    if limit is None or (own.value is not None and own.value >= limit):
        return None
    return Failed(constraint=name, limit=limit, value=own.value)
