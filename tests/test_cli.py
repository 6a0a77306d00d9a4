"""The command line: what it prints, where, and with which exit code."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from contract_check import check_recommendation, check_report

from advisor import cli, hardware

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
VARIABLES = ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
ESTIMATES = {"latency_ms", "throughput_per_s", "memory_mb", "size_mb"}
PLAN = "models: {}\nexamples: {train: 40, select: 20, report: 20}\n"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Exactly one document, without numbers that JSON does not know."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        content = json.loads(self.out, parse_constant=refuse)
        assert content["schema"] == 1
        return content  # type: ignore[no-any-return]


Advisor = Callable[..., Said]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No hub, no models of the machine, a run register of this test's own; the folder of the test is here."""
    for name in (*VARIABLES, "ADVISOR_MODELS", "ADVISOR_DEBUG", "ADVISOR_KNOWLEDGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))


@pytest.fixture
def advisor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Advisor]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        assert "Traceback" not in said.err
        if code:
            assert said.err.strip(), "a code without a message"
        if code == 2:
            assert said.out == ""
        return Said(code, said.out, said.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def local_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sound local models, and one folder that holds nothing but a pickle."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "weights"))
    from model_folders import bert_files, timm_files, write

    models = tmp_path / "models"
    write(models / "my-net", timm_files(model_id="mine/net"))
    write(models / "my-bert", bert_files())
    write(models / "pickled", {"pytorch_model.bin": b"no"})
    monkeypatch.setenv("ADVISOR_MODELS", str(models))
    return models


def brief(content: str = "task: text-classification", name: str = "brief.yaml") -> Path:
    path = Path(name)
    path.write_text(content, encoding="utf-8")
    return path


def tickets(each: int = 40) -> Path:
    path = Path("tickets.csv")
    rows = [f"good and helpful thing number {i},pos\nbad broken stuff item {i},neg\n" for i in range(each)]
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path


def one_complaint(said: Said, *words: str) -> None:
    assert said.code == 2
    assert said.err.startswith("advisor: ")
    for word in words:
        assert word in said.err


# What each command prints


def test_tasks(advisor: Advisor) -> None:
    rows = advisor("tasks", "--json").json()["tasks"]
    assert len(rows) >= 16
    assert all(set(row) == {"id", "name", "models", "probeable"} for row in rows)
    assert {"image-classification", "text-classification"} <= {row["id"] for row in rows if row["probeable"]}
    assert all(isinstance(row["name"], str) and row["models"] >= 0 for row in rows)
    assert "text-classification" in advisor("tasks").out


def test_models(advisor: Advisor) -> None:
    rows = advisor("models", "--json").json()["models"]
    keys = {"id", "name", "family", "tasks", "kind", "parameters", "size_mb", "licence", "licence_class"}
    assert len(rows) >= 100
    assert all(set(row) == keys | {"where", "loadable"} for row in rows)
    assert {row["kind"] for row in rows} == {"weights", "api", "classical", "baseline"}
    texts = advisor("models", "--task", "text-classification", "--json").json()["models"]
    assert texts == [row for row in rows if "text-classification" in row["tasks"]]
    assert MINILM in advisor("models", "--task", "text-classification").out


def test_show_gives_every_fact_with_its_source(advisor: Advisor) -> None:
    content = advisor("models", "show", MINILM, "--json").json()
    assert set(content) == {"schema", "model"}
    facts = [value for value in content["model"].values() if isinstance(value, dict) and "unit" in value]
    rows = facts + content["model"]["results"]
    assert len(facts) >= 2
    assert content["model"]["results"]
    for fact in rows:
        assert {"value", "unit", "source", "date", "protocol"} <= set(fact)
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", fact["date"])
        assert fact["source"]
        assert fact["unit"]
    assert f"id: {MINILM}" in advisor("models", "show", MINILM).out


def test_devices(advisor: Advisor) -> None:
    rows = advisor("devices", "--json").json()["devices"]
    named = "nvidia-t4 nvidia-l4 nvidia-a10 nvidia-a100-80gb nvidia-h100 rtx-4090 apple-m2 raspberry-pi-5"
    assert {*named.split(), "this-machine"} <= {row["id"] for row in rows}
    assert rows[0]["id"] == "this-machine"
    for row in rows:
        assert {"id", "name", "kind", "cores", "memory_mb", "bandwidth_gb_s", "tflops"} <= set(row)
        assert row["kind"] in ("cpu", "gpu", "phone", "board", "npu")
    assert "raspberry-pi-5" in advisor("devices").out


def test_doctor(advisor: Advisor) -> None:
    content = advisor("doctor", "--json").json()
    assert set(content) == {"schema", "machine", "versions", "models"}
    assert all(set(row) == {"id", "loadable", "from", "because"} for row in content["models"])
    assert content["machine"]["id"] == "this-machine"
    assert "torch" in content["versions"]
    assert all(row["because"] for row in content["models"])
    assert "models: " in advisor("doctor").out


def test_estimate(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    content = advisor("estimate", MINILM, "--device", "nvidia-t4", "--batch", 4, "--json").json()
    assert set(content) == {"schema", "model", "device", "batch", "estimates"}
    assert (content["model"], content["device"], content["batch"]) == (MINILM, "nvidia-t4", 4)
    assert set(content["estimates"]) == ESTIMATES
    latency, per_second = content["estimates"]["latency_ms"], content["estimates"]["throughput_per_s"]
    assert per_second["value"] == pytest.approx(4000 / latency["value"])
    monkeypatch.setattr(hardware, "calibrate", partial(hardware.calibrate, seconds=0.5))
    assert "latency_ms" in advisor("estimate", MINILM).out


def test_a_device_of_ones_own(advisor: Advisor) -> None:
    bare = brief("{id: shed, kind: cpu}", "shed.yaml")
    unknown = advisor("estimate", MINILM, "--device", bare, "--json").json()
    assert unknown["device"] == "shed"
    latency = unknown["estimates"]["latency_ms"]
    assert latency["basis"] == "unknown"
    assert [latency[key] for key in ("value", "low", "high")] == [None] * 3
    full = brief("{id: shed, kind: cpu, cores: 4, bandwidth_gb_s: 20, tflops: {fp32: 0.2}}", "shed.yaml")
    assert advisor("estimate", MINILM, "--device", full, "--json").json()["estimates"]["latency_ms"]["value"]
    asked = brief("{task: text-classification, constraints: {device: shed.yaml, memory_mb: 1e9}}")
    assert advisor("recommend", "-b", asked, "--json").json()["shortlist"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{id: a, kind: cpu, memry_mb: 5}", ("memry_mb", "Did you mean 'memory_mb'?")),
        ("{id: a, kind: cp}", ("kind is 'cp'", "Did you mean 'cpu'?")),
        ("{id: a, kind: cpu, tflops: {fp8: 1}}", ("tflops.fp8", "fp32, fp16, int8")),
        ("{id: a, kind: cpu, tflops: {fp32: 0}}", ("tflops.fp32 is 0",)),
        ("{id: a, kind: cpu, tflops: {fp32: .inf}}", ("tflops.fp32 is inf",)),
        ("{id: a, kind: cpu, memory_mb: .nan}", ("memory_mb is nan",)),
        ("{di: a, kind: cpu}", ("unknown key 'di'", "Did you mean 'id'?")),
        ("{kind: cpu}", ("'id' is missing",)),
        ("{id: a, kind: cpu, 1: 2}", ("unknown key '1'",)),
        ("[]", ("not a mapping",)),
        ("a: [", ("cannot be read",)),
    ],
)
def test_a_device_file_at_fault(advisor: Advisor, content: str, words: tuple[str, ...]) -> None:
    said = advisor("estimate", MINILM, "--device", brief(content, "d.yaml"), "--json")
    one_complaint(said, "d.yaml", *words)


def test_samples(advisor: Advisor) -> None:
    said = advisor("sample", "text", "-o", "samples")
    assert said.out == "samples/tickets.csv\n"
    one_complaint(advisor("sample", "txt", "-o", "samples"), "'txt'", "images, text", "Did you mean 'text'?")
    one_complaint(advisor("sample", "text", "-o", tickets()), "tickets.csv")


def test_local_models_appear_everywhere(advisor: Advisor, local_models: Path) -> None:
    rows = {row["id"]: row for row in advisor("models", "--json").json()["models"]}
    assert rows["mine/net"]["tasks"] == ["image-classification"]
    assert rows["mine/net"]["loadable"]
    assert rows["mine/net"]["parameters"] > 0
    assert rows["my-bert"]["licence_class"] == "unknown"
    told = {row["id"]: row for row in advisor("doctor", "--json").json()["models"]}
    assert told["mine/net"]["loadable"]
    assert told["mine/net"]["from"] == "local"
    assert told["my-bert"]["loadable"]
    assert told["pickled"]["loadable"] is False
    assert "pickled" in told["pickled"]["because"]
    for task, id in (("image-classification", "mine/net"), ("text-classification", "my-bert")):
        asked = brief(f"{{task: {task}, constraints: {{offline: true}}}}")
        advice = advisor("recommend", "-b", asked, "--limit", 999, "--json").json()
        assert id in {one["model"] for one in advice["shortlist"]}
    shown = advisor("models", "show", "mine/net", "--json").json()["model"]
    assert shown["size_mb"]["source"] == "local-file"


# Recommend


def lists(advice: dict[str, Any]) -> list[str]:
    named = [one["model"] for part in ("shortlist", "near_misses", "dropped") for one in advice[part]]
    return named + advice["beyond_limit"]


@pytest.mark.parametrize(
    "priorities",
    [
        "",
        "priorities: {accuracy: 0, latency: 0, memory: 0, training_cost: 0, cost: 0, maturity: 0, explainability: 0}",
        "priorities: {accuracy: 0.1, latency: 3, memory: 5}",
    ],
)
def test_recommend_keeps_the_contract(advisor: Advisor, priorities: str) -> None:
    asked = brief(
        "task: image-classification\nconstraints: {device: raspberry-pi-5, latency_ms: 300, size_mb: 60}\n"
        + priorities
    )
    said = advisor("recommend", "-b", asked, "--json", "--limit", 7)
    advice = said.json()
    check_recommendation(advice)
    documented = {"schema", "brief", "considered", "beyond_limit", "shortlist", "near_misses", "dropped"}
    assert set(advice) == documented | {"notes"}
    assert set(advice["brief"]) == {"task", "data", "metric", "constraints", "priorities"}
    assert len(advice["shortlist"]) == 7
    names = lists(advice)
    assert advice["beyond_limit"]
    assert advice["near_misses"]
    assert advice["dropped"]
    assert len(names) == len(set(names)) == advice["considered"]
    cards = advisor("models", "--task", "image-classification", "--json").json()["models"]
    assert set(names) == {card["id"] for card in cards}
    for one in advice["shortlist"]:
        parts = one["parts"]
        assert math.fsum(part["weight"] for part in parts) == pytest.approx(1, abs=1e-9)
        assert all(part["contribution"] == part["weight"] * part["value"] for part in parts)
        assert one["score"] == pytest.approx(math.fsum(part["contribution"] for part in parts), abs=1e-9)
        assert one["estimates"]["size_mb"]["value"] <= 60
    for miss in advice["near_misses"]:
        assert set(miss) == {"model", "failed", "admitted_if"}
        assert all(set(failed) == {"constraint", "limit", "value"} for failed in miss["failed"])


def test_models_narrow_what_is_considered(advisor: Advisor) -> None:
    advice = advisor(
        "recommend", "-b", brief(), "--models", f"{MINILM}, google-bert/bert-base-uncased", "--json"
    ).json()
    assert advice["considered"] == 2
    assert sorted(lists(advice)) == ["google-bert/bert-base-uncased", MINILM]
    one_complaint(advisor("recommend", "-b", brief(), "--models", " , "), "--models", "names no model")
    one_complaint(advisor("recommend", "-b", brief(), "--models", f"{MINILM}x"), f"Did you mean '{MINILM}'?")


def test_nothing_qualifies_and_the_advice_is_printed(advisor: Advisor) -> None:
    asked = brief("{task: text-classification, constraints: {latency_ms: 0.000001}}")
    said = advisor("recommend", "-b", asked, "--json")
    assert said.code == 3
    assert said.json()["shortlist"] == []
    assert re.search(
        r"The closest is .+, which misses a single requirement: latency: [\d.]+ ms, asked is at most",
        said.err,
    )
    plain = advisor("recommend", "-b", asked)
    assert plain.code == 3
    assert "near miss: " in plain.out


def test_the_data_fill_the_brief(advisor: Advisor) -> None:
    asked = brief("{task: text-classification, data: {classes: 9}}")
    data = tickets()
    data.write_text(data.read_text(encoding="utf-8") + "one more fine thing,pos\n", encoding="utf-8")
    said = advisor("recommend", "-b", asked, "-d", data, "--json")
    advice = said.json()
    assert advice["brief"]["data"]["examples"] == 81
    assert advice["brief"]["data"]["imbalance"] == 41 / 40, "numbers are written unrounded"
    assert advice["brief"]["data"]["languages"] == ["en"]
    assert advice["brief"]["data"]["classes"] == 9
    assert "data.classes = 9" in said.err
    assert "data.examples" in said.err


def test_columns_are_named_where_they_are_not_plain(advisor: Advisor) -> None:
    path = Path("wide.csv")
    rows = [f"words of the first {i},words of another {i},x{i % 2},y{i % 2}\n" for i in range(20)]
    path.write_text("a,b,c,d\n" + "".join(rows), encoding="utf-8")
    said = advisor("recommend", "-b", brief(), "-d", path, "--text", "b", "--label", "d", "--json")
    assert said.json()["brief"]["data"]["classes"] == 2
    one_complaint(advisor("recommend", "-b", brief(), "-d", path, "--label", "e"), "'e'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("task: text-clasification", ("'text-clasification'", "Did you mean 'text-classification'?")),
        ("taks: text-classification", ("unknown key 'taks'", "Did you mean 'task'?")),
        ("{task: x, data: {exmples: 3}}", ("data.exmples", "Did you mean 'examples'?")),
        ("{task: x, constraints: {latncy_ms: 3}}", ("constraints.latncy_ms", "Did you mean 'latency_ms'?")),
        ("{task: x, priorities: {acuracy: 3}}", ("priorities.acuracy", "Did you mean 'accuracy'?")),
        ("{task: x, constraints: {licence: comercial}}", ("'comercial'", "Did you mean 'commercial'?")),
        ("{task: x, data: {domain: medicine}}", ("'medicine'", "Did you mean 'medical'?")),
        ("{task: x, metric: acuracy}", ("'acuracy'", "balanced_accuracy", "Did you mean 'accuracy'?")),
        ("{task: x, priorities: {accuracy: 6}}", ("priorities.accuracy is 6", "5")),
        ("{task: x, constraints: {latency_ms: -1}}", ("constraints.latency_ms is -1", "0")),
        ("{task: x, constraints: {latency_ms: .nan}}", ("constraints.latency_ms is nan",)),
        ("{task: x, data: {imbalance: .inf}}", ("data.imbalance is inf",)),
        ("{task: x, data: {examples: 1" + "0" * 400 + "}}", ("data.examples",)),
        ("{task: x, data: {languages: en}}", ("data.languages is 'en'", "languages: [en, zh]")),
        ("{task: x, data: {languages: [english!]}}", ("'english!'", "BCP-47")),
        ("{task: x, data: 3}", ("data is 3, not a mapping",)),
        ("{task: x, data: {1: 2}}", ("unknown key 'data.1'",)),
        ("data: {}", ("'task' is missing",)),
        ("[1]", ("not a mapping",)),
        ("", ("not a mapping",)),
        ("a: [", ("not valid YAML",)),
        (
            "{task: text-classification, constraints: {device: nvidia-t5}}",
            ("'nvidia-t5'", "this-machine", "Did you mean 'nvidia-t4'?"),
        ),
        ("{task: text-classification, constraints: {train_device: rtx4090}}", ("Did you mean 'rtx-4090'?",)),
    ],
)
def test_a_brief_at_fault(advisor: Advisor, content: str, words: tuple[str, ...]) -> None:
    one_complaint(advisor("recommend", "-b", brief(content), "--json"), *words)


def test_a_brief_in_json(advisor: Advisor) -> None:
    path = brief('{"task": "object-detection"}', "brief.json")
    assert advisor("recommend", "-b", path, "--json").json()["brief"]["task"] == "object-detection"
    one_complaint(advisor("recommend", "-b", brief("task: x", "brief.json")), "not valid")
    one_complaint(advisor("recommend", "-b", "."), "cannot be read")
    one_complaint(advisor("recommend", "-b", "nix.yaml"), "nix.yaml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("recomend",), ("'recomend'", "Did you mean 'recommend'?")),
        (("knowledge", "chek"), ("Did you mean 'check'?",)),
        (("models", "shw", "x"), ("Did you mean 'show'?",)),
        (
            ("tasks", "--jsn"),
            ("'--jsn'", "Allowed: --json", "Did you mean '--json'?", "advisor tasks --help"),
        ),
        (("recommend", "--limt=3"), ("'--limt'", "Did you mean '--limit'?")),
        (("recommend",), ("--brief", "advisor recommend --help")),
        (("recommend", "-b", "b", "--limit", "x"), ("--limit", "'x'")),
        (("recommend", "-b", "brief.yaml", "--limit=-1"), ("-1", "0 or more")),
        (("estimate", MINILM, "--batch=0"), ("--batch", "'0'", "1")),
        (("estimate", "all-MiniLM-L6-v2"), (f"Did you mean '{MINILM}'?",)),
        (("estimate", MINILM, "--device", "nvidia-t44"), ("'nvidia-t44'", "Did you mean 'nvidia-t4'?")),
        (("models", "show", "bert-base-uncased"), ("Did you mean 'google-bert/bert-base-uncased'?",)),
        (("models", "show"), ("id",)),
        (("models", "--task", "ocrr"), ("'ocrr'", "Did you mean 'ocr'?")),
        (("models", "--json", "show", MINILM), ("'show'", "behind it")),
        (("report", "nix", "--format", "html", "-o", "x"), ("nix", "report.json")),
        (("resume", "nix"), ("nix", "advisor runs")),
        (("recommend", "-b", "brief.yaml", "-d", "nix.csv", "--json"), ("nix.csv", ".csv")),
    ],
)
def test_a_command_line_at_fault(advisor: Advisor, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    brief()
    one_complaint(advisor(*words), *said)


def test_help_is_no_mistake(advisor: Advisor) -> None:
    assert advisor("--help").code == 0
    assert "Usage: advisor" in advisor().err


# The knowledge folder


def small_knowledge(folder: Path, family: str = "tiny") -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "results").mkdir()
    (folder / "sources.yaml").write_text("- {id: s, title: here, date: 2026-01-01}\n", encoding="utf-8")
    (folder / "devices.yaml").write_text("- {id: shed, name: Shed, kind: cpu}\n", encoding="utf-8")
    (folder / "tasks.yaml").write_text(
        "- id: text-classification\n  name: {en: Texts, zh: 文本}\n  says: {en: '?', zh: '?'}\n"
        "  modality: text\n  metrics: [accuracy]\n  probeable: true\n"
        "  benchmarks: [{id: b, metric: accuracy, name: B, low: 0, high: 1}]\n",
        encoding="utf-8",
    )
    (folder / "models" / "tiny.yaml").write_text(
        f"family: {family}\nmodels:\n- id: tiny/one\n  name: One\n  tasks: [text-classification]\n"
        "  licence: {id: mit, class: permissive}\n  where: [{kind: huggingface, ref: tiny/one}]\n"
        "  parameters: {value: 1000000, unit: parameters, source: s}\n",
        encoding="utf-8",
    )
    return folder


def test_every_command_takes_another_knowledge_folder(advisor: Advisor, own_register: None) -> None:
    other = small_knowledge(Path("other"))
    assert [row["id"] for row in advisor("tasks", "--json", "--knowledge", other).json()["tasks"]] == [
        "text-classification"
    ]
    assert [row["id"] for row in advisor("models", "--json", "--knowledge", other).json()["models"]] == [
        "tiny/one"
    ]
    assert advisor("models", "show", "tiny/one", "--knowledge", other).code == 0
    devices = advisor("devices", "--json", "--knowledge", other).json()["devices"]
    assert [row["id"] for row in devices] == ["this-machine", "shed"]
    assert advisor("recommend", "-b", brief(), "--json", "--knowledge", other).json()["considered"] == 1
    assert advisor("estimate", "tiny/one", "--device", "shed", "--knowledge", other).code == 0
    told = advisor("doctor", "--json", "--knowledge", other).json()["models"]
    assert [row["id"] for row in told] == ["tiny/one"]
    assert advisor("knowledge", "check", "--knowledge", other).out.startswith("1 models, 1 tasks, 1 devices")
    for words in (("runs",), ("sample", "text", "-o", "s")):
        assert advisor(*words, "--knowledge", other).code == 0


def test_a_knowledge_folder_that_is_not_there(advisor: Advisor) -> None:
    asked, data = brief(), tickets()
    for words in (
        ("tasks",), ("models",), ("models", "show", "x"), ("devices",), ("doctor",), ("runs",), ("app",),
        ("knowledge", "check"), ("recommend", "-b", asked), ("estimate", "x"), ("sample", "text", "-o", "s"),
        ("report", "r", "--format", "md", "-o", "x"), ("run", "-b", asked, "-d", data, "-o", "r"),
        ("probe", "-b", asked, "-d", data, "-o", "r"),
    ):  # fmt: skip
        one_complaint(advisor(*words, "--knowledge", "nix"), "nix", "tasks.yaml")
    assert not Path("r").exists()


def test_check_names_file_and_line(advisor: Advisor) -> None:
    assert advisor("knowledge", "check").out.splitlines()[0].endswith("no fault.")
    other = small_knowledge(Path("other"))
    path = other / "models" / "tiny.yaml"
    path.write_text(
        path.read_text().replace("class: permissive", "class: free").replace("source: s", "source: z")
    )
    (other / "devices.yaml").write_text("- {id: shed, name: Shed, kind: cpu, core: 3}\n", encoding="utf-8")
    said = advisor("knowledge", "check", "--knowledge", other)
    one_complaint(said, "models/tiny.yaml:6: licence.class", "devices.yaml:1: core")


# Runs


@pytest.mark.parametrize("verb", ["run", "probe"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "0"), ("0", "more than 0")),
        (("--budget", "nan"), ("nan", "more than 0")),
        (("--budget", "inf"), ("inf",)),
        (("--budget", "x"), ("--budget", "'x'")),
        (("--seed", "x"), ("--seed", "'x'")),
        (("--seed", "-1"), ("-1", "0 to")),
        (("--engine", "lokal"), ("'lokal'", "Did you mean 'local'?")),
        (("--models", "tiny"), ("'tiny'", "Did you mean")),
        (("--text", "txt"), ("'txt'", "Did you mean 'text'?")),
        (("--label", "lable"), ("'lable'", "Did you mean 'label'?")),
        (("--plan", "nix.yaml"), ("nix.yaml", "models:")),
        (("-d", "nix.csv"), ("nix.csv", ".csv")),
        (("-d", "bad.csv"), ("bad.csv",)),
        (("-o", "tickets.csv"), ("tickets.csv", "absent or empty")),
        (("-o", "tickets.csv/run"), ("tickets.csv", "write")),
        (("-o", "."), ("not empty", "absent or empty", "advisor resume")),
    ],
)
def test_wrong_input_makes_no_run(
    advisor: Advisor, verb: str, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    Path("bad.csv").write_bytes(b"\x00\x01\x02")
    asked, data = brief(), tickets()
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    one_complaint(advisor(verb, "-b", asked, "-d", data, "-o", "run", *words), *said)
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            f"models: {{{MINILM}: [linear-prob]}}",
            ("'linear-prob'", "last-block", "Did you mean 'linear-probe'?"),
        ),
        (f"models: {{{MINILM}x: [longer]}}", (f"Did you mean '{MINILM}'?",)),
        ("modls: {}", ("'modls'", "Did you mean 'models'?")),
        ("{models: {}, examples: {trian: 3}}", ("'examples.trian'", "Did you mean 'train'?")),
        ("{models: {}, examples: {train: 0, select: 9, report: 9}}", ("examples.train is 0", "1 or more")),
        (f"models: {{{MINILM}: longer}}", ("is 'longer'", "models:")),
        ("[]", ("[]", "models:")),
    ],
)
def test_a_plan_at_fault(advisor: Advisor, plan: str, said: tuple[str, ...]) -> None:
    words = ("-b", brief(), "-d", tickets(), "-o", "run", "--plan", brief(plan, "plan.yaml"))
    one_complaint(advisor("run", *words), *said)
    assert not Path("run").exists()


def test_a_task_that_cannot_be_probed(advisor: Advisor, own_register: None) -> None:
    asked = brief("task: object-detection")
    one_complaint(advisor("run", "-b", asked, "-d", "nix", "-o", "run"), "'nix'")
    said = advisor("run", "-b", asked, "-d", tickets(), "-o", "run")
    assert said.code == 3
    assert "text-classification" in said.err
    check_recommendation(json.loads(Path("run/recommendation.json").read_text(encoding="utf-8")))
    report = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    assert report["decision"]["winner"] is None
    assert report["probe"]["results"] == []
    for format in ("html", "md", "json"):
        assert advisor("report", "run", "--format", format, "-o", f"advice.{format}").code == 0
    one_complaint(advisor("resume", "run"), "advice only")


def test_stopping_while_the_data_are_read_keeps_the_advice(
    advisor: Advisor, own_register: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("advisor.dataset.read", stop)
    said = advisor("run", "-b", brief(), "-d", tickets(), "-o", "run")
    assert said.code == 130
    report = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    assert report["recommendation"]["shortlist"]
    assert report["decision"]["winner"] is None
    assert advisor("runs", "--json").json()["runs"][0]["state"] == "cancelled"


def test_stopping_a_recommendation(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.terminal, "load_knowledge", stop)
    said = advisor("tasks", "--json")
    assert (said.code, said.out) == (130, "")


def test_the_unforeseen_is_one_line_or_a_traceback_on_request(
    advisor: Advisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(cli.terminal, "load_knowledge", fail)
    said = advisor("tasks", "--json")
    assert (said.code, said.out) == (1, "")
    assert "ZeroDivisionError: oh" in said.err
    monkeypatch.setenv("ADVISOR_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_the_app_is_started_with_its_port_and_knowledge(
    advisor: Advisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def replace_process(program: str, words: list[str]) -> None:
        started.append([program, *words])
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", replace_process)
    monkeypatch.setenv("ADVISOR_KNOWLEDGE", "")
    other = small_knowledge(Path("other")).resolve()
    assert advisor("app", "--port", 8599, "--knowledge", other).code == 0
    assert started[0][-3:] == ["streamlit_app.py", "--server.port", "8599"]
    assert os.environ["ADVISOR_KNOWLEDGE"] == str(other)
    assert Path("streamlit_app.py").exists()


# In processes of their own


def process(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "advisor.cli", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_run_from_its_start_to_its_last_view(advisor: Advisor, own_register: None) -> None:
    plan = brief(PLAN, "plan.yaml")
    ran = process("run", "-b", brief(), "-d", tickets(), "-o", "run", "--plan", plan, "--offline")
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout.splitlines()[-1] == "report: run/report.html"
    report = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    check_report(report)
    assert {row["kind"] for row in report["probe"]["results"]} == {"baseline"}
    assert all(row["status"] == "ok" for row in report["probe"]["results"])
    assert report["decision"]["winner"].startswith("baseline/")
    assert report["dataset"]["splits"].keys() == {"train", "select", "report"}
    assert set(report["brief_filled"]) >= {"data.examples", "data.classes"}
    assert "data" not in report["brief_filled"]
    assert Path("run/report.md").exists()

    listed = advisor("runs", "--json").json()["runs"]
    assert [set(row) for row in listed] == [{"path", "state", "started", "winner"}]
    assert listed[0]["path"] == str(Path("run").resolve())
    assert listed[0]["state"] == "done"
    assert listed[0]["winner"] == report["decision"]["winner"]
    assert "run" in advisor("runs").out

    Path("again.json").write_text("old", encoding="utf-8")
    assert advisor("report", "run", "--format", "json", "-o", "again.json").out == "again.json\n"
    assert json.loads(Path("again.json").read_text(encoding="utf-8")) == report
    assert advisor("report", "run", "--format", "html", "-o", "again.html").code == 0
    assert Path("again.html").read_text(encoding="utf-8") == Path("run/report.html").read_text(
        encoding="utf-8"
    )
    assert advisor("report", "run/report.json", "--format", "md", "-o", "again.md").code == 0
    one_complaint(advisor("report", "run", "--format", "htm", "-o", "x"), "'htm'", "Did you mean 'html'?")
    one_complaint(advisor("report", "run", "--format", "md", "--lang", "xx", "-o", "x"), "'xx'", "en")
    one_complaint(advisor("report", "run", "--format", "md", "-o", "nix/x"), "nix/x")
    one_complaint(advisor("run", "-b", brief(), "-d", "tickets.csv", "-o", "run"), "advisor resume")

    events = Path("run/events.jsonl").read_bytes()
    resumed = advisor("resume", "run")
    assert resumed.code == 0
    assert "nothing is left to do" in resumed.err
    assert Path("run/events.jsonl").read_bytes() == events, "no worker was started"
    again = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    assert again["decision"] == report["decision"]
    one_complaint(advisor("resume", "run", "--knowledge", "nix"), "nix")
    Path("tickets.csv").rename("moved.csv")
    assert advisor("resume", "run").code == 0, "a run that is over needs no data"
    Path("run/state.json").write_text('{"state": "cancelled"}', encoding="utf-8")
    one_complaint(advisor("resume", "run"), "tickets.csv", "gone")


def test_ctrl_c_keeps_what_was_reached(own_register: None) -> None:
    command = [sys.executable, "-m", "advisor.cli", "run", "-b", brief(), "-d", tickets(400), "-o", "run"]
    started = subprocess.Popen(
        [*map(str, command), "--models", "baseline/tfidf-logreg", "--budget", "120"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    state = Path("run/state.json")
    deadline = time.monotonic() + 60
    while not (state.exists() and '"running"' in state.read_text(encoding="utf-8")):
        assert started.poll() is None, started.stderr and started.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGINT)
    _, err = started.communicate(timeout=30)
    assert started.returncode == 130, err
    assert "Traceback" not in err
    assert "cancelled" in err
    report = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    check_report(report)
    assert {row["status"] for row in report["probe"]["results"]} <= {"ok", "stopped"}
    assert json.loads(state.read_text(encoding="utf-8"))["state"] == "cancelled"


def test_real_processes_end_with_the_codes(tmp_path: Path) -> None:
    wrong = process("recommend", "-b", "nix.yaml", "--json")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("advisor: ")
    asked = brief("{task: text-classification, constraints: {size_mb: 0.001, licence: permissive}}")
    none = process("recommend", "-b", asked, "--json", "--models", MINILM)
    assert none.returncode == 3
    assert json.loads(none.stdout)["shortlist"] == []


def test_a_reader_that_leaves_early_is_no_failure() -> None:
    command = f"{sys.executable} -m advisor.cli models --json | head -c 10"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""


# The page that describes it


def commands(group: Any, path: str = "advisor") -> Iterator[tuple[str, list[str]]]:
    for name, command in group.commands.items():
        here = f"{path} {name}"
        options = [opt for one in command.params for opt in one.opts if opt.startswith("--")]
        if getattr(command, "commands", None):
            if options:
                yield here, options
            yield from commands(command, here)
        else:
            yield here, options


COMMANDS = dict(commands(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_option_is_described(command: str) -> None:
    opening, *sections = DOCS.split("\n## ")
    described = [text for text in sections if re.search(rf"`{re.escape(command)}[ `]", text)]
    assert described, f"docs/cli.md does not describe {command}"
    for option in COMMANDS[command]:
        assert f"`{option}" in described[0] + opening or f" {option} " in opening, f"{command} {option}"


def test_nothing_is_described_that_does_not_exist() -> None:
    real = {option for options in COMMANDS.values() for option in options} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z]+", DOCS)) <= real
    assert {f"advisor {name}" for name in re.findall(r"`advisor ((?:models |knowledge )?[a-z]+)", DOCS)} <= {
        *COMMANDS, "advisor models",
    }  # fmt: skip


def test_every_command_takes_the_knowledge_option() -> None:
    assert all("--knowledge" in options for options in COMMANDS.values())
