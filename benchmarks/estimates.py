"""How far the estimates err: on devices of which nothing but the data sheet is used, and on this machine.

Every figure comes from `advisor.estimate`, the function behind `advisor estimate`. `--data FOLDER` (or
ADVISOR_BENCH_DATA) holds timm's result tables in a folder `vision_timm/`; each device is left out in turn, the learnt
efficiencies are fitted anew without its rows, and its published speeds are estimated. `--here` calibrates this machine
and measures models with random weights that took no part in it: latency, memory, training. Exit code 1 if a
promise is broken.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.estimate import Estimator, train_minutes
from advisor.hardware import calibrate, this_machine
from advisor.importers.latency import own_timings
from advisor.importers.speed import fit_speeds
from advisor.knowledge import Fact, Knowledge, Latency, Licence, ModelCard, load_knowledge
from advisor.knowledge import Where as Place
from advisor.quantity import Quantity
from advisor.roofline import regime_of

GPU_TABLES = {
    "amp-nchw-pt240-cu124-rtx3090": ("rtx-3090", "pytorch"),
    "amp-nchw-pt240-cu124-rtx4090": ("rtx-4090", "pytorch"),
    "amp-nchw-pt291-cu130-5090": ("rtx-5090", "pytorch"),
    "amp-nchw-pt291-cu130-pro6000maxq": ("rtx-pro-6000-maxq", "pytorch"),
    "amp-nchw-pt240-cu124-rtx4090-dynamo": ("rtx-4090", "pytorch-dynamo"),
    "amp-nchw-pt291-cu130-5090-dynamo": ("rtx-5090", "pytorch-dynamo"),
    "amp-nchw-pt291-cu130-pro6000maxq-dynamo": ("rtx-pro-6000-maxq", "pytorch-dynamo"),
    "fp32-nchw-pt240-cpu-i7_12700h-dynamo": ("intel-i7-12700h", "pytorch-dynamo"),
}
SOURCE = "timm-results-2026-08"
TIMM_DEVICES = ("rtx-3090", "rtx-4090", "rtx-5090", "rtx-pro-6000-maxq", "intel-i7-12700h")
EDGE = ("phone", "board", "npu")


@dataclass
class Errors:
    """Relative errors of estimates, and how many truths lay within the 90 % interval."""

    name: str
    relative: list[float] = field(default_factory=list)
    within: int = 0

    def add(self, truth: float, quantity: Any) -> None:
        self.relative.append(abs(quantity.value / truth - 1))
        self.within += quantity.low <= truth <= quantity.high

    def line(self) -> str:
        count = len(self.relative)
        return (
            f"{self.name:44s} n={count:5d}  median {self.median:6.1%}  p90 {self.p90:6.1%}"
            f"  within the interval {self.within / count:6.1%}"
        )

    def join(self, other: "Errors") -> None:
        self.relative += other.relative
        self.within += other.within

    @property
    def median(self) -> float:
        return statistics.median(self.relative)

    @property
    def p90(self) -> float:
        return sorted(self.relative)[int(0.9 * (len(self.relative) - 1))]

    @property
    def coverage(self) -> float:
        return self.within / len(self.relative)


def timm_knowledge(folder: Path, known: Knowledge) -> Knowledge:
    """Make cards for all architectures in timm's tables, with their published speeds."""
    cards: dict[str, ModelCard] = {}
    rows: list[Latency] = []
    for table, (device, runtime) in GPU_TABLES.items():
        with (folder / f"benchmark-infer-{table}.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                id = f"{row['model']}@{row['infer_img_size']}"
                if not float(row["infer_gmacs"] or 0) or not float(row["infer_macts"] or 0):
                    continue
                cards.setdefault(id, architecture_card(id, row))
                batch = int(float(row["infer_batch_size"]))
                ms = 1000 * batch / float(row["infer_samples_per_sec"])
                precision = table.partition("-")[0]
                rows.append(
                    Latency(
                        model=id, device=device, ms=ms, batch=batch, precision=precision, runtime=runtime,
                        source=SOURCE,
                    )
                )  # fmt: skip
    with (Path(__file__).parents[1] / "knowledge" / "timings-zen4.csv").open(encoding="utf-8") as stream:
        rows += [
            Latency.model_validate(row) for row in own_timings(list(csv.DictReader(stream)), cards.values())
        ]
    edge = tuple(row for row in known.latencies if row.source != SOURCE and row.source != "measured-2026-11")
    return with_rows(known, tuple(rows) + edge, known.models + tuple(cards.values()))


def architecture_card(id: str, row: dict[str, str]) -> ModelCard:
    def fact(column: str, unit: str, scale: float) -> Fact:
        return Fact(value=float(row[column].replace(",", "")) * scale, unit=unit, source=SOURCE)

    return ModelCard(
        id=id, name=id, family="timm", tasks=("image-classification",), architecture=row["model"],
        licence=Licence.model_validate({"id": "x", "class": "unknown"}),
        where=(Place(kind="timm", ref=row["model"]),),
        input={"resolution": int(row["infer_img_size"])},
        parameters=fact("param_count", "parameters", 1e6), flops=fact("infer_gmacs", "FLOP", 2e9),
        activations=fact("infer_macts", "activations", 1e6),
    )  # fmt: skip


def with_rows(
    known: Knowledge, rows: tuple[Latency, ...], models: tuple[ModelCard, ...] | None = None
) -> Knowledge:
    fields = {name: getattr(known, name) for name in Knowledge.model_fields}
    return Knowledge.model_construct(**{**fields, "latencies": rows, "models": models or known.models})


def left_out(known: Knowledge, devices: Iterable[str], chips: bool = False) -> dict[str, Errors]:
    """Estimate the published speeds of each device from everything but its own rows.

    :param chips: leave out the rows of all devices with its chip, too.
    """
    found: dict[str, Errors] = {}
    of = {device.id: device.chip or device.id for device in known.devices}
    for out in devices:
        gone = {id for id, chip in of.items() if id == out or (chips and chip == of[out])}
        rest = with_rows(known, tuple(row for row in known.latencies if row.device not in gone))
        regimes = fit_speeds(rest)
        device = known.device(out)
        estimators: dict[tuple[str, int], Estimator] = {}
        for row in (one for one in known.latencies if one.device == out):
            regime = regime_of(row, device.kind)
            if regime not in regimes:
                continue
            name = f"{out}, {regime}"
            key = (regime, row.batch)
            if key not in estimators:
                estimators[key] = Estimator(device, rest, batch=row.batch, runtime=regime, regimes=regimes)
            quantity = estimators[key].needs(known.model(row.model)).latency_ms
            if quantity.value is not None:
                found.setdefault(name, Errors(name)).add(row.ms, quantity)
    return found


PICTURES = (
    "resnet50", "resnet34", "resnext50_32x4d", "regnety_016", "densenet121", "vgg11", "efficientnet_b2",
    "mobilenetv3_large_100", "mobilenetv4_conv_medium", "convnext_tiny", "convnext_nano", "rexnet_150",
    "vit_small_patch16_224", "deit_tiny_patch16_224", "vit_base_patch32_224", "resmlp_12_224",
    "swin_tiny_patch4_window7_224",
    "pvt_v2_b1", "maxvit_nano_rw_256", "levit_256",
)  # fmt: skip
TEXTS = {
    "google-bert/bert-base-uncased": ("bert", {}),
    "distilbert/distilbert-base-uncased": ("distilbert", {}),
    "sentence-transformers/all-MiniLM-L12-v2": (
        "bert", {"hidden_size": 384, "num_hidden_layers": 12, "intermediate_size": 1536}),
    "FacebookAI/roberta-base": ("roberta", {"vocab_size": 50265}),
    "google/electra-small-discriminator": (
        "electra", {"hidden_size": 256, "embedding_size": 128, "num_attention_heads": 4, "intermediate_size": 1024}),
    "albert/albert-base-v2": (
        "albert", {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072, "vocab_size": 30000}),
}  # fmt: skip
TOKENS = 128
TRAINED = ("resnet18", "mobilenetv3_large_100", "vit_tiny_patch16_224", "resnet50", "efficientnet_b0")
WORKER = """
import ctypes, gc, io, json, sys, time
import numpy as np, psutil, torch
from PIL import Image
kind, name, config, seconds, what = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
now = time.perf_counter
if sys.argv[6] == "processor":
    torch.set_num_threads(1)
    now = time.thread_time
if kind == "timm":
    import timm
    from timm.data import create_transform
else:
    from importlib import import_module
    from transformers import AutoConfig, AutoModel
    import_module(f"transformers.models.{kind}.modeling_{kind}")
    settings = AutoConfig.for_model(kind, **config)
gc.collect(); ctypes.CDLL("libc.so.6").malloc_trim(0)
before = psutil.Process().memory_info().rss
open("/proc/self/clear_refs", "w").write("5")
if kind == "timm":
    model = timm.create_model(name, pretrained=False).eval().to(memory_format=torch.channels_last)
    side = config["side"]
    noise = np.random.default_rng(1).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO(); Image.fromarray(noise).resize((500, 375)).save(stream, "JPEG", quality=90)
    transform = create_transform((3, side, side), is_training=False)
    def prepare():
        image = transform(Image.open(io.BytesIO(stream.getvalue())).convert("RGB"))
        return image[None].contiguous(memory_format=torch.channels_last)
    def answer(batch): return model(batch)
else:
    model = AutoModel.from_config(settings).eval()
    def prepare(): return torch.ones(1, 128, dtype=torch.long)
    def answer(batch): return model(input_ids=batch)
times = []
if what == "train":
    examples = 8
    batch = torch.randn(examples, 3, side, side).contiguous(memory_format=torch.channels_last)
    target = torch.zeros(examples, dtype=torch.long)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model.train()
    def once():
        optimiser.zero_grad(); torch.nn.functional.cross_entropy(model(batch), target).backward(); optimiser.step()
else:
    examples = 1
    def once():
        with torch.inference_mode(): answer(prepare())
once(); once()
peak = next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith("VmHWM"))
begun = now()
while len(times) < 6 or now() - begun < seconds:
    start = now(); once(); times.append((now() - start) * 1000)
print(json.dumps({"quiet": float(np.quantile(times, .15)), "p50": float(np.median(times)),
    "p95": float(np.quantile(times, .95)), "mb": (peak - before) / 1e6, "examples": examples,
    "parameters": sum(p.numel() for p in model.parameters())}))
"""


def measured_here(
    kind: str, name: str, config: dict[str, Any], seconds: float, what: str, clock: str
) -> dict[str, float]:
    command = [sys.executable, "-c", WORKER, kind, name, json.dumps(config), str(seconds), what, clock]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def here(known: Knowledge, seconds: float, dump: Path | None, clock: str) -> list[Errors]:
    """Calibrate this machine, then measure models that took no part in it and estimate them."""
    began = time.monotonic()
    if not calibrate(processor_time=clock == "processor"):
        raise SystemExit("The calibration failed")
    print(f"calibrated in {time.monotonic() - began:.1f} s")
    device = this_machine()
    print(
        "pace", {name: round(value, 2) for name, value in device.pace.items()}, "tail", round(device.tail, 2)
    )
    sized = [card for card in known.models if card.library == "timm" and card.input.resolution]
    sized.sort(key=lambda card: card.input.resolution or 0, reverse=True)
    by_architecture = {card.architecture: card for card in sized}
    latency, memory, training = Errors("latency here"), Errors("memory here"), Errors("training time here")
    estimator = Estimator(device, known, tokens=TOKENS)
    jobs = [(by_architecture.get(name), "timm", name, {}) for name in PICTURES]
    ids = {card.id: card for card in known.models}
    jobs += [(ids.get(id), kind, id, config) for id, (kind, config) in TEXTS.items()]
    for card, kind, name, config in jobs:
        if card is None:
            print(f"no card for {name}")
            continue
        if kind == "timm":
            config = {"side": card.input.resolution}
        truth = measured_here(kind, name, config, seconds, "answer", clock)
        guess = estimator.needs(card)
        latency.add(truth["p95"], guess.latency_ms)
        memory.add(truth["mb"], guess.memory_mb)
        row = {
            "model": name, **truth, "latency_ms": guess.latency_ms.value, "low": guess.latency_ms.low,
            "high": guess.latency_ms.high, "memory_mb": guess.memory_mb.value,
        }  # fmt: skip
        print(
            f"  {name:46s} {truth['p50']:7.1f} p95 {truth['p95']:7.1f} ms, estimated {row['latency_ms']:7.1f}"
            f" | {truth['mb']:6.0f} MB, estimated {row['memory_mb']:6.0f}", flush=True,
        )  # fmt: skip
        if dump:
            with dump.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
    for name in TRAINED:
        card = by_architecture.get(name)
        if card is None:
            continue
        truth = measured_here("timm", name, {"side": card.input.resolution}, seconds, "train", clock)
        epoch = truth["p50"] / truth["examples"]
        whole, none = (
            train_minutes(card, device, "full", 1000, epochs, modality="image", knowledge=known)
            for epochs in (1, 0)
        )
        each = {key: 60 * (getattr(whole, key) - none.value) for key in ("value", "low", "high")}
        prepared = device.prepare_ms.get("image", 0.0)
        print(f"  {name:46s} {epoch:7.1f} ms an example, estimated {each['value']:7.1f} (and {prepared:.1f})")
        quantity = Quantity(**each, unit="ms", basis="estimated")
        training.add(epoch, quantity)
    return [latency, memory, training]


def main() -> int:
    """Print how far the estimates err; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument(
        "--here", action="store_true", help="calibrate and measure this machine (about 5 minutes)"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="for each model measured here")
    parser.add_argument(
        "--clock",
        choices=("wall", "processor"),
        default="wall",
        help="processor: time of one thread, for a machine that is busy with other things",
    )
    parser.add_argument("--dump", type=Path, help="append what was measured here as JSON lines")
    parser.add_argument("--each", action="store_true", help="show every phone and board")
    options = parser.parse_args()
    known = load_knowledge()
    if options.here:
        results = here(known, options.seconds, options.dump, options.clock)
        for errors in results:
            print(errors.line())
        latency, memory, training = results
        kept = (
            latency.median <= 0.15 and latency.p90 <= 0.4 and latency.coverage >= 0.85
            and memory.median <= 0.1 and training.median <= 0.25
        )  # fmt: skip
        return int(not kept)
    if options.data is None:
        raise SystemExit("Name the folder of the tables: --data FOLDER, or ADVISOR_BENCH_DATA")
    tables = next(Path(options.data).glob("**/vision_timm"), Path(options.data))
    kept = True
    big = timm_knowledge(tables, known)
    gpus, processor = Errors("timm's GPU tables"), Errors("timm's processor table")
    for name, errors in left_out(big, TIMM_DEVICES).items():
        print("  " + errors.line(), flush=True)
        (processor if "cpu" in name else gpus).join(errors)
    everything = Errors("all tables")
    for errors in (gpus, processor):
        print(errors.line(), flush=True)
        kept &= errors.median <= 0.2 and errors.p90 <= 0.6
        everything.join(errors)
    edge = [device.id for device in known.devices if device.kind in EDGE]
    for title, alone in (("", False), (" (no other device with its chip)", True)):
        parts = left_out(known, edge, chips=alone)
        if options.each:
            for errors in parts.values():
                print("  " + errors.line())
        pooled: dict[str, Errors] = {}
        for name, errors in parts.items():
            for label in (name.partition(", ")[2], "phones and boards"):
                pooled.setdefault(label, Errors(label + title)).join(errors)
        for errors in pooled.values():
            print(errors.line())
        kept &= alone or pooled["phones and boards"].median <= 0.3
        if not alone:
            everything.join(pooled["phones and boards"])
    print(everything.line())
    kept &= 0.85 <= everything.coverage <= 0.95
    return int(not kept)


if __name__ == "__main__":
    raise SystemExit(main())
