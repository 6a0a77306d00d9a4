"""The report as a page: what stands where, on a wide and on a narrow screen, in both languages."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import chromium
from checked_report import make_checked_report

from advisor.report import render

SNAPSHOT = json.loads((Path(__file__).parent / "layout.json").read_text(encoding="utf-8"))
WIDTHS = (1280, 390)
PLACES = [(language, width) for language in ("en", "zh") for width in WIDTHS]
LEAST_LETTERS = 8.5
TALLER = 1.3
SEEN = """() => {
  const box = one => { const b = one.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] };
  const scroller = one => {
    for (; one && one.parentElement; one = one.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(one).overflowX)) return one;
    return null;
  };
  const own = one => [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  const name = one => `${one.tagName.toLowerCase()} ${one.textContent.trim().slice(0, 50)}`;
  const all = [...document.querySelectorAll('main, main *')];
  const plain = all.filter(one => !one.ownerSVGElement);
  const quad = text => {
    const b = text.getBBox(), m = text.getScreenCTM();
    const at = (x, y) => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f];
    return [at(b.x, b.y), at(b.x + b.width, b.y), at(b.x + b.width, b.y + b.height), at(b.x, b.y + b.height)];
  };
  return {
    wide: document.documentElement.scrollWidth,
    main: box(document.querySelector('main')),
    sections: [...document.querySelectorAll('section')].map(s => ({
      id: s.id, title: s.querySelector('h2, h3').textContent, box: box(s),
      blocks: [...s.querySelectorAll(':scope > *')].map(b => ({
        head: (b.querySelector('h3, figcaption')?.firstChild ?? b).textContent.trim().slice(0, 40),
        kind: b.className || b.tagName.toLowerCase(), box: box(b),
      })),
    })),
    off: plain.filter(one => !scroller(one) && box(one)[2] > innerWidth + 1).map(name),
    cut: plain.filter(one => own(one) && one.clientWidth && one.scrollWidth > one.clientWidth + 1).map(name),
    hidden: plain.filter(one => one.scrollWidth > one.clientWidth + 1
      && ['hidden', 'clip'].includes(getComputedStyle(one).overflowX)).map(name),
    charts: [...document.querySelectorAll('figure')].map(f => ({
      name: f.querySelector('figcaption').firstChild.textContent,
      box: box(f), svg: box(f.querySelector('svg')),
      texts: [...f.querySelectorAll('svg text')].filter(t => t.textContent.trim()).map(t => ({
        says: t.textContent, quad: quad(t),
        size: parseFloat(getComputedStyle(t).fontSize) * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b),
      })),
    })),
  };
}"""
"""What the browser made of the page: boxes as left, top, right, bottom in CSS pixels."""

Point = tuple[float, float]


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[tuple[str, int], dict[str, Any]]]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium: the layout of the report was not looked at")
    sync = pytest.importorskip("playwright.sync_api")
    report = make_checked_report()
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        seen = {}
        for language in ("en", "zh"):
            page.set_content(render(report, "html", language))
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                seen[language, width] = page.evaluate(SEEN)
        yield seen
        browser.close()


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0]}-{place[1]}")
def place(request: pytest.FixtureRequest) -> tuple[str, int]:
    found: tuple[str, int] = request.param
    return found


@pytest.fixture
def seen(pages: dict[tuple[str, int], dict[str, Any]], place: tuple[str, int]) -> dict[str, Any]:
    return pages[place]


def test_the_parts_are_those_of_the_snapshot(seen: dict[str, Any], place: tuple[str, int]) -> None:
    told = [[part["id"], part["title"], [b["head"] for b in headed(part)]] for part in seen["sections"]]
    assert told == SNAPSHOT[place[0]]["html"], f"now: {json.dumps(told, ensure_ascii=False)}"


def headed(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in part["blocks"] if block["kind"] in ("table", "figure")]


def test_the_parts_stand_below_each_other(seen: dict[str, Any], place: tuple[str, int]) -> None:
    cover = [part for part in seen["sections"] if len(part["blocks"]) and part["blocks"][0]["kind"] == "h3"]
    parts = [part for part in seen["sections"] if part not in cover]
    assert cover and parts
    ordered = [*parts, *cover] if place[1] < 700 else parts
    for part in ordered:
        below_each_other([part["box"]], [block["box"] for block in part["blocks"]])
    below_each_other([seen["main"]], [part["box"] for part in parts])
    for one in cover:
        for other in cover:
            assert one is other or apart(one["box"], other["box"]), (one["id"], other["id"])


def below_each_other(around: list[list[float]], boxes: list[list[float]]) -> None:
    for box in boxes:
        assert box[3] - box[1] > 5, "something is not seen"
        assert all(out[0] - 1 <= box[0] and box[3] <= out[3] + 1 for out in around)
    for upper, lower in pairwise(boxes):
        assert upper[3] <= lower[1] + 1, (upper, lower)


def apart(one: list[float], other: list[float]) -> bool:
    return (
        one[2] <= other[0] + 1 or other[2] <= one[0] + 1 or one[3] <= other[1] + 1 or other[3] <= one[1] + 1
    )


def test_nothing_is_wider_than_the_page_or_cut(seen: dict[str, Any], place: tuple[str, int]) -> None:
    assert seen["wide"] <= place[1]
    assert seen["off"] == []
    assert seen["cut"] == []
    assert seen["hidden"] == []


def test_labels_of_charts_can_be_read(seen: dict[str, Any], place: tuple[str, int]) -> None:
    for chart in seen["charts"]:
        texts = chart["texts"]
        assert texts, chart["name"]
        small = [text["says"] for text in texts if text["size"] < LEAST_LETTERS]
        assert not small, f"{chart['name']}: too small are {small}"
        both = [
            (one["says"], other["says"])
            for n, one in enumerate(texts)
            for other in texts[:n]
            if overlap(one["quad"], other["quad"])
        ]
        assert not both, f"{chart['name']}: on each other are {both}"
        left, _, right, _ = chart["svg"] if place[1] < 700 else chart["box"]
        out = [t["says"] for t in texts if not all(left - 12 <= x <= right + 12 for x, _ in t["quad"])]
        assert not out, f"{chart['name']}: beside the chart stand {out}"


def overlap(one: list[Point], other: list[Point], by: float = 1.5) -> bool:
    """Say whether two convex quadrilaterals lie on each other by more than so many pixels, in every direction."""
    for shape in (one, other):
        for (x0, y0), (x1, y1) in zip(shape, [*shape[1:], shape[0]], strict=True):
            nx, ny = y0 - y1, x1 - x0
            length = (nx * nx + ny * ny) ** 0.5
            if length == 0:
                continue
            a, b = ([(x * nx + y * ny) / length for x, y in points] for points in (one, other))
            if min(max(a), max(b)) - max(min(a), min(b)) <= by:
                return False
    return True


def test_parts_are_about_as_high_as_they_were(
    pages: dict[tuple[str, int], dict[str, Any]],
) -> None:
    """A chart that collapses or a table that swells is seen here; other fonts are not."""
    for language in ("en", "zh"):
        for part in pages[language, 1280]["sections"]:
            high, was = part["box"][3] - part["box"][1], SNAPSHOT[language]["high"][part["id"]]
            assert was / TALLER - 30 <= high <= was * TALLER + 30, (language, part["id"], high, was)
