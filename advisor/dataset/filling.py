"""Facts of the data that fill what the brief left open, and contradictions between the two."""

from typing import Any

from advisor.brief import Brief, DataFacts
from advisor.dataset.types import Finding, Profile
from advisor.errors import DataError, nearest

__all__ = ["facts", "fill"]

LANGUAGE_SHARE = 0.05
TOLERANCE = {"examples": 1.1, "classes": 1.0, "tokens": 2.0, "resolution": 2.0, "imbalance": 1.5}
MEDIAN = 2


def facts(profile: Profile) -> DataFacts:
    """Say in the brief's words what the data are like.

    :param profile: the data's profile.
    :return: examples, classes, imbalance; median tokens and the languages of at least 5 % of the texts, or
        the median shorter side of the images.
    """
    languages = tuple(
        tag
        for tag, share in profile.languages.items()
        if share >= LANGUAGE_SHARE and not tag.startswith("und")
    )
    return DataFacts(
        examples=profile.examples,
        classes=len(profile.counts),
        imbalance=profile.imbalance,
        languages=languages or None,
        tokens=max(1, round(profile.lengths[MEDIAN])) if profile.lengths else None,
        resolution=max(1, round(profile.sizes[MEDIAN])) if profile.sizes else None,
    )


def fill(brief: Brief, profile: Profile) -> tuple[Brief, tuple[str, ...], tuple[Finding, ...]]:
    """Fill the keys of `brief.data` that were left out; where brief and data disagree the brief stays.

    :param brief: what the user asked for.
    :param profile: the data's profile.
    :return: the filled brief, the filled keys such as `data.examples`, and a finding for each contradiction.
    :raises DataError: if the metric names a class that the data do not have.
    """
    _check_metric(brief.metric, profile)
    found = facts(profile).model_dump()
    said = brief.data.model_dump()
    filled = {key: value for key, value in found.items() if said[key] is None and value is not None}
    findings = [
        Finding(
            kind="contradiction",
            severity="medium",
            detail=f"The brief says data.{key} = {_shown(said[key])}, "
            f"the data say {_shown(found[key])}; the brief wins.",
        )
        for key in found
        if said[key] is not None and found[key] is not None and _contradicts(key, said[key], found[key])
    ]
    if brief.task in ("image-classification", "text-classification") and brief.task != profile.task:
        detail = f"The brief's task is {brief.task}, the data fit {profile.task}; the brief wins."
        findings.append(Finding(kind="contradiction", severity="high", detail=detail))
    data = brief.data.model_copy(update=filled)
    return brief.model_copy(update={"data": data}), tuple(f"data.{key}" for key in filled), tuple(findings)


def _check_metric(metric: str, profile: Profile) -> None:
    name, colon, label = metric.partition(":")
    if colon and label not in profile.counts:
        names = ", ".join(list(profile.counts)[:20]) + (" …" if len(profile.counts) > 20 else "")
        raise DataError(
            f"The metric {metric!r} names the class {label!r}, which the data do not have",
            f"{name}: with one of {names}",
            nearest(label, profile.counts),
        )


def _contradicts(key: str, said: Any, found: Any) -> bool:
    if key == "languages":
        return {tag.split("-")[0] for tag in said} != {tag.split("-")[0] for tag in found}
    low, high = sorted((float(said), float(found)))
    return high > low * TOLERANCE[key]


def _shown(value: Any) -> str:
    return (
        ", ".join(value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
