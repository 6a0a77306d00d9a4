"""The class of a licence that a model's folder names by its SPDX or hub id."""

import re
from pathlib import Path
from typing import Any

from advisor.knowledge import Licence, LicenceClass

__all__ = ["licence_class", "stated_licence"]

PERMISSIVE = re.compile(
    r"apache-2\.0|mit(-0)?|bsd(-.*)?|isc|zlib|unlicense|cc0-1\.0|wtfpl|artistic-2\.0|cc-by-[234]\.[05]|0bsd"
)
COPYLEFT = re.compile(r"(a|l)?gpl.*|mpl-.*|epl-.*|cc-by-sa-.*|eupl-.*|cecill.*|osl-.*")
NON_COMMERCIAL = re.compile(r"cc-by-nc.*")
FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)
LICENCE_LINE = re.compile(r"^licen[sc]e:\s*['\"]?([\w.+-]+)['\"]?\s*$", re.MULTILINE)


def licence_class(id: str) -> LicenceClass:
    """Classify a licence id as the hub writes it; what is not recognised is custom."""
    name = id.lower()
    for klass, pattern in (
        ("permissive", PERMISSIVE),
        ("copyleft", COPYLEFT),
        ("non-commercial", NON_COMMERCIAL),
    ):
        if pattern.fullmatch(name):
            return klass  # type: ignore[return-value]
    return "unknown" if name in ("", "unknown", "other") else "custom"


def stated_licence(folder: Path, config: dict[str, Any]) -> Licence:
    """Read the licence from a folder's config (`license`) or the front matter of its README.

    :return: the licence; id and class `unknown` where neither says.
    """
    stated = config.get("license") or config.get("licence")
    if not isinstance(stated, str) or not stated.strip():
        stated = _front_matter(folder / "README.md")
    id = stated.strip().lower() if stated else "unknown"
    return Licence.model_validate({"id": id, "class": licence_class(id)})


def _front_matter(readme: Path) -> str | None:
    try:
        with readme.open(encoding="utf-8", errors="replace") as stream:
            head = FRONT_MATTER.match(stream.read(20_000))
    except OSError:
        return None
    line = LICENCE_LINE.search(head[1]) if head else None
    return line[1] if line else None
