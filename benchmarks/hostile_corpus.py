# ruff: noqa: E501
"""Hostile inputs, each with its right outcome: `Case`s that make a file or folder and say what has to come of it."""

import io
import json
import random
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

__all__ = ["SCRIPT", "Case", "corpus"]

Files = dict[str, bytes]
ROWS = [(f"good product number {i}", "pos") for i in range(6)] + [
    (f"bad thing number {i}", "neg") for i in range(6)
]
FORMS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "tif": "TIFF", "ppm": "PPM"}
SCRIPT = "<script>document.title='owned'</script>"
MARKUP = (
    SCRIPT, "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "{{ 7 * 7 }}", "{% for x in y %}", "${7*7}",
    "`rm -rf /`", "$(rm -rf /)", "../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "%s%n%x", "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31mred", "\x9b31m", "a\rb", "a\x08\x08b", "|table|", "# head", "$$x^2$$", ":material/home:",
    "</textarea><script>", "'; DROP TABLE runs;--", "__proto__", "constructor", "NUL", "CON", "-rf", "--help",
    "\u202eevil\u202c", "\u2066iso\u2069", "a\u200bb", "\ufeffbom", "e\u0301", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
)  # fmt: skip
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\t=1",
    '=HYPERLINK("http://x","y")',
    "=1\n+2",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "cp1252", "latin-1",
             "cp1251", "koi8-r", "shift_jis", "euc-kr", "big5", "iso8859-9")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One hostile input.

    :ivar make: puts it into an empty folder and gives its path.
    :ivar outcome: `refused` (exit 2, a complaint), `read` (it is data, if odd), or `either` for damage at random
        places, where only crash, hang and greed are wrong.
    :ivar says: what the complaint or a finding has to say.
    """

    name: str
    task: str
    make: Callable[[Path], Path]
    outcome: str
    says: str = ""


def corpus(seed: int = 0) -> list[Case]:
    """Make the whole corpus.

    :param seed: decides where bytes are damaged.
    """
    return [*_zips(seed), *_images(seed), *_tables(seed), *_objects(), *_offices(seed), *_paths()]


def _picture(
    shade: int, form: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (48, 40), **more: object
) -> bytes:
    image = Image.linear_gradient("L").rotate(shade * 37 % 360).resize(size)
    stream = io.BytesIO()
    image.convert(mode).save(stream, form, **more)
    return stream.getvalue()


def _good() -> Files:
    return {
        f"{name}/{i}.png": _picture(i + at, size=(40 + i, 40))
        for at, name in ((0, "cat"), (9, "dog"))
        for i in range(4)
    }


def _file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _folder(files: Files) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for name, content in files.items():
            (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "data" / name).write_bytes(content)
        return folder / "data"

    return make


def _packed(
    files: Files, change: Callable[[zipfile.ZipInfo], None] = lambda _: None, method: int = 8
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            change(info)
            archive.writestr(info, content)
    return stream.getvalue()


def _zip(content: bytes) -> Callable[[Path], Path]:
    return _file("data.zip", content)


def _zips(seed: int) -> Iterator[Case]:
    task = "image-classification"
    for number, name in enumerate((
        "../x.png", "../../x.png", "a/../../x.png", "/x.png", "/etc/x.png", "//host/share/x.png", "C:/x.png", "C:x.png",
        "..\\x.png", "a\\..\\..\\x.png", "\\x.png", "\\\\host\\x.png", "cat/../../../x.png", "./../x.png", "../cat/x.png",
        "/cat/x.png", "cat/..", "..", "d:\\x.png", "a/b/../../../x.png",
    )):  # fmt: skip
        for method in (0, 8):
            content = _packed({**_good(), name: b"x"}, method=method)
            yield Case(f"zip-path-{number}-{method}", task, _zip(content), "refused", "outside")
    for kind in ("S_IFLNK", "S_IFCHR", "S_IFBLK", "S_IFIFO", "S_IFSOCK"):

        def odd(info: zipfile.ZipInfo, kind: str = kind) -> None:
            if info.filename == "cat/9.png":
                info.create_system = 3
                info.external_attr = (getattr(stat, kind) | 0o777) << 16

        content = _packed({**_good(), "cat/9.png": b"/etc/passwd"}, odd)
        yield Case(f"zip-{kind}", task, _zip(content), "refused", "plain files only")
    locked = bytearray(_packed(_good()))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = -1
        while (place := locked.find(mark, place + 1)) >= 0:
            locked[place + at] |= 1
    yield Case("zip-encrypted", task, _zip(bytes(locked)), "refused", "encrypted")
    nested = _packed(_good())
    for depth in range(1, 6):
        nested = _packed({"inner.zip": nested})
        yield Case(f"zip-nested-{depth}", task, _zip(nested), "refused", "archive")
    for megabytes in (20, 100, 400):
        yield Case(
            f"zip-bomb-{megabytes}",
            task,
            _bomb("data.zip", _good(), "cat/b.png", megabytes),
            "refused",
            "bomb",
        )
    for change, name in ((str.upper, "folders"), (str.title, "title")):
        twice = {**_good(), **{change(key.split("/")[0]) + f"/x{i}.png": _picture(i + 20, size=(60 + i, 30))
                               for i, key in enumerate(_good())}}  # fmt: skip
        yield Case(f"zip-case-clash-{name}", task, _zip(_packed(twice)), "read", "differ only in case")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in _good().items():
            archive.writestr(name, content)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(name, b"another")
    yield Case("zip-duplicate-names", task, _zip(stream.getvalue()), "read", "ignored|outside of a class")
    overlap = _packed(_good(), method=0)
    yield Case("zip-prefixed", task, _zip(b"#!/bin/sh\n" + overlap), "read")
    yield Case("zip-with-tail", task, _zip(overlap + b"tail" * 5), "either")
    yield Case("zip-empty", task, _zip(_packed({})), "refused", "empty")
    yield Case("zip-no-images", task, _zip(_packed({"a/x.txt": b"x"})), "refused", "no images")
    yield Case("zip-deep", task, _zip(_packed({"/".join("d" * 400) + f"/{c}/{i}.png": _picture(i) for c in "ab" for i in range(3)})),
               "read", "looked through")  # fmt: skip
    yield Case(
        "zip-long-names",
        task,
        _zip(_packed({f"{c * 3000}/{i}.png": _picture(i + ord(c)) for c in "ab" for i in range(3)})),
        "read",
    )
    yield Case("zip-false-count", task, _zip(overlap[:-12] + b"\xff\xff\xfe\xff" + overlap[-8:]), "either")
    yield Case("zip-million-entries", task, _million, "refused", "1,000,000 files")
    yield Case("zip-false-size", task, _zip(_lying(overlap)), "either")
    chance = random.Random(f"zip-{seed}")
    whole = _packed(_good())
    for number in range(25):
        yield Case(
            f"zip-cut-{number}", task, _zip(whole[: chance.randrange(1, len(whole))]), "refused", "zip"
        )
    for number in range(35):
        yield Case(f"zip-flipped-{number}", task, _zip(_flip(whole, chance, 6)), "either")
    for number, label in enumerate(MARKUP):
        safe = (
            label.replace("\\", "_").replace("/", "_").replace("\0", "").replace("..", "__").replace(":", ";")
        )
        files = {f"{safe}/{i}.png": _picture(i + 30, size=(50 + i, 30)) for i in range(4)} | _good()
        yield Case(f"zip-class-name-{number}", task, _zip(_packed(files)), "read")


def _bomb(name: str, files: Files, member: str, megabytes: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(_packed(files))
        with (
            zipfile.ZipFile(folder / name, "a", zipfile.ZIP_DEFLATED) as archive,
            archive.open(member, "w") as stream,
        ):
            for _ in range(megabytes):
                stream.write(bytes(10**6))
        return folder / name

    return make


def _million(folder: Path) -> Path:
    """A directory of 10^6 entries, written without a library that would hold them all."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    path = folder / "data.zip"
    with path.open("wb") as stream:
        length = 0
        for number in range(1_000_000):
            length += stream.write(entry + b"%08d" % number)
        stream.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, length, 0))
        stream.write(struct.pack("<4sIQI", b"PK\6\7", 0, length, 1))
        stream.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    return path


def _lying(content: bytes) -> bytes:
    changed = bytearray(content)
    place = -1
    while (place := changed.find(b"PK\1\2", place + 1)) >= 0:
        changed[place + 24 : place + 28] = struct.pack("<I", 5)
    return bytes(changed)


def _flip(content: bytes, chance: random.Random, count: int) -> bytes:
    changed = bytearray(content)
    for _ in range(count):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _one_odd(name: str, content: bytes) -> Callable[[Path], Path]:
    return _folder({**_good(), f"cat/odd{name}": content})


def _images(seed: int) -> Iterator[Case]:
    task = "image-classification"
    chance = random.Random(f"images-{seed}")
    for suffix, form in FORMS.items():
        whole = _picture(5, form, size=(64, 64))
        for share in (0.05, 0.3, 0.6, 0.9):
            yield Case(
                f"image-{suffix}-cut-{share}",
                task,
                _one_odd(f".{suffix}", whole[: int(len(whole) * share)]),
                "either",
            )
        for number in range(4):
            yield Case(
                f"image-{suffix}-flipped-{number}",
                task,
                _one_odd(f".{suffix}", _flip(whole, chance, 8)),
                "either",
            )
        other = "png" if suffix == "jpg" else "jpg"
        yield Case(f"image-{suffix}-as-{other}", task, _one_odd(f".{other}", whole), "read")
        yield Case(f"image-{suffix}-empty", task, _one_odd(f".{suffix}", b""), "read", "cannot be read")
    dressed = {
        "pdf": b"%PDF-1.7\n1 0 obj<</JS(app.alert(1))>>endobj", "svg": f"<svg onload=alert(1)>{SCRIPT}</svg>".encode(),
        "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "html": f"<!doctype html>{SCRIPT}".encode(), "exe": b"MZ" + bytes(200), "elf": b"\x7fELF" + bytes(200),
        "zip": _packed({"a": b"b"}), "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file",
        "psd": b"8BPS\0\1" + bytes(200), "text": b"hello " * 50, "zeros": bytes(5000), "pickle": b"\x80\x04cos\nsystem\n.",
    }  # fmt: skip
    for name, content in dressed.items():
        yield Case(f"image-{name}-as-png", task, _one_odd(".png", content), "read", "cannot be read")
    for side in (20_000, 65_000, 2**31 - 1):
        yield Case(
            f"image-png-bomb-{side}", task, _one_odd(".png", _png(side, side, b"")), "read", "cannot be read"
        )
    yield Case(
        "image-png-huge-data",
        task,
        _one_odd(".png", _png(9_000, 9_000, bytes(10**6))),
        "read",
        "cannot be read",
    )
    yield Case(
        "image-gif-bomb",
        task,
        _one_odd(".gif", b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(30)),
        "read",
        "cannot be read",
    )
    yield Case("image-bmp-bomb", task, _one_odd(".bmp", b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)),
               "read", "cannot be read")  # fmt: skip
    text = struct.pack(">I", 0) + b"IEND"
    bomb = zlib.compress(bytes(70 * 10**6))
    chunk = b"zTXt" + b"k\0\0" + bomb
    packed = _picture(1)
    packed = (
        packed[:33]
        + struct.pack(">I", len(chunk) - 4)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + packed[33:]
    )
    yield Case("image-png-text-bomb", task, _one_odd(".png", packed), "either")
    yield Case("image-png-no-end", task, _one_odd(".png", _picture(1).split(text)[0][:-8]), "either")
    for mode, form in (("CMYK", "JPEG"), ("CMYK", "TIFF"), ("L", "JPEG"), ("1", "PNG"), ("P", "PNG"), ("P", "GIF"), ("LA", "PNG"),
                       ("RGBA", "PNG"), ("I;16", "PNG"), ("I", "TIFF"), ("F", "TIFF"), ("RGBA", "WEBP"), ("LAB", "TIFF"), ("YCbCr", "TIFF"), ("YCbCr", "JPEG")):  # fmt: skip
        stream = io.BytesIO()
        source = Image.linear_gradient("L").resize((50, 40))
        (source.convert("I").convert(mode) if mode == "I;16" else source.convert("RGB").convert(mode) if mode not in ("LAB", "LA") else
         Image.new(mode, (50, 40))).save(stream, form)  # fmt: skip
        yield Case(f"image-{mode}-{form}", task, _one_odd(f".{form.lower()}", stream.getvalue()), "read")
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        exif[0x010E] = SCRIPT
        yield Case(f"image-exif-{turn}", task, _one_odd(".jpg", _picture(3, "JPEG", exif=exif)), "read")
    yield Case(
        "image-exif-garbage",
        task,
        _one_odd(".jpg", _picture(3, "JPEG", exif=b"Exif\0\0" + bytes(chance.randbytes(500)))),
        "read",
    )
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "green", "blue")]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        stream = io.BytesIO()
        frames[0].save(stream, form, save_all=True, append_images=frames[1:])
        yield Case(f"image-animated-{form}", task, _one_odd(f".{form.lower()}", stream.getvalue()), "read",
                   "" if form == "TIFF" else "animated")  # fmt: skip
    for size in ((1, 1), (1, 5000), (5000, 1)):
        yield Case(
            f"image-{size[0]}x{size[1]}",
            task,
            _one_odd(".png", _picture(1, size=size)),
            "read",
            "smaller than",
        )


def _png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def _csv(
    rows: list[tuple[str, str]], separator: str = ",", end: str = "\n", header: str = "text,label"
) -> str:
    quoted = [separator.join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    return end.join([header.replace(",", separator), *quoted]) + end


def _labelled(label: str, other: str = "neg") -> list[tuple[str, str]]:
    return [(text, label if old == "pos" else other) for text, old in ROWS]


def _tables(seed: int) -> Iterator[Case]:
    task = "text-classification"
    chance = random.Random(f"tables-{seed}")

    def table(name: str, content: str | bytes, outcome: str, says: str = "", suffix: str = "csv") -> Case:
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        return Case(f"table-{name}", task, _file(f"data.{suffix}", data), outcome, says)

    for number, label in enumerate((*MARKUP, *FORMULAS)):
        outcome = "either" if any(char in label for char in "\x07\x08\x1b\r") else "read"
        yield table(f"label-{number}", _csv(_labelled(label)), outcome)
        yield table(f"text-{number}", _csv([(f"{label} {text}", name) for text, name in ROWS]), outcome)
    for number, label in enumerate(MARKUP):
        name = label.replace("\r", " ").replace('"', "")
        yield table(f"column-{number}", _csv(ROWS, header=f'"{name}",label'), "either")
    for encoding in ENCODINGS:
        text = _csv(
            [
                (f"{text} é ö" if encoding in ("cp1252", "latin-1", "iso8859-9") else text, label)
                for text, label in ROWS
            ]
        )
        yield table(f"in-{encoding}", text.encode(encoding), "read")
    mixed = (
        _csv(ROWS).encode()
        + "é,pos\n".encode("latin-1")
        + "差评,neg\n".encode("gb18030")
        + "ü,pos\n".encode()
    )
    yield table("mixed-encodings", mixed, "read", "rest|guess")
    for separator, name in ((";", "semicolon"), ("\t", "tab"), ("|", "bar")):
        yield table(f"by-{name}", _csv(ROWS, separator), "either" if separator == "|" else "read")
    for end, name in (("\r\n", "crlf"), ("\r", "cr"), ("\n\n\n", "blank")):
        yield table(f"ends-{name}", _csv(ROWS, end=end), "read")
    yield table("nul-bytes", _csv(ROWS).replace("good", "go\0od"), "either")
    yield table("nul-only", bytes(2000), "refused")
    yield table("blank", b" \n\t\n", "refused", "empty")
    yield table("one-column", "text\n" + "a\n" * 20, "refused", "one column")
    yield table("header-only", "text,label\n", "refused", "no rows")
    yield table("open-quote", _csv(ROWS) + '"never closed,pos\n' + "more,neg\n" * 20, "either")
    yield table("stray-quotes", _csv(ROWS).replace("good", 'go"od'), "either")
    yield table("quotes-everywhere", '"' * 5001, "refused")
    yield table("ragged", _csv(ROWS) + "a,b,c,d,e,f\n" * 30, "refused", "more values")
    yield table(
        "wide",
        ",".join(f"c{i}" for i in range(100_000)) + "\n" + (",".join("x" for _ in range(100_000)) + "\n") * 3,
        "refused",
    )
    yield table("long-value", _csv([("x" * 1_200_000, "pos"), *ROWS]), "refused", "too long")
    yield table("long-line", b"text,label\n" + b"x" * 60_000_000, "refused")
    yield table("long-label", _csv(_labelled("l" * 5000)), "read", "longer than 200")
    yield Case("table-gigabyte", task, _sparse, "refused", "MB large")
    yield table("labels-by-case", _csv(_labelled("Pos", "pos") + ROWS), "read", "differ only in case")
    yield table("labels-by-form", _csv(_labelled("caf\u00e9") + _labelled("cafe\u0301")), "read")
    yield table("labels-by-width", _csv(_labelled("ＡＢ", "AB")), "read", "differ only in")
    yield table("labels-zero-width", _csv(_labelled("neg\u200b")), "read")
    yield table("labels-dates", _csv(_labelled("2024-01-01", "2024-01-02")), "read", "dates")
    yield table("labels-numbers", _csv(_labelled("1", "01")), "read", "numbers")
    yield table(
        "labels-measured",
        _csv([(f"text number {i} here", f"{i}.5") for i in range(60)]),
        "refused",
        "regression",
    )
    yield table("labels-ids", _csv([(f"text number {i} here", f"id{i}") for i in range(60)]), "refused", "id")
    yield table("labels-one", _csv(_labelled("neg")), "refused", "1 class")
    yield table("labels-missing", _csv(ROWS + [("x y z", "")] * 9), "read", "without a label")
    yield table("texts-missing", _csv(ROWS + [("\u200b", "pos")] * 9), "read", "without a text")
    yield table("duplicate-columns", _csv(ROWS, header="text,text"), "refused")
    for magic, name in ((b"PK\3\4", "zip"), (b"%PDF-1.4", "pdf"), (b"\x89PNG\r\n", "png"), (b"\x1f\x8b\x08", "gzip"), (b"\x80\x04.", "pickle"),
                        (b"\xd0\xcf\x11\xe0", "xls"), (b"PAR1", "parquet"), (b"SQLite format 3\0", "sqlite")):  # fmt: skip
        yield table(f"{name}-as-csv", magic + chance.randbytes(3000), "refused")
    whole = _csv(ROWS * 3).encode()
    for number in range(20):
        yield table(f"flipped-{number}", _flip(whole, chance, 12), "either")
    for number in range(8):
        yield table(f"noise-{number}", chance.randbytes(4000), "refused")


def _sparse(folder: Path) -> Path:
    path = folder / "data.csv"
    with path.open("wb") as stream:
        stream.write(b"text,label\n")
        stream.truncate(1_100_000_000)
    return path


def _objects() -> Iterator[Case]:
    task = "text-classification"
    lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]

    def objects(name: str, more: list[str], outcome: str, says: str = "") -> Case:
        return Case(
            f"jsonl-{name}",
            task,
            _file("data.jsonl", "\n".join([*lines, *more]).encode("utf-8", "surrogatepass")),
            outcome,
            says,
        )

    yield objects("deep", ["[" * 100_000], "refused", "JSON")
    yield objects("deep-object", ['{"text": ' * 50_000], "refused", "JSON")
    yield objects("deep-value", ['{"text": ' + "[" * 900 + "]" * 900 + ', "label": "pos"}'], "either")
    yield objects("huge-number", ['{"text": ' + "9" * 100_000 + ', "label": "pos"}'], "either")
    yield objects("huge-exponent", ['{"text": 1e999999999, "label": "pos"}'], "read")
    yield objects("nan", ['{"text": NaN, "label": "pos"}'], "read", "without a text")
    yield objects("array", ["[1, 2]"], "refused", "array")
    yield objects("string", ['"x"'], "refused", "object")
    yield objects("torn", ['{"text": "a'], "refused", "row 13")
    yield objects("twice-a-key", ['{"text": "a b", "text": "c d", "label": "pos"}'], "read")
    yield objects("surrogate", ['{"text": "\\ud800 lone", "label": "pos"}'], "read")
    yield objects("control", ['{"text": "a\\u0000b c", "label": "pos"}'], "read")
    yield objects("objects-as-text", ['{"text": {"a": 1}, "label": "pos"}'], "read")
    yield objects("list-label", ['{"text": "a b", "label": ["pos"]}'], "either")
    yield objects("prototype", ['{"__proto__": {"x": 1}, "text": "a b", "label": "pos"}'], "read")
    yield objects("many-keys", [json.dumps({f"k{i}": i for i in range(20_000)})], "refused", "keys")


def _offices(seed: int) -> Iterator[Case]:
    import pandas as pd

    task = "text-classification"
    chance = random.Random(f"office-{seed}")
    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    for suffix in ("xlsx", "parquet"):
        stream = io.BytesIO()
        if suffix == "xlsx":
            frame.to_excel(stream, index=False)
        else:
            frame.to_parquet(stream)
        whole = stream.getvalue()
        for number in range(12):
            yield Case(
                f"{suffix}-cut-{number}",
                task,
                _file(f"data.{suffix}", whole[: chance.randrange(1, len(whole))]),
                "refused",
            )
        for number in range(18):
            yield Case(
                f"{suffix}-flipped-{number}",
                task,
                _file(f"data.{suffix}", _flip(whole, chance, 10)),
                "either",
            )
        yield Case(f"{suffix}-of-text", task, _file(f"data.{suffix}", b"text,label\na,b\n"), "refused")
    sheet = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">' + b"".join(
        b'<!ENTITY %c "%s">' % (99 + i, b"&%c;" % (98 + i) * 10) for i in range(8)
    ) + b"]><worksheet>&j;</worksheet>"  # fmt: skip
    stream = io.BytesIO()
    frame.to_excel(stream, index=False)
    with zipfile.ZipFile(stream) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for part in [name for name in parts if name.endswith(".xml")][:6]:
        yield Case(
            f"xlsx-laughs-{part.replace('/', '-')}",
            task,
            _file("data.xlsx", _packed({**parts, part: sheet})),
            "either",
        )
    sheet_name = "xl/worksheets/sheet1.xml"
    rest = {name: content for name, content in parts.items() if name != sheet_name}
    yield Case("xlsx-bomb", task, _bomb("data.xlsx", rest, sheet_name, 300), "refused", "bomb")
    outside = _packed({**parts, "../x": b"x"})
    yield Case("xlsx-path", task, _file("data.xlsx", outside), "refused", "outside")


def _paths() -> Iterator[Case]:
    task = "image-classification"

    def looped(folder: Path) -> Path:
        path = _folder(_good())(folder)
        (path / "cat" / "again").symlink_to(path)
        (path / "cat" / "link.png").symlink_to("/etc/passwd")
        (path / "cat" / "gone.png").symlink_to("/nowhere")
        return path

    def piped(folder: Path) -> Path:
        import os

        path = _folder(_good())(folder)
        os.mkfifo(path / "cat" / "pipe.png")
        return path

    yield Case("folder-links", task, looped, "read")
    yield Case("folder-pipe", task, piped, "read")
    yield Case("folder-empty", task, _folder({".keep": b""}), "refused")
    yield Case("folder-absent", task, lambda folder: folder / "none", "refused", "no file or folder")
    yield Case("device", "text-classification", lambda folder: Path("/dev/zero"), "refused", "device")
    yield Case("unknown-ending", task, _file("data.rar", b"Rar!"), "refused", "ending")
    for number, label in enumerate(MARKUP):
        safe = label.replace("/", "_").replace("\0", "")
        if safe not in (".", ".."):
            yield Case(
                f"folder-class-name-{number}",
                task,
                _folder(
                    {**_good(), **{f"{safe}/{i}.png": _picture(i + 50, size=(52 + i, 33)) for i in range(3)}}
                ),
                "read",
            )
