"""What Streamlit's own widgets say in English is said in the session's language, and nothing of the user's changes."""

import json
from typing import Any

import pytest
from browser import chromium

from advisor.ui import look
from advisor.ui.frame import _tongue

WIDGET = """
<div data-testid="stFileUploader"><button aria-label="Cancel upload of Upload.zip"><p>Upload</p></button>
<span class="limit">2GB per file</span><b title="a">Upload.zip</b></div>
<p id="own">Upload</p>
"""
SAID = """() => [...document.querySelectorAll('p, .limit, b')].map(one => one.textContent)
  .concat(document.querySelector('button').ariaLabel)"""


@pytest.fixture(scope="module")
def page() -> Any:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium: the words of Streamlit's widgets were not looked at")
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def speak(page: Any, language: Any) -> list[str]:
    page.evaluate(_tongue(language).removeprefix("<script>").removesuffix("</script>"))
    page.evaluate("() => new Promise(requestAnimationFrame)")
    found: list[str] = page.evaluate(SAID)
    return found


def test_widgets_follow_the_language_there_and_back(page: Any) -> None:
    page.set_content(WIDGET)
    english = ["Upload", "2GB per file", "Upload.zip", "Upload", "Cancel upload of Upload.zip"]
    chinese = ["上传", "每个文件最大 2GB", "Upload.zip", "Upload", "取消上传 Upload.zip"]
    assert speak(page, "en") == english
    assert speak(page, "zh") == chinese
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert speak(page, "zh") == chinese
    assert speak(page, "en") == english


def test_what_appears_later_is_said_too(page: Any) -> None:
    page.set_content(WIDGET)
    speak(page, "zh")
    page.evaluate("() => { document.querySelector('button p').firstChild.data = 'Upload directories' }")
    page.wait_for_function("() => document.querySelector('button p').textContent === '上传文件夹'")
    page.evaluate(
        "() => document.body.insertAdjacentHTML('beforeend', '<i data-testid=\"stTooltipContent\">No results</i>')"
    )
    page.wait_for_function("() => document.querySelector('i').textContent === '没有结果'")


def test_the_words_keep_their_gaps() -> None:
    words = json.loads((look.STATIC / "frame_words.zh.json").read_text(encoding="utf-8"))
    assert words
    assert all(said.strip() and said.count("{}") == text.count("{}") for text, said in words.items())
