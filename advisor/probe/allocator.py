"""Freed memory is kept for the next batch: the kernel need not clear the same pages for every one."""

import ctypes
import sys

__all__ = ["keep_freed_memory"]

TRIM_THRESHOLD = -1
MMAP_MAX = -4
MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell the C library to serve large blocks from its heap, and not to give them back by itself.

    glibc maps every block above some megabytes anew, so the kernel clears the output of each layer, page by page, for
    each batch: on a core of a server 40 % of the seconds of EfficientNet-Lite0 over batches of 16 images (30.7 against
    18.7 ms an image), for a resident set of 1145 in place of 1028 MB. `malloc_trim` gives memory back as before.

    :return: whether it was told; only glibc understands.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        told = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(told(MMAP_MAX, 0)) and bool(told(TRIM_THRESHOLD, MOST))
