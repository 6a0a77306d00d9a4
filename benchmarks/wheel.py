"""Does the product work when it is installed as a wheel, without its repository?

Builds the wheel, installs it alone into a virtual environment that sees this one's libraries but not this checkout,
and uses it from an empty folder: the knowledge base is checked, a sample is probed offline, its training script and its
report in Chinese are written, and the app is started and asked for its health. Exit code 1 if anything fails.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90
PLAN = {
    "models": {"sentence-transformers/all-MiniLM-L6-v2": ["linear-probe"]},
    "examples": {"train": 120, "select": 40, "report": 40},
}


def build(folder: Path) -> Path:
    """Build the wheel."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel alone; a path file lends the libraries without the editable checkout.

    :return: the environment's bin folder.
    """
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    (Path(where) / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return folder / "bin"


def use(bin: Path, folder: Path) -> None:
    """Check, probe and serve from a folder that is not the repository."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("ADVISOR_", "PYTHON"))}
    env |= {"ADVISOR_HOME": str(folder / "home"), "STREAMLIT_SERVER_HEADLESS": "true"}

    def run(*words: str) -> str:
        ended = subprocess.run(words, cwd=folder, env=env, check=False, capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{' '.join(words)}: exit code {ended.returncode}\n{ended.stderr[-2000:]}")
        return ended.stdout.strip()

    advisor = str(bin / "advisor")
    at = run(str(bin / "python"), "-c", "import advisor; print(advisor.__file__)")
    if not Path(at).is_relative_to(bin.parent):
        raise SystemExit(f"advisor is imported from {at}, not from the wheel")
    print(run(advisor, "knowledge", "check").splitlines()[0])
    brief = folder / "brief.yaml"
    brief.write_text("task: text-classification\n", encoding="utf-8")
    data = run(advisor, "sample", "text", "--out", "samples")
    (folder / "plan.yaml").write_text(json.dumps(PLAN), encoding="utf-8")
    said = run(
        advisor, "run", "--offline", "--brief", "brief.yaml", "--data", data, "--out", "run",
        "--plan", "plan.yaml",
    )  # fmt: skip
    report = json.loads((folder / "run" / "report.json").read_text(encoding="utf-8"))
    print(f"run: {report['decision']['winner']}; {said.splitlines()[-1]}")
    run(advisor, "report", "run", "--format", "py", "--out", "train.py")
    compile((folder / "train.py").read_text(encoding="utf-8"), "train.py", "exec")
    run(advisor, "report", "run", "--format", "md", "--lang", "zh", "--out", "report.md")
    title = (folder / "report.md").read_text(encoding="utf-8").splitlines()[0]
    if not title.startswith("# 模型"):
        raise SystemExit(f"the Chinese report begins with {title!r}")
    print(f"training script and Chinese report: {title}")
    serve([advisor, "app"], folder, env)


def serve(words: list[str], folder: Path, env: dict[str, str]) -> None:
    """Start the app, wait until it answers, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [*words, "--port", str(port)], cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and server.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    print(f"app: {answer.read().decode()}")
                    return
            except OSError:
                time.sleep(0.5)
    finally:
        server.terminate()
        _, errors = server.communicate(timeout=20)
    raise SystemExit(f"the app did not answer\n{errors.decode()[-2000:]}")


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="advisor-wheel-") as scratch:
        work = Path(scratch)
        wheel = build(work / "dist")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        elsewhere = work / "elsewhere"
        elsewhere.mkdir()
        use(install(wheel, work / "venv"), elsewhere)
    return 0


if __name__ == "__main__":
    sys.exit(main())
