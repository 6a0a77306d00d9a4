"""How long the app takes from server start to its first usable page, against an empty Streamlit app.

Both are started in turn, several times; a page counts as usable when its heading stands and the script has run to
its end. Also checks that the server has not loaded torch. Exit code 1 if the median ratio is above the limit.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import ROOT, chromium, maps_torch, serving

EMPTY = 'import streamlit as st\n\nst.title("Empty")\n'
USABLE = "() => document.querySelector('h1') && document.querySelector('[data-test-script-state=notRunning]')"


def seconds(browser: Browser, script: Path, home: Path, folder: Path) -> float:
    started = time.monotonic()
    with serving(script, home, folder) as (address, pid):
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function(USABLE, timeout=60_000)
        taken = time.monotonic() - started
        page.close()
        if maps_torch(pid):
            raise SystemExit("the server has loaded torch")
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=1.5)
    options = parser.parse_args()
    path = chromium()
    if path is None:
        raise SystemExit("Chromium is needed")
    taken: dict[str, list[float]] = {"empty": [], "advisor": []}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        empty = Path(scratch) / "empty.py"
        empty.write_text(EMPTY, encoding="utf-8")
        for run in range(options.runs + 1):
            for name, script, folder in (
                ("empty", empty, Path(scratch)),
                ("advisor", ROOT / "streamlit_app.py", ROOT),
            ):
                spent = seconds(browser, script, Path(scratch) / name, folder)
                if run:
                    taken[name].append(spent)
        browser.close()
    for name, values in taken.items():
        print(f"{name}: median {statistics.median(values):.2f} s of {[round(value, 2) for value in values]}")
    ratio = statistics.median(taken["advisor"]) / statistics.median(taken["empty"])
    print(f"ratio: {ratio:.2f} (limit {options.limit})")
    return int(ratio > options.limit)


if __name__ == "__main__":
    raise SystemExit(main())
