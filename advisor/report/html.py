"""A report as one HTML file: no script, no outside request, fit for screen and paper, light and dark."""

import re
from functools import lru_cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from advisor.charts import Figure, to_svg
from advisor.labels import visible
from advisor.language import Language, translate
from advisor.report.document import LEGEND, Document

__all__ = ["render_html"]

TAGS: dict[Language, str] = {"en": "en", "zh": "zh-Hans"}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("advisor.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.tests["of"] = lambda value, name: type(value).__name__ == name
    return environment


def _plain(value: Any) -> Any:
    return visible(value) if type(value) is str else value


def _breakable(text: str) -> Markup:
    """Let a long id break after its separators."""
    return Markup(re.sub(r"([/_.:-])(?=[^\W\d_])", r"\1<wbr>", str(escape(visible(text)))))


def render_html(document: Document) -> str:
    """Write a report as HTML.

    :param document: what the report says.
    :return: a whole, self-contained document.
    """
    drawn = 0

    def draw(figure: Figure) -> Markup:
        nonlocal drawn
        drawn += 1
        return Markup(to_svg(figure, f"f{drawn}"))

    template = _environment().get_template("report.html.j2")
    return template.render(
        document=document,
        lang=TAGS[document.language],
        legend=LEGEND,
        say=partial(translate, language=document.language),
        draw=draw,
        subtitle=_subtitle,
    )


def _subtitle(figure: Figure) -> str:
    title = figure.chart.to_dict()["title"]
    return str(title.get("subtitle", ""))
