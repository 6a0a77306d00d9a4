"""Let every write of a real probe fail once, in each way a disk can fail, and see what becomes of the run.

    python benchmarks/faults.py [--every 1] [--ways full,io,denied,short,stays,death] [--seconds S] [--results FILE]

A run of `advisor probe` is repeated, and its k-th change on disk (creating, writing, syncing, renaming, making a
folder, removing, setting times), by the supervising process or by the worker, fails: no space (`full`), an I/O error
(`io`), no permission (`denied`), a part of the bytes only (`short`), no space from there on (`stays`), or the process
is killed there (`death`). Wrong is: anything but exit code 0 or a complaint, a state that does not say how the run
stands, a finished rung that is lost or written again, something temporary left, and an outcome that, after `advisor
resume` on a sound disk, is not the undisturbed one. Each process is a fork of one that has everything imported, so a
run takes a second or two; for the same end the forest baseline has 5 trees, and 5 requests are timed. Linux, with a C
compiler. Exit code 1 if anything was wrong.
"""

import argparse
import contextlib
import ctypes
import errno
import importlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from kill import differences, finished, leftovers, settled

ROOT = Path(__file__).parents[1]
CREATE, WRITE, SYNC, RENAME, FOLDER, REMOVE, TOUCH = (1 << bit for bit in range(7))
ANYTHING = 127
SPACE = CREATE | WRITE | SYNC | RENAME | FOLDER
ONCE, STAYS, SHORT, DEATH = range(4)
WAYS = {
    "full": (errno.ENOSPC, ONCE, SPACE),
    "io": (errno.EIO, ONCE, ANYTHING),
    "denied": (errno.EACCES, ONCE, ANYTHING & ~(WRITE | SYNC)),
    "short": (errno.ENOSPC, SHORT, WRITE),
    "stays": (errno.ENOSPC, STAYS, SPACE),
    "death": (0, DEATH, ANYTHING),
}
KINDS = {
    "open": CREATE,
    "fopen": CREATE,
    "symlink": CREATE,
    "write": WRITE,
    "truncate": WRITE,
    "fsync": SYNC,
    "rename": RENAME,
    "mkdir": FOLDER,
    "unlink": REMOVE,
    "rmdir": REMOVE,
    "utime": TOUCH,
}
PLAN = "examples: {train: 18, select: 9, report: 9}\nmodels: {tiny/bert: [linear-probe, last-block]}\n"
LATE = (
    "advisor.cli",
    "advisor.jobs.prepare",
    "advisor.jobs.supervise",
    "advisor.probe.worker",
    "pandas",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "torch._dynamo",
    "transformers.models.bert.modeling_bert",
)
LIMIT_S = 300.0
TOLD_BY_EXIT = (0, 2)


@dataclass
class Trial:
    """One fault: whose k-th write failed and how, what the program said, and what was found wrong."""

    who: str
    way: str
    number: int
    code: int = 0
    said: str = ""
    faults: list[str] = field(default_factory=list)


TRUE = subprocess.Popen


class Forked:
    """Stands where `subprocess.Popen` starts the worker: the same program, in a fork of this process."""

    def __new__(cls, command: Any, *rest: Any, **more: Any) -> Any:
        if command[1:3] != ["-m", "advisor.probe.worker"]:
            return TRUE(command, *rest, **more)
        return super().__new__(cls)

    def __init__(self, command: list[str], *, stdout: IO[bytes], env: Mapping[str, str], **_: object) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.environ.update(env)
            _become(lambda: _worker(command[-1]), stdout.fileno(), armed=Forked.armed)
        if Forked.once:
            Forked.armed = None

    armed: Callable[[], None] | None = None
    once = False

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int | None:
        while self.poll() is None:
            time.sleep(0.01)
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


def _worker(run: str) -> int:
    from advisor.probe.worker import main as worker

    return worker([run])


def _command(*words: str) -> int:
    from advisor import cli

    sys.argv = ["advisor", *words]
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0) if isinstance(ended.code, int | None) else 1
    return 0


def _become(work: Callable[[], int], output: int, armed: Callable[[], None] | None) -> None:
    """Be another program from here on; does not return."""
    code = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
        if armed:
            armed()
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


class Bench:
    """A made table and a made model; every trial has a home of its own."""

    def __init__(self, folder: Path) -> None:
        from advisor.jobs import watch

        self.folder = folder
        self.library = ctypes.CDLL(None)
        (folder / "brief.yaml").write_text("task: text-classification\n")
        (folder / "plan.yaml").write_text(PLAN)
        watch.subprocess.Popen = Forked  # type: ignore[attr-defined,misc]
        self.call(["devices", "--json"], "home")

    def asked(self, run: Path) -> list[str]:
        words = ["probe", "-b", str(self.folder / "brief.yaml"), "-d", str(self.folder / "tickets.csv")]
        return [*words, "-o", str(run), "--plan", str(self.folder / "plan.yaml"), "--offline"]

    def call(
        self,
        words: list[str],
        home: str,
        server: Callable[[], None] | None = None,
        worker: Callable[[], None] | None = None,
        once: bool = False,
    ) -> tuple[int, str]:
        """Run the command line in a fork; -999 if it did not end.

        :param once: only the first worker meets the fault, not those that are started after it.
        """
        log = self.folder / "said.txt"
        with log.open("wb") as output:
            pid = os.fork()
            if pid == 0:
                os.setsid()
                os.environ["ADVISOR_HOME"] = str(self.folder / home)
                Forked.armed, Forked.once = worker, once
                _become(lambda: _command(*words), output.fileno(), server)
            until, code = time.monotonic() + LIMIT_S, None
            while code is None and time.monotonic() < until:
                ended, status = os.waitpid(pid, os.WNOHANG)
                code = os.waitstatus_to_exitcode(status) if ended else None
                time.sleep(0.01)
            if code is None:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return -999 if code is None else code, log.read_text(errors="replace")

    def arm(self, roots: str, number: int, way: str, tell: Path | None = None) -> Callable[[], None]:
        error, manner, kinds = WAYS[way]

        def set_up() -> None:
            if tell:
                self.library.faults_tell(os.open(tell, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
            self.library.faults_arm(roots.encode(), ctypes.c_long(number), error, manner, kinds)

        return set_up

    def roots(self, name: str) -> str:
        return f"{self.folder / name / 'run'}:{self.folder / name}"

    def place(self, name: str) -> Path:
        """A folder with a home that knows this machine, and room for the run."""
        folder = self.folder / name
        subprocess.run(["cp", "-r", str(self.folder / "home"), str(folder)], check=True)
        return folder

    def undisturbed(self) -> tuple[dict[str, Any], dict[tuple[str, str], int]]:
        """What a run says on a sound disk, and how many changes supervisor and worker make for each way to fail."""
        run = self.place("reference") / "run"
        told = {who: self.folder / f"count-{who}.txt" for who in ("server", "worker")}
        armed = {who: self.arm(self.roots("reference"), -1, "io", told[who]) for who in told}
        code, said = self.call(self.asked(run), "reference", armed["server"], armed["worker"])
        if code:
            raise SystemExit(f"the undisturbed run failed: {said}")
        done = {who: [KINDS[line.split()[1]] for line in told[who].read_text().splitlines()] for who in told}
        counts = {
            (who, way): sum(bool(kind & kinds) for kind in done[who])
            for who in done
            for way, (_, _, kinds) in WAYS.items()
        }
        return settled(run), counts

    def trial(self, who: str, way: str, number: int, reference: dict[str, Any]) -> Trial:
        name = f"{who}-{way}-{number}"
        trial, run = Trial(who, way, number), self.place(name) / "run"
        armed = self.arm(self.roots(name), number, way)
        server, worker = (armed, None) if who == "server" else (None, armed)
        trial.code, trial.said = self.call(self.asked(run), name, server, worker, once=way == "death")
        trial.said = trial.said.strip()[-400:]
        died = way == "death" and who == "server"
        if trial.code not in TOLD_BY_EXIT and not (died and trial.code == -signal.SIGKILL):
            trial.faults.append(f"exit code {trial.code}")
        if "Traceback" in trial.said or "unforeseen" in trial.said:
            trial.faults.append("no complaint of its own")
        trial.faults += standing(run, trial.code)
        before = finished(run)
        laid = (run / "run.json").exists()
        code, said = self.call(["resume", str(run)] if laid else self.asked(run), name)
        if code:
            trial.faults.append(f"cannot go on: exit code {code}: {said.strip()[-300:]}")
        else:
            trial.faults += differences(settled(run), reference)
        after = finished(run)
        trial.faults += [
            f"written again: {rung}" for rung, stamp in before.items() if after.get(rung) != stamp
        ]
        trial.faults += [f"left behind: {path}" for path in leftovers(self.folder / name)]
        if not trial.faults:
            subprocess.run(["rm", "-r", str(self.folder / name)], check=True)
        return trial


def standing(run: Path, code: int) -> list[str]:
    """Whether the folder says how the run stands, and agrees with the exit code."""
    from advisor.errors import InputError
    from advisor.jobs import read_run
    from advisor.jobs.folder import RunFolder

    try:
        view = read_run(run)
    except InputError:
        return [] if RunFolder.vacant(run) else ["neither a run nor vacant"]
    if view.state == "done":
        return [] if view.report else ["done without a report"]
    if view.state not in ("failed", "interrupted", "queued") or not view.message:
        return [f"stands as {view.state!r}: {view.message!r}"]
    return [f"exit code 0 but {view.state}: {view.message}"] if code == 0 else []


def planned(
    counts: Mapping[tuple[str, str], int], ways: list[str], every: int, seed: int
) -> Iterator[tuple[str, str, int]]:
    chance = random.Random(seed)
    every_one = [(who, way, k) for (who, way), count in counts.items() if way in ways for k in range(count)]
    chance.shuffle(every_one)
    yield from every_one[::every]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--every", type=int, default=1, help="try one in so many, drawn at random")
    parser.add_argument("--first", type=int, default=0, help="pass over so many, to go on in slices")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no trial after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="append one JSON line per trial")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.inside:
        return _outside()
    begun = time.monotonic()
    bench = Bench(asked.inside)
    reference, counts = bench.undisturbed()
    for who in ("server", "worker"):
        print(f"{who}: {counts[who, 'io']} changes on disk", flush=True)
    todo = list(planned(counts, asked.ways.split(","), asked.every, asked.seed))[asked.first :]
    trials = []
    for who, way, number in todo:
        if time.monotonic() - begun > asked.seconds:
            break
        trial = bench.trial(who, way, number, reference)
        trials.append(trial)
        if trial.faults:
            print(f"{who} {way} {number}: {'; '.join(trial.faults[:4])} | {trial.said[-300:]}", flush=True)
        if asked.results:
            with asked.results.open("a") as stream:
                stream.write(json.dumps(asdict(trial)) + "\n")
    told = Counter(trial.way for trial in trials)
    wrong = sum(bool(trial.faults) for trial in trials)
    complained = sum(trial.code == 2 for trial in trials)
    print(
        f"{len(trials)} of {len(todo)} faults ({dict(told)}): {complained} ended with a complaint, "
        f"{wrong} wrong, {time.monotonic() - begun:.0f} s, next --first {asked.first + len(trials)}"
    )
    return 1 if wrong or not trials else 0


def _outside() -> int:
    """Make models and library, and run this script with the library before all others."""
    sys.path.insert(0, str(ROOT / "tests"))
    from tiny_models import bert_model, ticket_table

    with tempfile.TemporaryDirectory(prefix="advisor-faults-") as made:
        folder = Path(made)
        bert_model(folder / "models" / "bert", seed=6, model_id="tiny/bert")
        ticket_table(folder / "tickets.csv", per_class=20)
        library = folder / "faults.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "ADVISOR_MODELS": str(folder / "models"),
            "HF_HOME": str(folder / "hub"),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.run(
            [sys.executable, *sys.argv, "--inside", made], env=environment, check=False
        ).returncode


def warm() -> None:
    """Import what every process needs, without starting a thread: a fork keeps only the one that forked."""
    for name in LATE:
        importlib.import_module(name)
    import sklearn.ensemble
    import torch

    from advisor.dataset.duplicates import bare_text
    from advisor.knowledge import load_knowledge
    from advisor.probe.measure import measure_latency

    load_knowledge()
    bare_text("")
    measure_latency.__kwdefaults__["requests"] = 5  # type: ignore[index]
    grown = sklearn.ensemble.RandomForestClassifier
    sklearn.ensemble.RandomForestClassifier = lambda **asked: grown(**asked | {"n_estimators": 5})
    torch.set_num_threads(1)


if __name__ == "__main__":
    if "--inside" in sys.argv:
        warm()
    sys.exit(main())
