from dataclasses import replace
from pathlib import Path

import pytest
from across_fixture import lay_run
from report_fixture import make_report
from test_data_page import upload
from test_need_page import text_of
from trust_fixture import trusted

import advisor.jobs
from advisor.errors import InputError
from advisor.jobs import RunView, read_run
from advisor.jobs.register import register
from advisor.report import write_report
from advisor.ui import race, results


@pytest.fixture
def planned(open_app, tickets):
    app = upload(open_app("data"), "tickets.csv", tickets.read_bytes())
    app.switch_page("advisor/ui/probe.py").run()
    assert not app.exception
    return app


def point_to(app, run: Path):
    app.session_state["draft"] = app.session_state["draft"].model_copy(update={"run": str(run)})
    return app


METRIC = {"name": "accuracy", "value": 0.8, "low": 0.7, "high": 0.9}
EVENTS = (
    {"kind": "start", "models": ["m/one", "m/two", "m/three"], "at": 0.1},
    {"kind": "rung-done", "model": "m/one", "rung": "linear-probe", "metric": METRIC, "at": 9.0},
    {
        "kind": "rung-done",
        "model": "m/two",
        "rung": "linear-probe",
        "metric": METRIC | {"value": 0.75},
        "at": 12.0,
    },
    {"kind": "stays", "model": "m/two", "because": "others are clearly better", "at": 13.0},
    {"kind": "model-ended", "model": "m/three", "status": "failed", "because": "no weights", "at": 14.0},
    {
        "kind": "rung-done",
        "model": "m/one",
        "rung": "last-block",
        "metric": METRIC | {"value": 0.85},
        "at": 20.0,
    },
)
RUNNING = RunView(
    Path("run"),
    "running",
    EVENTS,
    None,
    60.0,
    20.0,
    ("m/one",),
    "m/one",
    "longer",
    "training",
    3,
    9,
    0.42,
    5.0,
    1,
    2,
)


def test_lanes_follow_the_events():
    found = race.lanes(EVENTS)
    assert [lane.model for lane in found] == ["m/one", "m/two", "m/three"]
    assert [step["rung"] for step in found[0].reached] == ["linear-probe", "last-block"]
    assert found[0].out == "" and found[1].out == "others are clearly better" and found[2].out == "no weights"
    assert race.lanes(()) == []


@pytest.mark.parametrize(
    ("page", "link"), [("probe", "Go to Need"), ("decision", "Go to Probe"), ("runs", "Go to Probe")]
)
def test_each_page_says_what_it_waits_for(open_app, page, link):
    app = open_app(page)
    assert [each.value for each in app.page_link] == [link]


def test_the_probe_waits_for_data_and_for_a_task_that_can_be_tried(open_app):
    assert "waits for your data" in text_of(open_app("probe", task="text-classification"))
    assert "cannot be tried here yet" in text_of(open_app("probe", task="object-detection"))


def test_the_plan_names_models_and_download_before_anything_starts(planned):
    shown = text_of(planned)
    assert "Baselines" in shown and "Download" in shown
    planned.get_by_key("probe.budget").set_value(30).run()
    assert "first impression" in text_of(planned)


def test_start_hands_the_stated_brief_the_data_and_the_budget_over(planned, monkeypatch, finished_run):
    calls = []

    def start_probe(brief, data, out, **more):
        calls.append((brief, data, out, more))
        return finished_run("begun")

    monkeypatch.setattr(advisor.jobs, "start_probe", start_probe)
    planned.get_by_key("probe.budget").set_value(60).run()
    next(button for button in planned.button if button.label == "Start").click().run()
    assert not planned.exception
    ((brief, data, out, more),) = calls
    assert brief.data.examples is None
    assert data.name == "tickets.csv" and not out.exists()
    assert more["budget_s"] == 60 and len(more["picked"]) > 0
    assert planned.session_state["draft"].run.endswith("begun")


def test_a_refused_start_is_explained(planned, monkeypatch):
    def refuse(*args, **more):
        raise InputError("The disk is full")

    monkeypatch.setattr(advisor.jobs, "start_probe", refuse)
    next(button for button in planned.button if button.label == "Start").click().run()
    assert "The disk is full" in planned.error[0].value
    assert planned.session_state["draft"].run is None


def test_a_running_probe_shows_the_race_and_can_be_cancelled(open_app, finished_run, monkeypatch):
    run = finished_run("live")
    asked = []
    monkeypatch.setattr(advisor.jobs, "read_run", lambda path: replace(RUNNING, path=path))
    monkeypatch.setattr(advisor.jobs, "cancel", asked.append)
    app = point_to(open_app(), run)
    app.switch_page("advisor/ui/probe.py").run()
    assert not app.exception
    shown = text_of(app)
    assert "tuned longer" in shown and "loss 0.420" in shown and "85.0 %" in shown and "no weights" in shown
    next(button for button in app.button if button.label == "Cancel").click().run()
    assert asked == [run]


def test_the_whole_page_follows_when_a_waiting_run_begins(open_app, finished_run, monkeypatch):
    run = finished_run("waiting")
    states = ["queued", "queued"]

    def read(path):
        return replace(RUNNING, path=path, state=states.pop(0) if states else "running")

    app = point_to(open_app(), run)
    monkeypatch.setattr(advisor.jobs, "read_run", read)
    app.switch_page("advisor/ui/probe.py").run()
    assert not app.exception and not states
    (standing,) = [line.value for line in app.markdown if line.value.startswith(":gray[Run]")]
    assert standing == ":gray[Run] running"


def test_an_interrupted_run_can_go_on(open_app, finished_run, monkeypatch):
    run = finished_run("torn")
    monkeypatch.setattr(
        advisor.jobs,
        "read_run",
        lambda path: replace(RUNNING, path=path, state="interrupted", message="gone"),
    )
    resumed = []
    monkeypatch.setattr(advisor.jobs, "resume", resumed.append)
    app = point_to(open_app(), run)
    app.switch_page("advisor/ui/probe.py").run()
    next(button for button in app.button if button.label == "Go on with this run").click().run()
    assert resumed == [run] and not app.exception
    app.switch_page("advisor/ui/decision.py").run()
    assert "ended without a report" in text_of(app)


def test_a_finished_run_is_compared_and_decided(open_app, finished_run):
    app = point_to(open_app(), finished_run("done"))
    app.switch_page("advisor/ui/probe.py").run()
    assert not app.exception and len(app.dataframe) >= 2
    app.switch_page("advisor/ui/decision.py").run()
    assert not app.exception
    labels = [button.label for button in app.get("download_button")]
    assert labels[0] == "Report (HTML)" and labels[-1] == "All as zip, with the model"
    assert {"PDF", "Markdown", "JSON", "Results (CSV)"} < set(labels)
    assert "What the winner gets wrong" in text_of(app)
    report = make_report()
    assert report.decision.next_steps[0][:20] in text_of(app).replace("\\", "")


def test_the_standing_follows_the_ranking_and_keeps_failures():
    report = make_report()
    rows = results.standing(report)
    assert len(rows) == len(report.probe.results)
    measured = [row for row in rows if row["Status"] == "measured"]
    assert rows[: len(measured)] == measured
    assert all(row["Result"] is None for row in rows[len(measured) :])


def test_runs_are_listed_opened_compared_and_deleted(open_app, finished_run):
    first, second = finished_run("first"), finished_run("second")
    app = open_app("runs")
    assert "first" in text_of(app) and "second" in text_of(app)
    (beside,) = app.dataframe
    assert set(beside.value["gain"].dropna()) == {0.0}
    app.button(key=f"delete {first}").click().run()
    assert not first.exists() and not app.exception
    app.button(key=f"open {second}").click().run()
    assert app.session_state["draft"].run == str(second)
    assert read_run(second).report is not None


def test_runs_on_several_data_sets_are_compared(open_app, fresh_home):
    one = lay_run(fresh_home / "runs" / "one", "mail.csv", {"x/a": 0.9, "x/b": 0.6, "baseline/majority": 0.5})
    two = lay_run(fresh_home / "runs" / "two", "calls.csv", {"x/a": 0.8, "baseline/majority": 0.5})
    for run in (one, two):
        register(run, f"2026-01-01T10:00:00+00:00 {run.name}")
    app = open_app("runs")
    said = text_of(app).replace("\\", "")
    assert "Use x/a for all 2 sets" in said
    (table,) = app.dataframe
    rows = table.value.set_index("Model")
    assert rows.loc["x/b", "calls.csv"] == "not probed" and rows.loc["x/b", "mail.csv"] == "60.0\u202f% (2)"
    app.multiselect(key="runs.compare").set_value([str(one)]).run()
    assert not app.exception and not app.dataframe
    app.button(key=f"again {two}").click().run()
    draft = app.session_state["draft"]
    assert not app.exception and draft.chosen == ("x/a",) and draft.data is None and draft.run is None
    assert draft.answers["task"] == "text-classification"


def test_all_measurements_unfold_beside_the_decision(open_app, finished_run):
    app = point_to(open_app(), finished_run("whole"))
    app.switch_page("advisor/ui/decision.py").run()
    before = len(app.dataframe)
    app.session_state["decision.all"] = True
    app.run()
    assert not app.exception and len(app.dataframe) > before


@pytest.mark.parametrize("classes", [("no", "yes"), ("daisy", "dandelion", "rose")])
def test_the_probabilities_of_a_model_are_judged_beside_its_mistakes(open_app, finished_run, classes):
    run, report = finished_run("trusted"), make_report()
    first, *others = report.probe.results
    rows = (trusted(first, classes), *others)
    write_report(
        report.model_copy(update={"probe": report.probe.model_copy(update={"results": rows})}),
        run / "report.json",
    )
    app = point_to(open_app(), run)
    app.session_state["decision.all"] = True
    app.switch_page("advisor/ui/decision.py").run()
    said = text_of(app).replace("\\", "")
    assert not app.exception
    assert "When it says 80 %, is it right 80 times in 100?" in said
    assert "Expected calibration error" in said and "too sure of itself" in said
    assert ("What do more hits cost in false alarms?" in said) == (len(classes) == 2)
