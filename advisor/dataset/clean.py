"""From raw examples to a data set that can be learnt from, with a finding for everything done or noticed."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from advisor.dataset.columns import DATE, is_number
from advisor.dataset.duplicates import same_text
from advisor.dataset.types import Finding, Severity
from advisor.errors import DataError

__all__ = [
    "CONTROL",
    "check_labels",
    "drop_small",
    "note_balance",
    "note_labels",
    "note_repeats",
    "written_out",
]

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
RANK = {"high": 0, "medium": 1, "low": 2, "info": 3}


@dataclass(frozen=True)
class _Place:
    """Where a label stands: enough of it to name it in a message."""

    label: str
    count: int

    def __str__(self) -> str:
        return f"{short(self.label)} ({self.count})"


def short(label: str, width: int = 60) -> str:
    """Quote a label, cut where it is long."""
    return repr(label if len(label) <= width else label[: width - 1] + "…")


def finding(kind: str, severity: Severity, detail: str, examples: Sequence[str] = ()) -> Finding:
    """Make a finding that names at most 20 examples."""
    shown = tuple(map(written_out, examples[:20]))
    return Finding(kind=kind, severity=severity, detail=written_out(detail), examples=shown)


def written_out(name: str) -> str:
    """Write control characters of a name as escapes, so that it shows and does nothing on a terminal or a page."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), name)


def check_labels(labels: Sequence[str], column: str) -> None:
    """Refuse a label column that is none.

    :param labels: all labels of a table.
    :param column: the name of their column.
    :raises DataError: where most labels occur once, are measured numbers, or are running text.
    """
    distinct = set(labels)
    other = "Name the right column with --label; classes must repeat."
    numeric = sum(map(is_number, distinct)) >= 0.95 * len(distinct)
    decimal = sum("." in label for label in distinct) * 2 > len(distinct)
    some = ", ".join(short(label, 30) for label in sorted(distinct)[:3])
    if len(distinct) > 20 and numeric and decimal:
        raise DataError(
            f"The label column {column!r} holds {len(distinct):,} different numbers such as {some}: "
            "it looks like a measured number (regression), not like classes",
            fix=f"{other} Or group the numbers into ranges first.",
        )
    if len(distinct) > 20 and len(distinct) * 2 > len(labels):
        kind = "a number (regression) or an id" if numeric else "an id or a text"
        raise DataError(
            f"The label column {column!r} holds {len(distinct):,} different values in {len(labels):,} rows, "
            f"such as {some}: it looks like {kind}, not like classes",
            fix=other,
        )


def note_labels(labels: Sequence[str], ids: Sequence[str]) -> list[Finding]:
    """Look at how the labels are written.

    :param labels: n labels, trimmed.
    :param ids: n ids.
    :return: findings `similar-labels`, `numeric-labels`, `date-labels`, `long-labels`, `many-classes`.
    """
    counts = Counter(labels)
    findings: list[Finding] = []
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        spellings[same_text(label)].append(label)
    twins = [names for names in spellings.values() if len(names) > 1]
    if twins:
        shown = "; ".join(
            " / ".join(str(_Place(name, counts[name])) for name in names) for names in twins[:10]
        )
        detail = f"Labels that differ only in case, spaces or width are kept as different classes: {shown}."
        findings.append(finding("similar-labels", "high", detail))
    longest = max(counts, key=len)
    if len(longest) > 200:
        rows = [id for id, label in zip(ids, labels, strict=True) if len(label) > 200]
        detail = (
            f"{len(rows)} labels are longer than 200 characters (up to {len(longest):,}); is it the label?"
        )
        findings.append(finding("long-labels", "medium", detail, rows))
    if all(DATE.fullmatch(label) for label in counts):
        findings.append(
            finding(
                "date-labels",
                "medium",
                f"The {len(counts)} classes are written as dates; is it the label column?",
            )
        )
    elif all(map(is_number, counts)):
        many = len(counts) > 30
        detail = f"The {len(counts)} classes are written as numbers and kept as written."
        if many:
            detail = f"The {len(counts)} classes are numbers; a classifier, unlike regression, ignores order."
        findings.append(finding("numeric-labels", "medium" if many else "info", detail))
    if len(counts) > 1000:
        detail = f"{len(counts):,} classes for {len(labels):,} examples: a probe sees few of each."
        findings.append(finding("many-classes", "high", detail))
    return findings


def drop_small(labels: Sequence[str], ids: Sequence[str], origin: object) -> tuple[list[int], list[Finding]]:
    """Leave out classes of a single example.

    :param labels: n labels.
    :param ids: n ids.
    :param origin: how to call the data in a complaint.
    :return: the indices that stay, and a finding `small-class` where some went.
    :raises DataError: if fewer than two classes stay.
    """
    counts = Counter(labels)
    kept = [index for index, label in enumerate(labels) if counts[label] > 1]
    small = sorted(label for label, count in counts.items() if count < 2)
    left = len(counts) - len(small)
    if left < 2:
        have = ", ".join(str(_Place(label, count)) for label, count in counts.most_common(5))
        once = f"; {len(small)} classes have a single example and do not count" if small else ""
        raise DataError(
            f"{origin} has {left} class{'' if left == 1 else 'es'} to tell apart: {have}"
            f"{' …' if len(counts) > 5 else ''}{once}",
            "at least 2 classes with at least 2 examples each",
            "Add examples of another class, or name the label column with --label.",
        )
    if not small:
        return kept, []
    gone = [ids[index] for index, label in enumerate(labels) if counts[label] < 2]
    names = ", ".join(short(label) for label in small[:5])
    more = " …" if len(small) > 5 else ""
    detail = (
        f"{len(small)} class{'' if len(small) == 1 else 'es'} with a single example left out: {names}{more}."
    )
    return kept, [finding("small-class", "medium", detail, gone)]


def note_repeats(
    labels: Sequence[str], ids: Sequence[str], exact: Sequence[int], groups: Sequence[int], noun: str
) -> list[Finding]:
    """Look at examples that repeat others.

    :param labels: n labels.
    :param ids: n ids.
    :param exact: n numbers of groups with the same content.
    :param groups: n numbers of groups with the same or nearly the same content.
    :param noun: texts or images.
    :return: findings `duplicates`, `near-duplicates`, `conflicting-labels`.
    """
    findings: list[Finding] = []
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(exact):
        members[group].append(index)
    repeated = [group for group in members.values() if len(group) > 1]
    clashes = [group for group in repeated if len({labels[index] for index in group}) > 1]
    total = len(labels)
    if clashes:
        rows = [f"{ids[index]} ({short(labels[index], 30)})" for group in clashes for index in group]
        severity: Severity = "high" if len(rows) * 50 > total else "medium"
        detail = f"{len(clashes)} {noun} have different labels ({len(rows)} examples); at most one is right."
        findings.append(finding("conflicting-labels", severity, detail, rows))
    if repeated:
        extra = sum(len(group) - 1 for group in repeated)
        severity = "medium" if extra * 10 > total else "low"
        detail = f"{extra} {noun} repeat an earlier one; repetitions stay together on one side of the split."
        findings.append(
            finding("duplicates", severity, detail, [ids[index] for group in repeated for index in group])
        )
    near = [index for index in range(total) if exact[index] == index and groups[index] != index]
    if near:
        rows = [f"{ids[index]} ~ {ids[groups[index]]}" for index in near]
        severity = "medium" if len(near) * 10 > total else "low"
        detail = f"{len(near)} {noun} look like an earlier one; they stay together on one side of the split."
        findings.append(finding("near-duplicates", severity, detail, rows))
    return findings


def note_balance(labels: Sequence[str]) -> list[Finding]:
    """Look at how many examples there are of each class.

    :param labels: n labels.
    :return: findings `imbalance`, `few-examples`.
    """
    counts = Counter(labels).most_common()
    (largest, most), (smallest, least) = counts[0], counts[-1]
    findings: list[Finding] = []
    if most >= 3 * least:
        severity: Severity = "high" if most >= 20 * least else "medium" if most >= 5 * least else "low"
        detail = (
            f"The largest class, {short(largest)}, has {most} examples, "
            f"the smallest, {short(smallest)}, {least}: "
            f"{most / least:.1f} times as many."
        )
        findings.append(finding("imbalance", severity, detail))
    few = [str(_Place(label, count)) for label, count in reversed(counts) if count < 20]
    if few:
        severity = "high" if least < 5 else "medium"
        some = ", ".join(few[:5]) + (" …" if len(few) > 5 else "")
        detail = (
            f"{len(few)} of {len(counts)} classes have fewer than 20 examples: {some}; intervals are wide."
        )
        findings.append(finding("few-examples", severity, detail))
    return findings
