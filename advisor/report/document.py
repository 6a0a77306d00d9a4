"""What a report says, before it takes a form: every format is a view of this."""

from dataclasses import dataclass

from advisor.charts import Figure
from advisor.language import Language
from advisor.quantity import Basis

__all__ = [
    "LEGEND",
    "MARKS",
    "Block",
    "Bullets",
    "Cell",
    "Code",
    "Cover",
    "Document",
    "Row",
    "Section",
    "Share",
    "Shown",
    "Table",
    "Text",
]

MARKS: dict[Basis, str] = {"measured": "●", "published": "◆", "scaled": "◇", "estimated": "○", "unknown": ""}
LEGEND: tuple[tuple[str, str], ...] = (
    ("●", "measured here"),
    ("◆", "published by a named source"),
    ("◇", "scaled from a published figure"),
    ("○", "estimated"),
)


@dataclass(frozen=True)
class Cell:
    """A text, for a number with its basis; `note` is set small below, `hint` shows on hovering.

    What is the user's `own`, or the name of a model, is the same in every language, its note included.
    """

    text: str
    basis: Basis | None = None
    note: str = ""
    hint: str = ""
    own: bool = False

    @property
    def mark(self) -> str:
        """The sign of the basis."""
        return MARKS[self.basis] if self.basis else ""


@dataclass(frozen=True)
class Row:
    """Cells, or some first cells and a text that spans the rest; `strong` sets it off."""

    cells: tuple[Cell, ...]
    rest: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Columns are (title, holds numbers); `label` says what the table shows."""

    label: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Text:
    """A paragraph; `lead` before it is set strong."""

    text: str
    lead: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Something to be typed, verbatim."""

    text: str


@dataclass(frozen=True)
class Shown:
    """A chart; a format without pictures says it in words."""

    figure: Figure


Block = Text | Bullets | Table | Code | Shown


@dataclass(frozen=True)
class Section:
    """A titled part; `id` is made by us, never by the user's data."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Share:
    """One model's part of the bar that shows how sure the choice is, or that of the rest."""

    name: str
    share: float
    text: str
    rest: bool = False


@dataclass(frozen=True)
class Cover:
    """What is read in two minutes."""

    kicker: str
    verdict: str
    shares: tuple[Share, ...]
    facts: tuple[tuple[str, Cell], ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    cover: Cover
    sections: tuple[Section, ...]
    footer: str
    language: Language = "en"
