"""How the commands speak: results to standard output, progress and complaints to standard error."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError, InputError
from advisor.knowledge import Knowledge, load_knowledge

if TYPE_CHECKING:
    from advisor.language import Language

__all__ = [
    "complain", "complaint", "heed", "ids_of", "known_base", "language", "print_json", "print_table", "progress", "say",
    "speak",
]  # fmt: skip


def complain(message: str) -> None:
    """Print a message of the program about itself to standard error."""
    from advisor.labels import visible

    print(f"advisor: {visible(message)}", file=sys.stderr)


def complaint(error: AdvisorError) -> str:
    """Say what was wrong, what is allowed and how to mend it, in the language that was chosen."""
    from advisor.language import complaint as words

    return words(error, language())


def language() -> "Language":
    """Which language everything that is printed has."""
    from advisor.language import as_language

    return as_language(os.environ.get("ADVISOR_LANG"))


def speak(lang: str | None) -> None:
    """Settle which language everything that is printed from now on has."""
    from advisor.language import chosen_language

    os.environ["ADVISOR_LANG"] = chosen_language(lang)


def say(text: str) -> str:
    """Translate what is printed."""
    from advisor.language import translate

    return translate(text, language())


def progress(line: str) -> None:
    """Print a line about how a job goes to standard error."""
    from advisor.labels import visible

    print(visible(say(line)), file=sys.stderr, flush=True)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    json.dump({"schema": 1, **content}, sys.stdout, ensure_ascii=plain, indent=1, allow_nan=False)
    sys.stdout.write("\n")


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of equal length in aligned columns; the first row holds the heads."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def known_base(folder: Path | None) -> Knowledge:
    """Load the knowledge base with the models of local folders."""
    from advisor.weights import local_cards

    return load_knowledge(folder).with_models(local_cards())


def heed(knowledge: Path | None) -> None:
    """Complain of a knowledge folder at fault, also where a command has no need of it."""
    if knowledge is not None:
        load_knowledge(knowledge)


def ids_of(models: str | None) -> tuple[str, ...] | None:
    """Read ids that are separated by commas."""
    if models is None:
        return None
    ids = tuple(part.strip() for part in models.split(",") if part.strip())
    if not ids:
        raise InputError(
            f"--models {models!r} names no model", "ids that `advisor models` lists, separated by commas"
        )
    return ids
