"""How long `recommend` takes, and how much memory, as the knowledge base grows to a million cards.

Three times are told apart: of the *first* call, before anything was made of the cards; of a *new* brief, never asked
before; and of one asked *again*. `--curve FILE` draws them (SVG or PNG).
"""

import argparse
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from advisor import Brief, recommend
from advisor.knowledge import Fact, Knowledge, ModelCard, Result, load_knowledge

Row = dict[str, float]
TASK = "image-classification"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LIMITS_S = {
    0: {"again": 0.05, "command": 1.0},
    100_000: dict.fromkeys(("first", "new", "again"), 1.0),
    1_000_000: dict.fromkeys(("first", "new", "again"), 10.0),
}
"""Seconds by number of cards; 0 is the shipped base."""
LIMITS_MB = {100_000: 1000.0}
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


def seconds(brief: Brief, knowledge: Knowledge) -> float:
    """Give the time of one call."""
    start = time.perf_counter()
    found = recommend(brief, knowledge, measured={})
    taken = time.perf_counter() - start
    listed = len(found.shortlist) + len(found.beyond_limit) + len(found.near_misses) + len(found.dropped)
    assert listed == found.considered
    return taken


def measure(count: int, rounds: int) -> Row:
    """Measure one size in this process; of several briefs the slowest counts."""
    knowledge = grown(load_knowledge(), count)
    gc.collect()
    before = _rss_mb()
    first = seconds(Brief.parse({"task": TASK}), knowledge)
    briefs = [Brief.parse(content) for content in BRIEFS.values()]
    new = [seconds(brief, knowledge) for brief in briefs]
    again = [statistics.median(seconds(brief, knowledge) for _ in range(rounds)) for brief in briefs]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3
    return {
        "cards": count, "first": first, "new": max(new), "again": max(again), "knowledge_mb": before, "peak_mb": peak,
    }  # fmt: skip


def measure_shipped(rounds: int) -> Row:
    """Measure the shipped base, the slowest of all tasks, and the command on its second start."""
    base = load_knowledge()
    briefs = [Brief(task=task.id) for task in base.tasks]
    new = [seconds(brief, base) for brief in briefs]
    again = [statistics.median(seconds(brief, base) for _ in range(rounds)) for brief in briefs]
    with tempfile.TemporaryDirectory() as folder:
        brief = Path(folder) / "brief.yaml"
        brief.write_text(f"task: {TASK}\n", encoding="utf-8")
        command = [str(Path(sys.executable).with_name("advisor")), "recommend", "-b", str(brief), "--json"]
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
    return {
        "cards": len(base.models), "first": new[0], "new": max(new[1:]), "again": max(again),
        "command": statistics.median(times[1:]),
    }  # fmt: skip


def broken(size: int, row: Row) -> list[str]:
    """List the promises that a row of measurements breaks."""
    limits = LIMITS_S.get(size, {})
    found = [
        f"{name}: {row[name]:.3f} s, promised {limit} s"
        for name, limit in limits.items()
        if row[name] > limit
    ]
    most = LIMITS_MB.get(size)
    if most is not None and row["peak_mb"] > most:
        found.append(f"memory: {row['peak_mb']:.0f} MB, promised {most:.0f} MB")
    return [f"{row['cards']:.0f} cards, {one}" for one in found]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the times over the number of cards, with the promises."""
    import altair as alt

    calls = {"first": "the first call", "new": "a new brief", "again": "a brief asked again"}
    points = [
        {"cards": row["cards"], "seconds": row[name], "call": calls[name]} for row in rows for name in calls
    ]
    promised = [{"cards": size, "seconds": limits["first"]} for size, limits in LIMITS_S.items() if size]
    cards = (
        alt.X("cards:Q", title="cards in the base")
        .scale(type="log")
        .axis(format="~s", tickCount=4, grid=False)
    )
    took = alt.Y("seconds:Q", title="seconds").scale(type="log").axis(format="~g", tickCount=5, grid=False)
    kinds = alt.Color("call:N", title=None, sort=list(calls.values())).scale(
        range=["#0072B2", "#D55E00", "#009E73"]
    )
    lines = alt.Chart(alt.Data(values=points)).mark_line(point=True).encode(cards, took, kinds)
    most = alt.Chart(alt.Data(values=promised)).mark_point(shape="triangle-down", filled=True, color="black")
    chart = alt.layer(lines, most.encode(cards, took)).properties(
        width=420, height=260, title="Time of an advice; triangles: at most that is promised"
    )
    chart.save(str(path))


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _told(row: Row) -> str:
    cells = [f"{row['cards']:,.0f}"]
    cells += [f"{row[name]:.3f} s" for name in ("first", "new", "again")]
    cells += [f"{row[name]:,.0f} MB" if name in row else "" for name in ("knowledge_mb", "peak_mb")]
    return f"| {' | '.join(cells)} |" + (f" command {row['command']:.2f} s" if "command" in row else "")


def main() -> int:
    """Measure every size in a process of its own; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", type=Path, help="draw the times into this file")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(measure(asked.one, asked.rounds) if asked.one else measure_shipped(asked.rounds)))
        return 0
    rows: list[Row] = []
    faults: list[str] = []
    print(
        "| cards | first call | new brief | again | base alone | peak |\n| --- | --- | --- | --- | --- | --- |"
    )
    for size in (0, *map(int, asked.sizes.split(","))):
        command = [sys.executable, __file__, "--one", str(size), "--rounds", str(asked.rounds)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        faults += broken(size, rows[-1])
        print(_told(rows[-1]), flush=True)
    if asked.curve is not None:
        draw(rows[1:], asked.curve)
    for fault in faults:
        print(f"broken: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
