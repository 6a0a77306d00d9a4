"""A report's document in another language: every sentence of ours, nothing of the user's."""

from dataclasses import replace
from functools import partial

from advisor.charts import in_language
from advisor.language import Language, translate
from advisor.report.document import (
    Block,
    Bullets,
    Cell,
    Code,
    Cover,
    Document,
    Gallery,
    Look,
    Row,
    Section,
    Shown,
    Table,
    Text,
)

__all__ = ["spoken"]


def spoken(document: Document, language: Language) -> Document:
    """Say a report in another language.

    :param document: what the report says, in English.
    :param language: the language.
    :return: the same document; commands, names of models, classes and examples stay as they are.
    """
    if language == "en":
        return document
    say = partial(translate, language=language)
    return Document(
        title=say(document.title),
        cover=_cover(document.cover, language),
        sections=tuple(_section(section, language) for section in document.sections),
        footer=say(document.footer),
        language=language,
    )


def _cover(cover: Cover, language: Language) -> Cover:
    say = partial(translate, language=language)
    return Cover(
        kicker=say(cover.kicker),
        verdict=say(cover.verdict),
        shares=tuple(
            replace(share, name=say(share.name) if share.rest else share.name, text=say(share.text))
            for share in cover.shares
        ),
        facts=tuple((say(name), _cell(cell, language)) for name, cell in cover.facts),
        sections=tuple(_section(section, language) for section in cover.sections),
    )


def _section(section: Section, language: Language) -> Section:
    blocks = tuple(_block(block, language) for block in section.blocks)
    return Section(section.id, translate(section.title, language), blocks)


def _block(block: Block, language: Language) -> Block:
    say = partial(translate, language=language)
    if isinstance(block, Text):
        return Text(say(block.text), say(block.lead))
    if isinstance(block, Bullets):
        return Bullets(tuple(map(say, block.items)))
    if isinstance(block, Shown):
        return Shown(in_language(block.figure, language))
    if isinstance(block, Code):
        return block
    if isinstance(block, Gallery):
        return Gallery(say(block.label), tuple(_look(look, language) for look in block.looks))
    columns = tuple((say(title), numeric) for title, numeric in block.columns)
    return Table(say(block.label), columns, tuple(_row(row, language) for row in block.rows))


def _look(look: Look, language: Language) -> Look:
    facts = tuple((translate(name, language), _cell(cell, language)) for name, cell in look.facts)
    return replace(look, facts=facts)


def _row(row: Row, language: Language) -> Row:
    return replace(
        row, cells=tuple(_cell(cell, language) for cell in row.cells), rest=translate(row.rest, language)
    )


def _cell(cell: Cell, language: Language) -> Cell:
    say = partial(translate, language=language)
    if cell.own:
        return replace(cell, hint=say(cell.hint))
    return replace(cell, text=say(cell.text), note=say(cell.note), hint=say(cell.hint))
