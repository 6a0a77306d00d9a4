"""The report on paper: pages, margins, letters and page breaks, in both languages."""

import ctypes
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pypdfium2
import pytest
from checked_report import make_checked_report
from pypdf.generic import ContentStream
from pypdfium2 import raw

from advisor.report import render_bytes
from advisor.report.document import Cover, Document
from advisor.report.pdf import render_pdf

SNAPSHOT = json.loads((Path(__file__).parent / "layout.json").read_text(encoding="utf-8"))
LANGUAGES = ("en", "zh")
MM = 72 / 25.4
SIDE, TOP, BOTTOM, FOOT = 18 * MM, 20 * MM, 20 * MM, 9 * MM
EPS = 2.0
NOBODY = "\U0010fffd"
"""A letter that no font has."""
ON_EACH_OTHER = 0.45
"""Two letters lie on each other if they share more than this of the smaller one."""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {language: render_bytes(make_checked_report(), "pdf", language) for language in LANGUAGES}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def content(files: dict[str, bytes], language: str) -> bytes:
    return files[language]


def squeezed(text: str) -> str:
    return "".join(
        letter for letter in text if not letter.isspace() and letter not in "\u200b\u00ad\ufffe\u2010-"
    )


def texts(content: bytes) -> list[str]:
    return [squeezed(page.get_textpage().get_text_range()) for page in pypdfium2.PdfDocument(content)]


def letters(page: pypdfium2.PdfPage, upright: bool = False) -> np.ndarray:
    """Give the letters of a page as (n, 4): left, bottom, right, top in points; a ligature counts once, a space not.

    :param upright: leave out what is set aslant, whose box says little.
    """
    text = page.get_textpage()
    boxes = []
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    for place in range(text.count_chars()):
        if chr(raw.FPDFText_GetUnicode(text, place)).isspace():
            continue
        if upright and abs(math.sin(2 * raw.FPDFText_GetCharAngle(text, place))) > 0.1:
            continue
        raw.FPDFText_GetCharBox(text, place, left, right, bottom, top)
        if right.value > left.value and top.value > bottom.value:
            boxes.append((left.value, bottom.value, right.value, top.value))
    return np.unique(np.array(boxes).round(1), axis=0)


def glyphs(content: bytes) -> Iterator[int]:
    """Go through the numbers of all glyphs that the pages and the drawings on them set; 0 is a missing one."""
    for page in pypdf.PdfReader(io.BytesIO(content)).pages:
        yield from _of_stream(page, page.pdf)


def _of_stream(holder: Any, pdf: Any) -> Iterator[int]:
    stream = holder.get_contents() if hasattr(holder, "get_contents") else ContentStream(holder, pdf)
    for operands, operator in stream.operations:
        if operator in (b"Tj", b"TJ"):
            parts = operands[0] if operator == b"TJ" else operands
            for part in parts:
                codes = getattr(part, "original_bytes", b"")
                yield from (int.from_bytes(codes[i : i + 2]) for i in range(0, len(codes), 2))
    drawings = (holder.get("/Resources") or {}).get("/XObject") or {}
    for drawing in drawings.values():
        found = drawing.get_object()
        if found.get("/Subtype") == "/Form":
            yield from _of_stream(found, pdf)


def test_the_sections_stand_on_the_pages_of_the_snapshot(content: bytes, language: str) -> None:
    """A section may move to the next page or the one before, not further, and none may be lost or change places."""
    told, pages = SNAPSHOT[language]["pdf"], texts(content)
    assert abs(len(pages) - told["pages"]) <= 1
    reached = (0, -1)
    for title, page in told["sections"]:
        at = [(n, text.find(squeezed(title))) for n, text in enumerate(pages) if squeezed(title) in text]
        later = [place for place in at if place > reached]
        assert later, f"{title!r} is not there, or not in its place: {at}"
        assert abs(later[0][0] + 1 - page) <= 1, f"{title!r} is on page {later[0][0] + 1}, was on {page}"
        reached = later[0]


def test_all_stands_inside_the_margins(content: bytes) -> None:
    for page in pypdfium2.PdfDocument(content):
        width, height = page.get_size()
        found = letters(page)
        assert len(found) > 40, "a page is nearly empty"
        assert (found[:, 0] >= SIDE - EPS).all() and (found[:, 2] <= width - SIDE + EPS).all()
        assert (found[:, 1] >= FOOT).all() and (found[:, 3] <= height - FOOT).all()
        for drawn in page.get_objects(max_depth=1):
            left, bottom, right, top = drawn.get_bounds()
            assert left >= SIDE - EPS and right <= width - SIDE + EPS, (left, right)
            assert bottom >= FOOT and top <= height - FOOT, (bottom, top)


def test_no_text_runs_into_header_or_footer(content: bytes) -> None:
    for n, page in enumerate(pypdfium2.PdfDocument(content)):
        height = page.get_size()[1]
        middle = letters(page)[:, [1, 3]].mean(axis=1)
        lines = [(middle > height - TOP + EPS) if n else None, middle < BOTTOM - EPS]
        for line in lines:
            assert line is None or (line.any() and np.ptp(middle[line]) < 8), (
                "more than one line stands there"
            )


def test_no_letters_lie_on_each_other(content: bytes) -> None:
    for page in pypdfium2.PdfDocument(content):
        box = letters(page, upright=True)
        area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
        wide = np.minimum.outer(box[:, 2], box[:, 2]) - np.maximum.outer(box[:, 0], box[:, 0])
        high = np.minimum.outer(box[:, 3], box[:, 3]) - np.maximum.outer(box[:, 1], box[:, 1])
        shared = np.clip(wide, 0, None) * np.clip(high, 0, None) / np.minimum.outer(area, area)
        np.fill_diagonal(shared, 0)
        both = np.argwhere(np.triu(shared) > ON_EACH_OTHER)
        assert not len(both), [box[pair].round().tolist() for pair in both[:5]]


def test_every_letter_has_a_glyph(content: bytes) -> None:
    found = list(glyphs(content))
    assert len(found) > 3000
    assert 0 not in found


def test_a_letter_that_no_font_has_would_be_seen() -> None:
    found = [set(glyphs(render_pdf(one_line(f"A rare letter: {letter}.")))) for letter in ("z", NOBODY)]
    assert [0 in numbers for numbers in found] == [False, True]


def one_line(text: str) -> Document:
    return Document("Title", Cover("", text, (), (), ()), (), "")
