"""Bad input of every kind ends in a DataError that names it and a way out, or in a finding."""

import io
import json
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook
from PIL import Image

from advisor.dataset import profile, read, split
from advisor.errors import DataError

Make = Callable[[Path], Path]
GOOD = [(f"good product number {i}", "pos") for i in range(6)] + [
    (f"bad thing number {i}", "neg") for i in range(6)
]


def csv_of(rows: list[tuple[str, ...]] = GOOD, header: str = "text,label") -> str:
    quoted = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    return "\n".join([header, *quoted]) + "\n"


def table(content: str | bytes, name: str = "data.csv") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return make


def picture(
    shade: int = 0, size: tuple[int, int] = (48, 40), mode: str = "RGB", form: str = "JPEG", **more: object
) -> bytes:
    image = Image.linear_gradient("L").rotate(shade * 37 % 360).resize(size)
    stream = io.BytesIO()
    image.convert(mode).save(stream, form, **more)
    return stream.getvalue()


def tree(extra: dict[str, bytes] | None = None, base: str = "") -> dict[str, bytes]:
    files = {f"{base}cat/{i}.jpg": picture(i, (48 + i, 40)) for i in range(4)}
    files |= {f"{base}dog/{i}.jpg": picture(i + 7, (48 + i, 40)) for i in range(4)}
    return {**files, **(extra or {})}


def folder_of(files: dict[str, bytes]) -> Make:
    def make(folder: Path) -> Path:
        for name, content in files.items():
            path = folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / "data").mkdir(exist_ok=True)
        return folder / "data"

    return make


def zip_of(files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                change(info)
                archive.writestr(info, content)
        return folder / "data.zip"

    return make


def flagged_zip(folder: Path) -> Path:
    """A zip whose members say that they are encrypted."""
    path = zip_of(tree())(folder)
    raw = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(mark)
        while at >= 0:
            raw[at + offset] |= 1
            at = raw.find(mark, at + 4)
    path.write_bytes(bytes(raw))
    return path


def linked(info: zipfile.ZipInfo) -> None:
    if info.filename.endswith("link.jpg"):
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16


def bomb_png(side: int = 60_000) -> bytes:
    """A PNG header that promises side × side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def gif() -> bytes:
    frames = [Image.new("L", (40, 40), value) for value in (1, 90, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=50)
    return stream.getvalue()


def excel(rows: list[tuple[object, ...]]) -> Make:
    def make(folder: Path) -> Path:
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.create_sheet("second").append(("text", "label"))
        book.save(folder / "data.xlsx")
        return folder / "data.xlsx"

    return make


def parquet(frame: pd.DataFrame) -> Make:
    def make(folder: Path) -> Path:
        frame.to_parquet(folder / "data.parquet")
        return folder / "data.parquet"

    return make


def broken_text(folder: Path) -> Path:
    """Parquet whose texts are not UTF-8, which a writer does not check."""
    ends = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    texts = pa.StringArray.from_buffers(2, ends, pa.py_buffer(b"ok\x81\xff"))
    pq.write_table(pa.table({"text": texts, "label": ["a", "b"]}), folder / "data.parquet")
    return folder / "data.parquet"


def jsonl(*lines: str) -> Make:
    return table("\n".join(lines) + "\n", "data.jsonl")


def objects(rows: list[tuple[str, object]]) -> list[str]:
    return [json.dumps({"text": text, "label": label}) for text, label in rows]


def missing(folder: Path) -> Path:
    return folder / "nowhere"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "data.csv")
    return folder / "data.csv"


def locked(folder: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may open everything")
    path = folder_of(tree())(folder)
    (path / "cat").chmod(0)
    return path


REFUSED: dict[str, tuple[Make, str]] = {
    "missing path": (missing, r"no file or folder.*nowhere"),
    "path with NUL": (lambda _: Path("a\0b"), r"no file or folder"),
    "empty file": (table(b""), r"data\.csv is empty"),
    "blank file": (table("\n \n"), r"data\.csv is empty"),
    "empty folder": (folder_of({}), r"data is empty.*sub-folder per class"),
    "empty zip": (zip_of({}), r"data\.zip is empty.*sub-folder per class"),
    "device": (lambda _: Path("/dev/null"), r"/dev/null is a device or pipe"),
    "pipe": (pipe, r"device or pipe"),
    "unknown ending": (table("x", "data.docx"), r"'\.docx'.*\.csv"),
    "old excel": (table("x", "data.xls"), r"'\.xls'.*\.xlsx"),
    "tar archive": (table("x", "data.tar.gz"), r"'\.gz'.*Unpack"),
    "folder without permission": (locked, r"cannot be opened.*permissions"),
    "binary garbage as csv": (table(bytes(range(256)) * 40), r"data\.csv.*binary"),
    "zip as csv": (table(b"PK\x03\x04" + b"\0" * 50), r"not a text file but a zip or an Excel"),
    "pdf as csv": (table(b"%PDF-1.7 text,label"), r"but a PDF"),
    "utf-16 without end": (table(b"\xff\xfe\x00\xd8\x00"), r"binary"),
    "one column only": (table("text\nhello\nworld\n"), r"one column only, 'text'"),
    "header only": (table("text,label\n"), r"column names \(text, label\) but no rows"),
    "two texts": (
        table(csv_of([(f"{a} one", f"{a} two", b) for a, b in GOOD], "sentence1,sentence2,label")),
        r"which column.*'sentence1', 'sentence2', 'label'.*--text and --label",
    ),
    "two labels": (
        table(csv_of([(a, b, b) for a, b in GOOD], "text,category,topic")),
        r"holds the label.*'category', 'topic'.*--label",
    ),
    "numbers only": (table("a,b,target\n1,2,0\n2,3,1\n3,4,0\n4,5,1\n"), r"holds the text.*'a', 'b', 'target'"),
    "duplicated header names": (
        table(csv_of([(a, b, b) for a, b in GOOD], "text,label,label")), r"more than one column 'label'"
    ),
    "one class": (table(csv_of([(a, "pos") for a, _ in GOOD])), r"1 class to tell apart: 'pos' \(12\)"),
    "one example per class": (table(csv_of([(f"text {i}", f"c{i}") for i in range(10)])), r"0 classes.*single example"),
    "every row its own label": (
        table(csv_of([(f"text {i}", f"id-{i}") for i in range(3000)])), r"3,000 different values.*an id or a text"
    ),
    "numbers as labels": (
        table(csv_of([(f"text {i}", f"{i % 500 / 7:.3f}") for i in range(2000)])), r"measured number \(regression\)"
    ),
    "integers as ids": (table(csv_of([(f"text {i}", str(i)) for i in range(50)])), r"number \(regression\) or an id"),
    "all labels missing": (table(csv_of([(a, "NaN") for a, _ in GOOD])), r"No row.*'label'"),
    "unbalanced quotes": (
        table('text,label\nfine one,a\nfine two,b\n"never, closed,a\nfine, three,b\nfour,a\n'),
        r"row 4: a double quote is opened and never closed",
    ),
    "unquoted commas": (
        table("text,label\n" + "".join(f"so, it, goes {i},{'ab'[i % 2]}\n" for i in range(8))), r"row 2: more values"
    ),
    "huge value": (table(csv_of([*GOOD, ("x" * 1_200_000, "pos")])), r"row 14: a value is too long.*1,000,000"),
    "jsonl with a broken line": (jsonl(*objects(GOOD), '{"text": "oops'), r"data\.jsonl, row 13: not valid JSON"),
    "jsonl of arrays": (jsonl('["a", "b"]', '["c", "d"]'), r"row 1: an array instead of an object"),
    "jsonl of numbers": (jsonl("1", "2"), r"row 1: the value '1'"),
    "jsonl nested too deep": (jsonl("[" * 200_000), r"row 1: not valid JSON|array"),
    "broken json": (table('[{"text": "a"', "data.json"), r"data\.json: not valid JSON"),
    "jsonl of empty objects": (jsonl("{}", "{}", "{}"), r"has no column"),
    "blank json lines": (table("null\n", "data.jsonl"), r"row 1"),
    "parquet garbage": (table(b"PAR1 nothing", "data.parquet"), r"cannot be read as Parquet"),
    "parquet of broken text": (broken_text, r"cannot be read as Parquet"),
    "parquet without rows": (parquet(pd.DataFrame({"text": [], "label": []})), r"no rows"),
    "xlsx garbage": (table(b"not a workbook", "data.xlsx"), r"cannot be read as an Excel file"),
    "xlsx that is a zip": (
        lambda folder: zip_of(tree())(folder).rename(folder / "data.xlsx"), r"cannot be read as an Excel file"
    ),
    "empty xlsx sheet": (excel([]), r"first sheet.*is empty"),
    "zip garbage": (table(b"PK\x03\x04 broken", "data.zip"), r"zip.*cannot be opened"),
    "zip cut short": (lambda folder: cut(zip_of(tree())(folder), 0.6), r"zip.*cannot be opened"),
    "zip traversal": (zip_of(tree({"../../evil.jpg": b"x"})), r"points outside.*evil\.jpg"),
    "zip absolute path": (zip_of(tree({"/etc/evil.jpg": b"x"})), r"points outside.*/etc/evil\.jpg"),
    "zip drive letter": (zip_of(tree({"C:\\evil.jpg": b"x"})), r"points outside.*evil\.jpg"),
    "symlink in zip": (zip_of(tree({"cat/link.jpg": b"/etc/passwd"}), linked), r"holds a link: 'cat/link\.jpg'"),
    "encrypted zip": (flagged_zip, r"is encrypted.*without password"),
    "nested zip only": (zip_of({"inner/images.zip": b"PK"}), r"another archive, 'inner/images\.zip'.*Unpack"),
    "zip with a table": (zip_of({"data.csv": b"text,label"}), r"the table 'data\.csv'.*that file itself"),
    "ratio bomb": (zip_of(tree({"cat/huge.png": b"\0" * 5_000_000})), r"'cat/huge\.png'.*zip bomb"),
    "folder of tables": (folder_of({"data.csv": b"text,label"}), r"the table 'data\.csv'"),
    "folder of sounds": (folder_of({"a/1.wav": b"x", "b/2.wav": b"x"}), r"holds no images; found: \.wav"),
    "images without class folder": (folder_of({"1.jpg": picture(1), "2.jpg": picture(2)}), r"lie in no class folder"),
    "one class folder": (folder_of({"cat/1.jpg": picture(1), "cat/2.jpg": picture(2)}), r"1 class to tell.*: 'cat'"),
    "all images unreadable": (folder_of(dict.fromkeys(tree(), b"junk")), r"None of the 8 images.*cat/0\.jpg"),
    "unreadable but one class": (
        folder_of({name: content if "cat" in name else b"junk" for name, content in tree().items()}), r"1 class to tell"
    ),
}  # fmt: skip

NFD = unicodedata.normalize("NFD", "é")
NOTED: dict[str, tuple[Make, str]] = {
    "some unreadable": (folder_of(tree({"cat/x.jpg": b"junk"})), "unreadable"),
    "empty image": (folder_of(tree({"cat/x.jpg": b""})), "unreadable"),
    "truncated jpeg": (folder_of(tree({"cat/x.jpg": picture(3, (400, 300))[:-900]})), "unreadable"),
    "truncated png": (folder_of(tree({"cat/x.png": picture(3, (90, 80), form="PNG")[:-60]})), "unreadable"),
    "png that is a pdf": (folder_of(tree({"cat/x.png": b"%PDF-1.7 ..."})), "unreadable"),
    "svg renamed png": (folder_of(tree({"cat/x.png": b"<svg xmlns='x'></svg>"})), "unreadable"),
    "bomb png": (folder_of(tree({"cat/x.png": bomb_png()})), "unreadable"),
    "large png": (folder_of(tree({"cat/x.png": bomb_png(12_000)})), "unreadable"),
    "broken member of a zip": (lambda folder: corrupt(zip_of(tree())(folder)), "unreadable"),
    "animated gif": (folder_of(tree({"cat/x.gif": gif()})), "animated"),
    "1×1 image": (folder_of(tree({"cat/x.png": picture(1, (1, 1), form="PNG")})), "tiny-images"),
    "16-bit png": (folder_of(tree({"cat/x.png": picture(9, mode="I;16", form="PNG")})), "few-examples"),
    "CMYK jpeg": (folder_of(tree({"cat/x.jpg": picture(9, mode="CMYK")})), "few-examples"),
    "palette png with transparency": (
        folder_of(tree({"cat/x.png": picture(9, mode="P", form="PNG", transparency=3)})), "few-examples"
    ),
    "svg and heic beside": (folder_of(tree({"cat/x.svg": b"<svg/>", "cat/x.heic": b"x"})), "ignored-files"),
    "files at root": (folder_of(tree({"README.md": b"hello", "cover.jpg": picture(5)})), "ignored-files"),
    "dot folders and __MACOSX": (
        zip_of(tree({"__MACOSX/cat/._0.jpg": b"x", ".git/x.jpg": b"x", "cat/.DS_Store": b"x"})), "ignored-files"
    ),
    "wrapping folder": (zip_of(tree(base="my data/")), "wrapping-folder"),
    "train/val/test": (folder_of({**tree(base="train/"), **tree(base="val/"), **tree(base="test/")}), "merged-splits"),
    "unlabelled test images": (folder_of({**tree(base="train/"), "test/1.jpg": picture(1)}), "merged-splits"),
    "case-clashing class folders": (
        zip_of(tree({"Cat/1.jpg": picture(20), "Cat/2.jpg": picture(21)})), "similar-labels"
    ),
    "class of one image": (folder_of(tree({"bird/1.jpg": picture(1)})), "small-class"),
    "same image in two classes": (folder_of(tree({"dog/x.jpg": picture(0, (48, 40))})), "conflicting-labels"),
    "labels that differ by case": (table(csv_of([*GOOD, ("a", "Pos"), ("b", "Pos")])), "similar-labels"),
    "labels in another Unicode width": (table(csv_of([*GOOD, ("a", "ｐｏｓ"), ("b", "ｐｏｓ")])), "similar-labels"),
    "numeric labels": (table(csv_of([(a, "1" if b == "pos" else "0") for a, b in GOOD])), "numeric-labels"),
    "dates as labels": (
        table(csv_of([(a, "2024-01-02" if b == "pos" else "2024-01-03") for a, b in GOOD])), "date-labels"
    ),
    "many integers": (table(csv_of([(f"text {i}", str(i % 40)) for i in range(200)])), "numeric-labels"),
    "10,000 classes": (table(csv_of([(f"text {i}", f"class {i // 2}") for i in range(20_000)])), "many-classes"),
    "huge labels": (table(csv_of([(a, b * 3400) for a, b in GOOD])), "long-labels"),
    "NaN labels": (table(csv_of([*GOOD, ("some text", "NaN"), ("more", "")])), "missing-label"),
    "whitespace labels": (table(csv_of([*GOOD, ("some text", "  \t")])), "missing-label"),
    "empty texts": (table(csv_of([*GOOD, ("", "pos"), ("   ", "neg"), ("\u200b", "neg")])), "missing-text"),
    "short rows": (table(csv_of(GOOD) + "lonely\n"), "missing-label"),
    "long row": (table(csv_of(GOOD) + "a,b,c,d\n"), "ragged-rows"),
    "small class": (table(csv_of([*GOOD, ("odd", "alone")])), "small-class"),
    "NUL bytes": (table(csv_of([*GOOD, ("with \0 inside", "pos")])), "nul-bytes"),
    "stray quote in every row": (
        table("text\tlabel\n" + "".join(f'"{i} said\t{"ab"[i % 2]}\n' for i in range(7)), "data.tsv"), "quotes"
    ),
    "mixed encodings": (
        table(csv_of([(f"grüße {i}", "ab"[i % 2]) for i in range(9)]).encode() + "naïve café,a\n".encode("cp1252")),
        "mixed-encoding",
    ),
    "GB18030": (
        table(csv_of([(f"房间很好，服务也不错 {i}", "好评" if i % 2 else "差评") for i in range(9)]).encode("gb18030")),
        "encoding",
    ),
    "latin-1": (
        table(csv_of([(f"très déçu, très cher et très long {i}", "ab"[i % 2]) for i in range(9)]).encode("latin-1")),
        "encoding",
    ),
    "UTF-16": (table(csv_of().encode("utf-16")), "encoding"),
    "UTF-16 without mark": (table(csv_of().encode("utf-16-le")), "encoding"),
    "no header": (table(csv_of(header="a first text,pos")), "no-header"),
    "duplicated names elsewhere": (
        table(csv_of([(a, b, "x", "y") for a, b in GOOD], "text,label,n,n")), "duplicate-columns"
    ),
    "repeated texts": (table(csv_of([*GOOD, ("GOOD  product number 1", "pos")])), "duplicates"),
    "same text, two labels": (table(csv_of([*GOOD, ("good product number 1", "neg")])), "conflicting-labels"),
    "uneven classes": (table(csv_of([*GOOD, *((f"more {i}", "pos") for i in range(200))])), "imbalance"),
    "long texts": (table(csv_of([*GOOD, ("word " * 9000, "pos")])), "long-texts"),
    "lone surrogate": (jsonl(*objects(GOOD), '{"text": "half \\ud83d", "label": "pos"}'), "few-examples"),
    "JSON NaN label": (jsonl(*objects(GOOD), '{"text": "half", "label": NaN}'), "missing-label"),
}  # fmt: skip


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def corrupt(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(bytes(content))
    return path


def test_there_are_enough_kinds() -> None:
    assert len(REFUSED) + len(NOTED) >= 100


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str, tmp_path: Path) -> None:
    make, message = REFUSED[kind]
    path = make(tmp_path)
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        read(path)
    assert caught.value.exit_code == 2
    assert caught.value.allowed or caught.value.fix or kind == "header only"
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("kind", NOTED)
def test_noted(kind: str, tmp_path: Path) -> None:
    make, finding = NOTED[kind]
    dataset = read(make(tmp_path))
    found = {item.kind: item for item in dataset.findings}
    assert finding in found
    assert all(len(item.examples) <= 20 for item in dataset.findings)
    assert len(dataset.classes) >= 2
    json.dumps([dataset.labels, dataset.contents, profile(dataset).model_dump()], ensure_ascii=False).encode(
        "utf-8"
    )
    parts = split(dataset)
    assert sorted(parts.train + parts.select + parts.report) == list(range(len(dataset)))


def test_unicode_class_names_are_composed(tmp_path: Path) -> None:
    names = {f"caf{NFD} 😀/{i}.jpg": picture(i) for i in range(3)} | {
        f"貓/{i}.jpg": picture(i + 9) for i in range(3)
    }
    dataset = read(zip_of(names)(tmp_path))
    assert dataset.classes == ("café 😀", "貓")
    assert all(content in names for content in dataset.contents)


def test_wrong_column_names_get_the_nearest(tmp_path: Path) -> None:
    path = table(csv_of(header="text,label"))(tmp_path)
    with pytest.raises(DataError, match=r"no label column 'labell'.*'text', 'label'.*Did you mean 'label'"):
        read(path, label="labell")
    with pytest.raises(DataError, match="both text and label"):
        read(path, text="text", label="Text")


def test_the_task_is_held_against_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds a table, but the task is image-classification"):
        read(table(csv_of())(tmp_path), task="image-classification")
    with pytest.raises(DataError, match="holds images, but the task is text-classification"):
        read(folder_of(tree())(tmp_path), task="text-classification")


def test_a_zip_with_a_wrapping_folder_is_the_folder(tmp_path: Path) -> None:
    """Packed with or without a folder around it, the same data have the same checksum, names and split."""
    folder = read(folder_of(tree())(tmp_path))
    for number, base in enumerate(("", "photos/", "a/b/c/")):
        (tmp_path / str(number)).mkdir()
        packed = read(zip_of(tree(base=base))(tmp_path / str(number)))
        assert (packed.sha256, packed.ids, packed.labels) == (folder.sha256, folder.ids, folder.labels)
        assert split(packed, seed=3) == split(folder, seed=3)
        assert packed.contents == tuple(base + id for id in folder.ids)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_zip_holds_plain_files_only(kind: int, tmp_path: Path) -> None:
    def odd(info: zipfile.ZipInfo) -> None:
        info.create_system = 3
        info.external_attr = (kind | 0o777) << 16

    with pytest.raises(DataError, match="plain files only"):
        read(zip_of(tree(), odd)(tmp_path))


def test_a_list_of_a_million_files_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """The end record alone tells it; what it lists is not there at all."""
    end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, 0, 0)
    end += struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    end += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    with pytest.raises(DataError, match="1,000,000 files"):
        read(table(end, "data.zip")(tmp_path))


def test_a_file_without_a_name_in_a_zip_is_passed_over(tmp_path: Path) -> None:
    path = zip_of({**tree(), "@": b"x"})(tmp_path)
    packed = path.read_bytes().replace(struct.pack("<HH", 1, 0) + b"@", struct.pack("<HH", 0, 1) + b"@")
    at = packed.rfind(b"PK\1\2")
    packed = packed[: at + 28] + struct.pack("<HH", 0, 1) + packed[at + 32 :]
    path.write_bytes(packed)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[-1].filename == ""
    assert len(read(path)) == 8


def test_control_characters_of_names_are_written_out_and_of_texts_dropped(tmp_path: Path) -> None:
    rows = [(f"good\x1b[31m product number {i}", "a\x1b[2J") for i in range(4)]
    rows += [(f"bad thing number {i}", "b") for i in range(4)]
    data = read(table(csv_of(rows))(tmp_path))
    assert data.classes == ("a\\x1b[2J", "b")
    assert data.contents[0] == "good [31m product number 0"
    data = read(folder_of({**tree(), **{f"x\x07y/{i}.jpg": picture(i + 20) for i in range(3)}})(tmp_path))
    assert "x\\x07y" in data.classes
    assert "x\x07y/0.jpg" in data.contents, "the file itself keeps its name"
