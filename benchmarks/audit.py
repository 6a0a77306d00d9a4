"""Known weaknesses and the licences of everything that this program rests on.

    python benchmarks/audit.py [--out FILE]

Licences are read from what is installed. Weaknesses are asked for with pip-audit, in an environment of its own; where
it cannot be had or cannot ask, that is said in capitals and is no failure. Exit code 1 if a weakness is known that a
later version mends, or a licence is one that this program may not rest on.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = "model-advisor"
EXTRAS = ("starter", "export")
BARRED = re.compile(
    r"\bA?GPL|GNU (Affero )?General Public|SSPL|Business Source|Non-?Commercial|CC-BY-NC", re.IGNORECASE
)
ALLOWED = re.compile(r"LGPL|Lesser|GCC Runtime|with classpath exception", re.IGNORECASE)
LIMIT_S = 600


def closure() -> Iterator[Distribution]:
    """What is installed because this program needs it, itself first."""
    seen: set[str] = set()
    todo = [(ROOT, EXTRAS)]
    while todo:
        name, extras = todo.pop(0)
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        yield found
        for text in found.requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            ):
                todo.append((needed.name, tuple(needed.extras)))


def licence(found: Distribution) -> str:
    """Name a licence as its package does: the expression, else the classifiers, else the first line of the field."""
    about = found.metadata
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    classes = [value for value in about.get_all("Classifier") or () if value.startswith("License ::")]
    named = [value.rpartition(" :: ")[2] for value in classes if value.count("::") > 1]
    if named:
        return "; ".join(named)
    lines = str(about.get("License") or "").strip().splitlines()
    return lines[0][:80] if lines else "unknown"


def barred(text: str) -> bool:
    """Say whether no part of a choice of licences may be taken."""
    choices = re.split(r"\bOR\b|;", text)
    return all(BARRED.search(choice) and not ALLOWED.search(choice) for choice in choices)


def licences(out: Path | None) -> list[str]:
    rows = sorted((found.metadata["Name"], found.version, licence(found)) for found in closure())
    if out:
        with out.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("package", "version", "licence"), *rows])
    for name, version, text in rows:
        print(f"{name:<28} {version:<14} {text}")
    unknown = [name for name, _, text in rows if text.lower() == "unknown"]
    print(f"{len(rows)} packages; no licence stated: {', '.join(unknown) or 'none'}")
    return [f"{name} is under {text}" for name, _, text in rows if barred(text)]


def weaknesses() -> list[str]:
    """Ask for known weaknesses of what is installed.

    :return: those that a later version mends.
    """
    with tempfile.TemporaryDirectory(prefix="advisor-audit-") as place:
        python = Path(place) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        try:
            for command in (
                [sys.executable, "-m", "venv", place],
                [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit"],
            ):
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT_S)
            installed = sysconfig.get_path("purelib")
            asked = [
                str(python),
                "-m",
                "pip_audit",
                "--path",
                installed,
                "--format",
                "json",
                "--progress-spinner",
                "off",
            ]
            done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=LIMIT_S)
            told = json.loads(done.stdout)["dependencies"]
        except subprocess.SubprocessError as error:
            return _skipped(str(getattr(error, "stderr", "") or error))
        except (ValueError, KeyError):
            return _skipped(done.stderr)
    mended = []
    needed = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() for found in closure()}
    for package in told:
        for weakness in package.get("vulns", ()):
            fix = ", ".join(weakness.get("fix_versions", ())) or "none yet"
            print(f"WEAKNESS {package['name']} {package['version']}: {weakness['id']}, mended in: {fix}")
            if weakness.get("fix_versions") and package["name"].lower() in needed:
                mended.append(f"{package['name']} {package['version']} has {weakness['id']}; take {fix}")
    print(
        f"{len(told)} packages asked about, {len(mended)} of ours with a weakness that a later version mends"
    )
    return mended


def _skipped(why: str) -> list[str]:
    lines = why.strip().splitlines()
    print(
        f"SKIPPED: KNOWN WEAKNESSES WERE NOT ASKED FOR ({lines[-1][:200] if lines else 'no answer'})",
        file=sys.stderr,
    )
    return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write the licences as CSV")
    asked = parser.parse_args()
    faults = licences(asked.out) + weaknesses()
    for fault in faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
