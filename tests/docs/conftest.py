import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def generator() -> Callable[[str], ModuleType]:
    """Load a module of docs/generator, which is no package."""

    def load(name: str) -> ModuleType:
        path = ROOT / "docs" / "generator" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"docs_generator_{name}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load
