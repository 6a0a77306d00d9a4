"""Examples without labels on the Data page: taken, told of, kept where they are wrong, and let go."""

import csv
from pathlib import Path

import pytest
from test_need_page import text_of
from tiny_models import WORDS, sentence


def upload(app, name: str, content: bytes):
    return app.file_uploader(key="data.unlabelled").set_value((name, content, "text/plain")).run()


@pytest.fixture
def app(open_app, tickets):
    file = (tickets.name, tickets.read_bytes(), "text/csv")
    return open_app("data").file_uploader(key="data.file").set_value(file).run()


def test_they_are_taken_beside_the_data_and_put_away_again(app):
    lines = [sentence(list(WORDS)[i % 3], i) for i in range(60)]
    upload(app, "mails.txt", "\n".join(lines).encode())
    assert not app.exception and not app.error
    assert "60 of 60 unlabelled texts" in text_of(app)
    kept = app.session_state["draft"].data
    assert kept.unlabelled_name == "mails.txt"
    assert Path(kept.unlabelled).read_text().splitlines() == lines
    assert kept.profile.examples == 32, "the labelled examples are as they were"
    next(button for button in app.button if button.label == "Leave them out").click().run()
    left = app.session_state["draft"].data
    assert left == kept.model_copy(update={"unlabelled": None, "unlabelled_name": ""})
    assert app.file_uploader(key="data.unlabelled")


def test_what_cannot_be_read_is_explained_and_the_rest_stays(app):
    upload(app, "rows.csv", b"a,b\n1,2\n3,4\n")
    assert not app.exception and len(app.error) == 1
    assert app.session_state["draft"].data.profile.examples == 32
    assert app.metric[0].value == "32"
    next(button for button in app.button if button.label == "Leave them out").click().run()
    assert not app.error


def test_the_probe_is_asked_with_them(app, monkeypatch, tmp_path):
    rows = [[sentence("refund", i), "unknown"] for i in range(55)]
    path = tmp_path / "more.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    upload(app, "more.csv", path.read_bytes())
    asked = {}

    def start(brief, data, out, **options):
        asked.update(options)
        return out

    monkeypatch.setattr("advisor.jobs.start_probe", start)
    app.switch_page("advisor/ui/probe.py").run()
    next(button for button in app.button if button.label == "Start").click().run()
    assert asked["unlabelled"] == Path(app.session_state["draft"].data.unlabelled)
