"""How much memory does a probe take?

    python benchmarks/memory.py --data FOLDER [--parts probe,many] [--images 50000] [--texts 1000000] [--csv FILE]

probe: the peak of a probe of all models that are here against `bare.py` with the largest of them alone: the resident
       set less that after the imports, of the same rungs on the same examples.
many:  generated data, read and probed with a budget of 60 s on a stated part of them; the peak of the largest process
       must not grow by more than a tenth from a tenth of the data to all of them.

Exits with 1 when a promise is broken.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import IMAGES, TEXTS, by_hand, models_here, prepared, worked

from advisor.jobs.records import Plan

RATIO = 1.2
GROWTH = 1.1
CLASSES = 10
Row = tuple[str, str, float, float, bool]


def probe(data: Path) -> Iterator[Row]:
    """Compare one probe of several models with a script that trains the largest of them."""
    for name, task in ((IMAGES, "image-classification"), (TEXTS, "text-classification")):
        with tempfile.TemporaryDirectory() as place:
            models = models_here(task)
            steps = {model: ("linear-probe", "last-block") for model in models}
            plan = Plan.model_validate(
                {"examples": {"train": 120, "select": 40, "report": 40}, "models": steps}
            )
            folder = prepared(data, name, Path(place) / "run", models, 3600, plan)
            worked(folder, {"ADVISOR_HOME": f"{place}/home"})
            peaks = {m: max(record.peak_memory_mb or 0.0 for record in folder.rungs(m)) for m in models}
            plain = {}
            for model in models:
                command = by_hand(folder, Path(place) / "one.json", only=model)
                done = subprocess.run(command, check=True, capture_output=True)
                plain[model] = json.loads(done.stdout.splitlines()[-1])["peak_mb"]
            largest = max(plain, key=lambda model: plain[model])
            ours, theirs = max(peaks.values()), plain[largest]
            yield (
                "probe",
                f"{name}, {len(models)} models against {largest}",
                ours,
                theirs,
                ours <= RATIO * theirs,
            )


def many(images: int, texts: int) -> Iterator[Row]:
    """Read and probe more than anybody would hold in memory."""
    with tempfile.TemporaryDirectory() as place:
        for kind, count, write in (("images", images, write_images), ("texts", texts, write_texts)):
            tenth = write(Path(place) / f"{kind}-tenth", count // 10)
            whole = write(Path(place) / f"{kind}-whole", count)
            few, _ = watched(tenth, kind, Path(place) / f"run-{kind}-tenth")
            peak, sizes = watched(whole, kind, Path(place) / f"run-{kind}")
            used = sum(sizes[name] for name in ("train", "select", "report"))
            yield (
                "many",
                f"{count:,} {kind}, {used:,} of them probed; a tenth of them",
                peak,
                few,
                peak <= GROWTH * few,
            )


def watched(origin: Path, kind: str, out: Path) -> tuple[float, dict[str, int]]:
    """Run a probe from the command line and watch its processes.

    :return: the largest resident set of any of them in 10^6 bytes, and how many examples were used.
    """
    import psutil

    task = "image-classification" if kind == "images" else "text-classification"
    brief = out.with_suffix(".yaml")
    brief.write_text(f"task: {task}\n", encoding="utf-8")
    advisor = str(Path(sys.executable).with_name("advisor"))
    command = [advisor, "run", "--offline", "--budget", "60", "-b", str(brief)]
    process = subprocess.Popen(
        [*command, "-d", str(origin), "-o", str(out)], stdout=subprocess.DEVNULL,
        env={**os.environ, "ADVISOR_HOME": str(out.with_suffix(".home"))},
    )  # fmt: skip
    peak = [0.0]

    def watch() -> None:
        while process.poll() is None:
            try:
                family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
                peak[0] = max([peak[0], *(one.memory_info().rss / 1e6 for one in family)])
            except psutil.Error:
                pass
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    watcher.join()
    if code:
        raise SystemExit(f"the run on {origin} ended with {code}")
    used = json.loads((out / "examples.json").read_text(encoding="utf-8"))
    return peak[0], {name: len(used[name]) for name in ("train", "select", "report")}


def write_images(folder: Path, count: int) -> Path:
    """Write small noisy pictures, each unlike the others, whose colour tells the class."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"class-{number % CLASSES}"
        if number < CLASSES:
            place.mkdir(parents=True)
        pixels = rng.integers(0, 128, (48, 48, 3), dtype=np.uint8)
        pixels[..., number % 3] += np.uint8(12 * (number % CLASSES))
        Image.fromarray(pixels).save(place / f"{number}.jpg", quality=60)
    return folder


def write_texts(folder: Path, count: int) -> Path:
    """Write a table of short texts, each unlike the others, with a word that tells the class."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    path = folder / "data.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("text,label\n")
        for start in range(0, count, 10_000):
            words = rng.integers(0, 5000, (min(10_000, count - start), 14))
            for offset, row in enumerate(words):
                label = (start + offset) % CLASSES
                text = " ".join(f"w{word}" for word in row)
                stream.write(f"number {start + offset} topic{label} {text},class-{label}\n")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--parts", default="probe,many")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    parts: dict[str, Any] = {
        "probe": lambda: probe(Path(options.data)),
        "many": lambda: many(options.images, options.texts),
    }
    rows: list[Row] = []
    for part in options.parts.split(","):
        for row in parts[part]():
            rows.append(row)
            print(
                f"{row[0]:7}{row[1]:80}{row[2]:9.0f}{row[3]:9.0f}{'' if row[-1] else '   BROKEN'}", flush=True
            )
    if options.csv:
        with options.csv.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("part", "case", "advisor_mb", "other_mb", "kept"))
            writer.writerows(rows)
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
