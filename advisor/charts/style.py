"""The look that all charts share: colours, shapes, type and the static rendering."""

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple

import altair as alt

from advisor.labels import room

__all__ = [
    "FONT",
    "INK",
    "Figure",
    "base",
    "colour_at",
    "contrast",
    "figure",
    "names_axis",
    "note",
    "ticks",
    "to_svg",
]

# Okabe & Ito, "Color Universal Design", 2008; their black and yellow vanish on dark or light ground.
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#8C8C8C"
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
INK = "#797979"
LINE = "#9A9A9A"
PALE = (232, 239, 245)
FONT = (
    "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', "
    "'Liberation Sans', Arial, 'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
)
WIDTH = 620


class Figure(NamedTuple):
    """A chart, what it shows in words, and the question that it answers (also the chart's title)."""

    chart: alt.Chart
    alt: str
    question: str


def base(rows: list[dict[str, Any]]) -> alt.Chart:
    """Start a chart over rows that travel inside it.

    :param rows: one mapping per mark.
    :return: an empty chart.
    """
    return alt.Chart(alt.InlineData(values=rows))


def figure(chart: alt.Chart, question: str, text: str, subtitle: str = "") -> Figure:
    """Finish a chart: title, description and the common style.

    :param chart: the top-level chart.
    :param question: its title.
    :param text: what it shows, for those who do not see it.
    :param subtitle: one explaining line below the title.
    :return: the finished figure.
    """
    title = alt.TitleParams(
        question,
        subtitle=subtitle or alt.Undefined,
        limit=900,
        anchor="start",
        frame="group",
        fontSize=15,
        fontWeight=600,
        subtitleFontSize=12,
        offset=12,
    )
    styled = chart.properties(title=title, description=text, background="transparent", config=_config())
    return Figure(styled, text, question)


@lru_cache(maxsize=1)
def _config() -> alt.Config:
    """Give the common style, set at once: each call of `configure` copies the whole chart."""
    return alt.Config(
        font=FONT,
        view=alt.ViewConfig(strokeWidth=0),
        axis=alt.AxisConfig(
            grid=False,
            domainColor=LINE,
            tickColor=LINE,
            labelFontSize=11,
            titleFontSize=12,
            titleFontWeight=400,
            labelLimit=240,
            titlePadding=8,
        ),
        legend=alt.LegendConfig(
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight=400,
            symbolSize=70,
            symbolOpacity=1,
            labelLimit=240,
        ),
        text=alt.MarkConfig(fontSize=11),
    )


def note(question: str, text: str) -> Figure:
    """Make the figure that says why there is nothing to draw.

    :param question: the question that stays open.
    :param text: why, and what would help.
    :return: a figure holding only the text.
    """
    chart = (
        base([{"note": text}])
        .mark_text(align="left", fontSize=13, color=INK, limit=WIDTH)
        .encode(x=alt.value(0), y=alt.value(24), text="note:N")
        .properties(width=WIDTH, height=48)
    )
    return figure(chart, question, text)


def names_axis(labels: Iterable[str]) -> alt.Axis:
    """Make a vertical axis of names, with room for the widest.

    :param labels: the names.
    :return: an axis without line or ticks.
    """
    return alt.Axis(ticks=False, domain=False, minExtent=min(room(labels), 240))


def colour_at(share: float) -> str:
    """Mix the cell colour of a heat map, pale at 0 and blue at 1.

    :param share: 0–1.
    :return: an opaque colour that reads the same on light and dark ground.
    """
    share = min(max(share, 0.0), 1.0)
    deep = (0, 98, 155)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in zip(PALE, deep, strict=True))


def contrast(colour: str) -> str:
    """Choose the text colour for a cell.

    :param colour: the cell's `#RRGGBB`.
    :return: black or white, whichever contrasts more (WCAG 2 relative luminance).
    """
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#FFFFFF"


def ticks(domain: list[float]) -> list[float]:
    """Choose round ticks for a logarithmic axis.

    :param domain: the axis from low to high, both positive.
    :return: powers of ten, with their 2- and 5-fold where these are few.
    """
    first, last = math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1]))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    return [
        s * 10.0**e for e in range(first, last + 1) for s in steps if domain[0] <= s * 10.0**e <= domain[1]
    ]


def to_svg(shown: Figure, prefix: str, titled: bool = False) -> str:
    """Draw a figure as inline SVG that takes its ink from the page, without script or outside request.

    :param shown: the figure.
    :param prefix: makes the ids inside distinct from those of other figures on the page.
    :param titled: keep the title inside the drawing.
    :return: an `<svg>` element, the same for the same figure. Text follows the CSS variable `--chart-ink`, lines
        follow `--chart-line`.
    """
    import vl_convert

    spec = shown.chart.to_dict()
    if not titled:
        spec.pop("title", None)
    axis = {**spec["config"].get("axis", {}), "labelColor": INK, "titleColor": INK}
    legend = {**spec["config"].get("legend", {}), "labelColor": INK, "titleColor": INK}
    spec["config"] = {**spec["config"], "axis": axis, "legend": legend, "aria": False}
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=version)
    svg = svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{escape(shown.alt)}" ', 1)
    names: dict[str, str] = {}

    def own(found: re.Match[str]) -> str:
        return found[1] + names.setdefault(found[2], f"{prefix}-{len(names) + 1}")

    svg = re.sub(r'(\bid="|url\(#)((?:clip|gradient)[\w-]*)', own, svg)
    for colour, variable in ((INK, "ink"), (LINE, "line")):
        svg = re.sub(rf'="{colour}"', f'="var(--chart-{variable}, {colour})"', svg, flags=re.IGNORECASE)
    return svg
