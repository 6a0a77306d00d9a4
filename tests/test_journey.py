"""The whole way through the app in a real browser, by keyboard alone: need, data, probe, cancel, reload, decision,
download."""

import io
import os
import random
import time
import zipfile
from pathlib import Path

import psutil
import pytest
from browser import ROOT, chromium, maps_torch, press, reach, serving, settled, tick
from PIL import Image

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("The browser journey needs Chromium, and there is none")
        pytest.skip("no Chromium: the browser journey was not tested")
    sync = pytest.importorskip("playwright.sync_api")
    home = tmp_path_factory.mktemp("journey")
    only_starters = pytest.MonkeyPatch()
    only_starters.delenv("ADVISOR_MODELS", raising=False)
    with serving(ROOT / "streamlit_app.py", home) as (address, pid), sync.sync_playwright() as playwright:
        only_starters.undo()
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        opened = context.new_page()
        opened.foreign = []
        context.on("request", lambda request: _note(opened.foreign, request.url))
        opened.address, opened.server, opened.home = address, pid, home
        opened.set_default_timeout(120_000)
        yield opened
        for process in _workers(home):
            process.kill()
        browser.close()


def _note(foreign: list[str], url: str) -> None:
    if not url.startswith(("data:", "blob:", f"http://{HERE}:", f"ws://{HERE}:")):
        foreign.append(url)


def _workers(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "advisor.probe.worker" in words and any(str(home) in word for word in words):
            found.append(process)
    return found


def _alive(processes: list[psutil.Process]) -> bool:
    return any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def two_classes() -> bytes:
    draw = random.Random(0)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for label, lowest in (("dark", 0), ("bright", 100)):
            for number in range(40):
                image = Image.new("L", (64, 64))
                image.putdata([draw.randint(lowest, lowest + 155) for _ in range(64 * 64)])
                png = io.BytesIO()
                image.save(png, "PNG")
                archive.writestr(f"walls/{label}/{number}.png", png.getvalue())
    return content.getvalue()


def go(page, name: str) -> None:
    settled(page)
    press(page, page.get_by_role("link", name=name, exact=True).first)


def back_to(page, name: str) -> None:
    """Go back; Streamlit may note a page twice, once before and once after its address names the draft."""
    settled(page)
    for _ in range(2):
        page.go_back()
        for _ in range(50):
            if f"/{name}" in page.url:
                return
            page.wait_for_timeout(100)


def start_probe(page, up: int) -> None:
    go(page, "Probe")
    slider = page.get_by_role("slider").first
    press(page, slider, "Home")
    page.get_by_text("first impression").wait_for()
    for _ in range(up):
        press(page, slider, "ArrowRight")
    press(page, page.get_by_role("button", name="Start"))
    page.get_by_role("button", name="Cancel").wait_for()


def test_from_the_need_to_the_report(page, tmp_path):
    page.goto(page.address)
    page.get_by_role("heading", name="What do you need?").wait_for()
    tick(page, page.get_by_role("radio", name="Images"))
    page.get_by_text("models are left").wait_for()
    settled(page)
    tick(page, page.get_by_label("Must it work without any download?"))
    page.get_by_text("3 of ").wait_for()

    go(page, "Data")
    with page.expect_file_chooser() as asked:
        press(page, page.get_by_test_id("stFileUploaderDropzone").first.locator("button"))
    asked.value.set_files({"name": "walls.zip", "mimeType": "application/zip", "buffer": two_classes()})
    page.get_by_text("Judge once").wait_for()
    page.reload()
    page.get_by_text("walls.zip, 80 examples, 2 classes").wait_for()

    go(page, "Shortlist")
    page.get_by_text("Try it on my data").first.wait_for()

    start_probe(page, up=3)
    page.locator(".race td.r", has_text="%").first.wait_for()
    deadline = time.monotonic() + 20
    while not (workers := _workers(page.home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers, "no worker is running"
    reach(page, page.get_by_role("button", name="Cancel"))
    clicked = time.monotonic()
    page.keyboard.press("Enter")
    while _alive(workers) and time.monotonic() - clicked < 10:
        time.sleep(0.02)
    assert time.monotonic() - clicked <= 2.0
    page.get_by_text("Cancelled; what was reached is kept").wait_for()
    page.get_by_role("heading", name="What is mistaken for what?").wait_for()

    press(page, page.get_by_role("button", name="Plan another probe"))
    start_probe(page, up=2)
    page.locator(".race td.r", has_text="%").first.wait_for()
    page.reload()
    page.get_by_role("button", name="Cancel").wait_for()
    beside = page.context.new_page()
    beside.goto(page.url)
    beside.get_by_role("button", name="Cancel").wait_for()
    beside.close()
    page.get_by_role("heading", name="How they compare").wait_for(timeout=180_000)

    go(page, "Decision")
    page.get_by_role("heading", name="How likely is each model to be the best?").wait_for()
    settled(page)
    with page.expect_download() as waiting:
        press(page, page.get_by_role("button", name="Report (HTML)"))
    report = tmp_path / "report.html"
    waiting.value.save_as(report)
    assert "<svg" in report.read_text(encoding="utf-8")
    back_to(page, "probe")
    page.get_by_role("heading", name="How they compare").wait_for()
    page.screenshot(path=page.home / "end.png")

    go(page, "Runs")
    page.get_by_role("button", name="Open").nth(1).wait_for()

    assert page.foreign == []
    assert not maps_torch(page.server)
