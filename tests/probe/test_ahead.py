"""Batches prepared one ahead: what is asked for comes, in order, whatever was guessed before."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.probe.ahead import Ahead


class Letters:
    module = None
    batch_size = 4
    source = None

    def __init__(self) -> None:
        self.prepared: list[list[str]] = []
        self.threads: set[int] = set()

    def prepare(self, contents: Sequence[str]) -> Any:
        if "broken" in contents:
            raise OSError("this image is damaged")
        self.threads.add(threading.get_ident())
        self.prepared.append(list(contents))
        return list(contents)

    def forward(self, batch: Any) -> torch.Tensor:
        raise NotImplementedError


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), min_size=1), st.lists(st.integers(0, 9))), max_size=6))
@settings(max_examples=30, deadline=None)
def test_the_batch_asked_for_comes(asked: list[tuple[list[int], list[int]]]) -> None:
    body, contents = Letters(), list("abcdefghij")
    with Ahead(body, contents) as ahead:
        for chosen, then in asked:
            assert ahead.take(chosen, then) == [contents[i] for i in chosen]
    assert threading.get_ident() not in body.threads


def test_nothing_is_prepared_twice_when_the_guess_was_right() -> None:
    body = Letters()
    with Ahead(body, list("abcdef")) as ahead:
        for start in range(0, 6, 2):
            ahead.take([start, start + 1], [start + 2, start + 3] if start < 4 else [])
    assert body.prepared == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_what_goes_wrong_is_told_when_the_batch_is_asked_for() -> None:
    with Ahead(Letters(), ["a", "broken"]) as ahead:
        assert ahead.take([0], [1]) == ["a"]
        with pytest.raises(OSError, match="damaged"):
            ahead.take([1])
