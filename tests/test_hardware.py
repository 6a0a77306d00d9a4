import json
from pathlib import Path

import pytest

from advisor import hardware
from advisor.errors import InputError
from advisor.hardware import device, this_machine
from advisor.home import home
from advisor.knowledge import Device, Knowledge

SMI = "0, GPU-a, Tesla T4, 9000\n1, GPU-b, NVIDIA L4, 20000\nnonsense\n"


def test_home_follows_its_variable_then_the_users_cache(tmp_path: Path) -> None:
    assert home({"ADVISOR_HOME": str(tmp_path)}) == tmp_path
    assert home({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "model-advisor"
    assert home({}) == Path.home() / ".cache" / "model-advisor"


def test_this_machine_knows_its_cores_free_memory_and_speed() -> None:
    import psutil

    found = this_machine({"CUDA_VISIBLE_DEVICES": ""})
    assert found.id == "this-machine" and found.kind == "cpu"
    assert found.cores is not None and 1 <= found.cores <= (psutil.cpu_count() or 1)
    assert found.memory_mb is not None and 0 < found.memory_mb <= psutil.virtual_memory().total / 1e6
    assert 0.001 < found.tflops["fp32"] < 50
    assert found.bandwidth_gb_s is not None and found.bandwidth_gb_s > 0.1


def test_calibration_is_measured_once_and_then_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"ADVISOR_HOME": str(tmp_path / "new"), "CUDA_VISIBLE_DEVICES": ""}
    first = this_machine(env)
    monkeypatch.setattr(hardware, "_measure", lambda: pytest.fail("measured again"))
    assert this_machine(env).tflops == first.tflops
    (stored,) = json.loads((tmp_path / "new" / "calibration.json").read_text(encoding="utf-8")).values()
    assert stored["tflops"] == first.tflops["fp32"]


def test_a_spoilt_calibration_is_measured_anew(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text("[]", encoding="utf-8")
    assert this_machine({"ADVISOR_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}).tflops["fp32"] > 0


def test_the_groups_memory_limit_counts_not_the_machines(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("700000000\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 100000000\n", encoding="ascii")
    assert hardware._free_memory_mb(tmp_path) == pytest.approx(400)
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert hardware._free_memory_mb(tmp_path) > 400


def test_older_groups_are_read_too(tmp_path: Path) -> None:
    for folder, name, value in (
        ("memory", "memory.limit_in_bytes", "500000000"),
        ("memory", "memory.usage_in_bytes", "200000000"),
        ("cpu", "cpu.cfs_quota_us", "100000"),
        ("cpu", "cpu.cfs_period_us", "100000"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(value, encoding="ascii")
    assert hardware._free_memory_mb(tmp_path) == pytest.approx(300)
    assert hardware.usable_cores(tmp_path) == 1


def test_the_groups_cpu_quota_caps_the_cores(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n", encoding="ascii")
    assert hardware.usable_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert hardware._cpu_quota(tmp_path) is None


def test_gpus_are_never_added_up(monkeypatch: pytest.MonkeyPatch, small_knowledge: Knowledge) -> None:
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda moment: hardware._gpu_rows(SMI))
    found = this_machine({}, known=small_knowledge.devices)
    assert found.kind == "gpu" and found.memory_mb == pytest.approx(20000 * 1.048576)
    assert found.tflops["fp16"] == 121
    one = this_machine({"CUDA_VISIBLE_DEVICES": "0"}, known=small_knowledge.devices)
    assert one.memory_mb == pytest.approx(9000 * 1.048576) and one.tflops == {}
    assert this_machine({"CUDA_VISIBLE_DEVICES": "-1"}).kind == "cpu"


def test_a_missing_or_failing_nvidia_smi_means_no_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hardware._nvidia_smi.cache_clear()
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    assert hardware._nvidia_smi(0) == ()
    script = tmp_path / "nvidia-smi"
    monkeypatch.setattr(hardware.shutil, "which", lambda name: str(script))
    assert hardware._nvidia_smi(1) == ()
    script.write_text("#!/bin/sh\necho '0, GPU-a, Tesla T4, 9000'\n", encoding="ascii")
    script.chmod(0o755)
    assert hardware._nvidia_smi(2) == (("0", "GPU-a", "Tesla T4", 9000 * 1.048576),)
    hardware._nvidia_smi.cache_clear()


def test_the_most_specific_known_gpu_is_taken() -> None:
    plain, super_ = (
        Device(id=name, name=name, kind="gpu") for name in ("NVIDIA RTX 4080 (16 GB)", "NVIDIA RTX 4080 SUPER (16 GB)")
    )  # fmt: skip
    assert hardware._same_gpu("NVIDIA GeForce RTX 4080 SUPER", (plain, super_)) == super_
    assert hardware._same_gpu("NVIDIA GeForce RTX 4080", (plain, super_)) == plain
    assert hardware._same_gpu("NVIDIA GeForce RTX 3050", (plain, super_)) is None


def test_a_device_is_found_by_id_or_file(tmp_path: Path, small_knowledge: Knowledge) -> None:
    assert device("nvidia-l4", small_knowledge).memory_mb == 24000
    assert device("this-machine", small_knowledge).id == "this-machine"
    path = tmp_path / "till.yaml"
    path.write_text("id: till\nkind: board\nmemory_mb: 2000\ntflops: {fp32: 0.05}\n", encoding="utf-8")
    found = device(str(path), small_knowledge)
    assert (found.name, found.memory_mb, found.bandwidth_gb_s) == ("till", 2000, None)


def test_an_unknown_device_names_the_nearest(small_knowledge: Knowledge) -> None:
    with pytest.raises(InputError, match="Did you mean 'nvidia-l4'"):
        device("nvidia-l5", small_knowledge)
    with pytest.raises(InputError, match="this-machine"):
        device("this-machin", small_knowledge)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("- 1", "not a mapping"),
        ("id: [", "cannot be read"),
        ("{id: a, kind: toaster}", "toaster"),
        ("{id: a, kind: cpu, memry_mb: 5}", "memory_mb"),
        ("{kind: cpu}", "id"),
    ],
)
def test_a_wrong_device_file_is_told(
    content: str, says: str, tmp_path: Path, small_knowledge: Knowledge
) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        device(str(path), small_knowledge)
    with pytest.raises(InputError, match="cannot be read"):
        device(str(tmp_path / "none.yaml"), small_knowledge)
