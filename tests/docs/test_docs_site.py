"""The site builds without a warning and asks no other host for anything."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the site's tools are not installed: make docs")

ROOT = Path(__file__).parents[2]
LOADS = {
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
}
PASSIVE = {"canonical", "prev", "next", "alternate"}


class Loads(HTMLParser):
    """Collects what a browser would fetch, and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "link" and named.get("rel") in PASSIVE:
            return
        for name, value in attrs:
            if (tag, name) in LOADS and value:
                self.found.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return out


def test_every_page_of_the_navigation_is_there(site: Path) -> None:
    for page in (
        "index",
        "tutorial",
        "reference/commands",
        "reference/knowledge",
        "reference/python",
        "evidence",
    ):
        assert (site / f"{page}.html").stat().st_size > 5_000, page


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for path in pages:
        parser = Loads()
        parser.feed(path.read_text(encoding="utf-8"))
        assert not [one for one in parser.found if re.match(r"(https?:)?//", one)], path
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//[^)\"']+", text), path


def test_the_python_reference_shows_the_front_door(site: Path) -> None:
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ("recommend.recommend", "jobs.run.run_probe", "decide.decide", "brief.Brief"):
        assert f'id="advisor.{name}"' in page
