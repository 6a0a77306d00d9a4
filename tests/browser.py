"""A browser and a server of the app, for tests and benchmarks that need both."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def chromium() -> str | None:
    """Find an installed Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def serving(script: Path, home: Path, folder: Path = ROOT, under: str = "") -> Iterator[tuple[str, int]]:
    """Run a Streamlit server; give its address and process id once it answers.

    :param under: the path prefix under which it serves, as behind a proxy; without slashes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"ADVISOR_HOME": str(home), "HF_HOME": str(home / "hub")}
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    options += ["--server.baseUrlPath", under] if under else []
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}{f'/{under}' if under else ''}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(10)


def maps_torch(pid: int) -> bool:
    """Say whether a process has torch's library in memory (Linux)."""
    maps = Path(f"/proc/{pid}/maps")
    return maps.exists() and "libtorch" in maps.read_text()


def settled(page: Any) -> None:
    """Wait until the script of the page has come to its end."""
    page.wait_for_function("() => document.querySelector('[data-test-script-state=notRunning]')")


def reach(page: Any, target: Any, most: int = 250) -> None:
    """Go to an element by the tabulator key alone.

    :param page: the page.
    :param target: a locator; the element or something in it must take the focus.
    :param most: after so many steps the element counts as unreachable.
    """
    target.wait_for(state="attached")
    for _ in range(most):
        if target.evaluate("one => one === document.activeElement || one.contains(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by the keyboard")


def press(page: Any, target: Any, key: str = "Enter") -> None:
    """Press a key on an element that was reached by the keyboard."""
    reach(page, target)
    page.keyboard.press(key)


def tick(page: Any, target: Any, tries: int = 3) -> None:
    """Choose a radio or a box by the space bar; again where the page took the focus while it was drawn."""
    for _ in range(tries):
        press(page, target, "Space")
        for _ in range(20):
            if target.is_checked():
                return
            page.wait_for_timeout(100)
    raise AssertionError(f"{target} does not stay chosen")
