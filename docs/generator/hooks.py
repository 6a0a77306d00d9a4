"""What mkdocs does not do by itself: generated pages, pages that lie beside docs/, and links between them."""

import posixpath
import re
from pathlib import Path
from typing import Any

from command_page import command_page
from field_pages import brief_page, knowledge_page, report_page
from mkdocs.structure.files import File, Files

__all__ = ["on_files", "on_page_markdown"]

ROOT = Path(__file__).parents[2]
GENERATED = {
    "reference/commands.md": command_page,
    "reference/brief.md": brief_page,
    "reference/knowledge.md": knowledge_page,
    "reference/report.md": report_page,
}
BESIDE = {
    "knowledge/README.md": "knowledge-base.md",
    "benchmarks/README.md": "evidence.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages and those that lie beside docs/."""
    for path, make in GENERATED.items():
        files.append(File.generated(config, path, content=make()))
    for source, path in BESIDE.items():
        files.append(File.generated(config, path, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Let links that hold in the repository hold in the site; those to files outside of it become plain text."""
    here = next((source for source, path in BESIDE.items() if path == page.file.src_uri), None)
    source = here or f"docs/{page.file.src_uri}"
    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(lambda found: _link(found, source, page, files), part) for part in parts[::2]]
    return "".join(parts)


def _link(found: re.Match[str], source: str, page: Any, files: Files) -> str:
    picture, words, target = found.groups()
    path, _, anchor = target.partition("#")
    if not path or "://" in path or path.startswith("mailto:"):
        return found[0]
    place = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    inside = BESIDE.get(place, place.removeprefix("docs/") if place.startswith("docs/") else "")
    if not inside:
        return words
    near = posixpath.relpath(inside, posixpath.dirname(page.file.src_uri) or ".")
    return f"{picture}[{words}]({near}{'#' + anchor if anchor else ''})"
