"""Do the figures of the compression check agree with a separate measurement?

Probes one image and one text set by a plan (linear probe, then the compression check), then measures every form
again without the advisor's code for it: the weights are loaded by timm or transformers, compressed by torch itself
and saved to a file, the head is applied with numpy, and requests to both models are timed in turn. Size, accuracy
and the ratio of latencies must be within 5 %. Exits with 1 where one is not.

    python benchmarks/compression.py --data DATASETS [--sets flowers5,trec6] [--requests 200] [--json FILE]
"""

import argparse
import copy
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from turns import surroundings

MODELS = {
    "flowers5": "timm/tf_efficientnet_lite0.in1k",
    "rice_leaf_disease3": "timm/tf_efficientnet_lite0.in1k",
    "trec6": "sentence-transformers/all-MiniLM-L6-v2",
    "sst2": "sentence-transformers/all-MiniLM-L6-v2",
}
IMAGES = ("flowers5", "rice_leaf_disease3")
SIZES = {"train": 240, "select": 100, "report": 100}
WITHIN = 0.05


@dataclass(frozen=True)
class Loaded:
    """A body without a head, loaded by its own library.

    :ivar prepare: contents → one batch.
    :ivar pooled: module and batch → (n, d).
    """

    module: Any
    prepare: Callable[[Sequence[str]], Any]
    pooled: Callable[[Any, Any], Any]


def probed(name: str, folder: Path, out: Path) -> tuple[Any, Any]:
    """Probe by a plan.

    :return: the run's folder and the compression that it reports.
    """
    from advisor import Brief
    from advisor.jobs import run_probe
    from advisor.jobs.folder import Plan, RunFolder
    from advisor.report.store import read_report

    images = name in IMAGES
    plan = Plan.model_validate(
        {"examples": SIZES, "models": {MODELS[name]: ["linear-probe"]}, "checks": ["compression"]}
    )
    brief = Brief(task="image-classification" if images else "text-classification")
    origin = folder / name if images else folder / name / "data.csv"
    run_probe(brief, origin, out, plan=plan, models=[MODELS[name]], offline=True)
    checks = read_report(out).checks
    if checks is None or checks.compression is None:
        raise SystemExit(f"{name}: no compression: {checks.rows if checks else 'no checks'}")
    return RunFolder(out), checks.compression


def load(name: str, folder: Path, layers: str) -> Loaded:
    """Load the body with its own library and preprocessing.

    :param layers: of an encoder: "last", or "mean" for the mean over all of them.
    """
    import torch

    from advisor.knowledge import load_knowledge
    from advisor.weights import local_cards, locate

    knowledge = load_knowledge().with_models(local_cards())
    weights = locate(knowledge.model(MODELS[name]), knowledge, offline=True)
    if name in IMAGES:
        import timm
        from PIL import Image
        from timm.data import create_transform, resolve_data_config

        from advisor.weights import timm_state

        model = timm.create_model(weights.architecture, pretrained=False)
        model.load_state_dict(timm_state(torch.load(weights.files[0], map_location="cpu", weights_only=True)))
        model.reset_classifier(0)
        transform = create_transform(**resolve_data_config({}, model=model), is_training=False)

        def prepare(contents: Sequence[str]) -> Any:
            opened = [Image.open(folder / name / content).convert("RGB") for content in contents]
            return torch.stack([transform(image) for image in opened]).contiguous(
                memory_format=torch.channels_last
            )

        body = model.eval().to(memory_format=torch.channels_last)
        return Loaded(body, prepare, lambda module, batch: module(batch).float())
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights.folder)
    body = AutoModel.from_pretrained(weights.folder, dtype=torch.float32).eval()

    def tokens(contents: Sequence[str]) -> Any:
        return tokenizer(list(contents), padding=True, truncation=True, max_length=256, return_tensors="pt")

    def pooled(module: Any, batch: Any) -> Any:
        mask = batch["attention_mask"].unsqueeze(-1).float()
        output = module(**batch, output_hidden_states=layers == "mean")
        states = output.hidden_states[1:] if layers == "mean" else [output.last_hidden_state]
        return torch.stack([(hidden.float() * mask).sum(1) / mask.sum(1) for hidden in states]).mean(0)

    return Loaded(body, tokens, pooled)


def compressed(body: Any, form: str, what: str) -> tuple[Any, Any]:
    """Compress with torch alone.

    :return: the module, and the number format of its input or None.
    """
    import torch
    from torch import nn

    module = copy.deepcopy(body)
    if form == "int8":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.ao.quantization.quantize_dynamic(module, {nn.Linear}), None
    if form == "half":
        dtype = torch.float16 if what.startswith("FP16") else torch.bfloat16
        return module.to(dtype), dtype
    share = int(form.split("-")[1]) / 100
    layers = [part for part in module.modules() if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d)]
    threshold = torch.cat([part.weight.detach().abs().flatten() for part in layers]).sort().values
    cut = threshold[round(share * len(threshold)) - 1]
    with torch.no_grad():
        for part in layers:
            part.weight.mul_(part.weight.abs() > cut)
    return module, None


def measured(folder: Any, model: str, loaded: Loaded, form: Any, requests: int) -> dict[str, float]:
    """Measure one form anew: size of the file, accuracy on the report split, latency beside the original."""
    import torch
    from safetensors.numpy import load_file

    examples = folder.examples()
    rung = folder.rungs(model)[0]
    head = load_file(folder.rung_folder(model) / f"{rung.position}-{rung.rung}.safetensors")
    module, dtype = compressed(loaded.module, form.form, form.what)

    def answer(body: Any, contents: Sequence[str], numbers: Any) -> np.ndarray:
        batch = loaded.prepare(contents)
        batch = batch.to(numbers) if numbers is not None and isinstance(batch, torch.Tensor) else batch
        with torch.inference_mode():
            features = loaded.pooled(body, batch).numpy()
        logits = (features - head["head.centre"]) / head["head.spread"] @ head["head.weight"].T + head[
            "head.bias"
        ]
        return np.asarray(logits.argmax(1))

    contents = [examples.contents[i] for i in examples.report]
    truth = np.asarray([examples.truth[i] for i in examples.report])
    predicted = np.concatenate([answer(module, [content], dtype) for content in contents])
    times: dict[str, list[float]] = {"after": [], "before": []}
    asked = [examples.contents[i] for i in examples.select]
    turns = [("after", module, dtype), ("before", loaded.module, None)]
    for number in range(requests + 3):
        for name, body, numbers in turns if number % 2 else reversed(turns):
            since = time.perf_counter()
            answer(body, [asked[number % len(asked)]], numbers)
            if number >= 3:
                times[name].append(time.perf_counter() - since)
    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        torch.save(
            {"body": module.state_dict(), "head": {k: torch.from_numpy(v) for k, v in head.items()}},
            file.name,
        )
        size = Path(file.name).stat().st_size / 1e6
    return {
        "size_mb": size,
        "accuracy": float((predicted == truth).mean()),
        "latency_ratio": float(np.median(times["after"]) / np.median(times["before"])),
    }


def compare(name: str, data: Path, requests: int) -> dict[str, Any]:
    """Hold every form of one probe against a measurement of our own."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as place:
        folder, compression = probed(name, data, Path(place) / "run")
        rung = folder.rungs(compression.model)[0]
        loaded = load(name, data, str(rung.hyperparameters.get("layers", "last")))
        outcome: dict[str, Any] = {}
        for form in compression.forms:
            if form.metric is None:
                outcome[form.form] = {"because": form.because, "off": {}}
                continue
            own = measured(folder, compression.model, loaded, form, requests)
            told = {
                "size_mb": form.size_mb,
                "accuracy": form.metric.value,
                "latency_ratio": form.latency_ms.p50 / form.latency_before_ms.p50,
            }
            off = {key: abs(told[key] - own[key]) / max(own[key], 1e-9) for key in own}
            outcome[form.form] = {
                "what": form.what, "told": told, "measured": own, "off": off,
                "accuracy_before": form.before.value, "size_before_mb": form.size_before_mb,
                "packed_mb": form.packed_mb, "packed_before_mb": form.packed_before_mb,
            }  # fmt: skip
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--sets", default="flowers5,trec6")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    os.environ.update(surroundings())
    outcome, breaches = {}, 0
    for name in given.sets.split(","):
        outcome[name] = compare(name, Path(given.data), given.requests)
        for form, row in outcome[name].items():
            far = {key: round(value, 3) for key, value in row["off"].items() if value > WITHIN}
            breaches += len(far)
            print(name, form, json.dumps(row), f"MORE THAN 5 % OFF: {far}" if far else "", flush=True)
    if given.json:
        given.json.write_text(json.dumps(outcome, indent=1), encoding="utf-8")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
