"""A report as Markdown that reads well on GitHub and as plain text, with nothing of the user's taken for markup."""

import re

from advisor.labels import one_line
from advisor.language import translate
from advisor.report.document import (
    LEGEND,
    Block,
    Bullets,
    Cell,
    Code,
    Document,
    Gallery,
    Section,
    Shown,
    Table,
    Text,
)

__all__ = ["escape", "render_markdown"]

SPECIAL = re.compile(r"([\\`*\[\]<>|~$@]|(?<![^\W_])_|_(?![^\W_]))")
SCHEME = re.compile(r"(?i)\b(https?|ftp|mailto|www)([:.])")


def escape(text: str) -> str:
    """Make a text mean itself in Markdown: one line, no markup, no link, no mention.

    :param text: any text.
    :return: the text with every character that could start markup made harmless.
    """
    line = SPECIAL.sub(r"\\\1", one_line(text).replace("&", "&amp;"))
    line = line.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\@", "&#64;")
    line = SCHEME.sub(lambda found: f"{found[1]}{'&#58;' if found[2] == ':' else '&#46;'}", line)
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", re.sub(r"^([-+=#])", r"\\\1", line))


def render_markdown(document: Document) -> str:
    """Write a report as Markdown.

    :param document: what the report says.
    :return: a whole document, without images.
    """
    cover = document.cover
    lines = [
        f"# {escape(document.title)}",
        "",
        escape(cover.kicker),
        "",
        f"> **{escape(cover.verdict)}**",
        "",
    ]
    if cover.shares:
        body = " · ".join(f"{escape(share.name)} {escape(share.text)}" for share in cover.shares)
        lines += [translate("How sure: {body}", document.language, body=body), ""]
    if cover.facts:
        lines += ["| | | |", "|---|--:|---|"]
        lines += [f"| {escape(name)} | {_number(cell)} | {escape(cell.note)} |" for name, cell in cover.facts]
        lines.append("")
    for section in cover.sections:
        lines += _section(section, "###")
    lines += [" · ".join(f"{mark} {translate(word, document.language)}" for mark, word in LEGEND), ""]
    for section in document.sections:
        lines += _section(section, "##")
    lines += ["---", "", escape(document.footer)]
    return "\n".join(lines) + "\n"


def _section(section: Section, level: str) -> list[str]:
    lines = [f"{level} {escape(section.title)}", ""]
    for block in section.blocks:
        lines += [*_block(block), ""]
    return lines


def _block(block: Block) -> list[str]:
    if isinstance(block, Text):
        return [
            " ".join(filter(None, (f"**{escape(block.lead)}**" if block.lead else "", escape(block.text))))
        ]
    if isinstance(block, Bullets):
        return [f"- {escape(item)}" for item in block.items]
    if isinstance(block, Code):
        fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", block.text)), default=0))
        return [fence, *(one_line(line) for line in block.text.splitlines()), fence]
    if isinstance(block, Shown):
        return [f"*{escape(block.figure.question)}* {escape(block.figure.alt)}"]
    if isinstance(block, Gallery):
        return _gallery(block)
    return _table(block)


def _gallery(gallery: Gallery) -> list[str]:
    lines = [f"**{escape(gallery.label)}**", ""]
    for look in gallery.looks:
        facts = "; ".join(f"{escape(name)}: {_cell(cell)}" for name, cell in look.facts)
        lines.append(f"- {escape(look.id)}: {facts}")
    return lines


def _table(table: Table) -> list[str]:
    titles = [escape(title) or " " for title, _ in table.columns]
    rule = ["--:" if number else "---" for _, number in table.columns]
    lines = [f"**{escape(table.label)}**", "", _line(titles), _line(rule)]
    for row in table.rows:
        cells = [_cell(cell) for cell in row.cells]
        if row.strong:
            cells[0] = f"**{cells[0]}**"
        if row.rest:
            cells.append(f"*{escape(row.rest)}*")
        lines.append(_line([*cells, *[""] * (len(titles) - len(cells))]))
    return lines


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(cell: Cell) -> str:
    return " ".join(filter(None, (escape(cell.text), cell.mark)))


def _cell(cell: Cell) -> str:
    return f"{_number(cell)} ({escape(cell.note)})" if cell.note else _number(cell)
