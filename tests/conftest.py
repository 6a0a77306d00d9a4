"""Fixtures that every room may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from knowledge_fixture import make_knowledge

from advisor.knowledge import Knowledge


@pytest.fixture(scope="session")
def small_knowledge() -> Knowledge:
    """A knowledge base of 21 models that no change of the shipped one moves."""
    return make_knowledge()


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the caches and figures of the machine that runs the tests out of them; one calibration serves all."""
    home = tmp_path_factory.getbasetemp() / "advisor-home"
    monkeypatch.setenv("ADVISOR_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Tiny models gain nothing from more threads, and a busy machine loses much."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
