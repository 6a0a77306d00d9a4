import datetime as dt
import json
import time
from pathlib import Path

import pandas as pd
import pytest

from advisor.dataset import Dataset, profile, read
from advisor.dataset.decode import decode
from advisor.errors import DataError

ROWS = [(f"This is the text, number {i}", ("yes", "no")[i % 2]) for i in range(8)]


def written(folder: Path, content: str, name: str = "data.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_text(content, encoding=encoding, newline="")
    return folder / name


def csv_text(separator: str = ",") -> str:
    return f"text{separator}label\n" + "".join(f'"{a}"{separator}{b}\n' for a, b in ROWS)


def forms(folder: Path) -> dict[str, Path]:
    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    frame.to_parquet(folder / "d.parquet")
    frame.to_excel(folder / "d.xlsx", index=False)
    lines = [json.dumps({"text": a, "label": b}) for a, b in ROWS]
    return {
        "csv": written(folder, csv_text()),
        "semicolon": written(folder, csv_text(";"), "s.csv"),
        "windows": written(folder, csv_text().replace("\n", "\r\n"), "w.csv"),
        "bom": written(folder, csv_text(), "b.csv", "utf-8-sig"),
        "tsv": written(folder, csv_text("\t"), "d.tsv"),
        "jsonl": written(folder, "\n".join(lines), "d.jsonl"),
        "json": written(folder, "[" + ",".join(lines) + "]", "d.json"),
        "parquet": folder / "d.parquet",
        "xlsx": folder / "d.xlsx",
    }


def test_every_form_gives_the_same_examples(tmp_path: Path) -> None:
    read_forms = {name: read(path) for name, path in forms(tmp_path).items()}
    for name, dataset in read_forms.items():
        assert dataset.contents == tuple(a for a, _ in ROWS), name
        assert dataset.labels == tuple(b for _, b in ROWS), name
        assert dataset.columns == ("text", "label"), name
    assert read_forms["csv"].ids[0] == read_forms["xlsx"].ids[0] == "row 2"
    assert read_forms["jsonl"].ids[0] == read_forms["parquet"].ids[0] == "row 1"
    assert len({dataset.sha256 for dataset in read_forms.values()}) == len(read_forms)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
def test_chinese_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    text = "这家酒店的房间很大，服务也不错，下次还会来"
    body = "文本,标签\n" + "".join(f"{text}{i},{'好' if i % 2 else '差'}\n" for i in range(6))
    dataset = read(written(tmp_path, body, encoding=encoding))
    assert dataset.columns == ("文本", "标签")
    assert dataset.contents[0] == f"{text}0" and dataset.classes == ("好", "差")


KNOWN = {
    "cp1252": "Die Straße war schön, aber für die Gäste zu laut. Übrigens: „gut“ – naja…\n",
    "cp1251": "Заказ пришёл с опозданием на три дня, упаковка была сильно повреждена при доставке\n",
    "shift_jis": "これは日本語のテキストです。ホテルの部屋はとてもきれいでした。\n",
    "euc_kr": "배송이 너무 늦어서 주문을 취소하고 싶습니다. 환불은 언제 되나요?\n",
    "big5": "這家飯店的房間很乾淨，服務人員也很親切，下次還會再來。\n",
}


@pytest.mark.parametrize("encoding", KNOWN)
def test_older_encodings(encoding: str) -> None:
    text = KNOWN[encoding] * 20
    found = decode(text.encode(encoding))
    assert found is not None and found.guessed
    assert found.text == text


def test_mixed_lines_are_named_and_decoded() -> None:
    found = decode(
        "schön\nüber\n".encode() + "naïve\n".encode("cp1252") + "服务很好，房间不错\n".encode("gb18030")
    )
    assert found is not None
    assert found.text == "schön\nüber\nnaïve\n服务很好，房间不错\n"
    assert found.odd_lines == (3, 4)


def labels_of(folder: Path, values: list[object], name: str) -> Dataset:
    frame = pd.DataFrame({"text": [f"some words {i}" for i in range(len(values))], "label": values})
    path = folder / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    elif name.endswith("xlsx"):
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return read(path)


@pytest.mark.parametrize("name", ["d.csv", "d.parquet", "d.xlsx"])
def test_labels_stay_as_written(name: str, tmp_path: Path) -> None:
    assert labels_of(tmp_path, ["01", "01", "1", "1"], name).classes == ("01", "1")
    assert labels_of(tmp_path, [1, 1, 2, 2], name).classes == ("1", "2")
    assert labels_of(tmp_path, [True, False, True, False], name).classes[0].lower() == "false"


def test_missing_values_do_not_turn_numbers_into_decimals(tmp_path: Path) -> None:
    for name in ("d.parquet", "d.xlsx"):
        dataset = labels_of(tmp_path, [1, 1, 2, 2, None], name)
        assert dataset.classes == ("1", "2")
        assert "missing-label" in {finding.kind for finding in dataset.findings}
    path = written(
        tmp_path, "".join(f'{{"text": "a {i}", "label": {i % 2 + 1}.0}}\n' for i in range(6)), "d.jsonl"
    )
    assert read(path).classes == ("1.0", "2.0")


def test_dates_lose_an_empty_time(tmp_path: Path) -> None:
    days = [dt.datetime(2024, 1, 1 + i % 2) for i in range(6)]
    for name in ("d.parquet", "d.xlsx"):
        assert labels_of(tmp_path, list(days), name).classes == ("2024-01-01", "2024-01-02")


def test_row_numbers_count_the_lines_of_the_file(tmp_path: Path) -> None:
    dataset = read(written(tmp_path, 'text,label\n"one\nof two lines",a\n\ntwo,b\nthree,a\nfour,b\n'))
    assert dataset.ids == ("row 2", "row 5", "row 6", "row 7")


FOUND = {
    "text,label,lang": ("text", "label"),
    "id,Text,Label": ("Text", "Label"),
    "review,sentiment": ("review", "sentiment"),
    "id,评论,标签": ("评论", "标签"),
    "what,which": ("what", "which"),
    "which,what": ("what", "which"),
}


@pytest.mark.parametrize("header", FOUND)
def test_columns_are_found(header: str, tmp_path: Path) -> None:
    text, label = FOUND[header]
    body = [header]
    for number in range(12):
        values = {
            text: f"a longer sentence about case {number}",
            label: "ab"[number % 2],
            "id": str(number),
            "lang": "en",
        }
        body.append(",".join(values.get(name, "") for name in header.split(",")))
    assert read(written(tmp_path, "\n".join(body))).columns == (text, label)


def test_named_columns_win(tmp_path: Path) -> None:
    body = "text,title,label,topic\n" + "".join(f"a {i},b {i},{i % 2},{i % 3}\n" for i in range(12))
    dataset = read(written(tmp_path, body), text="title", label="TOPIC")
    assert dataset.columns == ("title", "topic")
    assert dataset.contents[0] == "b 0" and dataset.classes == ("0", "1", "2")


def test_quotes_inside_of_texts(tmp_path: Path) -> None:
    body = 'text,label\n"She said ""no"", then left",a\n"So, yes",b\nplain "word" here,a\nlast,b\n'
    assert read(written(tmp_path, body)).contents[0] == 'She said "no", then left'
    loose = 'text,label\n"a "quoted" word, yes",a\n"b, c",b\nd,a\ne,b\n'
    with pytest.raises(DataError, match="row 2: more values than the 2 columns"):
        read(written(tmp_path, loose))
    literal = 'text\tlabel\n"5 inch screen\ta\nplain\tb\n"whole"\ta\nmore\tb\n'
    assert read(written(tmp_path, literal, "d.tsv")).contents[:3] == ('"5 inch screen', "plain", "whole")


def test_sizes_of_texts_and_speed(tmp_path: Path) -> None:
    body = "text,label\n" + "".join(f"{'word ' * (1 + i % 20)}{i},{'abc'[i % 3]}\n" for i in range(20_000))
    path = written(tmp_path, body)
    start = time.perf_counter()
    described = profile(read(path))
    assert time.perf_counter() - start < 6
    assert described.lengths[0] == pytest.approx(2.6) and described.lengths[-1] == pytest.approx(1.3 * 21)
    assert described.sizes == () and described.grey_share is None
