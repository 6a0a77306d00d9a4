"""Loading a knowledge folder: checked once, remembered, and quick to load again."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from advisor.errors import KnowledgeError
from advisor.home import home
from advisor.knowledge.base import Knowledge
from advisor.knowledge.cache import content_key, recall, remember
from advisor.knowledge.checking import cross_faults
from advisor.knowledge.reading import read_folder

__all__ = ["complain", "default_folder", "knowledge_folder", "load_knowledge"]

SHOWN = 50
Stamp = tuple[tuple[str, int, int], ...]


def default_folder() -> Path:
    """Find the knowledge that is shipped: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_data" / "knowledge"
    return installed if installed.is_dir() else package.parent / "knowledge"


def load_knowledge(folder: Path | None = None) -> Knowledge:
    """Read and check a knowledge folder.

    :param folder: the folder; the shipped one if None.
    :return: the knowledge, every cross-reference of which holds.
    :raises KnowledgeError: one message that names file and line of every fault.
    """
    folder = knowledge_folder(folder)
    return _load(folder, _stamp(_files(folder)))


def knowledge_folder(folder: Path | None) -> Path:
    """Find a knowledge folder, the shipped one if None.

    :raises KnowledgeError: if there is none.
    """
    folder = (folder or default_folder()).resolve()
    if not folder.is_dir():
        raise KnowledgeError(
            f"There is no knowledge folder {folder}", "a folder with tasks.yaml, sources.yaml, models/ …"
        )
    return folder


def _files(folder: Path) -> list[Path]:
    names = ("tasks.yaml", "devices.yaml", "sources.yaml", "starters.yaml", "datasets.yaml", "prior.yaml")
    listed = [path for name in names if (path := folder / name).is_file()]
    return [*listed, *sorted(folder.glob("models/*.yaml")), *sorted(folder.glob("results/*.csv"))]


def _stamp(files: Sequence[Path]) -> Stamp:
    return tuple((str(path), (seen := path.stat()).st_mtime_ns, seen.st_size) for path in files)


@lru_cache(maxsize=4)
def _load(folder: Path, stamp: Stamp) -> Knowledge:
    key = content_key([Path(name) for name, *_ in stamp], folder)
    with _uncollected():
        known = recall(home(), folder, key)
        if known is None:
            known = _read(folder)
            remember(home(), folder, key, known)
    return known


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let no garbage be looked for while many small things are made that all stay."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _read(folder: Path) -> Knowledge:
    draft = read_folder(folder)
    complain([*draft.faults, *cross_faults(draft)])
    return draft.knowledge


def complain(faults: Sequence[str]) -> None:
    """Say all faults at once, the first of them in full.

    :raises KnowledgeError: if there is any.
    """
    if faults:
        rest = f"\n… and {len(faults) - SHOWN} more" if faults[SHOWN:] else ""
        shown = "\n".join(faults[:SHOWN]) + rest
        raise KnowledgeError(f"The knowledge base has {len(faults)} fault(s):\n{shown}")
