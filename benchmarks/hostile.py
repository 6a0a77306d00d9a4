"""Feed the command line a corpus of hostile inputs and hold every outcome against the right one.

    python benchmarks/hostile.py [--seed 0] [--only WORD] [--app] [--sample N] [--results FILE]

Every input goes through `advisor recommend -d` in this process, and what is read is laid out as a run and rendered.
Wrong are: another outcome than the one listed, a traceback, more than 20 s of work (or two minutes by the clock, for a
busy machine), more than 1.5 GB, a file outside of the input's own folder, a control character on the terminal or in a
report, and markup of the input in a report. With `--app` the input is uploaded on the page Data instead (a folder is
named by its path): wrong are another outcome, an exception on the page, and the same bounds. Exit code 1 if anything
is wrong.
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

ROOT = Path(__file__).parents[1]
SECONDS, MEMORY_MB = 20, 1500
MOST_UPLOADED = 100_000_000
UPLOADED = (".zip", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".xlsx")
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


def judge_in_app(case: Case, folder: Path) -> list[str]:
    """Upload one case on the page Data, under streamlit.testing.

    :return: what was wrong.
    """
    from streamlit.testing.v1 import AppTest

    path = case.make(folder)
    before = listing(folder)
    begun, faults = time.process_time(), []
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=6 * SECONDS)
    app.query_params["task"] = case.task
    app.run()
    app.switch_page("advisor/ui/data.py").run()
    try:
        if path.is_file() and path.stat().st_size <= MOST_UPLOADED and path.suffix in UPLOADED:
            app.file_uploader(key="data.file").set_value(
                (path.name, path.read_bytes(), "application/x")
            ).run()
        else:
            app.text_input(key="data.path").set_value(str(path)).run()
    except RuntimeError as error:
        faults.append(f"{type(error).__name__}: {error}")
    data = app.session_state["draft"].data
    read = data is not None and data.profile is not None
    if app.exception:
        faults.append(f"an exception on the page: {app.exception[0].value[:300]}")
    elif not read and not app.error:
        faults.append("neither read nor refused")
    elif case.outcome != "either" and read != (case.outcome == "read"):
        why = app.error[0].value[:300] if app.error else ""
        faults.append(f"{'read' if read else 'refused'} instead of {case.outcome}: {why}")
    for told in app.error:
        if odd := {char for char in told.value if unicodedata.category(char) == "Cc"} - set("\n\t"):
            faults.append(f"control characters in the complaint: {sorted(map(ord, odd))}")
    if listing(folder) != before:
        faults.append(f"files changed: {listing(folder) ^ before}")
    if time.process_time() - begun > SECONDS:
        faults.append(f"longer than {SECONDS} s")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if held > MEMORY_MB:
        faults.append(f"{held:.0f} MB held at most so far")
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
    parser.add_argument(
        "--app", action="store_true", help="through the page Data instead of the command line"
    )
    parser.add_argument("--sample", type=int, help="so many of them, drawn evenly over the kinds")
    parser.add_argument("--first", type=int, default=0, help="pass over so many, to go on in slices")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no case after so many")
    parser.add_argument("--knowledge", type=Path)
    parser.add_argument("--results", type=Path, help="write one JSON line per case")
    asked = parser.parse_args()
    cases = [case for case in corpus(asked.seed) if asked.only in case.name]
    if asked.sample:
        cases = cases[:: max(1, len(cases) // asked.sample)]
    cases = cases[asked.first :]
    from advisor.knowledge import load_knowledge

    load_knowledge(asked.knowledge)
    wrong: list[tuple[str, list[str]]] = []
    started, tried = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="advisor-hostile-") as root:
        os.environ["ADVISOR_HOME"] = f"{root}/home"
        for number, case in enumerate(cases):
            if time.monotonic() - started > asked.seconds:
                break
            tried += 1
            with tempfile.TemporaryDirectory(prefix=f"{number}-", dir=root) as place:
                folder = Path(place) / "in"
                folder.mkdir()
                faults = judge_in_app(case, folder) if asked.app else judge(case, folder, asked.knowledge)
            if faults:
                wrong.append((case.name, faults))
                print(f"{case.name}: {'; '.join(faults)}", flush=True)
            if asked.results:
                with asked.results.open("a") as stream:
                    stream.write(
                        json.dumps({"case": case.name, "outcome": case.outcome, "faults": faults}) + "\n"
                    )
    kinds = Counter(case.outcome for case in cases[:tried])
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{tried} inputs ({dict(kinds)}), {len(wrong)} at fault, {held:.0f} MB at most, "
        f"{time.monotonic() - started:.0f} s, next --first {asked.first + tried}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
