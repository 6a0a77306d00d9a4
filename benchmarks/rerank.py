"""How long from moving a slider to the new ranking on screen, on the page that answers "what if".

A real server and a real browser: sliders go from end to end by the keyboard, so that ranks change each time. The clock
starts with the key and stops when the last name of the ranking stands in its place and the next frame is drawn. Exit
code 1 if the median is above the limit.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import ROOT, chromium, serving, settled

NEEDS = {
    "images": "task=image-classification&constraints.latency_ms=250&constraints.licence=commercial&data.examples=600",
    "text": "task=text-classification&constraints.licence=commercial&data.languages=zh&data.examples=400",
}
SLIDERS = ("Right answers", "Fast answers", "Little memory", "Proven and maintained")
WATCH = """() => {
  const names = () => [...document.querySelectorAll('[class*="st-key-row-"] b')].map(one => one.textContent).join();
  const clock = window.clock = {};
  addEventListener('keydown', () => Object.assign(clock, {
    from: performance.now(), before: names(), now: names(), first: null, last: null }), true);
  new MutationObserver(() => {
    const found = names();
    if (clock.from === undefined || found === clock.now) return;
    clock.now = found;
    requestAnimationFrame(() => {
      clock.last = performance.now() - clock.from;
      clock.first ??= clock.last;
    });
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def moves(page: Page, changes: int) -> list[tuple[float, float]]:
    """Move sliders until so many changes moved ranks.

    :return: milliseconds to the first moved name, and to the last, per change.
    """
    taken: list[tuple[float, float]] = []
    for move in range(4 * changes):
        slider = page.get_by_role("slider", name=SLIDERS[move % len(SLIDERS)])
        key = "End" if (move // len(SLIDERS)) % 2 == 0 else "Home"
        slider.focus()
        page.wait_for_timeout(1_500)
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        settled(page)
        page.wait_for_timeout(300)
        clock: dict[str, Any] = page.evaluate("() => window.clock")
        if clock.get("last") is not None and clock["now"] != clock["before"]:
            taken.append((clock["first"], clock["last"]))
            if len(taken) == changes:
                return taken
    raise SystemExit(f"only {len(taken)} of {4 * changes} moves of a slider changed the ranking")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=24)
    parser.add_argument("--limit", type=float, default=300.0, help="milliseconds")
    parser.add_argument("--need", choices=NEEDS, action="append")
    options = parser.parse_args()
    path = chromium()
    if path is None:
        raise SystemExit("Chromium is needed")
    worst = 0.0
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(ROOT / "streamlit_app.py", Path(scratch)) as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for need in options.need or NEEDS:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/shortlist?{NEEDS[need]}&lang=en")
            page.get_by_role("slider", name=SLIDERS[0]).wait_for(timeout=60_000)
            page.wait_for_timeout(2_000)
            settled(page)
            page.evaluate(WATCH)
            taken = moves(page, options.changes)
            page.close()
            for place, what in enumerate(("first moved name", "whole ranking")):
                values = sorted(times[place] for times in taken)
                median, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
                print(
                    f"{need}, {what}: median {median:.0f} ms, p95 {p95:.0f} ms, {values[0]:.0f} to {values[-1]:.0f}"
                )
            worst = max(worst, statistics.median(last for _, last in taken))
        browser.close()
    print(f"slowest median: {worst:.0f} ms (limit {options.limit:.0f})")
    return int(worst > options.limit)


if __name__ == "__main__":
    raise SystemExit(main())
