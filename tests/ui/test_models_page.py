import subprocess
import sys
from types import SimpleNamespace

import streamlit as st
from test_need_page import text_of

from advisor.quantity import Quantity
from advisor.ui import look


def found(app) -> int:
    return len(app.dataframe[0].value)


def test_search_and_facets_narrow_the_list(open_app):
    app = open_app("models")
    everything = found(app)
    assert everything >= 100
    app.text_input(key="models.search").set_value("mobilenet").run()
    some = found(app)
    assert 0 < some < everything
    app.selectbox(key="models.size").set_value(10).run()
    assert 0 < found(app) < some
    app.text_input(key="models.search").set_value("no such model").run()
    assert "No model fits" in text_of(app)


def test_every_facet_narrows_and_none_invents(open_app):
    app = open_app("models")
    everything = found(app)
    app.selectbox(key="models.task").set_value("text-classification").run()
    texts = found(app)
    app.selectbox(key="models.language").set_value("zh").run()
    chinese = found(app)
    app.selectbox(key="models.licence").set_value("permissive").run()
    free = found(app)
    assert 0 < free < chinese < texts < everything
    app.selectbox(key="models.kind").set_value("api").run()
    assert "No model fits" in text_of(app)


def test_a_chosen_task_shows_and_orders_by_a_published_result(open_app):
    app = open_app("models")
    app.selectbox(key="models.task").set_value("image-classification").run()
    app.selectbox(key="models.order").set_value("Best published result").run()
    values = app.dataframe[0].value.iloc[:, 1].dropna().tolist()
    assert len(values) > 100
    assert values == sorted(values, reverse=True)


def test_what_is_here_needs_no_download(open_app):
    app = open_app("models")
    everything = found(app)
    app.selectbox(key="models.here").set_value("memory").run()
    assert 0 < found(app) < everything
    app.selectbox(key="models.here").set_value("local").run()
    assert 0 < found(app) < 20


def test_up_to_four_stand_side_by_side_with_their_sources(open_app, monkeypatch):
    ticked = SimpleNamespace(selection=SimpleNamespace(rows=[0, 1, 2, 3, 4]))
    monkeypatch.setattr(st, "dataframe", lambda *rows, **more: ticked)
    shown = []
    monkeypatch.setattr(st, "html", lambda body, **more: shown.append(str(body)))
    app = open_app("models")
    (table,) = [body for body in shown if "beside" in body and "<table" in body]
    assert table.count("<small>") % 4 == 0
    assert "n4" in table
    assert "Four at most" in text_of(app)
    assert "Where to get them" in [expander.label for expander in app.expander]
    assert "<details" in table and "Licence" in table


def test_numbers_carry_units_and_intervals():
    latency = Quantity(value=12.34, low=8.0, high=20.0, unit="ms", basis="estimated", source="roofline")
    assert look.quantity(latency) == "12.3 ms (8–20)"
    assert look.quantity(Quantity.unknown("ms")) == "unknown"
    assert look.quantity(Quantity.exact(0.875, "quality", "published")) == "88"
    assert look.megabytes(1234.0) == "1.2 GB" and look.megabytes(None) == "size unknown"
    assert look.duration(75) == "1 min 15 s" and look.duration(None) == "unknown"
    assert look.number(1234567.0) == "1\u202f234\u202f567" and look.number(0.1234) == "0.12"
    assert look.percent(0.5) == "50.0 %" and look.percent(None) == "unknown"


def test_the_interval_bar_stays_on_its_scale():
    wide = Quantity(value=50.0, low=10.0, high=500.0, unit="ms", basis="estimated")
    bar = look.interval_bar(wide, 80.0, 100.0)
    assert "left:10.0%;width:90.0%" in bar and "left:80.0%" in bar
    assert "<i" not in look.interval_bar(Quantity.unknown("ms"), 80.0, 100.0)
    assert "&lt;b&gt;" in look.basis(wide.model_copy(update={"source": "<b>"}))


def test_the_server_side_of_the_app_never_imports_torch():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=60)\n"
        "app.query_params['task'] = 'text-classification'\n"
        "app.run()\n"
        "heavy = {'pandas', 'sklearn', 'altair', 'scipy', 'pyarrow', 'huggingface_hub'} & set(sys.modules)\n"
        "for page in ('shortlist', 'data', 'probe', 'decision', 'models', 'runs'):\n"
        "    app.switch_page(f'advisor/ui/{page}.py').run()\n"
        "    assert not app.exception\n"
        "bad = {'torch', 'timm', 'transformers'} & set(sys.modules)\n"
        "print(sorted(bad), sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[] []", done.stdout
