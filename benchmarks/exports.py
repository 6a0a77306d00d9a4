"""Does what is exported run elsewhere, and reach what was promised?

Three small real runs (digits; support tickets in English; the same in Chinese) are probed, their winner and best
pretrained model exported, and train.py, train.ipynb and predict.py of each run unmodified in a virtual environment
that holds only what their requirements pin. Prints a table; exit code 1 if anything fails or lands outside the
interval that the report states. What has run is kept in the work folder: a check that was interrupted goes on there.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor.export import export_run
from advisor.report import read_report
from advisor.result import Report
from advisor.samples import sample

CHINESE = re.compile("[\u4e00-\u9fff]")
RUNS: dict[str, dict[str, Any]] = {
    "digits": {
        "task": "image-classification",
        "models": {"timm/tf_efficientnet_lite0.in1k": ["linear-probe", "last-block"]},
    },
    "tickets-en": {
        "task": "text-classification",
        "models": {"sentence-transformers/all-MiniLM-L6-v2": ["linear-probe", "last-block"]},
    },
    "tickets-zh": {
        "task": "text-classification",
        "models": {"google/universal-sentence-encoder-multilingual-3": ["linear-probe"]},
    },
}
LIMIT_S = 1800


def data_of(name: str, work: Path) -> Path:
    """Put a run's data into the work folder."""
    if name == "digits":
        return sample("images", work / "data")
    whole = sample("text", work / "data")
    target = work / "data" / f"{name}.csv"
    with whole.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = [row for row in rows if bool(CHINESE.search(row["text"])) == name.endswith("zh")]
    with target.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, ["text", "label"])
        table.writeheader()
        table.writerows(kept)
    return target


def probed(name: str, work: Path, data: Path, budget: int | None) -> Path:
    """Run the advisor, or take the run that is already there.

    :param budget: seconds; None for the plan of `RUNS`, which a busy machine does not change.
    """
    run = work / "runs" / name
    if (run / "report.json").exists():
        return run
    brief = work / f"{name}.yaml"
    brief.write_text(f"task: {RUNS[name]['task']}\n", encoding="utf-8")
    plan = work / f"{name}-plan.yaml"
    plan.write_text(json.dumps({"models": RUNS[name]["models"]}), encoding="utf-8")
    how = ["--plan", plan] if budget is None else ["--budget", budget]
    command = ["run", "-b", brief, "-d", data, "-o", run, "--offline", *how]
    advisor = [sys.executable, "-c", "from advisor.cli import main; main()"]
    shutil.rmtree(run, ignore_errors=True)
    subprocess.run(
        [*advisor, *map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return run


def chosen(report: Report) -> list[str]:
    """The winner, and the best pretrained model if that is another."""
    deep = [m for m in report.decision.ranking if not m.startswith("baseline/")]
    return list(dict.fromkeys([report.decision.winner or deep[0], *deep[:1]]))


class Elsewhere:
    """A virtual environment of its own, without the advisor."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin" / "python"
        if not self.python.exists():
            venv.create(folder, with_pip=True)

    def install(self, *arguments: str) -> None:
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", *arguments], check=True)

    def run(self, folder: Path, *arguments: str, **variables: str) -> str:
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        ended = subprocess.run(
            [self.python, *arguments],
            cwd=folder,
            env={**clean, **quiet, **variables},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr.strip()[-800:])
        return ended.stdout


NOTEBOOK = """
import nbclient, nbformat
book = nbformat.read("train.ipynb", as_version=4)
nbclient.NotebookClient(book, timeout=1800).execute()
said = [o["text"] for c in book.cells if c.cell_type == "code" for o in c.outputs if o.get("name") == "stdout"]
print("".join(said).strip().splitlines()[-1])
"""


def result_of(printed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return found


def inside(result: dict[str, Any]) -> bool:
    expected = result["expected"]
    return bool(expected["low"] <= result["value"] <= expected["high"])


class Steps:
    """What has run of one exported model, kept so that an interrupted check goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def take(self, name: str, work: Callable[[], Any]) -> Any:
        """Give a step's result, doing it only if it has not been done."""
        if name not in self.done:
            since = time.monotonic()
            found = work()
            self.done[name] = {"found": found, "seconds": time.monotonic() - since}
            self.path.write_text(json.dumps(self.done, ensure_ascii=False), encoding="utf-8")
        return self.done[name]["found"]

    def seconds(self, name: str) -> float:
        return float(self.done[name]["seconds"])


def examine(
    name: str, model: str, run: Path, data: Path, work: Path, there: Elsewhere, quick: bool
) -> list[str]:
    """Run everything of one exported model.

    :return: the cells of a table row; the last says what failed.
    """
    out = work / "out" / f"{name}-{model.rsplit('/', 1)[-1]}"
    steps = Steps(out.with_suffix(".json"))
    if not (out / "report" / "report.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        export_run(run, out, model=model)
    made = read_report(out / "report" / "report.json").exported
    for kept in ("requirements.txt", "requirements-predict.txt"):
        steps.take(kept, lambda kept=kept: there.install("-r", str(out / kept)))
    examples = json.loads((run / "examples.json").read_text(encoding="utf-8"))
    some = [examples["contents"][i] for i in examples["select"][:3]]
    given = [str(data / one) for one in some] if name == "digits" else some

    def predicted() -> list[Any]:
        return [json.loads(line) for line in there.run(out, "predict.py", *given).splitlines()]

    def trained() -> dict[str, Any]:
        return result_of(there.run(out, "train.py", str(data), "--out", str(out / "trained")))

    def booked() -> dict[str, Any]:
        return result_of(there.run(out, "-c", NOTEBOOK, DATA=str(data), OUT=str(out / "booked")))

    faults = []
    if len(steps.take("predict.py", predicted)) != len(given):
        faults.append("predict.py left out an answer")
    script = steps.take("train.py", trained)
    book = script if quick else steps.take("train.ipynb", booked)
    for what, found in (("train.py", script), ("train.ipynb", book)):
        if not inside(found):
            faults.append(f"{what} is outside")
    if script["value"] != book["value"]:
        faults.append("script and notebook differ")
    if made and made.onnx and made.onnx.max_difference > 1e-4:
        faults.append("ONNX differs")
    low, high = (100 * script["expected"][end] for end in ("low", "high"))
    onnx = f"{made.onnx.max_difference:.1e}" if made and made.onnx else "–"
    latency = f"{made.onnx.latency_ms.p50:.1f} ms" if made and made.onnx else "–"
    return [
        name, model, f"{low:.1f}–{high:.1f}", f"{100 * script['value']:.1f} (n = {script['n']})",
        "–" if quick else f"{100 * book['value']:.1f}", f"{steps.seconds('train.py'):.0f} s", onnx, latency,
        "; ".join(faults) or "ok",
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=Path("runs/exports"), help="runs, exports and the environment"
    )
    parser.add_argument("--only", default="", help="runs to check, separated by commas")
    parser.add_argument("--budget", type=int, help="seconds, instead of the plan of one model")
    parser.add_argument("--winners", action="store_true", help="leave out the best pretrained model")
    parser.add_argument("--quick", action="store_true", help="leave out the notebooks")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    there = Elsewhere(work / "venv")
    if not arguments.quick:
        there.install("nbclient", "nbformat", "ipykernel")
    heads = [
        "run",
        "model",
        "stated, %",
        "train.py",
        "notebook",
        "time",
        "ONNX, at most",
        "its latency",
        "verdict",
    ]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    good = True
    for name in arguments.only.split(",") if arguments.only else RUNS:
        data = data_of(name, work)
        run = probed(name, work, data, arguments.budget)
        models = chosen(read_report(run))
        for model in models[:1] if arguments.winners else models:
            row = examine(name, model, run, data, work, there, arguments.quick)
            good = good and row[-1] == "ok"
            print("| " + " | ".join(row) + " |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
