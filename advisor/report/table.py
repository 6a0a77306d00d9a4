"""The results as a table for a spreadsheet: one row per model and metric, numbers unrounded."""

import csv
import io

from advisor.result import ModelResult, Report

__all__ = ["COLUMNS", "results_csv"]

COLUMNS = (
    "model", "kind", "revision", "licence", "status", "because", "strategy", "rank", "p_best", "metric", "value",
    "low", "high", "n", "expected", "expected_low", "expected_high", "latency_p50_ms", "latency_p95_ms",
    "throughput_per_s", "peak_memory_mb", "size_mb", "probe_seconds",
)  # fmt: skip


def results_csv(report: Report) -> str:
    """Write what was measured as CSV: a row per model and metric; what is unknown is an empty cell.

    :param report: the report.
    :return: a table with the columns `COLUMNS`, in the order of the decision; texts that a spreadsheet would take
        for a formula begin with an apostrophe.
    """
    stream = io.StringIO()
    table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    table.writeheader()
    place = {model: rank for rank, model in enumerate(report.decision.ranking, 1)}
    for row in sorted(report.probe.results, key=lambda row: place.get(row.model, len(place) + 1)):
        for metric in _metrics(row, report.brief.metric):
            table.writerow(
                {key: _harmless(value) for key, value in _line(report, row, metric, place).items()}
            )
    return stream.getvalue()


def _metrics(row: ModelResult, first: str) -> list[str]:
    return sorted(row.metrics, key=lambda name: (name != first, name)) if row.metrics else [""]


def _line(report: Report, row: ModelResult, metric: str, place: dict[str, int]) -> dict[str, object]:
    found = row.metrics[metric] if row.metrics and metric else None
    expected = report.decision.expected.get(row.model)
    stated = expected if expected and expected.metric == metric else None
    latency = row.latency_ms
    return {
        "model": row.model,
        "kind": row.kind,
        "revision": row.revision,
        "licence": row.licence,
        "status": row.status,
        "because": row.because,
        "strategy": row.strategy,
        "rank": place.get(row.model),
        "p_best": report.decision.p_best.get(row.model),
        "metric": metric or None,
        "value": found.value if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "n": found.n if found else None,
        "expected": stated.value if stated else None,
        "expected_low": stated.low if stated else None,
        "expected_high": stated.high if stated else None,
        "latency_p50_ms": latency.p50 if latency else None,
        "latency_p95_ms": latency.p95 if latency else None,
        "throughput_per_s": row.throughput_per_s,
        "peak_memory_mb": row.peak_memory_mb,
        "size_mb": row.size_mb,
        "probe_seconds": row.seconds,
    }


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
