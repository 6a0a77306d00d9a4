"""Tables too large to be held: the sample keeps rows whole, knows their lines, and nothing else changes."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.dataset import read, reading, thinning
from advisor.dataset.thinning import thin

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=12
)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=5, max_size=30), st.integers(1, 4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_kept_whole_and_in_order_with_their_lines(
    tmp_path: Path, rows: list[tuple[str, str]], most: int
) -> None:
    path = tmp_path / "data.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("text", "label"), *rows])
    thinned = thin(path, most)
    assert thinned is not None
    assert thinned.rows == len(rows)
    assert thinned.sha256 == hashlib.sha256(path.read_bytes()).digest()
    kept = list(csv.reader(io.StringIO(thinned.content.decode(), newline="")))
    assert len(kept) == most + 1
    places = iter([["text", "label"], *map(list, rows)])
    assert all(row in places for row in kept), "a part of the rows, in their order"
    lines = path.read_bytes().split(b"\n")
    assert [lines[number - 1] for number in thinned.lines] == thinned.content.split(b"\n")[:-1]


def test_json_lines_and_small_or_odd_tables(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps({"text": f'say "{i}', "label": "a"}) + "\n" for i in range(20)))
    thinned = thin(path, 5)
    assert thinned is not None
    assert len([json.loads(line) for line in thinned.content.splitlines()]) == 6
    assert thin(path, 50) is None
    for name, content in (
        ("a.xlsx", b"x\n" * 20),
        ("b.csv", b'text,label\n"never closed,a\n' + b"x,b\n" * 20),
        ("c.csv", "text,label\n".encode("utf-16") * 20),
    ):
        (tmp_path / name).write_bytes(content)
        assert thin(tmp_path / name, 5) is None


def test_a_large_table_is_read_as_a_stated_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text,label\n" + "".join(f'"number {i}\nof many",class {i % 3}\n' for i in range(200)))
    monkeypatch.setattr(reading, "LARGE_BYTES", 100)
    monkeypatch.setattr(reading, "thin", lambda path, progress=None: thinning.thin(path, 60))
    sample = read(path, task="text-classification")
    assert len(sample) == 60
    assert any(one.kind == "subsampled" and "200 rows" in one.detail for one in sample.findings)
    for id, text in zip(sample.ids, sample.contents, strict=True):
        assert int(id.split()[1]) == 2 + 2 * int(text.split()[1])
    monkeypatch.setattr(reading, "LARGE_BYTES", 10**9)
    assert read(path, task="text-classification").sha256 == sample.sha256
