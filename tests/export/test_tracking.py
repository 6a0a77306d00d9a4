"""What goes to MLflow: figures and settings of every model, no example; without MLflow a way out."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from report_fixture import make_report

from advisor.errors import InputError
from advisor.export import tracking
from advisor.report import write_report


class FakeMlflow(ModuleType):
    """Keeps what is logged, run by run."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.__spec__ = ModuleSpec("mlflow", None)
        self.open: list[str] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.experiment = ""

    def set_experiment(self, name: str) -> None:
        self.experiment = name

    @contextmanager
    def start_run(self, run_name: str, nested: bool = False) -> Iterator[SimpleNamespace]:
        assert nested == bool(self.open)
        self.open.append(run_name)
        self.runs[run_name] = {"params": {}, "metrics": {}, "tags": {}, "steps": []}
        yield SimpleNamespace(info=SimpleNamespace(run_id=f"id-of-{run_name}"))
        self.open.pop()

    def log_params(self, values: Mapping[str, Any]) -> None:
        self.runs[self.open[-1]]["params"] |= values

    def log_metrics(self, values: Mapping[str, float]) -> None:
        assert all(isinstance(value, float | int) for value in values.values())
        self.runs[self.open[-1]]["metrics"] |= values

    def log_metric(self, name: str, value: float, step: int) -> None:
        self.runs[self.open[-1]]["steps"].append((name, value, step))

    def set_tags(self, values: Mapping[str, Any]) -> None:
        self.runs[self.open[-1]]["tags"] |= values


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeMlflow:
    module = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return module


def test_every_model_is_logged_with_what_was_measured(tmp_path: Path, fake: FakeMlflow) -> None:
    report = make_report()
    write_report(report, tmp_path / "report.json")
    found = tracking.log_to_mlflow(tmp_path, "flowers")
    assert report.dataset
    assert found == f"id-of-{report.dataset.name}"
    assert fake.experiment == "flowers"
    outer = fake.runs.pop(report.dataset.name)
    assert outer["params"]["winner"] == report.decision.winner
    assert outer["params"]["data_sha256"] == report.dataset.sha256
    assert outer["metrics"]["p_best"] == report.decision.p_best[report.decision.winner or ""]
    assert set(fake.runs) == {row.model for row in report.probe.results}
    for row in report.probe.results:
        logged = fake.runs[row.model]
        assert logged["tags"]["status"] == row.status
        assert logged["params"]["revision"] == row.revision
        for name, metric in (row.metrics or {}).items():
            kept = tracking.NOT_ALLOWED.sub("_", name)
            assert logged["metrics"][kept] == metric.value
            assert logged["metrics"][f"{kept} low"] == metric.low
        assert [step for _, _, step in logged["steps"]] == [point.examples for point in row.curve]
        assert ("size_mb" in logged["metrics"]) == (row.size_mb is not None), "unknown is left out"
    names = {name for run in fake.runs.values() for name in (*run["metrics"], *run["params"])}
    assert not [name for name in names if tracking.NOT_ALLOWED.search(name)]


def test_without_mlflow_there_is_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(make_report(), tmp_path / "report.json")
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install mlflow"):
        tracking.log_to_mlflow(tmp_path)
    assert tracking.main([str(tmp_path)]) == 2
    assert "pip install mlflow" in capsys.readouterr().err


def test_the_command_says_what_it_takes(
    tmp_path: Path, fake: FakeMlflow, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(make_report(), tmp_path / "report.json")
    assert tracking.main([]) == 2
    assert "RUN [EXPERIMENT]" in capsys.readouterr().err
    assert tracking.main([str(tmp_path), "shelf"]) == 0
    assert fake.experiment == "shelf"
    assert capsys.readouterr().out.startswith("id-of-")
