"""The checks after the climb: done once, kept, judged at the end, and skipped with a reason."""

import csv
import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract_check import check_report
from tiny_models import ticket_table

from advisor.brief import Brief
from advisor.checks import CHECKS, Checks
from advisor.errors import Cancelled
from advisor.jobs.checks import CheckRecord, noise_finding, read_check, save_check
from advisor.jobs.finish import finish
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.measurement import Metric
from advisor.probe import compress
from advisor.probe.after import labels as labelling
from advisor.probe.after import subject as subjects
from advisor.probe.corrupt import DAMAGE
from advisor.probe.plan import BASELINES
from advisor.probe.worker import Worker
from advisor.report.checks import checks_section
from advisor.report.document import Bullets, Table, Text
from advisor.report.render import render

SIZES = {"train": 36, "select": 18, "report": 18}
FORMS = ["int8", "half", "pruned-30", "pruned-60"]


@pytest.fixture(scope="module", autouse=True)
def quick(workshop: Path) -> Iterator[None]:
    """One thread, and the majority as the only baseline."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "set_num_threads", lambda number: None)
        for task in BASELINES:
            patch.setitem(BASELINES, task, ("baseline/majority",))
        yield
    gc.unfreeze()
    torch.set_num_threads(before)


def lay(
    out: Path, data: Path, checks: tuple[str, ...], rungs: tuple[str, ...], task: str, **more: Any
) -> RunFolder:
    model = "tiny/bert" if task == "text-classification" else "tiny/a"
    plan = (
        Plan.model_validate({"examples": SIZES, "models": {model: rungs}, "checks": checks})
        if rungs
        else None
    )
    return prepare(ProbeRequest(Brief(task=task), data, out, plan=plan, offline=True, **more))


def work(folder: RunFolder, started: float = 0.0) -> Worker:
    worker = Worker(folder, time.monotonic() - started, folder.stop_asked)
    worker.run()
    return worker


def noisy_tickets(source: Path, target: Path) -> Path:
    """A tenth of the labels changed."""
    with source.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    other = {"refund": "delivery", "delivery": "account", "account": "refund"}
    for row in rows[4::10]:
        row["label"] = other[row["label"]]
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ("text", "label"))
        writer.writeheader()
        writer.writerows(rows)
    return target


@pytest.fixture(scope="module")
def texts(workshop: Path, tmp_path_factory: pytest.TempPathFactory, quick: None) -> RunFolder:
    place = tmp_path_factory.mktemp("checks")
    data = noisy_tickets(workshop / "tickets.csv", place / "noisy.csv")
    folder = lay(place / "run", data, CHECKS, ("linear-probe", "last-block"), "text-classification")
    work(folder)
    finish(folder)
    return folder


def row_metric(row: dict[str, Any]) -> Metric:
    return Metric.model_validate(row["metrics"]["accuracy"])


def written(folder: RunFolder) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(folder.report_path.read_text(encoding="utf-8"))
    check_report(content)
    return content


def test_every_check_is_done_and_reported(texts: RunFolder) -> None:
    report = written(texts)
    checks = Checks.model_validate(report["checks"])
    assert [(row.name, row.status) for row in checks.rows] == [(name, "done") for name in CHECKS], checks.rows
    assert checks.label_noise and checks.compression and checks.control
    assert checks.label_noise.checked == 72
    assert all(one.given != one.likely for one in checks.label_noise.suspects)
    assert [form.form for form in checks.compression.forms] == [*FORMS, "distilled"]
    assert checks.compression.forms[-1].because == "no smaller model of this probe can be tuned"
    row = next(row for row in report["probe"]["results"] if row["model"] == "tiny/bert")
    for form in checks.compression.forms[:-1]:
        assert form.metric and form.before and form.latency_ms and form.size_mb and form.size_before_mb
        assert form.before.value == pytest.approx(row["metrics"]["accuracy"]["value"])
        assert form.metric.n == 18
    sizes = {form.form: form.size_mb / form.size_before_mb for form in checks.compression.forms[:-1]}  # type: ignore[operator]
    assert sizes["int8"] < 0.9 and sizes["half"] < 0.7 and sizes["pruned-30"] == pytest.approx(1, abs=0.01)
    assert checks.robustness
    assert [kind.kind for kind in checks.robustness.kinds] == list(DAMAGE["text-classification"])
    assert all(kind.metric and kind.before == row_metric(row) for kind in checks.robustness.kinds)
    control = checks.control
    assert control.pretrained.value == pytest.approx(row["metrics"]["accuracy"]["value"])
    assert control.gain == pytest.approx(control.pretrained.value - control.metric.value)
    assert control.low <= control.gain <= control.high
    assert control.seconds <= control.pretrained_seconds + 1e-9
    assert ("tiny/bert" in control.negative_transfer) == (control.gain < 0)


def test_the_report_says_where_the_model_looked(texts: RunFolder) -> None:
    report = written(texts)
    looked = Checks.model_validate(report["checks"]).saliency
    row = next(row for row in report["probe"]["results"] if row["model"] == "tiny/bert")
    assert looked and looked.model == "tiny/bert" and looked.layer == "embeddings"
    accuracy = row["metrics"]["accuracy"]["value"]
    wrong = [one for one in looked.examples if one.truth != one.predicted]
    assert len(wrong) == min(4, round(18 * (1 - accuracy)))
    assert len(looked.examples) - len(wrong) == min(4, round(18 * accuracy))
    assert [one.id for one in wrong] == [error["id"] for error in row["errors"]][: len(wrong)]
    for one in looked.examples:
        assert one.words and one.score is not None and one.blank_score is not None
        whole = sum(word.weight for word in one.words)
        assert whole == pytest.approx(one.score - one.blank_score, abs=0.05 + 0.05 * abs(whole))
    assert "Where the model looked" in render(finish(texts), "md")


def test_suspicious_labels_are_a_finding(texts: RunFolder) -> None:
    findings = {one["kind"]: one for one in written(texts)["dataset"]["findings"]}
    noise = Checks.model_validate(written(texts)["checks"]).label_noise
    assert noise is not None
    assert ("label-noise" in findings) == (noise.found > 0)
    assert noise.found > 0
    assert "likely" in findings["label-noise"]["examples"][0]
    assert str(noise.found) in findings["label-noise"]["detail"]
    assert noise_finding(noise.model_copy(update={"found": 0, "suspects": ()})) is None


def test_nothing_is_computed_twice(texts: RunFolder) -> None:
    kept = {path: path.stat().st_mtime_ns for path in (texts.path / "checks").iterdir()}
    work(texts)
    assert {path: path.stat().st_mtime_ns for path in (texts.path / "checks").iterdir()} == kept


def test_a_damaged_check_is_done_anew_and_nothing_else(texts: RunFolder) -> None:
    spoilt = texts.path / "checks" / "label-noise.json"
    before = {path: path.stat().st_mtime_ns for path in (texts.path / "checks").iterdir()}
    spoilt.write_text(spoilt.read_text(encoding="utf-8").replace("tiny/bert", "tiny/other"), encoding="utf-8")
    assert read_check(texts, "label-noise") is None
    work(texts)
    assert read_check(texts, "label-noise") is not None
    after = {path: path.stat().st_mtime_ns for path in (texts.path / "checks").iterdir()}
    assert {path.name for path in after if after[path] != before[path]} == {"label-noise.json"}


def test_predictions_that_do_not_fit_their_record_do_not_count(texts: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    record = CheckRecord(name="control", model="m", rung="r", status="done")
    import numpy as np

    save_check(folder, record, np.full((3, 2), 0.5, dtype=np.float32))
    kept = read_check(folder, "control")
    assert kept is not None and kept.examples == 3
    (tmp_path / "checks" / "control.npz").write_bytes(b"other")
    assert read_check(folder, "control") is None
    assert read_check(folder, "compression") is None


def test_the_report_shows_them(texts: RunFolder) -> None:
    report = finish(texts)
    section = checks_section(report)
    tables = [block.label for block in section.blocks if isinstance(block, Table)]
    assert any("Labels that look wrong" in label for label in tables)
    assert {"What compression costs and saves", "What light damage costs"} <= set(tables)
    said = " ".join(f"{block.lead} {block.text}" for block in section.blocks if isinstance(block, Text))
    assert "Pretraining bought" in said
    for form in ("html", "md"):
        page = render(report, form)
        shown = page if isinstance(page, str) else page.decode()
        assert "What compression costs and saves" in shown


def test_a_plan_that_names_no_checks_has_none(workshop: Path, tmp_path: Path) -> None:
    folder = lay(tmp_path / "run", workshop / "tickets.csv", (), ("linear-probe",), "text-classification")
    work(folder)
    report = finish(folder)
    assert report.checks is not None
    assert {(row.status, row.because) for row in report.checks.rows} == {
        ("skipped", "the plan does not name it")
    }
    bullets = [block for block in checks_section(report).blocks if isinstance(block, Bullets)]
    assert "Compression: skipped, the plan does not name it." in bullets[0].items


def test_images_are_compressed_and_have_a_control(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    names = ("saliency", "compression", "robustness", "control")
    plan = {
        "examples": SIZES,
        "models": {"tiny/a": ("linear-probe",), "tiny/b": ("linear-probe",)},
        "checks": names,
    }
    request = ProbeRequest(
        Brief(task="image-classification"), workshop / "pictures", tmp_path / "run",
        plan=Plan.model_validate(plan), offline=True,
    )  # fmt: skip
    folder = prepare(request)
    work(folder)
    report = finish(folder)
    assert report.checks and report.checks.compression and report.checks.control
    forms = {form.form: form for form in report.checks.compression.forms}
    assert forms["int8"].metric is None and "no linear layers" in forms["int8"].because
    assert forms["half"].metric is not None
    assert forms["pruned-60"].metric is not None
    sizes = {row.model: row.size_mb or 0.0 for row in report.probe.results if row.kind == "weights"}
    looked_at = report.checks.compression.model
    if min(sizes.values()) < 0.9 * sizes[looked_at]:
        taught = forms["distilled"]
        assert taught.metric and taught.before and taught.metric.n == 18 and taught.latency_ms
        assert (taught.size_mb or 0.0) < (taught.size_before_mb or 0.0)
        assert "4 passes over 36 examples" in taught.what
    else:
        assert "no smaller model" in forms["distilled"].because
    assert report.checks.saliency and report.checks.saliency.model == looked_at
    for one in report.checks.saliency.examples:
        assert one.picture and {len(line) for line in one.heat} == {len(one.heat)}
        assert max(value for line in one.heat for value in line) in (0.0, 1.0)
    assert report.checks.control.examples == 36
    assert report.checks.robustness
    assert all(kind.metric is not None for kind in report.checks.robustness.kinds)


def test_without_room_a_check_says_what_it_would_need(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workshop / "tickets.csv"
    folder = lay(tmp_path / "run", data, (), (), "text-classification", models=["tiny/bert"], budget_s=100)
    monkeypatch.setattr(Worker, "allocate", lambda self: self.step("tiny/bert", "linear-probe", place=(1, 1)))
    monkeypatch.setattr(subjects, "LOADING_S", 1e5)
    work(folder)
    report = finish(folder)
    assert report.checks is not None
    rows = {row.name: row for row in report.checks.rows}
    assert rows["label-noise"].status == "done"
    assert {rows[name].status for name in CHECKS[1:]} == {"skipped"}
    assert "would need about 100" in rows["compression"].because
    monkeypatch.setattr(subjects, "LOADING_S", 1.0)
    work(folder)
    assert {row.status for row in finish(folder).checks.rows} == {"done"}  # type: ignore[union-attr]


def test_without_room_a_form_is_not_begun(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workshop / "tickets.csv"
    folder = lay(tmp_path / "run", data, (), (), "text-classification", models=["tiny/bert"], budget_s=100)
    monkeypatch.setattr(Worker, "allocate", lambda self: self.step("tiny/bert", "linear-probe", place=(1, 1)))
    monkeypatch.setattr(compress, "PRUNED_MB_S", 1e-6)
    work(folder)
    found = finish(folder).checks
    assert found is not None and found.compression is not None
    forms = {form.form: form for form in found.compression.forms}
    assert forms["int8"].metric is not None
    assert forms["pruned-30"].metric is None and "pruned-30 would need about" in forms["pruned-30"].because


def test_a_spent_budget_leaves_all_checks_unbegun(workshop: Path, tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "run",
        workshop / "tickets.csv",
        (),
        (),
        "text-classification",
        models=["tiny/bert"],
        budget_s=5,
    )
    work(folder, started=6)
    report = finish(folder)
    assert report.checks is not None
    assert all(row.status == "skipped" and "budget was spent" in row.because for row in report.checks.rows)


@pytest.fixture
def climbed(workshop: Path, tmp_path: Path) -> RunFolder:
    folder = lay(tmp_path / "run", workshop / "tickets.csv", CHECKS, ("linear-probe",), "text-classification")
    worker = Worker(folder, time.monotonic(), lambda: False)
    worker.examine = lambda: None  # type: ignore[method-assign]
    worker.run()
    return folder


def test_a_check_that_fails_or_killed_the_worker_is_a_row(
    climbed: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*args: Any, **more: Any) -> Any:
        raise RuntimeError("odd labels")

    monkeypatch.setattr(labelling, "label_issues", odd)
    climbed.append_event(
        {"kind": "model-ended", "model": "tiny/bert", "rung": "compression", "died": True, "at": 1.0}
    )
    work(climbed)
    rows = {row.name: row for row in finish(climbed).checks.rows}  # type: ignore[union-attr]
    assert (rows["label-noise"].status, rows["label-noise"].because) == ("failed", "RuntimeError: odd labels")
    assert (rows["compression"].status, rows["compression"].because) == (
        "failed",
        "it ended the worker process",
    )
    assert rows["control"].status == "done"


def test_cancelling_keeps_what_is_done_and_resuming_does_the_rest(climbed: RunFolder) -> None:
    class Stopped(Worker):
        def run(self) -> None:
            self.prepare()
            self.examine()

    worker = Stopped(climbed, time.monotonic(), lambda: read_check(climbed, "label-noise") is not None)
    with pytest.raises(Cancelled):
        worker.run()
    assert read_check(climbed, "label-noise") is not None
    assert read_check(climbed, "control") is None
    begun = (climbed.path / "checks" / "label-noise.json").stat().st_mtime_ns
    work(climbed)
    assert (climbed.path / "checks" / "label-noise.json").stat().st_mtime_ns == begun
    assert {row.status for row in finish(climbed).checks.rows} == {"done"}  # type: ignore[union-attr]


def test_without_a_pretrained_model_there_is_nothing_to_look_at(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workshop / "tickets.csv"
    folder = lay(tmp_path / "run", data, (), (), "text-classification", models=["tiny/bert"], budget_s=100)
    monkeypatch.setattr(Worker, "allocate", lambda self: self.baseline("baseline/majority"))
    work(folder)
    report = finish(folder)
    assert report.checks is not None
    assert {row.because for row in report.checks.rows} == {"no pretrained model finished a rung"}


def test_few_examples_try_prototypes_and_say_so(workshop: Path, tmp_path: Path) -> None:
    data = ticket_table(tmp_path / "few.csv", per_class=14)
    folder = lay(tmp_path / "run", data, (), ("linear-probe", "last-block"), "text-classification")
    work(folder)
    finish(folder)
    row = next(row for row in written(folder)["probe"]["results"] if row["model"] == "tiny/bert")
    assert "class prototypes" in row["because"] and "logistic regression" in row["because"]
    first = folder.rungs("tiny/bert")[0]
    assert first.hyperparameters["head"] in ("class prototypes", "logistic regression")
    assert [record.rung for record in folder.rungs("tiny/bert")] == ["linear-probe", "last-block"]
