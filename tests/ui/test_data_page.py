import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from test_need_page import text_of

from advisor.errors import DataError
from advisor.ui import uploads


def png(colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(content, "PNG")
    return content.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def upload(app, name: str, content: bytes):
    return app.file_uploader(key="data.file").set_value((name, content, "application/octet-stream")).run()


def test_a_table_fills_the_need(open_app, tickets):
    app = upload(open_app("data"), "tickets.csv", tickets.read_bytes())
    assert not app.exception
    draft = app.session_state["draft"]
    assert draft.answers == {"task": "text-classification"}
    assert draft.data.profile.counts == {"delivery": 20, "billing": 12}
    assert "tickets.csv, 32 examples, 2 classes" in text_of(app).replace("\\", "")
    assert "Judge once" in text_of(app)
    app.switch_page("advisor/ui/need.py").run()
    assert app.number_input(key="need.data.examples").value is None
    assert "32 (read from your data)" in app.number_input(key="need.data.examples").placeholder


def test_a_reload_still_has_the_data(open_app, tickets):
    app = upload(open_app("data"), "tickets.csv", tickets.read_bytes())
    again = open_app("data", draft=app.query_params["draft"])
    assert [metric.value for metric in again.metric][:2] == ["32", "2"]


def test_images_are_shown_by_class(open_app):
    files = {
        f"{name}/{i}.png": png(f"hsl({hue + i},80%,50%)")
        for name, hue in (("red", 0), ("blue", 220))
        for i in range(6)
    }
    app = upload(open_app("data"), "two.zip", zip_of(files))
    assert not app.exception
    assert len(app.get("image")) == 2
    assert app.session_state["draft"].data.profile.task == "image-classification"


def test_unclear_columns_can_be_chosen_without_another_upload(open_app):
    rows = "\n".join(
        f"words number {i} here,other words {i % 5} there,group {i % 2} of words" for i in range(40)
    )
    app = upload(open_app("data"), "odd.csv", f"a,b,c\n{rows}".encode())
    assert app.error and app.selectbox(key="data.text")
    app.selectbox(key="data.text").set_value("a").run()
    app.selectbox(key="data.label").set_value("c").run()
    next(button for button in app.button if button.label == "Read with these columns").click().run()
    assert not app.error and not app.exception
    assert app.session_state["draft"].data.profile.examples == 40


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("a.zip", b"not a zip"),
        ("one.csv", b"text,label\nhello,a\nbye,a\n"),
        ("b.xlsx", b"\x00\x01"),
    ],
)
def test_bad_data_are_explained_and_can_be_replaced(open_app, tickets, name, content):
    app = open_app("data", task="text-classification", **{"constraints.latency_ms": "80"})
    upload(app, name, content)
    assert not app.exception
    assert len(app.error) == 1 and app.error[0].value
    assert app.session_state["draft"].answers["constraints.latency_ms"] == 80
    next(button for button in app.button if button.label == "Use other data").click().run()
    upload(app, "tickets.csv", tickets.read_bytes())
    assert not app.error and app.metric


def test_data_of_another_kind_than_the_need_are_pointed_out(open_app, tickets):
    app = upload(open_app("data", task="image-classification"), "tickets.csv", tickets.read_bytes())
    assert "the need says image classification" in app.warning[0].value


def test_a_path_on_the_server_may_be_named(open_app, tickets):
    app = open_app("data")
    app.text_input(key="data.path").set_value("/nowhere/at/all").run()
    assert "There is no file or folder" in app.error[0].value
    app.text_input(key="data.path").set_value(str(tickets)).run()
    assert app.metric[0].value == "32"


def test_a_sample_is_one_click_away(open_app):
    app = open_app("data")
    app.button(key="sample text").click().run()
    assert not app.exception
    assert app.session_state["draft"].data.name == "Support tickets"
    assert "Chinese" in text_of(app)


def test_data_that_have_gone_are_noticed(open_app, tickets, tmp_path):
    app = open_app("data")
    app.text_input(key="data.path").set_value(str(tickets)).run()
    tickets.unlink()
    app.run()
    assert "no longer there" in app.error[0].value


def stored(name: str, content: bytes) -> SimpleNamespace:
    return SimpleNamespace(name=name, getvalue=lambda: content)


def test_the_same_upload_is_kept_once_and_its_name_cannot_escape(fresh_home: Path):
    first = uploads.keep(stored("../../evil.csv", b"text,label\n"))
    assert first == uploads.keep(stored("../../evil.csv", b"text,label\n"))
    assert first.is_relative_to(fresh_home / "uploads") and first.name == "evil.csv"


def test_a_folder_becomes_a_zip_with_its_paths(fresh_home: Path):
    kept = uploads.keep_folder(
        [stored("photos/a/1.png", png("red")), stored("photos/../b/2.png", png("blue"))]
    )
    with zipfile.ZipFile(kept) as archive:
        assert sorted(archive.namelist()) == ["photos/a/1.png", "photos/b/2.png"]
    with pytest.raises(DataError, match="no image has a class"):
        uploads.keep_folder([stored("1.png", b""), stored("2.png", b"")])
