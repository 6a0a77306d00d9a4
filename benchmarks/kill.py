"""Kill a real probe at random moments and see whether anything is lost, doubled or left behind.

    python benchmarks/kill.py --kills 100 [--budget S] [--at-once 2] [--seed 0] [--first 0] [--results FILE]

Each trial starts `advisor probe` on small made images and tiny made models, sends SIGKILL to the worker or to the
supervising process at random moments, goes on with `advisor resume` where the program ended, and holds the outcome
against an undisturbed run of the same seed: with a fixed plan everything but timings and memory, under a budget every
rung that both finished. A run is killed up to three times. Trials are numbered: `--first` goes on where an earlier
slice ended. Exit code 1 if any trial failed.
"""

import argparse
import contextlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
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
MOST_KILLS = 3
SETTLE_S = 10


@dataclass
class Kill:
    """Whom, how long after the program was started, where the run stood, and how it went on."""

    victim: str
    moment_s: float
    stood: str
    way_on: str = "by itself"


@dataclass
class Trial:
    """One run with its kills, and what was found wrong afterwards."""

    number: int
    kills: list[Kill] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Bench:
    """A made data set and made models, the same for every trial; every trial has a home of its own."""

    def __init__(self, folder: Path, seed: int, budget: float | None) -> None:
        self.folder, self.seed, self.budget = folder, seed, budget
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
        asked = ["-b", str(self.folder / "brief.yaml"), "-d", str(self.data), "-o", str(run), "--offline"]
        asked += ["--seed", str(self.seed)]
        if self.budget is None:
            asked += ["--plan", str(self.folder / "plan.yaml")]
        else:
            asked += ["--budget", f"{self.budget:g}", "--models", "tiny/a,tiny/b"]
        return self.call(home, "probe", *asked)

    def undisturbed(self) -> tuple[Path, float]:
        run, begun = self.folder / "reference", time.monotonic()
        process = self.start(self.home("reference"), run)
        said, _ = process.communicate(timeout=LIMIT_S)
        if process.returncode != 0:
            raise SystemExit(f"the undisturbed run failed: {said.decode()}")
        return run, time.monotonic() - begun

    def trial(self, number: int, reference: Path, lasts: float) -> Trial:
        """Start a run, kill at it until it ends before the next moment or was killed often enough, and look at it."""
        chance = random.Random(f"{self.seed}-{number}")
        trial = Trial(number)
        run, home = self.folder / f"run-{number}", self.home(str(number))
        process = self.start(home, run)
        kept: dict[str, int] = {}
        for _ in range(MOST_KILLS):
            moment = round(chance.uniform(0.2, lasts), 3)
            victim = self.victim(chance, trial)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            pid = process.pid if victim == "supervisor" else worker_of(run)
            if process.poll() is not None:
                break
            if pid is None:
                continue
            kill = Kill(victim, moment, stage(run))
            kept |= finished(run)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            trial.kills.append(kill)
            if victim == "supervisor":
                process.communicate(timeout=LIMIT_S)
                trial.faults += orphans(run)
                laid = (run / "run.json").exists()
                kill.way_on = "resume" if laid else "same command again"
                process = self.call(home, "resume", str(run)) if laid else self.start(home, run)
        said, _ = process.communicate(timeout=LIMIT_S)
        if process.returncode != 0:
            trial.faults.append(f"exit code {process.returncode}: {said.decode()[-300:]}")
        trial.faults += self.inspect(run, home, kept, reference)
        shutil.rmtree(home)
        if not trial.faults:
            shutil.rmtree(run)
        return trial

    def victim(self, chance: random.Random, trial: Trial) -> str:
        """Draw whom to kill; a third death of the worker at one rung would rightly cost the model."""
        before = [kill.victim for kill in trial.kills[-2:]]
        drawn = chance.choice(["worker", "supervisor"])
        return "supervisor" if before == ["worker", "worker"] else drawn

    def inspect(self, run: Path, home: Path, before: dict[str, int], reference: Path) -> list[str]:
        faults = orphans(run)
        faults += [f"left behind: {path.name}" for path in leftovers(run) + leftovers(home)]
        after = finished(run)
        faults += [f"written again: {name}" for name, stamp in before.items() if after.get(name) != stamp]
        if not (run / "report.json").exists():
            faults.append("no report.json")
        elif self.budget is None:
            faults += differences(settled(run), settled(reference))
        else:
            mine, theirs = rungs(run), rungs(reference)
            both = mine.keys() & theirs.keys()
            if not both:
                faults.append("no rung was finished by both")
            faults += [d for name in sorted(both) for d in differences(mine[name], theirs[name], name)]
        done = [(e["model"], e["rung"]) for e in events(run) if e.get("kind") == "rung-done"]
        faults += [f"computed twice: {pair}" for pair in set(done) if done.count(pair) > 1]
        return faults


def rungs(run: Path) -> dict[str, Any]:
    """What every finished rung says and predicts, without timings and memory."""
    found = {}
    for path in (run / "rungs").glob("*/[0-9]*.json"):
        record = strip(json.loads(path.read_text()))
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            predictions = {name: arrays[name].tolist() for name in arrays.files}
        record = {key: value for key, value in record.items() if key not in ("sha256", "position")}
        found[f"{record['model']} {record['rung']}"] = {**record, "predictions": predictions}
    return found


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
    parser.add_argument("--kills", type=int, default=100, help="at least so many")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no trial after so many")
    parser.add_argument("--budget", type=float, help="seconds; a fixed plan if left out")
    parser.add_argument(
        "--at-once", type=int, default=2, help="runs side by side, each with a home of its own"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first trial's number, to go on in slices")
    parser.add_argument("--results", type=Path, help="append one JSON line per trial")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="advisor-kill-") as folder:
        bench = Bench(Path(folder), asked.seed, asked.budget)
        reference, lasts = bench.undisturbed()
        print(f"undisturbed: {lasts:.1f} s", flush=True)
        trials: list[Trial] = []

        def more(lane: int) -> None:
            number = asked.first + lane
            while sum(len(one.kills) for one in trials) < asked.kills:
                if time.monotonic() - begun > asked.seconds:
                    return
                trial = bench.trial(number, reference, lasts * asked.at_once**0.5)
                trials.append(trial)
                tell(trial)
                if asked.results:
                    with asked.results.open("a") as stream:
                        stream.write(json.dumps({"budget": asked.budget, **asdict(trial)}) + "\n")
                number += asked.at_once

        with ThreadPoolExecutor(asked.at_once) as lanes:
            list(lanes.map(more, range(asked.at_once)))
        kills = [kill for trial in trials for kill in trial.kills]
        failed = sum(bool(trial.faults) for trial in trials)
        workers = sum(kill.victim == "worker" for kill in kills)
        following = max((trial.number for trial in trials), default=asked.first - 1) + 1
        print(
            f"{len(kills)} kills ({workers} of the worker, {len(kills) - workers} of the supervisor) of "
            f"{len(trials)} runs, {failed} runs at fault, next --first {following}"
        )
    return 1 if failed or not kills else 0


def tell(trial: Trial) -> None:
    for kill in trial.kills:
        where = f"{kill.victim:<10} at {kill.moment_s:5.1f} s  {kill.stood:<40} {kill.way_on}"
        print(f"{trial.number:4}  {where}", flush=True)
    print(f"{trial.number:4}  {'; '.join(trial.faults[:3]) or 'equal'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
