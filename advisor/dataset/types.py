"""Labelled examples, as read: the data that a probe learns from and is judged by."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from advisor.quantity import Frozen

__all__ = ["Dataset", "Finding", "Profile", "Severity", "Splits"]

Severity = Literal["high", "medium", "low", "info"]
DataTask = Literal["image-classification", "text-classification"]


class Finding(Frozen):
    """Something about the data that the user should know, and what was done about it.

    :ivar kind: a stable word such as `ignored-files`, `duplicates`, `unreadable`, `small-class`.
    :ivar examples: ids of up to 20 examples concerned.
    """

    kind: str
    severity: Severity
    detail: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Labelled examples in memory: n ids, labels and contents.

    :ivar origin: the folder, zip or table that was read.
    :ivar ids: how to name an example to the user: its path below any wrapping folder, or `row 12` as an editor
        counts.
    :ivar labels: the class of each example, as the user wrote it (trimmed).
    :ivar contents: the text, or for images the path inside the folder or zip.
    :ivar groups: examples with the same number are duplicates and stay on one side of every split.
    :ivar sha256: over the sorted (path below any wrapping folder, content) of everything read.
    :ivar columns: the text and the label column of a table.
    :ivar sizes: width and height of each image in pixels, as stored; empty for texts.
    :ivar grey: for each image whether it has no colour; empty for texts.
    """

    task: DataTask
    origin: Path
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    contents: tuple[str, ...]
    groups: tuple[int, ...]
    sha256: str
    findings: tuple[Finding, ...] = field(default=())
    columns: tuple[str, str] | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    grey: tuple[bool, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names, sorted."""
        return tuple(sorted(set(self.labels)))


class Profile(Frozen):
    """What the data are like.

    :ivar counts: examples per class, largest first.
    :ivar imbalance: largest / smallest class.
    :ivar duplicates: examples that repeat an earlier one.
    :ivar lengths: quantiles 0, .25, .5, .75, .95, 1 of the texts' estimated token counts; empty for images.
    :ivar sizes: the same quantiles of the images' shorter sides in pixels; empty for texts.
    :ivar languages: BCP-47 tag → share of the examples, largest first; empty for images.
    """

    task: DataTask
    examples: int
    counts: dict[str, int]
    imbalance: float
    duplicates: int
    lengths: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()
    languages: dict[str, float] = Field(default_factory=dict)
    grey_share: float | None = None


class Splits(Frozen):
    """Indices into a data set: learn from `train`, choose by `select`, judge once by `report`."""

    train: tuple[int, ...]
    select: tuple[int, ...]
    report: tuple[int, ...]
