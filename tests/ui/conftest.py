"""The app under streamlit.testing, in a home of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from report_fixture import make_report
from streamlit.testing.v1 import AppTest

from advisor.jobs.folder import RunFolder, RunSpec
from advisor.jobs.register import register
from advisor.report import write_report

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("ADVISOR_HOME", str(home))
    monkeypatch.delenv("ADVISOR_MODELS", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    st.cache_resource.clear()
    return home


@pytest.fixture
def open_app() -> Callable[..., AppTest]:
    """Open a page, with a query like the one of an address."""

    def open_page(page: str = "need", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        if page != "need":
            app.switch_page(f"advisor/ui/{page}.py").run()
        assert not app.exception
        return app

    return open_page


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    rows = [f"Where is parcel number {i}?,delivery" for i in range(20)]
    rows += [f"My invoice {i} is wrong,billing" for i in range(12)]
    path.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def finished_run(fresh_home: Path) -> Callable[[str], Path]:
    """Leave a finished run on disk, as a probe would."""

    def finish(name: str) -> Path:
        path = fresh_home / "runs" / name
        report = make_report()
        spec = RunSpec(
            brief=report.brief, data=str(fresh_home), budget_s=60, created="2026-01-01T10:00:00", command="x"
        )
        folder = RunFolder.create(path, spec)
        write_report(report, folder.report_path)
        folder.set_state("done")
        register(path, spec.created)
        return path

    return finish
