"""A run is a folder: what was asked, what happened, what was found. The folder is the truth, not any process.

run.json             what was asked (`RunSpec`)
recommendation.json  the advice it started from
examples.json        the labelled examples of each split
events.jsonl         one line per event, appended and flushed
rungs/MODEL/         one json + npz per finished rung, and because.json where the model ended early
report.json          the outcome; its presence means that the run is over
state.json           queued, running, done, cancelled or failed, with the supervisor's process id
"""

import json
import os
import re
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from advisor.brief import Brief
from advisor.dataset.types import Finding
from advisor.errors import InputError
from advisor.quantity import Frozen
from advisor.recommendation import Recommendation
from advisor.result import CurvePoint, LatencyMeasured, SplitSizes, Status

__all__ = ["Ending", "Examples", "Plan", "RunFolder", "RunSpec", "RungRecord", "State", "write_atomically"]

State = Literal["queued", "running", "done", "cancelled", "failed"]


class Plan(Frozen):
    """A schedule without a clock: how many examples, and which rungs each model climbs, in order."""

    examples: SplitSizes | None = None
    models: dict[str, tuple[str, ...]]


class RunSpec(Frozen):
    """What was asked of a run."""

    version: int = Field(default=1, alias="schema", serialization_alias="schema")
    brief: Brief
    brief_filled: tuple[str, ...] = ()
    data: str
    budget_s: float = Field(gt=0)
    seed: int = 0
    offline: bool = False
    models: tuple[str, ...] | None = None
    chosen: tuple[str, ...] = ()
    plan: Plan | None = None
    columns: tuple[str, str] | None = None
    knowledge: str | None = None
    created: str
    command: str


class Examples(Frozen):
    """The examples that a probe uses, with their splits: positions into `ids`.

    :ivar first: how many of `train`, from its start, the first rung learns from.
    :ivar available: the sizes of the whole splits, of which the budget may have taken a part.
    """

    task: str
    origin: str
    name: str
    sha256: str
    total: int
    counts: dict[str, int]
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    contents: tuple[str, ...]
    truth: tuple[int, ...]
    train: tuple[int, ...]
    select: tuple[int, ...]
    report: tuple[int, ...]
    first: int
    available: SplitSizes
    findings: tuple[Finding, ...] = ()
    typical_length: float = 0.0


class RungRecord(Frozen):
    """A finished rung. Its predictions lie beside it; the report split's stay unopened until the end."""

    model: str
    kind: Literal["weights", "baseline"]
    rung: str
    position: int
    strategy: str
    revision: str | None
    licence: str | None = None
    hyperparameters: dict[str, Any]
    curve: tuple[CurvePoint, ...]
    seconds: float
    note: str = ""
    transferability: dict[str, float] = Field(default_factory=dict)
    latency_ms: LatencyMeasured | None = None
    throughput_per_s: float | None = None
    peak_memory_mb: float | None = None
    size_mb: float | None = None


class Ending(Frozen):
    """Why a model went no further."""

    model: str
    status: Status
    because: str


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the whole new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = content.encode() if isinstance(content, str) else content
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def _slug(model: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._-]+", "--", model)[:80].strip(".")
    return f"{readable}-{sha256(model.encode()).hexdigest()[:6]}"


class RunFolder:
    """Reads and writes the files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, spec: RunSpec) -> "RunFolder":
        """Start a run in a folder that is absent or empty.

        :raises InputError: if the folder holds anything.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(
                f"The run folder {path} exists and is not empty",
                "a folder that is absent or empty",
                f"Choose another with -o, or go on with `advisor resume {path}`.",
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The run folder {path} cannot be made: {error.strerror}", "a folder you may write to"
            ) from None
        folder = cls(path)
        write_atomically(path / "run.json", spec.model_dump_json(by_alias=True, indent=1))
        folder.set_state("queued")
        return folder

    @property
    def report_path(self) -> Path:
        """Where the outcome lies once the run is over."""
        return self.path / "report.json"

    def spec(self) -> RunSpec:
        """Read what was asked.

        :raises InputError: if the folder holds no run.
        """
        try:
            return RunSpec.model_validate_json((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path} holds no run that can be read: {error}", "a folder that `advisor runs` lists"
            ) from None

    def examples(self) -> Examples:
        """Read the labelled examples."""
        return Examples.model_validate_json((self.path / "examples.json").read_text(encoding="utf-8"))

    def advice(self) -> Recommendation:
        """Read the recommendation that the run started from."""
        content = json.loads((self.path / "recommendation.json").read_text(encoding="utf-8"))
        content.pop("schema", None)
        return Recommendation.model_validate(content)

    def state(self) -> dict[str, Any]:
        """Read `state`, `pid` of the supervisor, `since` and, at the end, `because`."""
        try:
            content = json.loads((self.path / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"state": "failed", "because": "the state of this run cannot be read"}
        return content if isinstance(content, dict) else {"state": "failed"}

    def set_state(self, state: State, because: str = "", **more: Any) -> None:
        """Write the state; `more` may hold the supervisor's `pid` and `created`."""
        content = {"state": state, "since": time.time(), "because": because, **more}
        write_atomically(self.path / "state.json", json.dumps(content))

    def ask_to_stop(self) -> None:
        """Leave the wish to cancel where worker and supervisor see it."""
        (self.path / "cancel").touch()

    def stop_asked(self) -> bool:
        """Say whether somebody wishes the run to stop."""
        return (self.path / "cancel").exists()

    def withdraw_stop(self) -> None:
        """Forget the wish to cancel, so that the run can be resumed."""
        (self.path / "cancel").unlink(missing_ok=True)

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Append one event as one line."""
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event, ensure_ascii=False) + "\n")

    def events(self) -> tuple[dict[str, Any], ...]:
        """Read all whole events; a half-written last line is left out."""
        try:
            text = (self.path / "events.jsonl").read_text(encoding="utf-8")
        except OSError:
            return ()
        events = []
        for line in text.split("\n"):
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return tuple(event for event in events if isinstance(event, dict))

    def elapsed_s(self) -> float:
        """Seconds that the run has worked up to its last event, 0 before the first."""
        return max((float(event.get("at", 0.0)) for event in self.events()), default=0.0)

    def rung_folder(self, model: str) -> Path:
        """Where a model's finished rungs lie."""
        return self.path / "rungs" / _slug(model)

    def save_rung(self, record: RungRecord, select: NDArray[np.float32], report: NDArray[np.float32]) -> None:
        """Keep a finished rung: first the predictions, then the record that makes them count.

        :param select: (n_select, k) class probabilities.
        :param report: (n_report, k) class probabilities.
        """
        folder = self.rung_folder(record.model)
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{record.position}-{record.rung}"
        temporary = folder / f".{stem}.tmp.npz"
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, select=select, report=report)
        temporary.replace(folder / f"{stem}.npz")
        write_atomically(folder / f"{stem}.json", record.model_dump_json(indent=1))

    def rungs(self, model: str) -> tuple[RungRecord, ...]:
        """Read a model's finished rungs in the order in which they were climbed."""
        files = [path for path in self.rung_folder(model).glob("*.json") if path.name != "because.json"]
        records = [RungRecord.model_validate_json(path.read_text(encoding="utf-8")) for path in files]
        return tuple(sorted(records, key=lambda record: record.position))

    def probabilities(self, record: RungRecord, split: Literal["select", "report"]) -> NDArray[np.float32]:
        """Read a finished rung's class probabilities for one split, (n, k)."""
        path = self.rung_folder(record.model) / f"{record.position}-{record.rung}.npz"
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[split])

    def end_model(self, ending: Ending) -> None:
        """Note why a model goes no further."""
        write_atomically(self.rung_folder(ending.model) / "because.json", ending.model_dump_json())

    def clear_ending(self, model: str) -> None:
        """Forget why a model had ended, because it climbed on."""
        (self.rung_folder(model) / "because.json").unlink(missing_ok=True)

    def ending(self, model: str) -> Ending | None:
        """Read why a model went no further, if that was noted."""
        path = self.rung_folder(model) / "because.json"
        return Ending.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None
