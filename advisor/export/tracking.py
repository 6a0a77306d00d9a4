"""A run's results in MLflow, for those who keep their experiments there."""

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError, InputError
from advisor.report import read_report
from advisor.result import ModelResult, Report

__all__ = ["log_to_mlflow"]

EXPERIMENT = "model-advisor"
NOT_ALLOWED = re.compile(r"[^\w\-. /]")


def log_to_mlflow(run: Path, experiment: str = EXPERIMENT) -> str:
    """Log a finished run: one MLflow run for the decision, below it one for each measured model.

    Figures and settings go in, examples do not: texts and file names of the data stay in the run's folder. Where
    MLflow keeps them is its own affair (MLFLOW_TRACKING_URI).

    :param run: a run's folder, or its report.json.
    :param experiment: the name of MLflow's experiment.
    :return: the id of the MLflow run of the decision.
    :raises InputError: if MLflow is not installed, or there is no report.
    """
    report = read_report(run)
    if find_spec("mlflow") is None:
        raise InputError("MLflow is not installed", fix="pip install mlflow")
    mlflow: Any = import_module("mlflow")
    mlflow.set_experiment(experiment)
    name = report.dataset.name if report.dataset else report.brief.task
    with mlflow.start_run(run_name=name) as outer:
        mlflow.log_params(_settings(report))
        mlflow.log_metrics(_chosen(report))
        for row in report.probe.results:
            with mlflow.start_run(run_name=row.model, nested=True):
                mlflow.set_tags({"status": row.status, "because": row.because, "kind": row.kind})
                mlflow.log_params(_named(row))
                mlflow.log_metrics(_measured(row, report))
                for point in row.curve:
                    mlflow.log_metric(
                        _safe(f"select {point.metric.name}"), point.metric.value, step=point.examples
                    )
    return str(outer.info.run_id)


def _safe(name: str) -> str:
    return NOT_ALLOWED.sub("_", name)


def _settings(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {
        "task": report.brief.task,
        "metric": report.brief.metric,
        "seed": report.probe.seed,
        "budget_s": report.probe.budget_s,
        "winner": report.decision.winner,
        "tied_with": ", ".join(report.decision.tied_with),
    }
    if report.dataset:
        found |= {"data_sha256": report.dataset.sha256, "examples": report.dataset.examples}
        found["classes"] = len(report.dataset.classes)
    return found | {f"version {_safe(name)}": number for name, number in report.probe.versions.items()}


def _chosen(report: Report) -> dict[str, float]:
    winner = report.decision.winner or ""
    found = {"elapsed_s": report.probe.elapsed_s}
    if winner in report.decision.p_best:
        found["p_best"] = report.decision.p_best[winner]
    expected = report.decision.expected.get(winner)
    if expected:
        found |= {"expected": expected.value, "expected low": expected.low, "expected high": expected.high}
    return found


def _named(row: ModelResult) -> dict[str, Any]:
    known = {"model": row.model, "revision": row.revision, "strategy": row.strategy, "licence": row.licence}
    return {**{_safe(name): value for name, value in row.hyperparameters.items()}, **known}


def _measured(row: ModelResult, report: Report) -> dict[str, float]:
    """Everything that was measured; what is unknown is left out, never zero."""
    found: dict[str, float | None] = {
        "seconds": row.seconds,
        "peak_memory_mb": row.peak_memory_mb,
        "size_mb": row.size_mb,
        "throughput_per_s": row.throughput_per_s,
        "p_best": report.decision.p_best.get(row.model),
    }
    if row.latency_ms:
        found |= {"latency_ms p50": row.latency_ms.p50, "latency_ms p95": row.latency_ms.p95}
    for name, metric in (row.metrics or {}).items():
        found |= {
            _safe(name): metric.value,
            _safe(f"{name} low"): metric.low,
            _safe(f"{name} high"): metric.high,
        }
    return {name: value for name, value in found.items() if value is not None}


def main(arguments: list[str] | None = None) -> int:
    """Log the run that is named on the command line.

    :param arguments: a run's folder and, if wanted, the experiment's name.
    :return: 0 done, else the error's exit code.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if not 1 <= len(words) <= 2:
            raise InputError("What shall be logged?", "python -m advisor.export.tracking RUN [EXPERIMENT]")
        print(log_to_mlflow(Path(words[0]), *words[1:]))
    except AdvisorError as error:
        print(f"advisor: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
