"""Laying out a run: what is refused before anything is written, what is chosen, and what is kept."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from contract_check import check_recommendation, check_report
from tiny_models import image_folder

from advisor.brief import Brief, read_brief
from advisor.errors import InputError, NothingQualifies
from advisor.jobs import read_run, resume_probe
from advisor.jobs.folder import RunFolder, write_atomically
from advisor.jobs.prepare import prepare, read_plan
from advisor.jobs.request import ProbeRequest

IMAGES = Brief(task="image-classification")
TEXTS = Brief(task="text-classification")


def test_a_run_folder_in_use_is_refused(workshop: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "letter.txt"):
        with pytest.raises(InputError, match="not empty"):
            prepare(ProbeRequest(TEXTS, workshop / "tickets.csv", out, offline=True))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    (tmp_path / "empty").mkdir()
    assert (
        prepare(ProbeRequest(TEXTS, workshop / "tickets.csv", tmp_path / "empty", offline=True))
        .examples()
        .labels
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"budget_s": 0}, "more than 0"),
        ({"budget_s": float("nan")}, "more than 0"),
        ({"models": ["tiny/berd"]}, "tiny/bert"),
        ({"text": "txt"}, "txt"),
        ({"data": "nowhere.csv"}, "nowhere"),
        ({"brief": Brief(task="text-clasification")}, "text-classification"),
        ({"brief": Brief(task="text-classification", metric="recall:refnd")}, "refund"),
    ],
)
def test_wrong_input_leaves_nothing_behind(
    workshop: Path, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    content = {"brief": TEXTS, "data": "tickets.csv", "offline": True, **more}
    with pytest.raises(InputError, match=said):
        prepare(
            ProbeRequest(content.pop("brief"), workshop / content.pop("data"), tmp_path / "run", **content)
        )
    assert not (tmp_path / "run").exists()


def test_a_task_that_is_not_probeable_still_gives_the_advice(workshop: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingQualifies, match="text-classification") as caught:
        prepare(
            ProbeRequest(
                Brief(task="object-detection"), workshop / "pictures", tmp_path / "run", offline=True
            )
        )
    assert caught.value.exit_code == 3
    advice = json.loads((tmp_path / "run" / "recommendation.json").read_text(encoding="utf-8"))
    assert advice["schema"] == 1
    check_recommendation(advice)
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    check_report(report)
    assert report["decision"]["winner"] is None
    view = read_run(tmp_path / "run")
    assert view.state == "done"
    assert view.report is not None
    with pytest.raises(InputError, match="advice only"):
        resume_probe(tmp_path / "run")


def test_too_few_examples_to_choose_by(workshop: Path, tmp_path: Path) -> None:
    """Two classes of two examples may be read, but leave none to choose by."""
    data = image_folder(tmp_path / "few", per_class=2)
    with pytest.raises(NothingQualifies, match="too few") as caught:
        prepare(ProbeRequest(IMAGES, data, tmp_path / "run", offline=True))
    assert "3 different examples" in str(caught.value)
    check_report(json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8")))


def test_what_a_prepared_run_keeps(workshop: Path, tmp_path: Path) -> None:
    folder = prepare(
        ProbeRequest(
            TEXTS, workshop / "tickets.csv", tmp_path / "run", offline=True, models=["tiny/bert"], seed=3
        )
    )
    spec, examples = folder.spec(), folder.examples()
    assert folder.state()["state"] == "queued"
    assert (spec.seed, spec.offline, spec.chosen, spec.columns) == (
        3,
        True,
        ("tiny/bert",),
        ("text", "label"),
    )
    assert set(spec.brief_filled) >= {"data.examples", "data.classes", "data.languages"}
    assert not set(examples.train) & set(examples.select) | set(examples.select) & set(examples.report)
    assert len(examples.ids) == len(examples.contents) == len(examples.truth)
    assert {examples.labels[i] for i in examples.truth} == {"refund", "delivery", "account"}
    assert examples.available.train + examples.available.select + examples.available.report == examples.total
    assert read_brief(tmp_path / "run" / "brief.yaml") == spec.brief
    assert "--models tiny/bert" in spec.command
    assert str(workshop) not in spec.command
    check_recommendation(json.loads((tmp_path / "run" / "recommendation.json").read_text(encoding="utf-8")))


def test_local_models_are_chosen_by_themselves(workshop: Path, tmp_path: Path) -> None:
    folder = prepare(
        ProbeRequest(IMAGES, workshop / "pictures", tmp_path / "run", offline=True, budget_s=600)
    )
    assert {"tiny/a", "tiny/b"} & set(folder.spec().chosen)
    assert not any(model.startswith("baseline/") for model in folder.spec().chosen)


def test_a_small_budget_takes_a_part_and_says_so(workshop: Path, tmp_path: Path) -> None:
    folder = prepare(
        ProbeRequest(
            IMAGES, workshop / "pictures", tmp_path / "run", offline=True, budget_s=12, models=["tiny/a"]
        )
    )
    examples = folder.examples()
    if len(examples.ids) < examples.total:
        assert any(finding.kind == "subsampled" for finding in examples.findings)
    used = examples.contents[: examples.first]
    assert {content.split("/")[0] for content in used} == {"red", "green", "blue"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: {m: [linear-prob]}", "linear-probe"),
        ("models: [", "models: {ID"),
        ("rungs: {}", "models"),
        ("", "models"),
    ],
)
def test_plans_that_cannot_be_followed(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path / "plan.yaml")
    assert said in str(caught.value)
    with pytest.raises(InputError):
        read_plan(tmp_path / "none.yaml")


def test_a_plan_is_read(tmp_path: Path) -> None:
    content = {
        "models": {"m": ["linear-probe", "last-block"]},
        "examples": {"train": 9, "select": 5, "report": 5},
    }
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
    plan = read_plan(tmp_path / "plan.yaml")
    assert plan.models == {"m": ("linear-probe", "last-block")}
    assert plan.examples is not None
    assert plan.examples.train == 9


def test_files_are_written_whole_in_utf8(tmp_path: Path) -> None:
    write_atomically(tmp_path / "deep" / "a.json", '{"差评": 1}')
    assert json.loads((tmp_path / "deep" / "a.json").read_bytes()) == {"差评": 1}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.json"]


def test_folders_of_models_never_collide_or_escape(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    ids = ["a/b", "a--b", "../../x", "A/b", "模型", "型模", "." * 300, "a" * 300, "a" * 301]
    places = [folder.rung_folder(model) for model in ids]
    assert len(set(places)) == len(ids)
    assert all(place.parent == tmp_path / "rungs" and len(place.name) < 120 for place in places)


def test_a_spoilt_run_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="holds no run"):
        RunFolder(tmp_path).spec()


def table(path: Path, text: str, rows: int = 600) -> Path:
    lines = [f"{'no' if i % 3 else 'yes'},{text} {i}" for i in range(rows)]
    path.write_text("\n".join(["label,text", *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "tokens"), [("房间很好" * 20, 81.3), ("good " * 10, 14.3), ("坏" * 900, 512.0)]
)
def test_the_cost_of_texts_follows_from_their_mean_tokens(
    workshop: Path, tmp_path: Path, text: str, tokens: float
) -> None:
    data = table(tmp_path / "t.csv", text)
    run = prepare(ProbeRequest(TEXTS, data, tmp_path / "run", models=["tiny/bert"], offline=True))
    assert run.examples().typical_length == pytest.approx(tokens)


def test_a_faster_machine_sees_more_examples_and_neither_a_slow_look_nor_a_gpu_changes_them(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor import hardware

    machine, used = hardware.this_machine(), []
    data = table(tmp_path / "t.csv", "房间很好" * 100, 4000)
    for number, (kind, tflops) in enumerate((("cpu", 0.05), ("cpu", 0.2), ("cpu", 2.0), ("gpu", 60.0))):
        other = machine.model_copy(update={"kind": kind, "tflops": {"fp32": tflops}})
        monkeypatch.setattr(hardware, "this_machine", lambda *_, found=other, **__: found)
        request = ProbeRequest(
            TEXTS, data, tmp_path / str(number), models=["tiny/bert"], offline=True, budget_s=20
        )
        used.append(prepare(request).examples().first)
    slow, usual, fast, gpu = used
    assert slow == usual == gpu < fast
