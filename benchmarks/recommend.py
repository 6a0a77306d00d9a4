"""How long `recommend` takes, and how much memory, as the knowledge base grows to a million cards."""

import argparse
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from advisor import Brief, recommend
from advisor.knowledge import Fact, Knowledge, ModelCard, Result, load_knowledge

TASK = "image-classification"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LIMITS_S = {"base": 0.05, 100_000: 1.0, 1_000_000: 10.0}
BRIEFS = {
    "open": {"task": TASK, "constraints": {"device": "nvidia-t4"}},
    "limits": {
        "task": TASK,
        "data": {"examples": 2000, "classes": 10, "domain": "medical", "resolution": 512},
        "constraints": {
            "device": "raspberry-pi-5", "latency_ms": 200, "memory_mb": 500, "licence": "commercial",
            "train_device": "nvidia-t4", "train_minutes": 30,
        },
    },
    "rent": {
        "task": TASK,
        "constraints": {
            "device": "cpu-cloud-4vcpu", "throughput_per_s": 20, "size_mb": 200, "privacy": "local",
            "requests_per_month": 1_000_000, "monthly_cost_usd": 300,
        },
        "priorities": {"accuracy": 3, "latency": 3, "cost": 3},
    },
}  # fmt: skip


def grown(base: Knowledge, count: int, seed: int = 0) -> Knowledge:
    """Grow the base to a count of cards of one task.

    Each new card is a real card of the task under a new id, its parameters, FLOPs, size, activations and downloads
    multiplied by a factor between 0.5 and 2 of its own; half of them have a published result. Facts that do not
    vary are shared with the real card, as they would be in a base that keeps equal values once.
    """
    draw = random.Random(seed)
    real = [card for card in base.for_task(TASK) if card.kind == "weights"]
    cards: list[ModelCard] = []
    results: list[Result] = []
    for number in range(count):
        card = draw.choice(real)
        factor = 2 ** draw.uniform(-1, 1)
        changed: dict[str, object] = {"id": f"synthetic/{number:07d}"}
        for name in ("parameters", "flops", "size_mb", "downloads"):
            fact: Fact | None = getattr(card, name)
            if fact is not None:
                changed[name] = fact.model_copy(update={"value": fact.value * factor})
        cards.append(card.model_copy(update=changed))
        if number % 2:
            value = min(0.91, max(0.5, draw.gauss(0.78, 0.06)))
            results.append(
                Result.model_construct(
                    model=f"synthetic/{number:07d}", benchmark="imagenet-1k", metric="top1", value=value,
                    source="timm", date=None, protocol=None,
                )
            )  # fmt: skip
    fields = {name: getattr(base, name) for name in Knowledge.model_fields}
    fields["models"] = (*(card for card in base.models if TASK not in card.tasks), *cards)
    fields["results"] = (*base.results, *results)
    return Knowledge.model_construct(**fields)


def seconds(brief: Brief, knowledge: Knowledge, rounds: int) -> float:
    """Give the median time of one call."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        found = recommend(brief, knowledge, measured={})
        taken.append(time.perf_counter() - start)
        listed = len(found.shortlist) + len(found.beyond_limit) + len(found.near_misses) + len(found.dropped)
        assert listed == found.considered
    return statistics.median(taken)


def measure(count: int, rounds: int) -> dict[str, object]:
    """Measure one size in this process; 0 is the shipped base, all of its tasks."""
    base = load_knowledge()
    if count == 0:
        times = {task.id: _task_ms(Brief(task=task.id), base, rounds) for task in base.tasks}
        worst = max(times, key=lambda task: times[task])
        return {"cards": len(base.models), "worst": worst, "seconds": times[worst]}
    knowledge = grown(base, count)
    gc.collect()
    before = _rss_mb()
    first = seconds(Brief.parse({"task": TASK}), knowledge, 1)
    times = {name: seconds(Brief.parse(content), knowledge, rounds) for name, content in BRIEFS.items()}
    return {
        "cards": count, "columns_s": first, "seconds": max(times.values()), "briefs": times,
        "knowledge_mb": before, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 * 1.024,
    }  # fmt: skip


def _task_ms(brief: Brief, base: Knowledge, rounds: int) -> float:
    recommend(brief, base, measured={})
    return seconds(brief, base, rounds)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> int:
    """Measure every size in a process of its own; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(measure(asked.one, asked.rounds)))
        return 0
    rows = []
    for size in (0, *map(int, asked.sizes.split(","))):
        command = [sys.executable, __file__, "--one", str(size), "--rounds", str(asked.rounds)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(rows[-1], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
