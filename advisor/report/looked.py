"""The part about where the model looked: pictures with the map over them, texts with their words shaded."""

from advisor.checks import Looked, Saliency, Word
from advisor.report.document import Block, Cell, Gallery, Look, Piece, Section, Text
from advisor.report.numbers import percent
from advisor.report.overlay import overlaid
from advisor.result import Report

__all__ = ["looked_section", "looks"]

NAMED = 4
LEAST = 0.01
PLACES = (
    ("at the upper left", "at the top", "at the upper right"),
    ("on the left", "in the middle", "on the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)


def looked_section(report: Report) -> Section:
    """Show where the model looked in some examples; a section without blocks where nobody looked."""
    title = "Where the model looked"
    found = report.checks.saliency if report.checks else None
    if found is None:
        return Section("looked", title, ())
    blocks: list[Block] = [Text(_told(found))]
    if found.examples:
        blocks.append(Gallery("Where it looked, mistakes among them", looks(found)))
    else:
        blocks.append(Text("The examples were left out of this report."))
    return Section("looked", title, tuple(blocks))


def _told(found: Saliency) -> str:
    how = (
        "Marked is what raised the score of the class that it named, not why; "
        "what lies outside of the object, such as a background or a caption, is a warning."
        if any(one.heat for one in found.examples)
        else "Marked is how much each word raised or lowered the score of the class that it named, against the same "
        "text with every word masked. Underlined words speak for it, dotted ones against it."
    )
    return f"{found.model} ({found.rung}, {found.method}). {how}"


def looks(found: Saliency) -> tuple[Look, ...]:
    """Lay out every example that was looked at.

    :param found: where a model looked.
    :return: in the same order.
    """
    return tuple(_look(one) for one in found.examples)


def _look(one: Looked) -> Look:
    wrong = one.truth != one.predicted
    marked = overlaid(one.picture, one.heat) if one.picture and one.heat else ""
    facts = [
        ("Answer", Cell("mistaken" if wrong else "correct")),
        ("Truth", Cell(one.truth, own=True)),
        ("Predicted", Cell(one.predicted, own=True)),
        ("Sure of it", Cell(percent(one.probability, 0), "measured")),
    ]
    if one.heat:
        facts.append(("Where", Cell(_where(one.heat))))
    if one.words:
        whole = sum(abs(word.weight) for word in one.words)
        for name, sign in (("Spoke for it", 1), ("Spoke against it", -1)):
            facts.append((name, Cell(_heaviest(one.words, sign, whole) or "–", own=True)))
    top = max((abs(word.weight) for word in one.words), default=0.0) or 1.0
    return Look(
        id=one.id,
        wrong=wrong,
        facts=tuple(facts),
        seen=one.picture if marked else "",
        marked=marked,
        pieces=tuple(Piece(word.text, word.weight / top, word.gap) for word in one.words),
    )


def _heaviest(words: tuple[Word, ...], sign: int, whole: float) -> str:
    """Name the words that speak for or against, with their share in all that was said."""
    shares: dict[str, float] = {}
    for word in words:
        if word.weight * sign > 0:
            shares[word.text] = shares.get(word.text, 0.0) + word.weight / whole
    named = sorted(shares, key=lambda text: -abs(shares[text]))[:NAMED]
    kept = [text for text in named if abs(shares[text]) >= LEAST]
    return ", ".join(f"{text} {100 * shares[text]:+.0f} %".replace(" -", " −") for text in kept)


def _where(heat: tuple[tuple[float, ...], ...]) -> str:
    """Say in words where a map is hot."""
    cells = [(value, row, column) for row, line in enumerate(heat) for column, value in enumerate(line)]
    total = sum(value for value, _, _ in cells)
    if total <= 0:
        return "nowhere in particular"
    taken, number = 0.0, 0
    for value, _, _ in sorted(cells, reverse=True):
        taken, number = taken + value, number + 1
        if taken >= total / 2:
            break
    down = sum(value * (row + 0.5) for value, row, _ in cells) / total / len(heat)
    across = sum(value * (column + 0.5) for value, _, column in cells) / total / len(heat[0])
    place = PLACES[min(2, int(3 * down))][min(2, int(3 * across))]
    return f"half of it on {percent(number / len(cells), 0)} of the picture, {place}"
