"""Reading an upload: a folder or zip of images, or a table of texts."""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from advisor.dataset import limits
from advisor.dataset.clean import (
    CONTROL,
    RANK,
    check_labels,
    drop_small,
    finding,
    note_balance,
    note_labels,
    note_repeats,
    written_out,
)
from advisor.dataset.columns import choose_columns
from advisor.dataset.duplicates import bare_text, group_equal, group_similar, same_text
from advisor.dataset.images import Look, inspect
from advisor.dataset.layout import lay_out
from advisor.dataset.table import TABLE_SUFFIXES, read_table
from advisor.dataset.thinning import LARGE_BYTES, Thinned, thin
from advisor.dataset.tree import Tree, open_tree
from advisor.dataset.types import Dataset, DataTask, Finding, Severity
from advisor.errors import DataError

__all__ = ["MISSING", "bounded_table", "look_at", "printable", "read", "read_columns"]

Progress = Callable[[int, int], None]
FORMS = "a folder or .zip with one sub-folder per class, or a table: .csv, .tsv, .jsonl, .parquet, .xlsx"
MISSING = frozenset(("", "nan", "NaN", "NAN", "null", "NULL", "#N/A", "<NA>"))
LONG_TEXT = 10_000
TINY = 32


def read(
    path: Path,
    *,
    task: str | None = None,
    text: str | None = None,
    label: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read labelled examples.

    :param path: a folder or zip with one sub-folder per class, or a CSV, TSV, JSONL, Parquet or Excel file.
    :param task: the brief's task; only the two that can be probed are held against the data.
    :param text: the text column, None to find it.
    :param label: the label column, None to find it.
    :param progress: called with (done, total) while images are decoded or a large table is read.
    :return: at least two classes of at least two examples each; images sorted by path, rows in their order.
    :raises DataError: naming file and row of what is wrong, what is allowed and the way out.
    """
    path = Path(path)
    try:
        kind: DataTask = "image-classification" if _is_tree(path) else "text-classification"
        if task in ("image-classification", "text-classification") and task != kind:
            held = "images" if kind == "image-classification" else "a table"
            raise DataError(
                f"{path} holds {held}, but the task is {task}", fix=f"Use the task {kind}, or other data."
            )
        return (
            _images(path, progress) if kind == "image-classification" else _texts(path, text, label, progress)
        )
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}", FORMS, "Check its permissions, or copy it."
        ) from None


def _is_tree(path: Path) -> bool:
    if "\0" in str(path) or not path.exists():
        raise DataError(f"There is no file or folder {str(path)!r}", FORMS)
    if path.is_dir():
        return True
    if not path.is_file():
        raise DataError(f"{path} is a device or pipe, not a file", FORMS)
    suffix = path.suffix.lower()
    if suffix != ".zip" and suffix not in TABLE_SUFFIXES:
        way = (
            "Save it as .xlsx or .csv."
            if suffix in (".xls", ".ods", ".numbers")
            else "Unpack or export it first."
        )
        raise DataError(f"{path} has the ending {suffix!r}, which is not read", FORMS, way)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", FORMS)
    return suffix == ".zip"


def _images(path: Path, progress: Progress | None) -> Dataset:
    tree = open_tree(path)
    layout = lay_out(tree)
    findings = list(layout.findings)
    looks = look_at(tree, [name for name, _ in layout.examples], progress)
    digest = hashlib.sha256()
    for (name, _), look in zip(layout.examples, looks, strict=True):
        _add(digest, name.removeprefix(layout.base), look.digest)
    broken = [
        f"{name}: {look.because}"
        for (name, _), look in zip(layout.examples, looks, strict=True)
        if look.because
    ]
    if broken:
        if len(broken) == len(looks):
            raise DataError(
                f"None of the {len(looks)} images of {path} can be read; {broken[0]}",
                fix="Check or export them again.",
            )
        severity: Severity = "high" if len(broken) * 10 > len(looks) else "medium"
        detail = f"{len(broken)} images cannot be read and were left out, first {broken[0]}."
        findings.append(finding("unreadable", severity, detail, broken))
    whole = [
        (name, label, look)
        for (name, label), look in zip(layout.examples, looks, strict=True)
        if not look.because
    ]
    kept, small = drop_small([label for _, label, _ in whole], [name for name, _, _ in whole], path)
    whole = [whole[index] for index in kept]
    names, labels = tuple(name for name, _, _ in whole), tuple(written_out(label) for _, label, _ in whole)
    ids = tuple(written_out(name.removeprefix(layout.base)) for name in names)
    exact = group_equal([look.digest for _, _, look in whole])
    groups = group_similar([look.thumb if min(look.size) >= 8 else b"" for _, _, look in whole], exact)
    findings += small + note_labels(labels, ids) + note_repeats(labels, ids, exact, groups, "images")
    findings += note_balance(labels) + _note_images(ids, [look for _, _, look in whole])
    return Dataset(
        task="image-classification",
        origin=path,
        ids=ids,
        labels=labels,
        contents=names,
        groups=tuple(groups),
        sha256=digest.hexdigest(),
        findings=_ordered(findings),
        sizes=tuple(look.size for _, _, look in whole),
        grey=tuple(look.grey for _, _, look in whole),
    )


def look_at(tree: Tree, names: Sequence[str], progress: Progress | None = None) -> list[Look]:
    """Decode images, several at once; one that cannot be read says why."""

    def look(name: str) -> Look:
        try:
            content = tree.read(name)
        except OSError as error:
            return Look(hashlib.sha256(name.encode()).digest(), because=error.strerror or str(error))
        return inspect(content)

    looks: list[Look] = []
    waiting = iter(names)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        while batch := list(islice(waiting, 64)):
            looks += pool.map(look, batch)
            if progress:
                progress(len(looks), len(names))
    return looks


def _note_images(ids: tuple[str, ...], looks: list[Look]) -> list[Finding]:
    findings: list[Finding] = []
    tiny = [id for id, look in zip(ids, looks, strict=True) if min(look.size) < TINY]
    if tiny:
        severity: Severity = "medium" if len(tiny) * 2 > len(ids) else "low"
        detail = f"{len(tiny)} images are smaller than {TINY} pixels on a side; models see little in them."
        findings.append(finding("tiny-images", severity, detail, tiny))
    moving = [id for id, look in zip(ids, looks, strict=True) if look.animated]
    if moving:
        detail = f"{len(moving)} images are animated; the first frame counts."
        findings.append(finding("animated", "info", detail, moving))
    return findings


def read_columns(path: Path) -> tuple[str, ...]:
    """Name the columns of a table.

    :param path: the table.
    :raises DataError: if it cannot be read or exceeds the limits.
    """
    return read_table(path, bounded_table(path)[0]).columns


def bounded_table(path: Path, progress: Progress | None = None) -> tuple[bytes, Thinned | None]:
    """Read a table's bytes, or a sample of its rows where there are many."""
    size = path.stat().st_size
    if size > limits.TABLE_BYTES:
        allowed = f"at most {limits.TABLE_BYTES // 1024**2} MB"
        raise DataError(f"{path} is {size // 1024**2:,} MB large", allowed, "Give a sample of its rows.")
    thinned = thin(path, progress=progress) if size > LARGE_BYTES else None
    return thinned.content if thinned else path.read_bytes(), thinned


def _texts(path: Path, text: str | None, label: str | None, progress: Progress | None) -> Dataset:
    content, thinned = bounded_table(path, progress)
    table = read_table(path, content)
    text_at, label_at = choose_columns(table, path, text, label)
    columns = table.columns[text_at], table.columns[label_at]
    findings = list(table.findings)
    if thinned:
        detail = (
            f"The table holds {thinned.rows:,} rows, more than are held at once; a random sample of "
            f"{len(table.rows):,} of them was read."
        )
        findings.append(finding("subsampled", "info", detail))
    ids: list[str] = []
    labels: list[str] = []
    texts: list[str] = []
    no_text: list[str] = []
    no_label: list[str] = []
    too_long: list[str] = []
    for number, row in zip(table.numbers, table.rows, strict=True):
        id = f"row {thinned.lines[number - 1] if thinned else number}"
        body = (row[text_at] or "").replace("\0", "").strip()
        name = unicodedata.normalize("NFC", (row[label_at] or "").replace("\0", "").strip())
        if name in MISSING:
            no_label.append(id)
        elif body in MISSING or not body.strip("\u200b\ufeff\u200c\u200d\u2060 "):
            no_text.append(id)
        elif len(body) > limits.VALUE_CHARACTERS:
            too_long.append(id)
        else:
            ids.append(id)
            labels.append(written_out(printable(name)))
            texts.append(CONTROL.sub(" ", printable(body)))
    for role, gone in (("text", no_text), ("label", no_label)):
        if gone:
            severity: Severity = "high" if len(gone) * 5 > len(table.rows) else "low"
            findings.append(
                finding(f"missing-{role}", severity, f"{len(gone)} rows without a {role} left out.", gone)
            )
    if too_long:
        detail = f"{len(too_long)} rows with more than {limits.VALUE_CHARACTERS:,} characters left out."
        findings.append(finding("too-long", "medium", detail, too_long))
    if not ids:
        raise DataError(
            f"No row of {path} has both a text in {columns[0]!r} and a label in {columns[1]!r}",
            fix="Name other columns with --text and --label.",
        )
    check_labels(labels, columns[1])
    kept, small = drop_small(labels, ids, path)
    ids, labels, texts = ([values[index] for index in kept] for values in (ids, labels, texts))
    exact = group_equal([same_text(body) for body in texts])
    groups = group_equal([bare_text(body) for body in texts])
    findings += small + note_labels(labels, ids) + note_repeats(labels, ids, exact, groups, "texts")
    findings += note_balance(labels) + _note_texts(ids, texts)
    digest = hashlib.sha256()
    _add(digest, path.name, thinned.sha256 if thinned else hashlib.sha256(content).digest())
    return Dataset(
        task="text-classification",
        origin=path,
        ids=tuple(ids),
        labels=tuple(labels),
        contents=tuple(texts),
        groups=tuple(groups),
        sha256=digest.hexdigest(),
        findings=_ordered(findings),
        columns=columns,
    )


def _note_texts(ids: list[str], texts: list[str]) -> list[Finding]:
    lengthy = [id for id, body in zip(ids, texts, strict=True) if len(body) > LONG_TEXT]
    if not lengthy:
        return []
    detail = (
        f"{len(lengthy)} texts are longer than {LONG_TEXT:,} characters; most models read only the start."
    )
    return [finding("long-texts", "medium" if len(lengthy) * 10 > len(ids) else "low", detail, lengthy)]


def printable(value: str) -> str:
    """Lone surrogates, which JSON and UTF-16 can smuggle in, cannot be written to any report."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _add(digest: "hashlib._Hash", name: str, content: bytes) -> None:
    digest.update(name.encode("utf-8") + b"\0" + content)


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda item: RANK[item.severity]))
