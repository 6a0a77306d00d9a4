"""One door to all forms of a report."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from advisor.errors import InputError, nearest
from advisor.language import LANGUAGES, Language, as_language
from advisor.report.store import report_json
from advisor.result import Report

if TYPE_CHECKING:
    from advisor.report.document import Document

__all__ = ["FORMATS", "LANGUAGES", "render", "render_bytes"]


def _document(report: Report, language: Language) -> "Document":
    from advisor.report.compose import compose
    from advisor.report.spoken import spoken

    return spoken(compose(report), language)


def _html(report: Report, language: Language) -> str:
    from advisor.report.html import render_html

    return render_html(_document(report, language))


def _markdown(report: Report, language: Language) -> str:
    from advisor.report.markdown import render_markdown

    return render_markdown(_document(report, language))


def _json(report: Report, _language: Language) -> str:
    return report_json(report)


def _csv(report: Report, _language: Language) -> str:
    from advisor.report.table import results_csv

    return results_csv(report)


def _pdf(report: Report, language: Language) -> bytes:
    from advisor.report.pdf import render_pdf

    return render_pdf(_document(report, language))


FORMATS: dict[str, Callable[[Report, Language], str | bytes]] = {
    "html": _html,
    "md": _markdown,
    "json": _json,
    "csv": _csv,
    "pdf": _pdf,
}
"""What reads like a page speaks the language asked for; what machines read is the same in all."""


def render(report: Report, format: str, lang: str = "en") -> str:
    """Bring a report into a form.

    :param report: the report.
    :param format: one of `FORMATS` that is text.
    :param lang: one of `LANGUAGES`.
    :return: the whole document.
    :raises InputError: for an unknown format or language.
    """
    _check(format, lang)
    content = FORMATS[format](report, as_language(lang))
    if isinstance(content, bytes):
        raise InputError(f"The report form {format!r} is no text", "html, md, json, csv")
    return content


def render_bytes(report: Report, format: str, lang: str = "en") -> bytes:
    """Bring a report into a form, as the bytes of a file.

    :param report: the report.
    :param format: one of `FORMATS`.
    :param lang: one of `LANGUAGES`.
    :raises InputError: for an unknown format or language.
    """
    _check(format, lang)
    content = FORMATS[format](report, as_language(lang))
    return content if isinstance(content, bytes) else content.encode()


def _check(format: str, lang: str) -> None:
    for what, value, allowed in (("format", format, tuple(FORMATS)), ("language", lang, LANGUAGES)):
        if value not in allowed:
            raise InputError(f"Unknown report {what} {value!r}", ", ".join(allowed), nearest(value, allowed))
