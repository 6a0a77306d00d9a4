"""Takes pictures of the app, with a bundled sample: the README's, or every page in all its forms.

Needs Chromium, no network. The pictures show what a real, short probe measured on this machine. With --all every page
is taken whole, in two languages, two themes and two widths, into a folder of the user's choice.
"""

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import ROOT, chromium, serving

SAMPLES = {"images": "image-classification", "text": "text-classification"}
NEED = "constraints.latency_ms=250&constraints.licence=commercial&priorities.latency=2"
ADVICE = ("need", "shortlist")
STEPS = ("need", "shortlist", "data", "probe", "decision", "models", "runs")
IMAGES = ROOT / "docs" / "images"
LANGUAGES = ("en", "zh")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = {"wide": 1280, "narrow": 390}
MOST_HIGH = 5000
RESTING = "() => document.querySelector('[data-test-script-state=notRunning]')"


def settle(page: Page) -> None:
    """Wait until the script has ended and the charts are drawn."""
    page.wait_for_timeout(500)
    page.wait_for_function(RESTING, timeout=60_000)
    page.wait_for_timeout(2_000)


def follow(browser: Browser, address: str, sample: str, budget: str, out: Path) -> str:
    """Go through the job once; keep a picture of the running probe.

    :return: the query that names the draft.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
    page.set_default_timeout(60_000)
    page.goto(f"{address}/data?task={SAMPLES[sample]}&{NEED}&constraints.offline=true")
    page.get_by_role("button", name="Use this sample").nth(list(SAMPLES).index(sample)).click()
    page.get_by_text("Judge once").wait_for()
    page.get_by_role("link", name="Probe", exact=True).first.click()
    slider = page.get_by_role("slider").first
    slider.focus()
    slider.press("Home")
    for _ in range(int(budget)):
        slider.press("ArrowRight")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.wait_for_timeout(25_000)
    page.screenshot(path=out / "race-light.png")
    page.get_by_role("heading", name="How they compare").wait_for(timeout=600_000)
    query = page.url.partition("?")[2]
    page.close()
    return query


def take_all(browser: Browser, address: str, named: dict[str, str], out: Path) -> None:
    """Take every page in 2 languages × 2 themes × 2 widths."""
    for language, scheme, (kind, width) in product(LANGUAGES, SCHEMES, WIDTHS.items()):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(60_000)
        for step, query in named.items():
            page.goto(f"{address}/{'' if step == 'need' else step}?{query}&lang={language}")
            page.get_by_role("heading", level=1).wait_for()
            settle(page)
            high = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
            page.set_viewport_size({"width": width, "height": min(max(900, high), MOST_HIGH)})
            page.wait_for_timeout(400)
            page.screenshot(path=out / f"{step}-{language}-{scheme}-{kind}.png")
            page.set_viewport_size({"width": width, "height": 900})
        page.close()


def take_readme(browser: Browser, address: str, named: dict[str, str], out: Path) -> None:
    """Take the first screen of every page in English, light and dark."""
    for scheme in SCHEMES:
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme=scheme)
        for step, query in named.items():
            page.goto(f"{address}/{'' if step == 'need' else step}?{query}&lang=en")
            page.get_by_role("heading", level=1).wait_for()
            settle(page)
            page.screenshot(path=out / f"{step}-{scheme}.png")
        page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES)
    parser.add_argument("--sample", choices=SAMPLES, default="images")
    parser.add_argument("--budget", default="2", help="place of the budget on the slider, 0 the shortest")
    parser.add_argument("--all", action="store_true", help="every page in all its forms; needs --out")
    options = parser.parse_args()
    if options.all and options.out == IMAGES:
        raise SystemExit("--all takes some 60 pictures: say by --out where they belong")
    path = chromium()
    if path is None:
        raise SystemExit("Chromium is needed")
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(ROOT / "streamlit_app.py", Path(scratch)) as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        query = follow(browser, address, options.sample, options.budget, options.out)
        advice = f"task={SAMPLES[options.sample]}&{NEED}&data.examples=600"
        named = {step: advice if step in ADVICE else query for step in STEPS}
        (take_all if options.all else take_readme)(browser, address, named, options.out)
        browser.close()
    for picture in sorted(options.out.glob("*.png")):
        print(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
