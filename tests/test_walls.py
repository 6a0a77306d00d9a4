"""The walls of the house: who may import what, and what importing costs."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import advisor

ROOM = Path(advisor.__file__).parent
ROOT = ROOM.parent
TORCH = {"torch", "timm", "transformers", "torchvision"}
MODULES = sorted(path for path in ROOM.rglob("*.py") if "_data" not in path.parts)


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports anywhere, with its line; what is only for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.module or "", node.lineno


def offences(paths: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in paths
        for module, line in imported(path)
        if module.split(".")[0] in forbidden
    ]


def test_the_search_finds_imports_at_any_depth(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text("import os\ndef f():\n    from torch.nn import Module\n    import timm as t\n")
    assert list(imported(file)) == [("os", 1), ("torch.nn", 3), ("timm", 4)]


def test_only_the_probe_imports_torch() -> None:
    others = [path for path in MODULES if path.relative_to(ROOM).parts[0] != "probe"]
    assert offences(others, TORCH) == []
    assert offences([path for path in MODULES if path not in others], TORCH), "the probe itself imports torch"


def test_only_the_ui_imports_streamlit() -> None:
    others = [path for path in MODULES if path.relative_to(ROOM).parts[0] != "ui"]
    assert offences(others, {"streamlit"}) == []


def test_nothing_shipped_imports_a_test_tool() -> None:
    assert offences(MODULES, {"pytest", "hypothesis", "playwright"}) == []


def test_streamlit_app_is_short() -> None:
    assert len((ROOT / "streamlit_app.py").read_text(encoding="utf-8").splitlines()) < 40


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_say_what_is_public(path: Path) -> None:
    """`__all__` is explicit wherever a module defines anything, and its names exist; the app's pages are scripts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    stated = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    defines = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    in_app = path.relative_to(ROOM).parts[0] == "ui"
    if path.name == "__main__.py" or (in_app and not stated):
        return
    if not stated:
        assert not defines, f"{defines} are public, but there is no __all__"
        return
    assert len(stated) == 1
    assert len(set(stated[0])) == len(stated[0])
    if in_app:
        return
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(dotted)
    assert [name for name in stated[0] if not hasattr(module, name)] == []


def test_no_public_function_bears_a_sub_packages_name() -> None:
    packages = {path.parent.name for path in ROOM.glob("*/__init__.py")}
    assert not packages & set(advisor.__all__)


def test_importing_the_core_loads_nothing_heavy() -> None:
    code = (
        "import json, sys\n"
        "import advisor, advisor.jobs, advisor.recommend, advisor.report, advisor.cli\n"
        "from advisor import Brief, decide, recommend, run_probe\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert not loaded & {*TORCH, "streamlit", "sklearn", "pandas", "pyarrow"}
