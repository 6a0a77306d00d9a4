import re

import yaml
from hypothesis import given
from hypothesis import strategies as some

from advisor.brief import Brief, Constraints, DataFacts
from advisor.knowledge import load_knowledge
from advisor.ui import questions, state


def text_of(app) -> str:
    parts = [*app.markdown, *app.caption, *app.subheader, *app.error, *app.title, *app.header]
    return "\n".join(str(part.value) for part in parts) + "\n".join(str(part.value) for part in app.html)


def left(app) -> int:
    found = re.search(r"([\d\u202f]+) of [\d\u202f]+ models are left", text_of(app))
    return int(found.group(1).replace("\u202f", ""))


def test_every_field_of_the_brief_is_asked():
    asked = {question.key for question in questions.questions()}
    assert asked == {f"data.{name}" for name in DataFacts.model_fields} | {
        f"constraints.{name}" for name in Constraints.model_fields
    }
    assert all(question.ask.endswith("?") and question.why for question in questions.questions())


briefs = some.builds(
    Brief,
    task=some.sampled_from(["image-classification", "text-classification"]),
    data=some.builds(
        DataFacts,
        examples=some.none() | some.integers(0, 10**6),
        languages=some.none() | some.lists(some.sampled_from(["en", "zh", "pt-BR"]), min_size=1).map(tuple),
        imbalance=some.none() | some.floats(1, 100),
    ),
    constraints=some.builds(
        Constraints,
        latency_ms=some.none() | some.floats(0.1, 1e5),
        licence=some.sampled_from(["any", "commercial", "permissive"]),
        offline=some.booleans(),
    ),
    metric=some.sampled_from(["accuracy", "macro_f1", "recall:cat"]),
)


@given(briefs)
def test_a_brief_survives_flattening_and_a_link(brief):
    flat = state.flatten(brief)
    assert Brief.parse(state.nest(flat)) == brief
    assert Brief.parse(state.nest(state.from_link(state.link_query(flat)))) == brief


def test_nothing_is_asked_of_a_newcomer_but_what_goes_in(open_app):
    app = open_app()
    assert "Nothing asked yet" in text_of(app)
    assert "not chosen" in text_of(app)


MODALITIES = {
    "image": "Images",
    "text": "Text",
    "audio": "Audio",
    "tabular": "Tables",
    "time-series": "Time series",
    "multimodal": "Several at once",
    "video": "Video",
}


def test_every_kind_of_input_that_has_a_task_is_offered(open_app):
    offered = set(open_app().get_by_key("need.modality").options)
    assert offered == set(MODALITIES.values())
    assert {task.modality for task in load_knowledge().tasks} <= set(MODALITIES)


def test_choosing_what_goes_in_shows_models_and_an_answer_changes_how_many(open_app):
    app = open_app()
    app.get_by_key("need.modality").set_value("image").run()
    before = left(app)
    app.number_input(key="need.constraints.size_mb").set_value(25.0).run()
    assert 0 < left(app) < before
    app.number_input(key="need.constraints.size_mb").set_value(None).run()
    assert left(app) == before


def test_each_example_gives_advice(open_app):
    app = open_app()
    names = [button.key for button in app.button if button.key.startswith("example ")]
    assert len(names) == 3
    for name in names:
        app.button(key=name).click().run()
        assert not app.exception and left(app) >= 0


def test_questions_fit_what_goes_in(open_app):
    app = open_app(task="text-classification")
    keys = [widget.key for widget in app.number_input]
    assert "need.data.tokens" in keys and "need.data.resolution" not in keys
    assert app.multiselect(key="need.data.languages")


def test_a_wrong_answer_is_refused_and_the_old_one_kept(open_app):
    app = open_app(task="text-classification", **{"data.languages": "en"})
    app.multiselect(key="need.data.languages").set_value(["en", "English!"]).run()
    assert "BCP-47" in text_of(app)
    assert app.session_state["draft"].answers["data.languages"] == ["en"]


def test_a_metric_may_name_a_class_and_nonsense_is_refused(open_app):
    app = open_app(task="image-classification", metric="recall:cat")
    assert app.selectbox(key="need.metric").value == "recall:cat"
    assert any(
        "beauty" in error.value for error in open_app(task="image-classification", metric="beauty").error
    )


def test_a_reload_loses_nothing(open_app):
    app = open_app(task="image-classification", **{"constraints.latency_ms": "50"})
    token = app.query_params["draft"]
    again = open_app(draft=token)
    assert again.session_state["draft"].answers == {
        "task": "image-classification",
        "constraints.latency_ms": 50.0,
    }
    assert again.number_input(key="need.constraints.latency_ms").value == 50


def test_an_unknown_draft_begins_anew(open_app):
    app = open_app(draft="0123456789abcdef")
    assert app.session_state["draft"] == state.Draft()
    open_app(draft="../../etc/passwd")


def test_a_bad_link_is_explained(open_app):
    app = open_app(task="image-classification", **{"constraints.latency_ms": "fast"})
    assert any("latency" in error.value for error in app.error)


def test_an_unknown_task_in_a_link_is_refused(open_app):
    app = open_app(task="image-clasification")
    assert any("image-classification" in error.value for error in app.error)
    assert not app.session_state["draft"].answers


def test_a_brief_can_be_loaded(open_app):
    app = open_app()
    app.session_state["need.load"] = True
    app.run()
    content = yaml.safe_dump({"task": "text-classification", "data": {"languages": ["zh"]}}).encode()
    app.file_uploader(key="need.upload").set_value(("brief.yaml", content, "application/yaml")).run()
    assert app.session_state["draft"].answers == {"task": "text-classification", "data.languages": ["zh"]}


def test_a_bad_brief_is_refused_and_loses_nothing(open_app):
    app = open_app(task="image-classification", **{"data.classes": "7"})
    app.session_state["need.load"] = True
    app.run()
    for content in (
        b"task: image-classification\ncolour: red",
        b"\xff\xfe\x00",
        b"- a\n- b",
        b"a: [",
        b"task: nope",
    ):
        app.file_uploader(key="need.upload").set_value(("bad.yaml", content, "application/yaml")).run()
        assert any("bad.yaml was not loaded" in error.value for error in app.error), content
        assert not app.exception
        assert app.session_state["draft"].answers == {"task": "image-classification", "data.classes": 7}
