"""Which files of a folder or zip are examples, and of which class."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from advisor.dataset.clean import written_out
from advisor.dataset.tree import ARCHIVES, Tree
from advisor.dataset.types import Finding
from advisor.errors import DataError

__all__ = ["IMAGE_SUFFIXES", "Layout", "lay_out"]

IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".jp2",
        ".avif",
    ]
)
FOREIGN_IMAGES = frozenset(
    [".heic", ".heif", ".svg", ".psd", ".raw", ".cr2", ".nef", ".dng", ".eps", ".ai", ".pdf"]
)
TABLE_SUFFIXES = frozenset([".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".xlsx"])
SPLITS = frozenset(
    ["train", "training", "trn", "val", "valid", "validation", "dev", "test", "testing", "tst"]
)


@dataclass(frozen=True)
class Layout:
    """The examples of an image tree: (path, label) pairs sorted by path, and `base`, the wrapping folders."""

    examples: tuple[tuple[str, str], ...]
    base: str
    findings: tuple[Finding, ...]


def lay_out(tree: Tree) -> Layout:
    """Take the first folder below the wrapping and train/val/test folders as the class.

    :param tree: the listed folder or zip.
    :return: the images with their labels, and what was ignored or merged.
    :raises DataError: if there is no image in a class folder.
    """
    ignored = list(tree.odd)
    images: list[str] = []
    for path in tree.paths:
        suffix = Path(path).suffix.lower()
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.split("/"))
        (ignored if hidden or suffix not in IMAGE_SUFFIXES else images).append(path)
    base, findings = "", []
    while images and len(tops := {_head(path, base) for path in images}) == 1:
        wrapper = tops.pop()
        inside = f"{base}{wrapper}/"
        if not wrapper or wrapper.lower() in SPLITS or not any("/" in path[len(inside) :] for path in images):
            break
        base = inside
    if base:
        findings.append(_finding("wrapping-folder", "info", f"The folder {base[:-1]!r} was looked through."))
    loose = [path for path in images if "/" not in path[len(base) :]]
    ignored += loose
    held = [path for path in images if "/" in path[len(base) :]]
    if not held:
        raise _no_images(tree, loose, ignored)
    labelled, merged = _labels(held, base, ignored)
    if not labelled:
        raise _no_images(tree, loose, ignored)
    findings += merged
    if ignored:
        findings.append(_ignored(ignored))
    return Layout(tuple(sorted(labelled)), base, tuple(findings))


def _head(path: str, base: str) -> str:
    head, slash, _ = path[len(base) :].partition("/")
    return head if slash else ""


def _labels(held: list[str], base: str, ignored: list[str]) -> tuple[list[tuple[str, str]], list[Finding]]:
    tops = {_head(path, base) for path in held}
    if not all(top.lower() in SPLITS for top in tops):
        return [(path, _clean(_head(path, base))) for path in held], []
    classes: dict[str, set[str]] = defaultdict(set)
    for path in held:
        top = _head(path, base)
        inner = _head(path, f"{base}{top}/")
        if inner:
            classes[top].add(_clean(inner))
    shared = set.intersection(*classes.values()) if classes else set()
    if not shared:
        return [(path, _clean(_head(path, base))) for path in held], []
    labelled: list[tuple[str, str]] = []
    for path in held:
        inner = _head(path, f"{base}{_head(path, base)}/")
        if inner:
            labelled.append((path, _clean(inner)))
        else:
            ignored.append(path)
    names = ", ".join(f"{top}/" for top in sorted(classes))
    every = set.union(*classes.values())
    partial = sorted(every - shared)
    detail = f"{names} hold the same classes: they were merged and are split anew."
    if partial:
        detail = f"{names} were merged and are split anew; not in each of them: {', '.join(partial[:10])}."
    return labelled, [_finding("merged-splits", "low" if partial else "info", detail)]


def _clean(label: str) -> str:
    return unicodedata.normalize("NFC", label.strip())


def _ignored(paths: list[str]) -> Finding:
    hint = ""
    if foreign := sorted({Path(path).suffix.lower() for path in paths} & FOREIGN_IMAGES):
        hint = f" Convert {', '.join(foreign)} to JPEG or PNG to use them."
    some = ", ".join(sorted(paths)[:3]) + (" …" if len(paths) > 3 else "")
    count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
    return _finding(
        "ignored-files",
        "low" if hint else "info",
        f"{count} outside of a class folder, hidden or no image: {some}.{hint}",
        sorted(paths),
    )


def _finding(kind: str, severity: str, detail: str, examples: Iterable[str] = ()) -> Finding:
    return Finding.model_validate(
        {
            "kind": kind,
            "severity": severity,
            "detail": written_out(detail),
            "examples": tuple(map(written_out, tuple(examples)[:20])),
        }
    )


def _no_images(tree: Tree, loose: list[str], ignored: list[str]) -> DataError:
    origin = tree.origin
    allowed = "one sub-folder per class, with images in it"
    if not tree.paths and not tree.odd:
        return DataError(f"{origin} is empty", allowed)
    if loose:
        return DataError(
            f"The images of {origin} lie in no class folder ({loose[0]!r} and {len(loose) - 1} more)",
            allowed,
            "Move them into a folder for each class.",
        )
    suffixes = {Path(path).suffix.lower(): path for path in ignored}
    if nested := [path for suffix, path in suffixes.items() if suffix in ARCHIVES]:
        return DataError(
            f"{origin} holds no images but another archive, {nested[0]!r}", allowed, "Unpack that first."
        )
    if tables := [path for suffix, path in suffixes.items() if suffix in TABLE_SUFFIXES]:
        return DataError(
            f"{origin} holds no images but the table {tables[0]!r}",
            allowed,
            "Give that file itself as the data.",
        )
    found = ", ".join(sorted(suffix or "no suffix" for suffix in suffixes)[:10])
    kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
    return DataError(f"{origin} holds no images; found: {found}", f"{allowed}: {kinds}")
