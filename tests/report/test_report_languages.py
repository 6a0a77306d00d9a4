"""The report's forms in Chinese: fonts that hold every letter, marks of the language, the command line."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from PIL import ImageFont
from report_fixture import FLOWERS, make_report
from typer.testing import CliRunner

from advisor.charts import class_balance, confusion_matrix, in_language, p_best, score_stack
from advisor.charts.style import Figure
from advisor.cli import app
from advisor.errors import InputError
from advisor.report import render, render_bytes, write_report
from advisor.report.compose import compose
from advisor.report.document import Cell, Code, Section, Table
from advisor.report.spoken import spoken

NOBODY = "\U0010fffd"
"""A letter that no font has."""


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_bytes(make_report(), "pdf", "zh")


def letters(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    return "".join(page.get_textpage().get_text_range() for page in pages)


def fonts() -> Iterator[ImageFont.FreeTypeFont]:
    found = importlib.util.find_spec("pylopdf_fonts_zh_cn")
    assert found is not None and found.origin is not None
    for path in sorted(Path(found.origin).parent.glob("*.otf")):
        yield ImageFont.truetype(str(path), 20)


def test_the_fonts_hold_every_letter_of_the_pdf(pdf: bytes) -> None:
    shown = {letter for letter in letters(pdf) if letter.isprintable() and not letter.isspace()}
    assert {"模", "型", "●", "◇"} <= shown
    for font in fonts():
        box = bytes(font.getmask(NOBODY))
        assert not [letter for letter in shown if bytes(font.getmask(letter)) == box]


def test_the_pdf_speaks_chinese(pdf: bytes) -> None:
    text = letters(pdf)
    assert "模型选型报告" in text and "候选模型" in text and "如何复现" in text
    assert "Model report" not in text and "What was measured" not in text
    assert b"/Lang(zh" in pdf


def test_both_languages_tell_the_same_numbers() -> None:
    english, chinese = (spoken(compose(make_report()), language) for language in ("en", "zh"))
    assert [section.id for section in english.sections] == [section.id for section in chinese.sections]
    for one, other in zip(cells(english.sections), cells(chinese.sections), strict=True):
        assert one.basis == other.basis
        if one.basis is not None:
            assert digits(one) == digits(other)


def digits(cell: Cell) -> list[str]:
    return [letter for letter in cell.text if letter.isdigit()]


def cells(sections: tuple[Section, ...]) -> list[Cell]:
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    return [cell for table in tables for row in table.rows for cell in row.cells]


def test_what_is_typed_or_the_users_stays() -> None:
    english, chinese = compose(make_report()), spoken(compose(make_report()), "zh")
    commands = [
        [b for s in one.sections for b in s.blocks if isinstance(b, Code)] for one in (english, chinese)
    ]
    assert commands[0] == commands[1]
    pairs = zip(cells(english.sections), cells(chinese.sections), strict=True)
    assert all(other.text == one.text for one, other in pairs if one.own)
    assert set(FLOWERS) <= {cell.text for cell in cells(chinese.sections)}


def drawn() -> Iterator[Figure]:
    report = make_report()
    yield p_best(report.decision)
    yield score_stack(report.recommendation.shortlist)
    yield confusion_matrix(report.probe.results[0])
    yield class_balance({"high": 3, "baseline": 9, "accuracy": 2})


@pytest.mark.parametrize("number", range(4))
def test_a_chart_keeps_its_marks(number: int) -> None:
    shown = list(drawn())[number]
    chinese = in_language(shown, "zh")
    assert in_language(shown, "en") is shown
    one, other = (figure.chart.to_dict(validate=False) for figure in (shown, chinese))
    assert other["title"]["text"] == chinese.question != shown.question
    assert chinese.alt == other["description"] != shown.alt
    counts = [[len(rows) for rows in spec["datasets"].values()] for spec in (one, other)]
    assert counts[0] == counts[1]
    chinese.chart.to_dict()


def test_classes_called_like_our_words_stay_in_charts() -> None:
    chinese = in_language(list(drawn())[3], "zh").chart.to_dict(validate=False)
    labels = [row["label"] for rows in chinese["datasets"].values() for row in rows]
    assert set(labels) == {"high", "baseline", "accuracy"}


def test_the_command_line_writes_the_report_in_the_language_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_LANG", "en")
    write_report(make_report(), tmp_path / "report.json")
    for language, word in (("zh", "如何复现"), ("en", "How to repeat this")):
        out = tmp_path / f"{language}.md"
        words = ["report", str(tmp_path), "--format", "md", "-o", str(out), "--lang", language]
        assert CliRunner().invoke(app, words).exit_code == 0
        assert word in out.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="'fr'"):
        CliRunner().invoke(app, [*words[:-1], "fr"], catch_exceptions=False, standalone_mode=False)


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(InputError, match=r"language 'xx'.*en, zh"):
        render(make_report(), "html", "xx")
