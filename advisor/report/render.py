"""One door to all forms of a report."""

from collections.abc import Callable

from advisor.errors import InputError, nearest
from advisor.report.store import report_json
from advisor.result import Report

__all__ = ["FORMATS", "LANGUAGES", "render", "render_bytes"]


def _html(report: Report) -> str:
    from advisor.report.compose import compose
    from advisor.report.html import render_html

    return render_html(compose(report))


def _markdown(report: Report) -> str:
    from advisor.report.compose import compose
    from advisor.report.markdown import render_markdown

    return render_markdown(compose(report))


def _csv(report: Report) -> str:
    from advisor.report.table import results_csv

    return results_csv(report)


def _pdf(report: Report) -> bytes:
    from advisor.report.compose import compose
    from advisor.report.pdf import render_pdf

    return render_pdf(compose(report))


FORMATS: dict[str, Callable[[Report], str | bytes]] = {
    "html": _html,
    "md": _markdown,
    "json": report_json,
    "csv": _csv,
    "pdf": _pdf,
}
LANGUAGES = ("en",)


def render(report: Report, format: str, lang: str = "en") -> str:
    """Bring a report into a form.

    :param report: the report.
    :param format: one of `FORMATS` that is text.
    :param lang: one of `LANGUAGES`.
    :return: the whole document.
    :raises InputError: for an unknown format or language.
    """
    _check(format, lang)
    content = FORMATS[format](report)
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
    content = FORMATS[format](report)
    return content if isinstance(content, bytes) else content.encode()


def _check(format: str, lang: str) -> None:
    for what, value, allowed in (("format", format, tuple(FORMATS)), ("language", lang, LANGUAGES)):
        if value not in allowed:
            raise InputError(f"Unknown report {what} {value!r}", ", ".join(allowed), nearest(value, allowed))
