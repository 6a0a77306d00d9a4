"""The app under a path prefix, behind a proxy and another name, with XSRF protection; planted scripts never run."""

import csv
import io
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import ROOT, chromium, serving
from report_fixture import make_report
from reverse_proxy import proxied
from tiny_models import timm_model

from advisor.jobs.folder import RunFolder, RunSpec
from advisor.jobs.register import register
from advisor.report import write_report
from advisor.result import Report

NAME, UNDER = "advisor.localhost", "tools/advisor"
PLANTS = tuple(
    plant.replace("N", str(number))
    for number, plant in enumerate((
        "<img src=x onerror=alert('owned N')>",
        "<script>alert('owned N')</script>",
        "[x](javascript:alert('ownedN'))",
        '"><svg onload=alert("owned N")>',
        "$\\href{javascript:alert('ownedN')}{x}$",
    ))
)  # fmt: skip


def table() -> bytes:
    """Texts, labels and column names that would like to be programs."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([f"text {PLANTS[0]}", f"label {PLANTS[1]}"])
    for number in range(60):
        plant = PLANTS[number % len(PLANTS)]
        writer.writerow([f"the parcel number {number} is late {plant}", PLANTS[number % 2 + 2]])
    return stream.getvalue().encode()


def spoilt(value: Any, names: dict[str, str]) -> Any:
    """Put other names into a report, wherever they stand."""
    if isinstance(value, dict):
        return {names.get(key, key): spoilt(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoilt(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def planted_run(home: Path) -> Path:
    """A finished run whose classes, models, reasons and notes are scripts."""
    report = make_report()
    content = report.model_dump(mode="json", by_alias=True)
    labels = report.probe.results[0].confusion.labels if report.probe.results[0].confusion else ()
    names = dict(zip(labels, PLANTS, strict=False))
    content = spoilt(content, names)
    content["decision"]["because"] = PLANTS[0]
    content["decision"]["next_steps"] = list(PLANTS)
    content["recommendation"]["notes"] = list(PLANTS)
    for row in content["probe"]["results"]:
        row["because"] = PLANTS[1]
    changed = Report.model_validate(content)
    path = home / "runs" / "planted"
    spec = RunSpec(
        brief=changed.brief, data=str(home), budget_s=60, created="2026-01-01T10:00:00", command="x"
    )
    folder = RunFolder.create(path, spec)
    write_report(changed, folder.report_path)
    folder.set_state("done")
    register(path, spec.created)
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("The test behind a proxy needs Chromium, and there is none")
        pytest.skip("no Chromium: the app behind a proxy was not tested")
    sync = pytest.importorskip("playwright.sync_api")
    home = tmp_path_factory.mktemp("proxied")
    timm_model(home / "models" / PLANTS[0].replace("/", "_"), license=PLANTS[1], trained_on=PLANTS[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(home))
        patch.setenv("ADVISOR_MODELS", str(home / "models"))
        patch.setenv("STREAMLIT_BROWSER_SERVER_ADDRESS", NAME)
        planted_run(home)
        with (
            serving(ROOT / "streamlit_app.py", home, under=UNDER) as (address, _),
            proxied(address) as (proxy, port),
            sync.sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            opened = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
            opened.owned, opened.proxy = [], proxy
            opened.on("dialog", lambda dialog: (opened.owned.append(dialog.message), dialog.dismiss()))
            opened.on(
                "console", lambda said: opened.owned.append(said.text) if "owned" in said.text else None
            )
            opened.address = f"http://{NAME}:{port}/{UNDER}"
            opened.direct = f"http://127.0.0.1:{port}/{UNDER}"
            opened.set_default_timeout(30_000)
            yield opened
            browser.close()


def settled(page: Any) -> None:
    page.wait_for_function("() => document.querySelector('[data-test-script-state=notRunning]')")


def go(page: Any, name: str) -> None:
    settled(page)
    page.get_by_role("link", name=name, exact=True).first.click()
    settled(page)


def test_upload_and_download_work_and_no_planted_script_runs(page: Any, tmp_path: Path) -> None:
    page.goto(page.address)
    page.get_by_role("heading", name="What do you need?").wait_for()
    page.get_by_role("radio", name="Text", exact=True).click()
    page.get_by_text("models are left").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save brief").click()
    waiting.value.save_as(tmp_path / "brief.yaml")
    assert "text" in (tmp_path / "brief.yaml").read_text()

    go(page, "Data")
    with page.expect_request(lambda request: "upload_file" in request.url) as uploading:
        page.locator("input[type=file]").first.set_input_files(
            {"name": f"{PLANTS[0].replace('/', '')}.csv", "mimeType": "text/csv", "buffer": table()}
        )
    page.get_by_text("Judge once").wait_for()
    assert page.get_by_text("<img src=x onerror").first.is_visible()
    token = uploading.value.headers.get("x-xsrftoken")
    assert token

    go(page, "Shortlist")
    page.get_by_text("Try it on my data").first.wait_for()
    go(page, "Models")
    go(page, "Runs")
    page.get_by_role("button", name="Open").first.click()
    page.get_by_role("heading", name="How they compare").wait_for()
    go(page, "Decision")
    page.get_by_role("heading", name="How likely is each model to be the best?").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report (HTML)").click()
    waiting.value.save_as(tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    assert page.get_by_text("onerror").first.is_visible()
    page.wait_for_timeout(300)
    assert page.owned == []
    asked = {re.split(r"[ ?]", line)[1] for line in page.proxy.asked}
    assert all(path.startswith(f"/{UNDER}") for path in asked if path != "/favicon.ico")


def test_a_file_without_the_token_is_refused(page: Any) -> None:
    request = urllib.request.Request(
        f"{page.direct}/_stcore/upload_file/0/0",
        data=b"x",
        method="PUT",
        headers={"Origin": "http://evil.example"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 403
