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
    "Gallery",
    "Look",
    "Piece",
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


@dataclass(frozen=True)
class Piece:
    """A word of the user's: how much it weighs beside the heaviest, −1 to 1, and what follows it."""

    text: str
    weight: float
    gap: str

    @property
    def level(self) -> int:
        """How strongly it is to be marked: 1 to 4 for what speaks for the answer, −1 to −4 against it, 0 not at all."""
        strength = min(4, int(abs(self.weight) * 5))
        return strength if self.weight > 0 else -strength


@dataclass(frozen=True)
class Look:
    """One example and where a model looked in it: a picture twice, or the pieces of a text.

    :ivar facts: what is said of it, each with its name.
    :ivar seen, marked: the picture as it was fed, and with the map over it; JPEGs in base64.
    """

    id: str
    wrong: bool
    facts: tuple[tuple[str, Cell], ...]
    seen: str = ""
    marked: str = ""
    pieces: tuple[Piece, ...] = ()

    @property
    def alt(self) -> str:
        """All that is said of it, in one line."""
        return "; ".join(f"{name}: {cell.text}" for name, cell in self.facts)


@dataclass(frozen=True)
class Gallery:
    """Examples side by side; `label` says what they show."""

    label: str
    looks: tuple[Look, ...]


Block = Text | Bullets | Table | Code | Shown | Gallery


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
