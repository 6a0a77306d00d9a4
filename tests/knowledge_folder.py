"""A small sound knowledge folder as text, of which a test changes what it is about."""

from pathlib import Path

__all__ = [
    "DEVICES",
    "FILES",
    "LATENCIES",
    "MODELS",
    "RESULTS",
    "SOURCES",
    "STARTERS",
    "TASKS",
    "build",
    "line_of",
]

TASKS = """\
- id: image-classification
  name: {en: Image classification, zh: 图像分类}
  says: {en: Which class?, zh: 哪一类？}
  modality: image
  metrics: [accuracy]
  benchmarks:
    - {id: imagenet-1k, metric: top1, name: ImageNet, low: 0.6, high: 0.9}
"""
SOURCES = """\
- {id: paper, title: A paper, date: 2020-01-01}
"""
DEVICES = """\
- {id: box, name: A box, kind: cpu, cores: 4, memory_mb: 8000, source: paper}
"""
STARTERS = """\
- model: lab/small
  wheel: small-model
  version: 1.0.0
  module: small_model
  path: weights.bin
  sha256: abababababababababababababababababababababababababababababababab
  loader: timm
  licence: MIT
"""
MODELS = """\
family: Lab nets
defaults:
  tasks: [image-classification]
  licence: {id: MIT, class: permissive, source: paper}
models:
  - id: lab/small
    name: Small
    released: 2020-01-01
    where: [{kind: huggingface, ref: lab/small}]
    parameters: {value: 1000000, unit: parameters, source: paper}
  - id: lab/large
    name: Large
    released: 2019-01-01
    where: [{kind: huggingface, ref: lab/large}]
"""
RESULTS = "model,benchmark,metric,value,source,date,protocol\nlab/small,imagenet-1k,top1,0.7,paper,,\n"
LATENCIES = "model,device,ms,batch,precision,runtime,source,date\nlab/small,box,12.5,1,fp32,pytorch,paper,\n"
FILES = {
    "tasks.yaml": TASKS,
    "sources.yaml": SOURCES,
    "devices.yaml": DEVICES,
    "starters.yaml": STARTERS,
    "models/lab.yaml": MODELS,
    "results/bench.csv": RESULTS,
    "results/latency.csv": LATENCIES,
}


def build(folder: Path, **changed: str | None) -> Path:
    """Write a small sound base in which some files are changed or, with None, left out."""
    for name, text in {**FILES, **changed}.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def line_of(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1
