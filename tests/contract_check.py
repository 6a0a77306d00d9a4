"""A strict check of report.json and recommendation.json: every field and invariant that the contract states."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["check_recommendation", "check_report"]

BASES = {"measured", "published", "scaled", "estimated", "unknown"}
FIVE = ("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall")
STATUSES = {"ok", "stopped", "failed"}
KINDS = {"weights", "api", "classical", "baseline"}
BRIEF = {"task", "data", "metric", "constraints", "priorities"}
ESTIMATES = ("latency_ms", "memory_mb", "size_mb", "train_minutes")


def _has(content: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    missing = [key for key in keys if key not in content]
    assert not missing, f"{where} lacks {missing}"


def _number(value: Any, where: str, low: float = -math.inf, high: float = math.inf) -> float:
    assert isinstance(value, int | float) and not isinstance(value, bool), f"{where} is {value!r}"
    assert math.isfinite(value), f"{where} is {value!r}"
    assert low <= value <= high, f"{where} = {value} is not in {low} … {high}"
    return float(value)


def _words(value: Any, where: str) -> None:
    assert isinstance(value, str), f"{where} is {value!r}"
    assert value.strip(), f"{where} is empty"


def _interval(content: Mapping[str, Any], where: str) -> None:
    _has(content, ("value", "low", "high"), where)
    low, value, high = (_number(content[key], f"{where}.{key}", 0, 1) for key in ("low", "value", "high"))
    assert low <= value <= high, f"{where}: {low} ≤ {value} ≤ {high}"


def _quantity(content: Mapping[str, Any], where: str) -> None:
    _has(content, ("value", "low", "high", "unit", "basis", "source"), where)
    assert content["basis"] in BASES, where
    numbers = [content[key] for key in ("low", "value", "high")]
    if content["basis"] == "unknown":
        assert numbers == [None] * 3, f"{where} is unknown, yet {numbers}"
        return
    value = _number(content["value"], where)
    if content["low"] is not None and content["high"] is not None:
        assert content["low"] <= value <= content["high"], f"{where}: {numbers}"


def check_recommendation(content: Mapping[str, Any]) -> None:
    """Check recommendation.json, or the part of the same name in report.json."""
    _has(
        content,
        ("brief", "considered", "beyond_limit", "shortlist", "near_misses", "dropped"),
        "recommendation",
    )
    assert set(content["brief"]) >= BRIEF
    for place, one in enumerate(content["shortlist"], 1):
        name = f"shortlist: {one.get('model')}"
        _has(one, ("model", "rank", "score", "parts", "estimates", "adaptation", "because"), name)
        assert one["rank"] == place, name
        _number(one["score"], name, 0, 1)
        for part in one["parts"]:
            _has(part, ("criterion", "weight", "value", "contribution", "because"), name)
            value = _number(part["value"], name, 0, 1)
            assert abs(part["contribution"] - part["weight"] * value) < 1e-9, name
        assert abs(sum(part["weight"] for part in one["parts"]) - 1) < 1e-9, name
        assert abs(sum(part["contribution"] for part in one["parts"]) - one["score"]) < 1e-9, name
        _has(one["estimates"], ESTIMATES, name)
        for key, quantity in one["estimates"].items():
            _quantity(quantity, f"{name}.{key}")
        _has(one["adaptation"], ("strategy", "because"), name)
        assert isinstance(one["because"], list), name
    scores = [one["score"] for one in content["shortlist"]]
    assert scores == sorted(scores, reverse=True), "the shortlist is best first"
    for one in content["near_misses"]:
        _has(one, ("model", "failed", "admitted_if"), "near miss")
        assert one["failed"], one["model"]
        for failed in one["failed"]:
            _has(failed, ("constraint", "limit", "value"), one["model"])
        _words(one["admitted_if"], one["model"])
    for one in content["dropped"]:
        _has(one, ("model", "because"), "dropped")
        _words(one["because"], one["model"])
    lists = [
        [one["model"] for one in content["shortlist"]],
        list(content["beyond_limit"]),
        [one["model"] for one in content["near_misses"]],
        [one["model"] for one in content["dropped"]],
    ]
    models = [model for one in lists for model in one]
    assert len(models) == len(set(models)) == content["considered"], "each considered model is in one list"
    assert not any(model.startswith("baseline/") for model in lists[0]), (
        "baselines are never in the shortlist"
    )


def _check_dataset(dataset: Mapping[str, Any]) -> None:
    _has(dataset, ("sha256", "examples", "classes", "splits", "findings"), "dataset")
    assert len(dataset["sha256"]) == 64 and set(dataset["sha256"]) <= set("0123456789abcdef")
    counts = dataset["classes"]
    total = sum(counts.values()) if isinstance(counts, dict) else dataset["examples"]
    assert total == dataset["examples"] > 0
    assert set(dataset["splits"]) == {"train", "select", "report"}
    assert sum(dataset["splits"].values()) == dataset["examples"], "each example is in one split"
    for finding in dataset["findings"]:
        _has(finding, ("kind", "severity", "detail", "examples"), "finding")
        _words(finding["detail"], finding["kind"])


def _check_result(row: Mapping[str, Any], metric: str, dataset: Mapping[str, Any]) -> None:
    name = row.get("model", "?")
    _has(row, ("model", "kind", "status", "because"), name)
    assert row["status"] in STATUSES and row["kind"] in KINDS, name
    assert (row["kind"] == "baseline") == name.startswith("baseline/"), name
    _words(row["because"], f"{name}.because")
    if row["status"] != "ok":
        assert "metrics" not in row, f"{name} is {row['status']}, yet it has metrics"
        return
    keys = (
        "revision", "strategy", "hyperparameters", "metrics", "per_class", "confusion", "curve",
        "transferability", "latency_ms", "peak_memory_mb", "size_mb", "seconds",
    )  # fmt: skip
    _has(row, keys, name)
    _words(row["revision"], f"{name}.revision")
    _words(row["strategy"], f"{name}.strategy")
    assert "seed" in row["hyperparameters"], name
    _has(row["metrics"], {*FIVE, metric}, f"{name}.metrics")
    for key, measured in row["metrics"].items():
        _interval(measured, f"{name}.{key}")
        assert measured["n"] >= 0
    judged = row["metrics"]["accuracy"]["n"]
    assert 0 < judged <= dataset["splits"]["report"], name
    labels, matrix = row["confusion"]["labels"], row["confusion"]["matrix"]
    assert len(labels) == len(set(labels)) == len(matrix), name
    assert all(len(line) == len(labels) for line in matrix), name
    assert sum(map(sum, matrix)) == judged, f"{name}: the confusion matrix counts the report split"
    right = sum(matrix[i][i] for i in range(len(labels)))
    assert abs(right / judged - row["metrics"]["accuracy"]["value"]) < 1e-9, name
    assert set(row["per_class"]) <= set(labels) <= set(dataset["classes"]), name
    for label, scores in row["per_class"].items():
        _has(scores, ("precision", "recall", "f1", "n"), f"{name}.{label}")
        line = matrix[labels.index(label)]
        assert scores["n"] == sum(line), f"{name}.{label}: n counts the truth's row"
        if scores["n"]:
            assert abs(scores["recall"] - line[labels.index(label)] / scores["n"]) < 1e-9, name
    assert row["curve"], name
    for point in row["curve"]:
        _has(point, ("rung", "examples", "epochs", "seconds", "metric"), f"{name}.curve")
        _number(point["seconds"], f"{name}.curve", 0)
        assert point["examples"] > 0 and point["epochs"] > 0, name
        assert point["metric"]["name"] == metric, name
        _interval(point["metric"], f"{name}.curve")
    latency = row["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"], name
    assert latency["batch"] == 1, name
    for key in ("peak_memory_mb", "size_mb", "seconds"):
        _number(row[key], f"{name}.{key}", 0)


def _check_decision(decision: Mapping[str, Any], results: list[Mapping[str, Any]], metric: str) -> None:
    keys = ("winner", "tied_with", "p_best", "ranking", "because", "next_steps", "expected")
    _has(decision, keys, "decision")
    ok = {row["model"] for row in results if row["status"] == "ok"}
    assert set(decision["p_best"]) == set(decision["ranking"]) == ok, (
        "p_best and ranking hold every ok result"
    )
    assert len(decision["ranking"]) == len(ok)
    assert set(decision["expected"]) == ok
    _words(decision["because"], "decision.because")
    if ok:
        assert abs(sum(decision["p_best"].values()) - 1) < 1e-9
        assert all(0 <= p <= 1 for p in decision["p_best"].values())
    if decision["winner"] is None:
        assert not decision["tied_with"]
    else:
        assert decision["winner"] == decision["ranking"][0]
        assert set(decision["tied_with"]) <= ok - {decision["winner"]}
    for model, expected in decision["expected"].items():
        _has(expected, ("metric", "value", "low", "high", "strategy"), model)
        assert expected["metric"] == metric
        _interval(expected, f"expected: {model}")
        _words(expected["strategy"], model)


def check_report(report: Mapping[str, Any]) -> None:
    """Check report.json.

    :param report: the parsed document.
    :raises AssertionError: naming what breaks the contract.
    """
    _has(
        report,
        ("schema", "brief", "brief_filled", "recommendation", "dataset", "probe", "decision"),
        "report",
    )
    assert report["schema"] == 1
    assert set(report["brief"]) >= BRIEF
    assert all(key.startswith("data.") for key in report["brief_filled"])
    check_recommendation(report["recommendation"])
    probe, dataset = report["probe"], report["dataset"]
    _has(probe, ("budget_s", "elapsed_s", "seed", "machine", "versions", "results"), "probe")
    _number(probe["budget_s"], "budget_s", 0)
    _number(probe["elapsed_s"], "elapsed_s", 0)
    assert isinstance(probe["seed"], int)
    assert isinstance(probe["machine"], dict) and probe["machine"]
    assert isinstance(probe["versions"], dict) and probe["versions"]
    results = probe["results"]
    models = [row["model"] for row in results]
    assert len(models) == len(set(models)), "one row per model"
    metric = report["brief"]["metric"]
    if dataset is None:
        assert not results, "without data nothing was probed"
    else:
        _check_dataset(dataset)
        assert any(row["kind"] == "baseline" for row in results), "baselines are always in the results"
        for row in results:
            _check_result(row, metric, dataset)
    _check_decision(report["decision"], results, metric)
