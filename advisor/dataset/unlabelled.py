"""Examples of the target domain without labels: read as safely as labelled ones, and never any that judges."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.dataset.clean import CONTROL, finding
from advisor.dataset.columns import choose_text
from advisor.dataset.decode import decode
from advisor.dataset.duplicates import bare_text, group_equal, group_similar, same_text
from advisor.dataset.images import Look
from advisor.dataset.layout import IMAGE_SUFFIXES
from advisor.dataset.reading import MISSING, bounded_table, look_at, printable
from advisor.dataset.table import TABLE_SUFFIXES, read_table
from advisor.dataset.thinning import LARGE_BYTES
from advisor.dataset.tree import open_tree
from advisor.dataset.types import Dataset, Finding, Severity
from advisor.errors import DataError

__all__ = ["ENOUGH", "MOST", "Unlabelled", "read_unlabelled"]

MOST = {"image-classification": 1000, "text-classification": 2000}
"""So many are used at most; a random sample of more."""
ENOUGH = 50
"""Fewer are not worth adapting to."""
KEPT_CHARACTERS = 10_000
WIDE = (b"\xff\xfe", b"\xfe\xff")
FORMS = {
    "image-classification": "a folder or .zip of images, flat or nested",
    "text-classification": "a .txt with one text a line, or a table: .csv, .tsv, .jsonl, .parquet, .xlsx",
}


@dataclass(frozen=True)
class Unlabelled:
    """Examples without labels, for learning only.

    :ivar origin: the folder, zip, table or text file that was read.
    :ivar contents: the texts, cut at 10,000 characters; or the paths of images inside the folder or zip.
    :ivar total: how many the upload holds.
    :ivar findings: what was done about them.
    """

    origin: Path
    of_images: bool
    contents: tuple[str, ...]
    total: int
    findings: tuple[Finding, ...]


def read_unlabelled(
    path: Path,
    beside: Dataset,
    judged: Sequence[int] = (),
    *,
    seed: int = 0,
    most: int | None = None,
) -> Unlabelled:
    """Read examples without labels.

    What is, or nearly is, an example that models are chosen or judged by is left out, and so is what repeats another
    unlabelled one.

    :param path: for images a folder or zip, flat or nested; for texts a table, whose labels are not looked at, or a
        .txt with one text a line.
    :param beside: the labelled examples that they go with.
    :param judged: which of those are to choose or to judge by.
    :param seed: of the sample where there are more than are used.
    :param most: how many are used at most; `MOST` if None.
    :raises DataError: naming what is wrong, what is allowed and the way out.
    """
    path, forms = Path(path), FORMS[beside.task]
    bound = MOST[beside.task] if most is None else most
    try:
        if "\0" in str(path) or not path.exists():
            raise DataError(f"There is no file or folder {str(path)!r}", forms)
        if beside.task == "image-classification":
            return _images(path, beside, judged, bound, seed)
        return _texts(path, beside, judged, bound, seed)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}", forms, "Check its permissions, or copy it."
        ) from None


def _images(path: Path, beside: Dataset, judged: Sequence[int], most: int, seed: int) -> Unlabelled:
    if not path.is_dir() and not (path.is_file() and path.suffix.lower() == ".zip"):
        raise DataError(f"{path} is no folder or zip of images", FORMS[beside.task])
    tree = open_tree(path)
    names = [name for name in tree.paths if _is_image(name)]
    if not names:
        raise DataError(f"{path} holds no images", FORMS[beside.task])
    chosen = _sample(names, most, seed)
    looks = look_at(tree, chosen)
    whole = [(name, look) for name, look in zip(chosen, looks, strict=True) if not look.because]
    if not whole:
        raise DataError(
            f"None of the {len(chosen)} unlabelled images of {path} that were looked at can be read; {chosen[0]}: "
            f"{looks[0].because}",
            fix="Check or export them again.",
        )
    others = look_at(open_tree(beside.origin), [beside.contents[i] for i in judged])
    known = [look for look in others if not look.because]
    together = [*known, *(look for _, look in whole)]
    exact = group_equal([look.digest for look in together])
    groups = group_similar([_thumb(look) for look in together], exact)
    kept, leaking, repeated = _apart(groups, exact, len(known))
    told = _told("images", len(names), kept, leaking, repeated, len(looks) - len(whole), most)
    return Unlabelled(path, True, tuple(whole[i][0] for i in kept), len(names), told)


def _thumb(look: Look) -> bytes:
    return look.thumb if min(look.size) >= 8 else b""


def _is_image(name: str) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    return not hidden and Path(name).suffix.lower() in IMAGE_SUFFIXES


def _texts(path: Path, beside: Dataset, judged: Sequence[int], most: int, seed: int) -> Unlabelled:
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in TABLE_SUFFIXES:
        raise DataError(f"{path} is no table or text file", FORMS[beside.task])
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", FORMS[beside.task])
    rows, more = _lines(path) if suffix == ".txt" else _column(path, beside)
    bodies = [CONTROL.sub(" ", printable(row.replace("\0", ""))).strip() for row in rows]
    whole = [body for body in bodies if body.strip("\u200b\ufeff\u200c\u200d\u2060 ") and body not in MISSING]
    if not whole:
        raise DataError(f"No row of {path} holds a text", FORMS[beside.task])
    chosen = _sample(whole, most, seed)
    together = [*(beside.contents[i] for i in judged), *chosen]
    exact = group_equal([same_text(body) for body in together])
    kept, leaking, repeated = _apart(group_equal([bare_text(body) for body in together]), exact, len(judged))
    told = _told("texts", len(whole), kept, leaking, repeated, 0, most)
    contents = tuple(chosen[i][:KEPT_CHARACTERS] for i in kept)
    return Unlabelled(path, False, contents, len(whole), (*more, *told))


def _lines(path: Path) -> tuple[list[str], list[Finding]]:
    """Read a text file line by line, of a large one the beginning."""
    with path.open("rb") as stream:
        content = stream.read(LARGE_BYTES + 1)
    findings = []
    if len(content) > LARGE_BYTES:
        end = LARGE_BYTES if content.startswith(WIDE) else content.rfind(b"\n", 0, LARGE_BYTES) + 1
        content = content[: end or LARGE_BYTES]
        detail = f"Of the unlabelled texts the first {LARGE_BYTES // 1024**2} MB were read."
        findings.append(finding("unlabelled", "info", detail))
    decoded = decode(content)
    if decoded is None:
        raise DataError(f"{path} is not a text file: it holds binary data", FORMS["text-classification"])
    return decoded.text.splitlines(), findings


def _column(path: Path, beside: Dataset) -> tuple[list[str], list[Finding]]:
    """Read the text column of a table: that of the labelled table, or the only one that suits."""
    content, thinned = bounded_table(path)
    table = read_table(path, content)
    usual = beside.columns[0] if beside.columns else None
    at = choose_text(table, path, usual if usual in table.columns else None)
    findings = []
    if thinned:
        detail = (
            f"The table holds {thinned.rows:,} rows, more than are held at once; a random sample of "
            f"{len(table.rows):,} of them was read."
        )
        findings.append(finding("unlabelled", "info", detail))
    return [row[at] or "" for row in table.rows], findings


def _sample(all_of_them: list[str], most: int, seed: int) -> list[str]:
    """Take a random part where there are more than are used, in their order."""
    if len(all_of_them) <= most:
        return all_of_them
    places = sorted(random.Random(seed).sample(range(len(all_of_them)), most))
    return [all_of_them[place] for place in places]


def _apart(groups: Sequence[int], exact: Sequence[int], judged: int) -> tuple[list[int], int, int]:
    """Keep what is like nothing that is judged by, and of what is the same the first.

    :param groups: of the judged examples, then the unlabelled ones: equal numbers are the same or nearly so.
    :param exact: likewise, only the same.
    :return: places of the unlabelled that stay, how many were like a judged one, and how many repeated another.
    """
    seen = set(groups[:judged])
    unlike = [place for place in range(judged, len(groups)) if groups[place] not in seen]
    kept = [place - judged for place in unlike if exact[place] == place]
    return kept, len(groups) - judged - len(unlike), len(unlike) - len(kept)


def _told(
    noun: str, total: int, kept: Sequence[int], leaking: int, repeated: int, broken: int, most: int
) -> tuple[Finding, ...]:
    severity: Severity = "info"
    said = [f"{len(kept)} of {total} unlabelled {noun} are there to adapt models to, without their labels."]
    if total > most:
        said.append(f"No more than {most} are looked at, a random sample.")
    if leaking:
        said.append(
            f"{leaking} are, or look like, an example that models are chosen or judged by, and were left out."
        )
    if repeated:
        said.append(f"{repeated} repeat another one and were left out.")
    if broken:
        said.append(f"{broken} cannot be read and were left out.")
    if len(kept) < ENOUGH:
        severity = "medium"
        said.append(f"Fewer than {ENOUGH} are too few to adapt to, so nothing is made of them.")
    return (finding("unlabelled", severity, " ".join(said)),)
