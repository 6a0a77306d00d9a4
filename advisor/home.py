"""Where the advisor keeps its caches, its calibration and the register of runs."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["home"]


def home(environ: Mapping[str, str] | None = None) -> Path:
    """Name the advisor's own folder; nothing is created.

    :param environ: the environment; the process's own if None.
    :return: ADVISOR_HOME if set, else `model-advisor` in the user's cache folder.
    """
    env = os.environ if environ is None else environ
    if env.get("ADVISOR_HOME"):
        return Path(env["ADVISOR_HOME"]).expanduser()
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if env.get(variable):
            return Path(env[variable]) / "model-advisor"
    return Path.home() / ".cache" / "model-advisor"
