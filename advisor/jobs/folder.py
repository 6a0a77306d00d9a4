"""A run is a folder: what was asked, what happened, what was found. The folder is the truth, not any process.

run.json             what was asked (`RunSpec`), with the checksums of the next two; written last of what is laid out
recommendation.json  the advice it started from
examples.json        the labelled examples of each split
events.jsonl         one line per event, only ever appended
rungs/MODEL/         one json + npz per finished rung, and because.json where the model ended early
report.json          the outcome; its checksum stands in state.json
state.json           queued, running, done, cancelled or failed
owner.json           the process at work on it, with a heartbeat; gone when none is
cancel               somebody wishes the run to stop
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from advisor.errors import InputError, StorageError
from advisor.files import seal, storing, unseal, write_atomically
from advisor.jobs.events import append_event, read_events
from advisor.jobs.owner import alive, describe
from advisor.jobs.records import Ending, Examples, Plan, RungRecord, RunSpec
from advisor.jobs.rung_files import RungFiles
from advisor.recommendation import Recommendation

__all__ = [
    "LAYING",
    "Ending",
    "Examples",
    "Plan",
    "RunFolder",
    "RunSpec",
    "RungRecord",
    "State",
    "write_atomically",
]

State = Literal["queued", "running", "done", "cancelled", "failed"]
LAYOUT = 2
TURNS = ("start", "done", "cancelled", "broken", "resume", "damaged")
LAYING = ".laying-out"
LAID = frozenset(("examples.json", "recommendation.json", "brief.yaml", "state.json", LAYING))


class RunFolder(RungFiles):
    """Reads and writes the files of one run."""

    @classmethod
    def vacant(cls, path: Path) -> bool:
        """Say whether a run may be laid out here: nothing there, nothing in it, or only the rest of a dead attempt."""
        if not path.exists():
            return True
        if not path.is_dir():
            return False
        names = {entry.name for entry in path.iterdir() if not entry.name.endswith(".tmp")}
        if not names:
            return True
        return LAYING in names and names <= LAID and not alive(_noted(path / LAYING))

    @classmethod
    def check_vacant(cls, path: Path) -> None:
        """Refuse a folder that is in use.

        :raises InputError: if the folder holds anything.
        """
        if not cls.vacant(path):
            raise InputError(
                f"The run folder {path} exists and is not empty",
                "a folder that is absent or empty",
                f"Choose another with -o, or go on with `advisor resume {path}`.",
            )

    @classmethod
    def create(cls, path: Path, spec: RunSpec, files: Mapping[str, str] | None = None) -> "RunFolder":
        """Start a run in a folder that is absent or empty. It exists from the moment that run.json does.

        :param files: what else to lay down: name and content.
        :raises InputError: if the folder holds anything.
        :raises StorageError: if it cannot be written; what was begun is taken away again.
        """
        cls.check_vacant(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The run folder {path} cannot be made: {error.strerror}", "a folder you may write to"
            ) from None
        contents = dict(files or {})
        try:
            write_atomically(path / LAYING, json.dumps(describe(os.getpid())))
            for name, content in contents.items():
                write_atomically(path / name, content)
            laid = spec.model_copy(
                update={
                    "layout": LAYOUT,
                    "made_by": _own_version(),
                    "files": {name: sha256(text.encode()).hexdigest() for name, text in contents.items()},
                }
            )
            folder = cls(path)
            folder.set_state("queued", **describe(os.getpid()))
            folder.change_spec(laid)
        except StorageError:
            for name in (*contents, LAYING, "state.json"):
                with contextlib.suppress(OSError):
                    (path / name).unlink(missing_ok=True)
            raise
        with contextlib.suppress(OSError):
            (path / LAYING).unlink(missing_ok=True)
        return folder

    @property
    def report_path(self) -> Path:
        """Where the outcome lies once the run is over."""
        return self.path / "report.json"

    def spec(self) -> RunSpec:
        """Read what was asked.

        :raises InputError: if the folder holds no run, or one of a later version.
        """
        try:
            content = unseal((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            half = (self.path / LAYING).exists()
            fix = "It was stopped while it was laid out; start it again." if half else ""
            raise InputError(
                f"{self.path} holds no run that can be read: {error}",
                "a folder that `advisor runs` lists",
                fix,
            ) from None
        layout = content.get("layout", 1)
        if isinstance(layout, int) and layout > LAYOUT:
            made = content.get("made_by") or "a later version"
            raise InputError(
                f"{self.path} was made by model-advisor {made} and is laid out in a way (layout {layout}) that this "
                f"version ({_own_version()}) does not know",
                f"layout 1 to {LAYOUT}",
                "Upgrade model-advisor; its report.json can be read as it is.",
            )
        try:
            return RunSpec.model_validate(content)
        except ValueError as error:
            raise InputError(
                f"{self.path} holds no run that can be read: {error}", "a folder that `advisor runs` lists"
            ) from None

    def change_spec(self, spec: RunSpec) -> None:
        """Write what was asked anew."""
        write_atomically(self.path / "run.json", seal(spec.model_dump(mode="json", by_alias=True)))

    def examples(self) -> Examples:
        """Read the labelled examples.

        :raises InputError: if they are gone or damaged.
        """
        return Examples.model_validate_json(self._laid("examples.json"))

    def advice(self) -> Recommendation:
        """Read the recommendation that the run started from.

        :raises InputError: if it is gone or damaged.
        """
        content = json.loads(self._laid("recommendation.json"))
        content.pop("schema", None)
        return Recommendation.model_validate(content)

    def _laid(self, name: str) -> bytes:
        path = self.path / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", fix="Start a new run.") from None
        told = self.spec().files.get(name)
        if told is not None and told != sha256(content).hexdigest():
            raise InputError(
                f"{path} was damaged or changed: its SHA-256 is not the one noted in run.json",
                fix="The finished rungs and any report.json are kept; start a new run to go further.",
            )
        return content

    def state(self) -> dict[str, Any]:
        """Read `state`, `pid` of the supervisor, `since` and, at the end, `because`."""
        try:
            return unseal((self.path / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"state": "failed", "because": "the state of this run could not be written"}
        except (OSError, ValueError):
            return {"state": "failed", "because": "the state of this run cannot be read"}

    def set_state(self, state: State, because: str = "", **more: Any) -> None:
        """Write the state; `more` may note the process at work, or the checksum of the report."""
        content = {"state": state, "since": time.time(), "because": because, **more}
        write_atomically(self.path / "state.json", seal(content))

    def fail(self, because: str) -> None:
        """Write that the run failed; where even that has no room, take the state away, which says the same."""
        try:
            self.set_state("failed", because)
        except StorageError:
            with contextlib.suppress(OSError):
                (self.path / "state.json").unlink(missing_ok=True)

    def end(self, state: State, because: str = "") -> None:
        """Write the state that the run ended in, with the checksum of its report."""
        with storing(self.report_path):
            digest = sha256(self.report_path.read_bytes()).hexdigest()
        self.set_state(state, because, report_sha256=digest)

    def report_whole(self) -> bool:
        """Say whether report.json is there, and as it was written."""
        told = self.state().get("report_sha256")
        try:
            content = self.report_path.read_bytes()
        except OSError:
            return False
        return told is None or told == sha256(content).hexdigest()

    def over(self) -> bool:
        """Say whether the run has come to its own end and its report is whole."""
        return self.state().get("state") == "done" and self.report_path.exists() and self.report_whole()

    def worked_out(self) -> bool:
        """Say whether a worker has said that nothing is left to do."""
        told = [event for event in self.events() if event.get("kind") in TURNS]
        return bool(told) and told[-1]["kind"] == "done"

    def go_on(self, retry: bool = False) -> tuple[str, ...]:
        """Make a run that has ended ready to go on.

        :param retry: forget why models failed, so that they are tried again.
        :return: the models that are tried again.
        """
        self.withdraw_stop()
        models = [ending.model for ending in self.endings() if ending.status == "failed"] if retry else []
        died = {str(event["model"]) for event in self.events() if event.get("died")} if retry else set()
        tried = tuple(sorted({*models, *died}))
        state = self.state().get("state")
        if state in ("cancelled", "failed") or tried:
            self.append_event({"kind": "resume", "at": self.elapsed_s(), "models": list(tried)})
        for model in tried:
            self.clear_ending(model)
        if tried or state == "cancelled":
            self.set_state("queued", **describe(os.getpid()))
        return tried

    def deadly(self) -> set[tuple[str, str]]:
        """Name the models and rungs that ended a worker and are not to be tried again."""
        found: set[tuple[str, str]] = set()
        for event in self.events():
            if event.get("kind") == "resume":
                found = {pair for pair in found if pair[0] not in event.get("models", ())}
            elif event.get("died"):
                found.add((str(event["model"]), str(event["rung"])))
        return found

    def ask_to_stop(self) -> None:
        """Leave the wish to cancel where worker and supervisor see it.

        :raises StorageError: if it cannot be written.
        """
        with storing(self.path / "cancel"):
            (self.path / "cancel").touch()

    def stop_asked(self) -> bool:
        """Say whether somebody wishes the run to stop."""
        return (self.path / "cancel").exists()

    def withdraw_stop(self) -> None:
        """Forget the wish to cancel, so that the run can be resumed."""
        with storing(self.path / "cancel"):
            (self.path / "cancel").unlink(missing_ok=True)

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Append one event as one line.

        :raises StorageError: if it cannot be written.
        """
        append_event(self.path / "events.jsonl", event)

    def events(self) -> tuple[dict[str, Any], ...]:
        """Read all whole events; a half-written last line is left out."""
        return read_events(self.path / "events.jsonl")

    def elapsed_s(self) -> float:
        """Seconds that the run has worked up to its last event, 0 before the first."""
        return max((float(event.get("at", 0.0)) for event in self.events()), default=0.0)


def _noted(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _own_version() -> str:
    try:
        return version("model-advisor")
    except PackageNotFoundError:
        return ""
