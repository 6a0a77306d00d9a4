"""The bounds within which data are read; what exceeds one is refused or skipped with a word why."""

__all__ = [
    "IMAGE_BYTES",
    "IMAGE_PIXELS",
    "MEMBERS",
    "RATIO",
    "ROWS",
    "TABLE_BYTES",
    "UNPACKED_BYTES",
    "VALUE_CHARACTERS",
]

TABLE_BYTES = 512 * 1024**2
"""A table file, and what a compressed table may unfold to."""

ROWS = 2_000_000
"""Rows of a table."""

VALUE_CHARACTERS = 1_000_000
"""One value of a table."""

IMAGE_BYTES = 64 * 1024**2
"""One image file."""

IMAGE_PIXELS = 100_000_000
"""Width × height of one image."""

MEMBERS = 500_000
"""Files in a folder or zip."""

UNPACKED_BYTES = 32 * 1024**3
"""All files of a zip, unpacked."""

RATIO = 200
"""Unpacked / packed size of a zip member over 1 MB; photographs stay below 2, texts below 20."""
