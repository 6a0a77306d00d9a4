import re

import pytest
from test_need_page import text_of

from advisor.ui import cards

ROW = re.compile(r'<span class="big">\d+</span>.*?<div class="fact faint">[^·]* · (\S+) · ', re.DOTALL)


def order(app) -> list[str]:
    return [found[1] for part in app.html if (found := ROW.search(str(part.value)))]


def test_it_waits_for_a_task_and_links_there(open_app):
    app = open_app("shortlist")
    assert "waits for a task" in text_of(app)
    assert [link.value for link in app.page_link] == ["Go to Need"]


def test_rows_stand_in_the_order_of_the_advice(open_app):
    app = open_app("shortlist", task="image-classification", **{"constraints.size_mb": "60"})
    assert len(order(app)) == 10
    assert "near misses" in text_of(app).lower()
    assert "Not considered" in {expander.label.split(" (")[0] for expander in app.expander}


def test_a_priority_re_ranks_and_the_movement_shows(open_app):
    app = open_app("shortlist", task="image-classification")
    before = order(app)
    assert "▲" not in text_of(app)
    app.slider(key="shortlist.priorities.latency").set_value(5).run()
    app.slider(key="shortlist.priorities.accuracy").set_value(1).run()
    assert order(app) != before
    assert any(mark in text_of(app) for mark in ("▲", "▼", "new"))
    app.switch_page("advisor/ui/need.py").run()
    assert app.slider(key="need.priorities.latency").value == 5


@pytest.mark.parametrize(("gained", "shown"), [(None, "new"), (0, ""), (2, "▲2"), (-1, "▼1")])
def test_movement_is_marked(gained, shown):
    assert shown in cards.moved(gained)


def test_what_to_try_can_be_chosen_and_its_download_is_shown_first(open_app):
    app = open_app("shortlist", task="image-classification")
    picks = [box for box in app.checkbox if box.key.startswith("pick ")]
    chosen = [box.key.removeprefix("pick ") for box in picks if box.value]
    assert 4 <= len(chosen) <= 7
    assert "would be downloaded" in text_of(app)
    app.checkbox(key=f"pick {chosen[0]}").uncheck().run()
    assert app.session_state["draft"].chosen == tuple(chosen[1:])
    app.checkbox(key=f"pick {chosen[0]}").check().run()
    assert set(app.session_state["draft"].chosen) == set(chosen)


def test_an_open_row_shows_parts_plan_places_and_sources(open_app):
    app = open_app("shortlist", task="text-classification")
    first = order(app)[0]
    app.session_state[f"open {first}"] = True
    app.run()
    shown = text_of(app)
    for heading in ("How to adapt it", "Where to get it", "Every fact and its source", "What is expected"):
        assert heading in shown
    assert "Licence" in shown


def test_a_task_without_a_probe_gives_advice_and_says_so(open_app):
    app = open_app("shortlist", task="object-detection")
    assert "the advice ends here" in text_of(app)
    assert not [box for box in app.checkbox if box.key.startswith("pick ")]


def test_when_nothing_qualifies_the_near_misses_remain(open_app):
    app = open_app("shortlist", task="image-classification", **{"constraints.latency_ms": "5"})
    assert "No model meets everything" in text_of(app)
    assert "admitted if" in text_of(app)
