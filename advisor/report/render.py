"""One door to all forms of a report."""

from collections.abc import Callable

from advisor.errors import InputError, nearest
from advisor.report.store import report_json
from advisor.result import Report

__all__ = ["FORMATS", "LANGUAGES", "render"]


def _html(report: Report) -> str:
    from advisor.report.compose import compose
    from advisor.report.html import render_html

    return render_html(compose(report))


def _markdown(report: Report) -> str:
    from advisor.report.compose import compose
    from advisor.report.markdown import render_markdown

    return render_markdown(compose(report))


FORMATS: dict[str, Callable[[Report], str]] = {"html": _html, "md": _markdown, "json": report_json}
LANGUAGES = ("en",)


def render(report: Report, format: str, lang: str = "en") -> str:
    """Bring a report into a form.

    :param report: the report.
    :param format: one of `FORMATS`.
    :param lang: one of `LANGUAGES`.
    :return: the whole document.
    :raises InputError: for an unknown format or language.
    """
    for what, value, allowed in (("format", format, tuple(FORMATS)), ("language", lang, LANGUAGES)):
        if value not in allowed:
            raise InputError(f"Unknown report {what} {value!r}", ", ".join(allowed), nearest(value, allowed))
    return FORMATS[format](report)
