"""Everything the advisor can complain about.

AdvisorError                what was wrong, what is allowed, the way out; exit code 2 unless said otherwise
├── InputError              the user's brief, data, model, device or option was wrong
│   ├── BriefError
│   ├── DataError
│   └── KnowledgeError      names file and line of each fault
├── NothingQualifies        exit 3: no model qualifies, or nothing could be probed
├── StorageError           the disk is full, read-only or broken; what is finished is kept
├── WeightsUnavailable      one model's weights cannot be had; a row in the results, never a lost run
└── Cancelled               exit 130: the user asked to stop
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AdvisorError",
    "BriefError",
    "Cancelled",
    "DataError",
    "InputError",
    "KnowledgeError",
    "NothingQualifies",
    "StorageError",
    "WeightsUnavailable",
    "nearest",
]


class AdvisorError(Exception):
    """A complaint in three parts.

    :param what: what was wrong, with the offending value.
    :param allowed: what would have been allowed; empty if there is nothing to list.
    :param fix: the way out; empty if `allowed` already says it.
    """

    exit_code = 2

    def __init__(self, what: str, allowed: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.allowed = allowed
        self.fix = fix

    def __str__(self) -> str:
        parts = [self.what]
        if self.allowed:
            parts.append(f"Allowed: {self.allowed}")
        if self.fix:
            parts.append(self.fix)
        return " ".join(part if part.endswith((".", "?", "!", ":")) else f"{part}." for part in parts)


class InputError(AdvisorError):
    """The user's input was wrong."""


class BriefError(InputError):
    """A brief holds an unknown key or a value outside its range."""


class DataError(InputError):
    """The data cannot be read as a set of labelled examples."""


class KnowledgeError(InputError):
    """A file of the knowledge base is at fault."""


class NothingQualifies(AdvisorError):
    """No model meets the brief, or none could be probed."""

    exit_code = 3


class StorageError(AdvisorError):
    """Something cannot be written: the disk is full, read-only or broken."""


class WeightsUnavailable(AdvisorError):
    """The weights of one model cannot be had here."""


class Cancelled(AdvisorError):
    """The user asked to stop."""

    exit_code = 130


def nearest(value: str, allowed: Iterable[str]) -> str:
    """Say which allowed word is nearest to a wrong one.

    :param value: the word that is not allowed.
    :param allowed: the words that are.
    :return: "Did you mean 'x'?", or an empty string where nothing is allowed.
    """
    matches = get_close_matches(value, list(allowed), n=1, cutoff=0.0)
    return f"Did you mean {matches[0]!r}?" if matches else ""
