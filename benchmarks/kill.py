"""Kill a real probe at random moments and see whether anything is lost, doubled or left behind.

    python benchmarks/kill.py --kills 100 [--seed 0] [--first 0] [--results FILE]

Each trial starts `advisor probe` with a fixed plan on small made images and tiny made models, sends SIGKILL to the
worker or to the supervising process at a random moment, goes on with `advisor resume` where the program ended, and
holds the outcome against an undisturbed run of the same seed. Trials are numbered: `--first` goes on where an earlier
slice ended. Exit code 1 if any trial failed.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from tiny_models import image_folder, timm_model  # noqa: E402

PLAN = {
    "examples": {"train": 36, "select": 18, "report": 18},
    "models": {"tiny/a": ["linear-probe", "last-block", "longer"], "tiny/b": ["linear-probe", "last-block"]},
}
TIMINGS = frozenset(
    ("elapsed_s", "seconds", "latency_ms", "throughput_per_s", "peak_memory_mb", "memory_mb", "created")
)
SAID = re.compile(r"\d+(\.\d+)? (ms|s|seconds)\b")
LIMIT_S = 300
SETTLE_S = 10


@dataclass
class Trial:
    """One kill: whom, when, where the run stood, and what was found wrong afterwards."""

    number: int
    victim: str
    moment_s: float
    stood: str = ""
    way_on: str = ""
    faults: list[str] = field(default_factory=list)


class Bench:
    """A made data set and made models, the same for every trial; every trial has a home of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.models, self.data = folder / "models", folder / "pictures"
        timm_model(self.models / "a-net", "test_efficientnet", seed=1, model_id="tiny/a")
        timm_model(self.models / "b-net", "test_resnet", seed=2, model_id="tiny/b")
        image_folder(self.data)
        (folder / "brief.yaml").write_text("task: image-classification\n")
        (folder / "plan.yaml").write_text(yaml.safe_dump(PLAN))
        self.call(folder / "home", "devices", "--json").communicate()

    def call(self, home: Path, *words: str) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "ADVISOR_HOME": str(home),
            "ADVISOR_MODELS": str(self.models),
            "HF_HOME": str(self.folder / "hub"),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "advisor.cli", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def home(self, name: str) -> Path:
        home = self.folder / f"home-{name}"
        shutil.copytree(self.folder / "home", home)
        return home

    def start(self, home: Path, run: Path) -> "subprocess.Popen[bytes]":
        asked = ["-b", str(self.folder / "brief.yaml"), "-d", str(self.data), "-o", str(run)]
        asked += ["--plan", str(self.folder / "plan.yaml"), "--seed", str(self.seed), "--offline"]
        return self.call(home, "probe", *asked)

    def undisturbed(self) -> tuple[dict[str, Any], float]:
        begun = time.monotonic()
        process = self.start(self.home("reference"), self.folder / "reference")
        said, _ = process.communicate(timeout=LIMIT_S)
        if process.returncode != 0:
            raise SystemExit(f"the undisturbed run failed: {said.decode()}")
        return settled(self.folder / "reference"), time.monotonic() - begun

    def trial(self, number: int, reference: dict[str, Any], lasts: float) -> Trial:
        """Run one trial; a moment at which the victim is not there yet, or no more, is drawn anew."""
        chance = random.Random(f"{self.seed}-{number}")
        while True:
            trial = Trial(
                number, chance.choice(["worker", "supervisor"]), round(chance.uniform(0.2, lasts), 3)
            )
            run, home = self.folder / f"run-{number}", self.home(str(number))
            process = self.start(home, run)
            time.sleep(trial.moment_s)
            victim = process.pid if trial.victim == "supervisor" else worker_of(run)
            if process.poll() is None and victim is not None:
                break
            process.communicate(timeout=LIMIT_S)
            shutil.rmtree(home)
            shutil.rmtree(run)
        trial.stood = stage(run)
        before = finished(run)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            trial.stood += ", ended by itself"
        said, _ = process.communicate(timeout=LIMIT_S)
        trial.way_on = "by itself"
        if trial.victim == "supervisor":
            trial.faults += orphans(run)
            if not (run / "run.json").exists():
                trial.way_on = "same command again"
                process = self.start(home, run)
            else:
                trial.way_on = "resume"
                process = self.call(home, "resume", str(run))
            said, _ = process.communicate(timeout=LIMIT_S)
        if process.returncode != 0:
            trial.faults.append(f"exit code {process.returncode}: {said.decode()[-300:]}")
        trial.faults += self.inspect(run, home, before, reference)
        if not trial.faults:
            shutil.rmtree(run)
        shutil.rmtree(home)
        return trial

    def inspect(self, run: Path, home: Path, before: dict[str, int], reference: dict[str, Any]) -> list[str]:
        faults = orphans(run)
        faults += [f"left behind: {path.name}" for path in leftovers(run) + leftovers(home)]
        after = finished(run)
        faults += [f"written again: {name}" for name, stamp in before.items() if after.get(name) != stamp]
        if (run / "report.json").exists():
            faults += differences(settled(run), reference)
        else:
            faults.append("no report.json")
        done = [(e["model"], e["rung"]) for e in events(run) if e.get("kind") == "rung-done"]
        faults += [f"computed twice: {pair}" for pair in set(done) if done.count(pair) > 1]
        return faults


def events(run: Path) -> list[dict[str, Any]]:
    path = run / "events.jsonl"
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def stage(run: Path) -> str:
    if not (run / "run.json").exists():
        return "before it was laid out"
    steps = [e for e in events(run) if e.get("kind") in ("start", "ready", "rung", "rung-done", "done")]
    if not steps:
        return "before the worker's first word"
    last = steps[-1]
    return " ".join(str(last[key]) for key in ("kind", "model", "rung") if key in last)


def finished(run: Path) -> dict[str, int]:
    """When the record of every finished rung was written."""
    return {
        str(path.relative_to(run)): path.stat().st_mtime_ns for path in (run / "rungs").glob("*/[0-9]*.json")
    }


def leftovers(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.name.endswith((".tmp", ".part", ".tmp.npz", ".damaged"))
        or path.name in ("worker.json", "owner.json", "launched.json", ".laying-out")
        or (path.parent.name == "queue" and path.suffix == ".json")
    ]


def worker_of(run: Path) -> int | None:
    try:
        return int(json.loads((run / "worker.json").read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return None


def orphans(run: Path) -> list[str]:
    """Processes that still work on a run although nobody should; a dying one has a moment."""
    until = time.monotonic() + SETTLE_S
    while True:
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if str(run) in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(f"orphan: process {process.pid}")
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


def settled(run: Path) -> dict[str, Any]:
    """The report without timings and memory, also where a sentence tells one."""
    return strip(json.loads((run / "report.json").read_text()))


def strip(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: strip(inner) for key, inner in value.items() if key not in TIMINGS}
    if isinstance(value, str):
        return SAID.sub("a time", value)
    return [strip(inner) for inner in value] if isinstance(value, list) else value


def differences(found: Any, expected: Any, at: str = "") -> list[str]:
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted(found.keys() | expected.keys())
        return [d for key in keys for d in differences(found.get(key), expected.get(key), f"{at}.{key}")]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [d for i, (one, other) in pairs for d in differences(one, other, f"{at}[{i}]")]
    return [] if found == expected else [f"differs: {at}: {str(found)[:80]} against {str(expected)[:80]}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first trial, to go on in slices"
    )
    parser.add_argument("--results", type=Path, help="append one JSON line per trial")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="advisor-kill-") as folder:
        bench = Bench(Path(folder), asked.seed)
        reference, lasts = bench.undisturbed()
        print(f"undisturbed: {lasts:.1f} s", flush=True)
        trials = []
        for number in range(asked.first, asked.first + asked.kills):
            trial = bench.trial(number, reference, lasts)
            trials.append(trial)
            print(
                f"{number:4}  {trial.victim:<10} at {trial.moment_s:5.1f} s  {trial.stood:<40} {trial.way_on:<18} "
                + ("; ".join(trial.faults[:3]) or "equal"),
                flush=True,
            )
            if asked.results:
                with asked.results.open("a") as stream:
                    stream.write(json.dumps(asdict(trial)) + "\n")
        failed = sum(bool(trial.faults) for trial in trials)
        print(f"{len(trials)} kills, {failed} at fault")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
