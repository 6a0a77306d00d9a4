"""Freed memory stays with the process, and `malloc_trim` still gives it back."""

import subprocess
import sys

import pytest

from advisor.allocator import keep_freed_memory

FAULTS = """
import ctypes, resource, sys
import numpy as np
if sys.argv[1] == "kept":
    from advisor.allocator import keep_freed_memory
    assert keep_freed_memory()
def once():
    return [np.ones(24 * 2**20 // 8) for _ in range(4)]
once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc understands")


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True, timeout=120
    )
    return int(done.stdout)


@linux
def test_large_blocks_are_used_again_without_the_kernel() -> None:
    """Else at least 144 faults of 2 MB pages for 3 × 4 blocks of 24 MB, or 73728 of small ones."""
    assert faults("kept") < min(140, faults("mapped"))


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise OSError(name)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("advisor.allocator.ctypes.CDLL", missing)
    assert keep_freed_memory() is False
