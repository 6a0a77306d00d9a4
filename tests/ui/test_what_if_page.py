"""What if, on the shortlist page: limits as sliders, the flow of ranks, costs, and the way to the top."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from test_need_page import text_of
from test_shortlist_page import order

from advisor.ui import flow
from advisor.whatif import Move

Open = Callable[..., AppTest]
IMAGES = {"task": "image-classification", "data.examples": "600"}


def opened(app: AppTest, *names: str) -> AppTest:
    for name in names:
        app.session_state[name] = True
    app.run()
    assert not app.exception
    return app


def test_a_limit_re_ranks_and_the_flow_shows(open_app: Open) -> None:
    app = open_app("shortlist", **IMAGES)
    before = order(app)
    assert "Which models moved?" not in text_of(app)
    app.select_slider(key="shortlist.constraints.size_mb").set_value(10.0).run()
    assert order(app) != before and not app.exception
    assert app.session_state["draft"].answers["constraints.size_mb"] == 10
    assert "Which models moved?" in text_of(app)
    app.button(key="shortlist.back").click().run()
    assert order(app) == before
    assert "Which models moved?" not in text_of(app)


def test_the_right_end_of_a_limit_is_none(open_app: Open) -> None:
    app = open_app("shortlist", **IMAGES, **{"constraints.latency_ms": "37"})
    slider = app.select_slider(key="shortlist.constraints.latency_ms")
    assert slider.value == 37.0
    slider.set_value(float("inf")).run()
    assert "constraints.latency_ms" not in app.session_state["draft"].answers


def test_what_is_compared_with_can_be_moved_on(open_app: Open) -> None:
    app = open_app("shortlist", **IMAGES)
    app.slider(key="shortlist.priorities.latency").set_value(5).run()
    app.slider(key="shortlist.priorities.accuracy").set_value(0).run()
    assert "Which models moved?" in text_of(app)
    app.button(key="shortlist.pin").click().run()
    assert "Which models moved?" not in text_of(app) and not app.exception


def test_each_limit_has_its_cost(open_app: Open) -> None:
    app = open_app(
        "shortlist", **IMAGES, **{"constraints.size_mb": "20", "constraints.licence": "commercial"}
    )
    shown = text_of(opened(app, "shortlist.costs"))
    assert "Download at most: 20 MB" in shown and "Licence: Use it in a business" in shown
    assert "Models it keeps out" in shown
    assert "No limit is set" in text_of(opened(open_app("shortlist", **IMAGES), "shortlist.costs"))


def test_the_way_to_the_top_can_be_taken(open_app: Open) -> None:
    app = opened(open_app("shortlist", **IMAGES), "shortlist.win")
    ways: list[str] = []
    for place, wanted in enumerate(order(app)[1:4], 2):
        app.selectbox(key="shortlist.winning").set_value(wanted).run()
        assert not app.exception
        assert f"stands at place {place} now" in text_of(app)
        ways = [str(button.key) for button in app.button if str(button.key).startswith("shortlist.way")]
        if ways:
            break
        assert "No single priority or limit" in text_of(app)
    assert ways
    app.button(key="shortlist.way 0").click().run()
    assert not app.exception
    assert order(app)[0] == wanted


@pytest.mark.parametrize(
    ("moves", "says"),
    [
        ((Move(model="a", before=1, after=1),), "No model has moved"),
        ((Move(model="a", before=2, after=1), Move(model="b", before=1, after=None)), "b: 1 → not qualified"),
    ],
)
def test_the_flow_is_told_in_words(moves: tuple[Move, ...], says: str) -> None:
    found = flow.rank_flow(moves, str)
    assert says in found.alt
    assert found.chart.to_dict()
