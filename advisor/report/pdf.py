"""A report as PDF: tagged, set in a font that covers Chinese, of which only the used glyphs are embedded."""

import base64
import json
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from advisor.charts import Figure, to_svg
from advisor.errors import AdvisorError, InputError
from advisor.labels import visible
from advisor.language import translate
from advisor.report.document import (
    LEGEND,
    Block,
    Bullets,
    Cell,
    Code,
    Document,
    Gallery,
    Look,
    Section,
    Shown,
    Table,
    Text,
)

__all__ = ["render_pdf"]

FONT_WHEEL = "pylopdf_fonts_zh_cn"
VARIABLE = re.compile(r"var\(--chart-(ink|line), (#[0-9A-Fa-f]{6})\)")
FAMILY = re.compile(r'font-family="[^"]*"')
SIZE = re.compile(r'(<svg [^>]*?\bwidth=")([\d.]+)(" height="[\d.]+" viewBox="0 0 )([\d.]+)')
FONT_SIZE = re.compile(r'font-size="([\d.]+)px"')
NARROWED = 0.92  # the font is that much wider than the one that the charts are laid out for
MARGIN = 30.0
BREAK = re.compile(r"([/_.:-])(?=[^\W\d_])")
LONG_WORD = re.compile(r"[^\s\u2e80-\uffff]{24,}")
COLOURS = {"ink": "#4a535b", "line": "#a3abb0"}
HEADLINE = ((120, 20.0), (200, 17.0), (320, 14.5), (10_000, 12.0))


def render_pdf(document: Document) -> bytes:
    """Write a report as PDF.

    The text is set by Typst from data, never from markup, so that nothing of the user's is taken for a command.

    :param document: what the report says.
    :return: the file; the same document gives the same bytes.
    :raises InputError: if the packages that set the page are not installed.
    """
    try:
        import typst
    except ImportError:
        raise _missing("typst") from None
    spec = find_spec(FONT_WHEEL)
    if spec is None or spec.origin is None:
        raise _missing("pylopdf-fonts-zh-cn")
    template = files("advisor.report").joinpath("templates/report.typ").read_bytes()
    try:
        compile_page: Any = typst.compile
        made = compile_page(
            template,
            format="pdf",
            font_paths=[str(Path(spec.origin).parent)],
            ignore_system_fonts=True,
            sys_inputs={"report": json.dumps(_content(document), ensure_ascii=False)},
            timestamp=0,
        )
    except RuntimeError as error:
        raise AdvisorError(f"The PDF could not be set: {error}") from error
    assert isinstance(made, bytes)
    return made


def _missing(package: str) -> InputError:
    return InputError(
        f"The PDF needs the package {package}, which is not installed", fix=f"pip install {package}"
    )


def _content(document: Document) -> dict[str, Any]:
    cover = document.cover
    size = next(points for most, points in HEADLINE if len(cover.verdict) <= most)
    return {
        "title": visible(document.title),
        "lang": document.language,
        "words": {"report": translate("Model report", document.language)},
        "kicker": visible(cover.kicker),
        "verdict": _breakable(cover.verdict),
        "verdict-size": size,
        "shares": [{"name": visible(s.name), "share": s.share, "text": s.text} for s in cover.shares],
        "facts": [{"name": name, "cell": _cell(cell)} for name, cell in cover.facts],
        "cover": [_section(section, f"c{i}") for i, section in enumerate(cover.sections)],
        "sections": [_section(section, f"s{i}") for i, section in enumerate(document.sections)],
        "legend": [{"mark": mark, "word": translate(word, document.language)} for mark, word in LEGEND],
        "footer": visible(document.footer),
    }


def _section(section: Section, prefix: str) -> dict[str, Any]:
    blocks = [_block(block, f"{prefix}b{i}") for i, block in enumerate(section.blocks)]
    return {"id": section.id, "title": section.title, "blocks": blocks}


def _block(block: Block, prefix: str) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"kind": "Text", "lead": visible(block.lead), "text": _breakable(block.text)}
    if isinstance(block, Bullets):
        return {"kind": "Bullets", "items": [_breakable(item) for item in block.items]}
    if isinstance(block, Code):
        return {"kind": "Code", "lines": [visible(line) for line in block.text.splitlines()]}
    if isinstance(block, Shown):
        return _figure(block.figure, prefix)
    if isinstance(block, Gallery):
        return {"kind": "Gallery", "label": visible(block.label), "looks": list(map(_look, block.looks))}
    return _table(block)


def _look(look: Look) -> dict[str, Any]:
    return {
        "id": _breakable(look.id),
        "facts": [{"name": name, "cell": _cell(cell)} for name, cell in look.facts],
        "alt": visible(look.alt),
        "pictures": [list(base64.b64decode(one)) for one in (look.seen, look.marked) if one],
        "pieces": [
            {"text": _breakable(one.text), "level": one.level, "gap": visible(one.gap)} for one in look.pieces
        ],
    }


def _figure(figure: Figure, prefix: str) -> dict[str, Any]:
    svg = VARIABLE.sub(lambda found: COLOURS[found[1]], to_svg(figure, prefix))
    svg = FAMILY.sub('font-family="Noto Sans SC"', svg)
    svg = FONT_SIZE.sub(lambda m: f'font-size="{NARROWED * float(m[1]):.2f}px"', svg)
    if "xmlns=" not in svg[:400]:
        svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    found = SIZE.search(svg)
    width = float(found[2]) + MARGIN if found else 650.0
    svg = SIZE.sub(lambda m: f"{m[1]}{width:g}{m[3]}{float(m[4]) + MARGIN:g}", svg, count=1)
    return {
        "kind": "Shown",
        "question": visible(figure.question),
        "subtitle": str(figure.chart.to_dict()["title"].get("subtitle", "")),
        "alt": visible(figure.alt),
        "svg": svg,
        "width": width,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "kind": "Table",
        "label": visible(table.label),
        "columns": [{"title": visible(title), "numeric": numeric} for title, numeric in table.columns],
        "widths": _widths(table),
        "rows": [
            {"cells": [_cell(cell) for cell in row.cells], "rest": _breakable(row.rest), "strong": row.strong}
            for row in table.rows
        ],
    }


def _widths(table: Table) -> list[float]:
    """Give text columns room by the square root of their longest cell; 0 lets a column of numbers fit itself."""
    widths = []
    for place, (title, numeric) in enumerate(table.columns):
        longest = max(
            [_wide(title), *(_wide(r.cells[place].text) for r in table.rows if place < len(r.cells))]
        )
        widths.append(0.0 if numeric or longest <= 12 else float(min(max(longest, 16), 400)) ** 0.5)
    return widths if any(widths) else [1.0, *widths[1:]]


def _wide(text: str) -> int:
    """Count the letters of a text, a Chinese one as two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)


def _cell(cell: Cell) -> dict[str, str]:
    return {"text": _breakable(cell.text), "mark": cell.mark, "note": _breakable(cell.note)}


def _breakable(text: str) -> str:
    """Let a long id or word break after its separators, or anywhere if it has none."""
    said = BREAK.sub("\\1\u200b", visible(text)).replace(" %", "\u202f%")
    return LONG_WORD.sub(lambda found: _softened(found[0]), said)


def _softened(word: str) -> str:
    return "\u200b".join(
        "\u200b".join(part[i : i + 16] for i in range(0, len(part), 16)) for part in word.split("\u200b")
    )
