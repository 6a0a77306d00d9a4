"""The limits hold, and no bytes whatever make reading fail in another way than with a DataError."""

import io
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from PIL import Image

from advisor.dataset import limits, read
from advisor.dataset.tree import open_tree
from advisor.errors import DataError

CSV = "text,label\n" + "".join(f"some words {i},{'ab'[i % 2]}\n" for i in range(10))
SEEDS = [
    CSV.encode(),
    CSV.encode("utf-16"),
    b'{"text": "a b", "label": "x"}\n' * 4,
    b"PK\x03\x04",
    b"PAR1",
    b"",
]


def picture(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").rotate(shade * 37 % 360).resize((40, 40)).save(stream, "PNG")
    return stream.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".xlsx", ".zip"]),
    st.sampled_from(SEEDS),
    st.binary(max_size=200),
    st.integers(0, 300),
)
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, suffix: str, seed: bytes, noise: bytes, at: int
) -> None:
    path = tmp_path / f"data{suffix}"
    path.write_bytes(seed[:at] + noise + seed[at:])
    try:
        dataset = read(path)
    except DataError as error:
        assert str(path) in str(error) or "column" in str(error)
    else:
        assert len(dataset) == len(dataset.labels) == len(dataset.groups) >= 4


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=30))
def test_a_damaged_zip_is_read_or_refused(tmp_path: Path, at: int, noise: bytes) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", picture(number))
    content = bytearray(path.read_bytes())
    at %= len(content)
    content[at : at + len(noise)] = noise
    path.write_bytes(bytes(content))
    try:
        assert len(read(path).classes) == 2
    except DataError as error:
        assert str(path) in str(error)


def images(folder: Path) -> Path:
    for number in range(6):
        place = folder / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(picture(number))
    return folder


def packed(folder: Path) -> Path:
    path = folder / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(images(folder / "in").rglob("*.png")):
            archive.write(file, file.relative_to(folder / "in"))
    return path


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 5)
    with pytest.raises(DataError, match="more than 5 files"):
        read(images(tmp_path / "folder"))
    with pytest.raises(DataError, match=r"6 files\. Allowed: at most 5"):
        read(packed(tmp_path))


def test_too_large_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 100)
    with pytest.raises(DataError, match=r"unfolds to .* bytes"):
        read(packed(tmp_path))


def test_too_large_image_is_left_out(tmp_path: Path) -> None:
    folder = images(tmp_path / "folder")
    with (folder / "a" / "large.png").open("wb") as stream:
        stream.truncate(limits.IMAGE_BYTES + 1)
    finding = next(item for item in read(folder).findings if item.kind == "unreadable")
    assert finding.examples == ("a/large.png: larger than 64 MB",)


def test_overlapping_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path)
    original = zipfile.ZipFile.infolist

    def doubled(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        return original(archive) * 3

    monkeypatch.setattr(zipfile.ZipFile, "infolist", doubled)
    with pytest.raises(DataError, match="overlap"):
        read(path)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_too_many_rows(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"text": [f"words {i}" for i in range(9)], "label": list("ababababa")})
    path = tmp_path / f"data.{suffix}"
    write = {
        "csv": lambda: frame.to_csv(path, index=False),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "parquet": lambda: frame.to_parquet(path),
        "xlsx": lambda: frame.to_excel(path, index=False),
    }
    write[suffix]()
    monkeypatch.setattr(limits, "ROWS", 5)
    with pytest.raises(DataError, match=r"more than 5 rows|holds 9 rows"):
        read(path)


def test_too_large_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.csv").write_text(CSV, encoding="utf-8")
    monkeypatch.setattr(limits, "TABLE_BYTES", 50)
    with pytest.raises(DataError, match="MB large"):
        read(tmp_path / "data.csv")


def test_too_long_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "VALUE_CHARACTERS", 100)
    path = tmp_path / "data.jsonl"
    rows = [f'{{"text": "{"x" * (500 if i == 3 else 5)}{i}", "label": "{i % 2}"}}\n' for i in range(9)]
    path.write_text("".join(rows), encoding="utf-8")
    dataset = read(path)
    assert len(dataset) == 8
    assert next(item for item in dataset.findings if item.kind == "too-long").examples == ("row 4",)


def test_a_name_that_is_no_utf8_is_passed_over(tmp_path: Path) -> None:
    folder = images(tmp_path / "folder")
    Path(os.fsdecode(os.fsencode(folder / "a") + b"/\xff.png")).write_bytes(picture(1))
    dataset = read(folder)
    assert len(dataset) == 6
    assert "ignored-files" in {item.kind for item in dataset.findings}


def test_excel_without_cells_and_old_bold_types(tmp_path: Path) -> None:
    book = Workbook()
    for row in (
        ("text", "label"),
        ("first words", 1.0),
        ("second words", True),
        ("third words", 1),
        ("more", True),
    ):
        book.active.append(row)
    book.save(tmp_path / "data.xlsx")
    assert read(tmp_path / "data.xlsx").classes == ("1", "true")
    chart = Workbook()
    chart.create_chartsheet()
    chart.remove(chart.active)
    chart.save(tmp_path / "chart.xlsx")
    with pytest.raises(DataError, match=r"chart\.xlsx"):
        read(tmp_path / "chart.xlsx")


CASES = {
    "label by content": (
        lambda i: {"id": i, "said": f"a longer sentence number {i}", "kind_of": "ab"[i % 2], "score": i / 7},
        ("said", "kind_of"),
    ),
    "two possible labels": (
        lambda i: {"said": f"a longer sentence number {i}", "one": "ab"[i % 2], "two": "xyz"[i % 3]},
        None,
    ),
    "two long columns of two": (
        lambda i: {"first": f"words and words {i}", "second": f"more and more words {i}"},
        None,
    ),
    "long first of two": (
        lambda i: {"first": f"a long sentence with many words in it {i}", "second": f"go {'ab'[i % 2]}"},
        ("first", "second"),
    ),
    "long second of two": (
        lambda i: {"first": f"go {'ab'[i % 2]}", "second": f"a long sentence with many words in it {i}"},
        ("second", "first"),
    ),
    "single words": (lambda i: {"first": f"name{i}", "second": "ab"[i % 2]}, ("first", "second")),
    "single words and a label": (lambda i: {"label": "ab"[i % 2], "name": f"name{i}"}, ("name", "label")),
    "numbers and a label": (lambda i: {"label": "ab"[i % 2], "size": i / 7}, None),
    "dates are no texts": (
        lambda i: {
            "when": f"2024-01-{i % 28 + 1:02d} 10:00",
            "label": "ab"[i % 2],
            "said": f"words about {i}",
        },
        ("said", "label"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_columns_by_content(case: str, tmp_path: Path) -> None:
    make, expected = CASES[case]
    pd.DataFrame([make(i) for i in range(24)]).to_csv(tmp_path / "data.csv", index=False)
    if expected is None:
        with pytest.raises(DataError, match="--text and --label"):
            read(tmp_path / "data.csv")
    else:
        assert read(tmp_path / "data.csv").columns == expected


def test_a_member_whose_two_names_differ_is_unreadable_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/é.png", b"x")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xbc\xff", 1))
    with pytest.raises(OSError):
        open_tree(path).read("a/é.png")
