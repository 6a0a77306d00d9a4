"""What a machine is: this one as detected, a known one by its id, or one that a file describes."""

import contextlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from advisor.errors import InputError, StorageError, nearest
from advisor.files import write_atomically
from advisor.home import home
from advisor.knowledge import Device, Knowledge
from advisor.roofline import base_ms, default_regime, load_regimes
from advisor.workload import Workload

__all__ = ["THIS_MACHINE", "calibrate", "calibrated", "device", "home", "this_machine", "usable_cores"]

THIS_MACHINE = "this-machine"
CGROUP = Path("/sys/fs/cgroup")
CALIBRATION_VERSION = 3
CALIBRATION_LIMIT_S = 120
MOST_TAIL = 1.12
"""Of the 95th percentile over the undisturbed time: more is other load at the time of the calibration."""
GPU_STALE_SECONDS = 30
GPU_QUERY = "index,uuid,name,memory.free"


def device(name_or_path: str, knowledge: Knowledge) -> Device:
    """Find the device that a brief or an option names.

    :param name_or_path: `this-machine`, a known id, or a YAML file with a device's keys.
    :param knowledge: where known devices stand.
    :return: the device; what the file leaves out is unknown.
    :raises InputError: if there is no such device or file; names the nearest.
    """
    if name_or_path == THIS_MACHINE:
        return this_machine(known=knowledge.devices)
    path = Path(name_or_path)
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        return _read(path)
    ids = [THIS_MACHINE, *(known.id for known in knowledge.devices)]
    if name_or_path not in ids:
        raise InputError(
            f"There is no device {name_or_path!r}",
            f"{', '.join(ids)}, or a YAML file that describes one",
            nearest(name_or_path, ids),
        )
    return knowledge.device(name_or_path)


def this_machine(environ: Mapping[str, str] | None = None, known: Sequence[Device] = ()) -> Device:
    """Detect this machine: usable cores, free memory, and one GPU if `nvidia-smi` finds any.

    Several GPUs are never added up; the one with most free memory counts.

    :param environ: the environment (ADVISOR_HOME, CUDA_VISIBLE_DEVICES); the process's own if None.
    :param known: devices whose peaks are used where the GPU's name is one of theirs.
    :return: a device with the id `this-machine`; `memory_mb` is what is free now.
    """
    env = os.environ if environ is None else environ
    cores = usable_cores()
    cpu_tflops, bandwidth = _calibration(str(home(env)), cores)
    gpu = _gpu(env)
    if gpu is None:
        bare = Device(
            id=THIS_MACHINE,
            name=f"This machine ({cores} cores, {platform.machine()})",
            kind="cpu",
            cores=cores,
            memory_mb=_free_memory_mb(CGROUP),
            bandwidth_gb_s=bandwidth,
            tflops={"fp32": cpu_tflops},
        )
        return _paced(bare, _timings(env, _key(cores, None)))
    name, free_mb = gpu
    twin = _same_gpu(name, known)
    timings = _timings(env, _key(cores, name))
    kernels = timings or {}
    bare = Device(
        id=THIS_MACHINE,
        name=f"This machine ({name})",
        kind="gpu",
        cores=cores,
        memory_mb=free_mb,
        bandwidth_gb_s=twin.bandwidth_gb_s if twin else kernels.get("bandwidth_gb_s"),
        tflops=twin.tflops if twin else kernels.get("tflops", {}),
        power_w=twin.power_w if twin else None,
    )
    return _paced(bare, timings)


def calibrated(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether small networks were timed on this machine before."""
    env = os.environ if environ is None else environ
    gpu = _gpu(env)
    return _timings(env, _key(usable_cores(), gpu[0] if gpu else None)) is not None


def calibrate(
    environ: Mapping[str, str] | None = None, seconds: float = 9.0, processor_time: bool = False
) -> bool:
    """Time small networks on this machine in a process of its own, and remember them in ADVISOR_HOME.

    :param environ: the environment; the process's own if None.
    :param seconds: for the networks together; importing and building them takes about 6 more.
    :param processor_time: count one thread's processor time, as for a machine that others use at the moment.
    :return: whether that could be done; if not, estimates rest on this machine's kernels alone.
    """
    env = dict(os.environ if environ is None else environ)
    command = [sys.executable, "-m", "advisor.probe.calibrate", "--seconds", str(seconds)]
    command += ["--processor-time"] if processor_time else []
    root = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, env.get("PYTHONPATH", "")]))
    try:
        text = subprocess.run(
            command, capture_output=True, text=True, timeout=CALIBRATION_LIMIT_S, check=True,
            env={**os.environ, **env, "PYTHONPATH": path},
        ).stdout  # fmt: skip
        timings = json.loads(text)
    except (OSError, subprocess.SubprocessError, ValueError):
        return False
    gpu = _gpu(env)
    _remember(home(env) / "calibration.json", _key(usable_cores(), gpu[0] if gpu else None), timings)
    return True


def _key(cores: int, gpu: str | None) -> str:
    machine = f"{platform.node()} {platform.machine()} {platform.processor()} {cores}"
    return f"v{CALIBRATION_VERSION} networks {machine}{f' {gpu}' if gpu else ''}"


def _timings(env: Mapping[str, str], key: str) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        stored = json.loads((home(env) / "calibration.json").read_text(encoding="utf-8"))[key]
        if isinstance(stored["networks"], dict) and stored["networks"]:
            return dict(stored)
    return None


def _remember(path: Path, key: str, content: Mapping[str, Any]) -> None:
    """Add an entry to the file of calibrations; a file that makes no sense is begun anew."""
    known: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, TypeError):
        known = dict(json.loads(path.read_text(encoding="utf-8")))
    with contextlib.suppress(StorageError):
        write_atomically(path, json.dumps({**known, key: content}))


def _paced(bare: Device, timings: Mapping[str, Any] | None) -> Device:
    """Say by how much kinds of networks are slower here than by the formula, from the timed ones."""
    if timings is None:
        return bare
    regime = load_regimes()[default_regime(bare)]
    ratios: dict[str, list[float]] = {}
    tails: list[float] = []
    for one in timings["networks"].values():
        work = Workload(
            2e9 * one["gmacs"], (1.0, 1.0), 4 * one["params_m"], "image", klass=one["klass"],
            activations=1e6 * one["macts"] if one["macts"] else None, parameters=1e6 * one["params_m"],
        )  # fmt: skip
        base = base_ms(work, bare, regime)
        if base:
            ratios.setdefault(one["klass"], []).append(one["ms"] / base)
        tails.append(one["p95_ms"] / one["ms"])
    if not ratios:
        return bare
    pace = {klass: statistics.geometric_mean(found) for klass, found in ratios.items()}
    seen = [value for klass, value in pace.items() if klass != "sequence"]
    pace["all"] = statistics.geometric_mean(seen or pace.values())
    pace.setdefault("mlp", pace.get("attention", pace["all"]))
    tail = min(max(statistics.median(tails), 1.0), MOST_TAIL)
    return bare.model_copy(update={"pace": pace, "prepare_ms": timings.get("prepare_ms", {}), "tail": tail})


def _read(path: Path) -> Device:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise InputError(
            f"The device file {path} cannot be read: {error}", "a UTF-8 YAML file with id, name, kind …"
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"The device file {path} is not a mapping", "id, name, kind, memory_mb, tflops …")
    if "id" in content:
        content = {"name": content["id"], **content}
    try:
        return Device.model_validate(content)
    except ValidationError as error:
        raise _complaint(path, error) from None


def _complaint(path: Path, error: ValidationError) -> InputError:
    first = min(error.errors(), key=lambda one: (one["type"] == "missing", one["loc"] == ("name",)))
    loc = [str(step) for step in first["loc"] if step != "[key]"]
    key, value = ".".join(loc), first["input"]
    if first["type"] in ("extra_forbidden", "invalid_key"):
        allowed = list(Device.model_fields)
        wrong = str(value) if first["type"] == "invalid_key" else key
        return InputError(
            f"The device file {path}: unknown key {wrong!r}", ", ".join(allowed), nearest(wrong, allowed)
        )
    if first["type"] == "missing":
        return InputError(
            f"The device file {path}: the key {key!r} is missing", ", ".join(Device.model_fields)
        )
    among = re.findall(r"'([^']+)'", str(first.get("ctx", {}).get("expected", "")))
    if among:
        return InputError(
            f"The device file {path}: {key} is {value!r}", ", ".join(among), nearest(str(value), among)
        )
    return InputError(f"The device file {path}: {key} is {value!r}: {first['msg']}")


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Count the cores that this process may use: affinity, physical cores and the group's quota.

    :param cgroup: the folder of the process's control group.
    """
    import psutil

    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:
        usable = os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or usable
    quota = _cpu_quota(cgroup)
    return max(1, min(usable, physical, int(quota) if quota else usable))


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _cpu_quota(cgroup: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return float(quota) / float(period)
    quota_v1, period_v1 = (_number(cgroup / "cpu" / f"cpu.cfs_{noun}_us") for noun in ("quota", "period"))
    return quota_v1 / period_v1 if quota_v1 and period_v1 and quota_v1 > 0 else None


def _free_memory_mb(cgroup: Path) -> float:
    import psutil

    free = float(psutil.virtual_memory().available)
    limit, used = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if limit is None:
        limit = _number(cgroup / "memory" / "memory.limit_in_bytes")
        used = _number(cgroup / "memory" / "memory.usage_in_bytes")
    if limit is not None and used is not None:
        free = min(free, max(limit - used + _reclaimable(cgroup), 1.0))
    return free / 1e6


def _reclaimable(cgroup: Path) -> float:
    """Read how much of the group's memory is file cache that would be given up."""
    for path in (cgroup / "memory.stat", cgroup / "memory" / "memory.stat"):
        with contextlib.suppress(OSError, ValueError):
            stat = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
            return float(stat.get("inactive_file", 0))
    return 0.0


def _gpu(env: Mapping[str, str]) -> tuple[str, float] | None:
    """Name the visible GPU with most free memory, and how much that is in MB."""
    visible = env.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return None
    rows = _nvidia_smi(int(time.monotonic() // GPU_STALE_SECONDS))
    if visible is not None:
        chosen = {part.strip() for part in visible.split(",")}
        rows = tuple(row for row in rows if row[0] in chosen or row[1] in chosen)
    if not rows:
        return None
    best = max(rows, key=lambda row: row[3])
    return best[2], best[3]


@lru_cache(maxsize=1)
def _nvidia_smi(moment: int) -> tuple[tuple[str, str, str, float], ...]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    try:
        text = subprocess.run(
            [command, f"--query-gpu={GPU_QUERY}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return _gpu_rows(text)


def _gpu_rows(text: str) -> tuple[tuple[str, str, str, float], ...]:
    """Read `nvidia-smi`'s table: index, uuid, name, free MiB; rows of any other shape are left out."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        with contextlib.suppress(ValueError, IndexError):
            rows.append((cells[0], cells[1], cells[2], float(cells[3]) * 1.048576))
    return tuple(rows)


def _words(name: str) -> set[str]:
    noise = {"nvidia", "geforce", "tesla", "gpu", "pcie", "sxm", "sxm2", "sxm4", "sxm5"}
    plain = re.sub(r"\d+ ?gb|[-()]", " ", name.lower())
    return set(plain.split()) - noise


def _same_gpu(name: str, known: Sequence[Device]) -> Device | None:
    """Find the known GPU whose words all stand in the detected name; the most specific one wins."""
    words = _words(name)
    fits = [known_one for known_one in known if known_one.kind == "gpu" and _words(known_one.name) <= words]
    return max(fits, key=lambda one: (len(_words(one.name)), one.id), default=None)


def _calibration(folder: str, cores: int) -> tuple[float, float]:
    """Give this processor's fp32 TFLOPS and bandwidth in GB/s, measured once and then read from a file."""
    path = Path(folder) / "calibration.json"
    key = f"v{CALIBRATION_VERSION} {platform.node()} {platform.machine()} {platform.processor()} {cores}"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        stored = json.loads(path.read_text(encoding="utf-8"))[key]
        return float(stored["tflops"]), float(stored["bandwidth_gb_s"])
    tflops, bandwidth = _measure(cores)
    _remember(path, key, {"tflops": tflops, "bandwidth_gb_s": bandwidth})
    return tflops, bandwidth


@lru_cache(maxsize=1)
def _measure(cores: int) -> tuple[float, float]:
    """Time a float32 matrix product on one core and a copy, each the best of many, in about 0.3 s.

    One core's best time holds on a busy machine too, where threads that wait for each other are many times slower.

    :return: TFLOPS of all cores together, GB/s.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    size = 768
    left = np.full((size, size), 0.5, dtype=np.float32)
    block = np.ones(16_000_000, dtype=np.float32)
    target = np.empty_like(block)
    product_s = copy_s = float("inf")
    with threadpool_limits(1, "blas"):
        left @ left
        for _ in range(12):
            start = time.perf_counter()
            left @ left
            product_s = min(product_s, time.perf_counter() - start)
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, block)
        copy_s = min(copy_s, time.perf_counter() - start)
    return cores * 2 * size**3 / product_s / 1e12, 2 * block.nbytes / copy_s / 1e9
