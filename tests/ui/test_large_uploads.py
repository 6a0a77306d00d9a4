"""Large data: the server forgets what is kept, reading tells how far it is, and can be given up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from advisor.dataset.thinning import thin
from advisor.errors import StorageError
from advisor.ui import session, state, uploads


class GivenUp(BaseException):
    """What a press on a button raises inside a page's script."""


def test_the_server_forgets_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = MemoryUploadedFileManager("/files")
    for file in ("kept", "other"):
        manager.add_file("me", UploadedFileRec(file, "x.zip", "application/zip", b"0" * 100))
    context = SimpleNamespace(uploaded_file_mgr=manager, session_id="me")
    monkeypatch.setattr("streamlit.runtime.scriptrunner.get_script_run_ctx", lambda: context)
    kept: Any = SimpleNamespace(file_id="kept")
    uploads.release([kept])
    assert [record.file_id for record in manager.get_files("me", ["kept", "other"])] == ["other"]


def test_a_full_disk_is_said_and_leaves_nothing(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    file = SimpleNamespace(name="a/1.png", getvalue=lambda: b"1")
    monkeypatch.setattr(uploads, "_zip", full)
    with pytest.raises(StorageError, match="No space left"):
        uploads.keep_folder([file, file])
    assert [path for path in fresh_home.rglob("*") if path.is_file()] == []


@pytest.fixture
def long_table(tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    rows = "".join(f"text number {n},{'ab'[n % 2]}\n" for n in range(45_000))
    path.write_text(f"text,label\n{rows}", encoding="utf-8")
    return path


def test_a_large_table_tells_how_far_it_is(long_table: Path) -> None:
    told: list[tuple[int, int]] = []
    assert thin(long_table, 50, lambda done, total: told.append((done, total)))
    size = long_table.stat().st_size
    assert len(told) == 2 and all(total == size for _, total in told)
    assert 0 < told[0][0] < told[1][0] <= size


def test_reading_can_be_given_up_and_taken_up(long_table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_done: int, _total: int) -> None:
        raise GivenUp

    monkeypatch.setattr("advisor.dataset.reading.LARGE_BYTES", 1000)
    monkeypatch.setattr("advisor.dataset.thinning.ROWS_HELD", 100)
    source = state.DataSource(path=str(long_table), name="long.csv")
    with pytest.raises(GivenUp):
        session.dataset(source, stop)
    found = session.dataset(source)
    assert found.task == "text-classification" and session.dataset(source, stop) is found


def test_the_columns_of_a_large_table_are_read_from_its_sample(
    long_table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.dataset.thinning.LARGE_BYTES", 1000)
    assert session.columns(long_table) == ["text", "label"]
    assert session.columns(long_table.with_name("none.csv")) == []
