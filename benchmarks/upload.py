"""Whether 500 MB reach the Data page: an archive of images and a table, through a real browser into a real server.

Both are made here. Told are the seconds of the upload and of the reading, whether progress is seen in both, and the
server's memory: before, at its highest, and afterwards. Then an upload and a reading are given up midway, and a file
beyond the limit is offered. Exit code 1 if one of these does not work.
"""

import argparse
import os
import random
import sys
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import ROOT, chromium, serving, settled

MB = 1_000_000
WATCH = """() => {
  const seen = window.seen = { uploading: new Set(), reading: new Set() };
  setInterval(() => {
    if (document.querySelector('[data-testid=stFileChipIconSpinner]'))
      seen.uploading.add(getComputedStyle(document.documentElement).getPropertyValue('--uploaded'));
    const read = document.querySelector('[data-testid=stProgress]');
    if (read) seen.reading.add(read.textContent);
  }, 50);
}"""
SEEN = "() => ({ uploading: [...window.seen.uploading], reading: [...window.seen.reading] })"


class Watch:
    """Follows how much memory of its own a process has."""

    def __init__(self, pid: int) -> None:
        self.process, self.ended, self.highest = psutil.Process(pid), Event(), 0.0
        self.thread = Thread(target=self._follow, daemon=True)
        self.thread.start()

    def now(self) -> float:
        return float(self.process.memory_info().rss) / MB

    def _follow(self) -> None:
        while not self.ended.wait(0.05):
            self.highest = max(self.highest, self.now())


def archive(path: Path, megabytes: int) -> Path:
    """Make a zip of noise images of 256 kB in two classes; each is different."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as zipped:
        for number in range(megabytes * MB // 256_000):
            image = Image.frombytes("RGB", (292, 292), os.urandom(292 * 292 * 3))
            content = BytesIO()
            image.save(content, "PNG", compress_level=0)
            zipped.writestr(f"noise/{'ab'[number % 2]}/{number:05}.png", content.getvalue())
    return path


def table(path: Path, megabytes: int) -> Path:
    """Make a CSV of two classes with rows of some 330 bytes."""
    draw = random.Random(0)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"]
    phrases = [" ".join(draw.choices(words, k=20)) for _ in range(5000)]
    with path.open("w", encoding="utf-8") as stream:
        stream.write("text,label\n")
        number = 0
        while stream.tell() < megabytes * MB:
            for _ in range(2000):
                number += 1
                text = " ".join(draw.choices(phrases, k=4))
                stream.write(f"{number} {text},{'good' if number % 2 else 'bad'}\n")
    return path


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(f"{address}/data?lang=en")
    page.get_by_test_id("stFileUploaderDropzone").first.wait_for()
    settled(page)
    page.evaluate(WATCH)
    return page


def choose(page: Page, path: Path) -> None:
    page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(path)


def whole(browser: Browser, address: str, path: Path, watch: Watch, most_s: int) -> dict[str, Any]:
    """Upload a file and wait until the page has read it."""
    page = opened(browser, address)
    before = watch.now()
    watch.highest = 0.0
    started = time.monotonic()
    choose(page, path)
    page.get_by_role("button", name="Use other data").wait_for(timeout=most_s * 1000)
    kept = time.monotonic() - started
    page.get_by_text("Judge once").wait_for(timeout=most_s * 1000)
    read = time.monotonic() - started - kept
    settled(page)
    seen = page.evaluate(SEEN)
    told = {
        "file": path.name,
        "MB": round(path.stat().st_size / MB),
        "upload_s": round(kept, 1),
        "read_s": round(read, 1),
        "upload_steps": len(seen["uploading"]),
        "read_steps": len(seen["reading"]),
        "before_MB": round(before),
        "highest_MB": round(watch.highest),
        "after_MB": round(watch.now()),
    }
    page.close()
    return told


def upload_given_up(browser: Browser, address: str, path: Path) -> bool:
    """Say whether an upload can be taken back while it is under way, and the page be used afterwards."""
    page = opened(browser, address)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20 * MB}
    session.send("Network.emulateNetworkConditions", slow)
    choose(page, path)
    page.get_by_test_id("stFileChipIconSpinner").first.wait_for()
    page.wait_for_timeout(1_000)
    page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").click()
    page.get_by_test_id("stFileChip").wait_for(state="detached")
    page.wait_for_timeout(1_000)
    free = page.get_by_test_id("stFileUploaderDropzone").first.is_visible()
    page.close()
    return free


def reading_given_up(browser: Browser, address: str, path: Path) -> float:
    """Give up a reading; seconds until the page asks for data again."""
    page = opened(browser, address)
    page.locator("summary", has_text="A path on this machine").click()
    page.get_by_label("Folder or file").fill(str(path))
    page.get_by_label("Folder or file").press("Enter")
    page.get_by_test_id("stProgress").wait_for()
    pressed = time.monotonic()
    page.get_by_role("button", name="Use other data").click()
    page.get_by_test_id("stFileUploaderDropzone").first.wait_for(timeout=120_000)
    taken = time.monotonic() - pressed
    page.close()
    return taken


def beyond(browser: Browser, address: str, path: Path) -> str:
    """Offer a file beyond the limit; what the page says."""
    page = opened(browser, address)
    choose(page, path)
    said = page.get_by_test_id("stFileChip").get_by_role("alert")
    said.wait_for(state="attached")
    text = said.inner_text()
    page.close()
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--most", type=int, default=400, help="seconds to wait for one step")
    options = parser.parse_args()
    path = chromium()
    if path is None:
        raise SystemExit("Chromium is needed")
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(ROOT / "streamlit_app.py", Path(scratch) / "home") as (address, pid),
        sync_playwright() as playwright,
    ):
        folder = Path(scratch)
        files = [archive(folder / "noise.zip", options.megabytes), table(folder / "t.csv", options.megabytes)]
        huge = folder / "huge.zip"
        with huge.open("wb") as stream:
            stream.truncate(2_200 * 1024**2)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        watch, good = Watch(pid), True
        print(f"beyond the limit: {beyond(browser, address, huge)!r}", flush=True)
        free = upload_given_up(browser, address, files[0])
        print(f"an upload can be given up: {free}", flush=True)
        for file in files:
            told = whole(browser, address, file, watch, options.most)
            print(told, flush=True)
            good &= told["upload_steps"] > 1 and told["read_steps"] > 1
            copy = file.with_stem(f"{file.stem}2")
            file.rename(copy)
            taken = reading_given_up(browser, address, copy)
            print(f"a reading is given up within {taken:.1f} s", flush=True)
            good &= taken < 10
        watch.ended.set()
        browser.close()
    return int(not (good and free))


if __name__ == "__main__":
    raise SystemExit(main())
