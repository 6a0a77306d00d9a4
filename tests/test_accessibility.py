"""Every page in a real browser: what axe-core finds, in light and dark; charts with words; no sideways scrolling."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser import ROOT, chromium, serving, settled
from report_fixture import make_report

from advisor.jobs.folder import RunFolder, RunSpec
from advisor.jobs.register import register
from advisor.report import write_report

PAGES = ("need", "shortlist", "data", "probe", "decision", "models", "runs")
TOKEN = "0123456789abcdef"
GRAVE = ("serious", "critical")
DRAWN = ("shortlist", "data", "probe", "decision")
CHARTS = """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].map(chart =>
  [chart, ...chart.querySelectorAll('[aria-label]')]
    .map(one => one.getAttribute('aria-label') || '').join('').trim())"""
"""What the charts of a page tell those who do not see them."""
STREAMLIT: dict[str, str] = {}
"""Rules of axe-core that Streamlit itself breaks, with the part of it and the reason."""


@dataclass
class Site:
    """A server of the app, and a browser to open it with."""

    address: str
    browser: Any


def furnish(home: Path) -> None:
    """Leave a draft with a task, data and a finished run, so that every page has something to show."""
    table = home / "tickets.csv"
    home.mkdir(parents=True, exist_ok=True)
    rows = [f"Where is parcel number {i}?,delivery" for i in range(30)]
    rows += [f"My invoice {i} is wrong,billing" for i in range(12)]
    table.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    report = make_report()
    for name in ("first", "second"):
        spec = RunSpec(
            brief=report.brief, data=str(table), budget_s=60, created="2026-01-01T10:00:00", command="x"
        )
        folder = RunFolder.create(home / "runs" / name, spec)
        write_report(report, folder.report_path)
        folder.set_state("done")
        register(folder.path, spec.created)
    answers = {
        "task": "text-classification",
        "constraints.latency_ms": 250,
        "constraints.licence": "commercial",
    }
    data = {"path": str(table), "name": table.name}
    draft = {"answers": answers, "data": data, "run": str(home / "runs" / "first")}
    (home / "drafts").mkdir()
    (home / "drafts" / f"{TOKEN}.json").write_text(json.dumps(draft), encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Accessibility needs Chromium to be tested, and there is none")
        pytest.skip("no Chromium: accessibility was not tested")
    sync = pytest.importorskip("playwright.sync_api")
    home = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(home))
        furnish(home)
    with serving(ROOT / "streamlit_app.py", home) as (address, _), sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield Site(address, browser)
        browser.close()


def open_page(site: Site, name: str, width: int = 1280, scheme: str = "light", query: str = "") -> Any:
    page = site.browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.goto(f"{site.address}/{'' if name == 'need' else name}?{query or f'draft={TOKEN}'}")
    page.get_by_role("heading", level=1).wait_for()
    settled(page)
    page.wait_for_timeout(700)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, "newcomer"])
def test_no_grave_violation(site: Site, name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = (
        open_page(site, "need", scheme=scheme, query="lang=zh")
        if name == "newcomer"
        else open_page(site, name, scheme=scheme)
    )
    if name == "shortlist":
        for title in ("What does each limit cost?", "What must change for another model to win?"):
            page.get_by_text(title).click()
            settled(page)
    if name in DRAWN:
        page.wait_for_function(
            f"() => {{ const said = ({CHARTS})(); return said.length && said.every(Boolean) }}"
        )
        said = page.evaluate(CHARTS)
        assert said and all(said)
        assert page.evaluate("() => document.querySelectorAll('main img:not([alt])').length") == 0
    found = axe.run(page).response["violations"]
    page.close()
    grave = {
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for one in found
        if one["impact"] in GRAVE and one["id"] not in STREAMLIT
        for node in one["nodes"]
    }
    assert not grave, "\n".join(sorted(grave))


@pytest.mark.parametrize("name", PAGES)
def test_a_telephone_needs_no_sideways_scrolling(site: Site, name: str) -> None:
    page = open_page(site, name, width=390)
    wide = page.evaluate(
        "() => ['html', '[data-testid=stMain]'].map(name => document.querySelector(name))"
        ".map(one => one.scrollWidth - one.clientWidth)"
    )
    page.close()
    assert max(wide) <= 0
