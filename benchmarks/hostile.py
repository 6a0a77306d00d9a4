"""Feed the command line a corpus of hostile inputs and hold every outcome against the right one.

    python benchmarks/hostile.py [--seed 0] [--only WORD] [--results FILE]

Every input goes through `advisor recommend -d`, in this process. Wrong are: another outcome than the one listed, a
traceback, more than 20 s of work (or two minutes by the clock, for a busy machine), more than 1.5 GB, a file outside of the input's own folder, and a control character on the
terminal. Exit code 1 if anything is wrong.
"""

import argparse
import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from pathlib import Path

from hostile_corpus import SCRIPT, Case, corpus

SECONDS, MEMORY_MB = 20, 1500
EXITS = {"refused": (2,), "read": (0, 3), "either": (0, 2, 3)}


class Hang(BaseException):
    """It took longer than it may."""


def judge(case: Case, folder: Path, knowledge: Path | None) -> list[str]:
    """Run one case.

    :return: what was wrong.
    """
    from advisor import cli

    path = case.make(folder)
    before = listing(folder)
    (folder.parent / "brief.yaml").write_text(f"task: {case.task}\n")
    words = ["recommend", "-b", str(folder.parent / "brief.yaml"), "-d", str(path), "--json", "--models"]
    words += ["baseline/majority", *(["--knowledge", str(knowledge)] if knowledge else [])]
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    faults = []

    def late(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGPROF, late)
    signal.alarm(6 * SECONDS)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    begun = time.process_time()
    arguments, sys.argv = sys.argv, ["advisor", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as ended:
        code = ended.code
    except Hang:
        faults.append(f"longer than {SECONDS} s")
    except BaseException as error:
        faults.append(f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.argv = arguments
    if not faults and code not in EXITS[case.outcome]:
        faults.append(f"exit code {code} instead of {case.outcome}: {err.getvalue()[:300]}")
    said = err.getvalue()
    if code in (0, 3) and not faults:
        found, more = lay_out(case, path, folder.parent / "run", knowledge)
        said += found
        faults += more
    if code in EXITS[case.outcome] and case.says and not re.search(case.says, said):
        faults.append(f"does not say {case.says!r}: {said[:300]}")
    if "Traceback" in err.getvalue():
        faults.append("a traceback")
    odd = {char for char in err.getvalue() if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"}
    if odd:
        faults.append(f"control characters on the terminal: {sorted(map(ord, odd))}")
    if listing(folder) != before:
        faults.append(f"files changed: {listing(folder) ^ before}")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if held > MEMORY_MB:
        faults.append(f"{held:.0f} MB held at most so far")
    if time.process_time() - begun > SECONDS / 4:
        print(f"  slow: {case.name} {time.process_time() - begun:.1f} s")
    return faults


def lay_out(case: Case, path: Path, out: Path, knowledge: Path | None) -> tuple[str, list[str]]:
    """Prepare a run of data that was read, and render what is known of it.

    :return: what the findings say, and what was wrong.
    """
    from advisor.brief import Brief
    from advisor.errors import NothingQualifies
    from advisor.jobs.finish import finish
    from advisor.jobs.folder import RunFolder
    from advisor.jobs.prepare import prepare
    from advisor.jobs.request import ProbeRequest
    from advisor.report import render

    request = ProbeRequest(Brief(task=case.task), path, out, models=(), offline=True, knowledge=knowledge)
    try:
        folder = prepare(request)
        report = finish(folder)
    except NothingQualifies:
        from advisor.report import read_report

        folder = RunFolder(out)
        report = read_report(out)
    findings = report.dataset.findings if report.dataset else ()
    faults = []
    for form in (
        ("html", "md", "json") if re.search("label|class-name|text-|column", case.name) else ("json",)
    ):
        text = render(report, form)
        if form != "json" and SCRIPT in text:
            faults.append(f"a script in the {form} report")
        if form == "html" and (
            odd := {char for char in text if unicodedata.category(char) == "Cc"} - set("\n\t\r")
        ):
            faults.append(f"control characters in the {form} report: {sorted(map(ord, odd))}")
    shutil.rmtree(out)
    return " ".join(finding.detail for finding in findings), faults


def listing(folder: Path) -> set[str]:
    """What lies in the case's folder and beside it."""
    return {str(path) for path in folder.parent.rglob("*") if path.name != "brief.yaml"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    parser.add_argument("--knowledge", type=Path)
    parser.add_argument("--results", type=Path, help="write one JSON line per case")
    asked = parser.parse_args()
    cases = [case for case in corpus(asked.seed) if asked.only in case.name]
    from advisor.knowledge import load_knowledge

    load_knowledge(asked.knowledge)
    wrong: list[tuple[str, list[str]]] = []
    with tempfile.TemporaryDirectory(prefix="advisor-hostile-") as root:
        os.environ["ADVISOR_HOME"] = f"{root}/home"
        for number, case in enumerate(cases):
            with tempfile.TemporaryDirectory(prefix=f"{number}-", dir=root) as place:
                folder = Path(place) / "in"
                folder.mkdir()
                faults = judge(case, folder, asked.knowledge)
            if faults:
                wrong.append((case.name, faults))
                print(f"{case.name}: {'; '.join(faults)}", flush=True)
            if asked.results:
                with asked.results.open("a") as stream:
                    stream.write(
                        json.dumps({"case": case.name, "outcome": case.outcome, "faults": faults}) + "\n"
                    )
    kinds = Counter(case.outcome for case in cases)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(cases)} inputs ({dict(kinds)}), {len(wrong)} at fault, {held:.0f} MB at most")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
