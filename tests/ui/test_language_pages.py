"""Every page in Chinese: nothing of the app's own is left in English."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from report_fixture import make_report
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Dataframe
from test_data_page import upload
from test_probe_pages import point_to

from advisor.jobs.folder import RunFolder
from advisor.knowledge import load_knowledge
from advisor.language.catalogue import catalogue
from advisor.language.template import plain_key
from advisor.quantity import Quantity
from advisor.report import write_report
from advisor.ui import look, words

PAGES = Path(words.__file__).parent
Open = Callable[..., AppTest]
SHOWN = ("label", "placeholder", "help", "body", "value", "title", "alt", "caption", "text")
ENGLISH = re.compile(
    r"(?<![\w-])[A-Za-z][a-z']+,? [a-z']{2,}(?![\w-])"
    r"|(?<![\w-])(?:the|of|and|with|no|is|are|not|your?|its|for|by|on|model|class|examples?)(?![\w-])",
    re.IGNORECASE,
)
"""Two words in a row, or a word that names do not hold."""
TAGS = re.compile(r"<style.*?</style>|<script.*?</script>|<[^>]*title=\"([^\"]*)\"[^>]*>|<[^>]+>", re.DOTALL)
ALLOWED = {
    "text,label": "the first line of a table, as it must stand in the file",
    "Where is my parcel": "an example of a text that a user may bring",
    "recall:": "the name of a measure in a brief",
    "scikit-learn": "the name of a library",
    "Intel Core": "the name of a processor",
}
"""English that stays, and why."""


def spoken() -> Iterator[str]:
    """Give each text that stands in a call of `t` in the code of the pages."""
    for path in sorted(PAGES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
                yield from _texts(node.args[0])


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def test_every_text_in_the_code_has_a_translation() -> None:
    known = catalogue("zh").exact
    found = [text for text in spoken() if re.search("[A-Za-z]{2}", text)]
    assert len(found) > 200
    assert [text for text in found if plain_key(text) not in known] == []


def strings(node: Any) -> Iterator[str]:
    """Give all that an element sends to the browser as words."""
    proto = getattr(node, "proto", None)
    if proto is not None:
        for field in proto.DESCRIPTOR.fields:
            if field.name in SHOWN or field.name == "options":
                value = getattr(proto, field.name)
                if isinstance(value, str):
                    yield value
                elif field.is_repeated:
                    yield from (one for one in value if isinstance(one, str))
            elif field.name in ("columns", "spec") and isinstance(getattr(proto, field.name), str):
                yield from titles(json.loads(getattr(proto, field.name) or "{}"))
    if isinstance(node, Dataframe):
        yield from (str(cell) for column in node.value.columns for cell in node.value[column])
    for child in getattr(node, "children", {}).values():
        yield from strings(child)


def titles(spec: Any, key: str = "") -> Iterator[str]:
    """Give the words that stand in a chart or above the columns of a table."""
    if isinstance(spec, dict):
        for name, value in spec.items():
            yield from titles(value, name)
    elif isinstance(spec, list):
        for value in spec:
            yield from titles(value, key)
    elif isinstance(spec, str) and key in ("title", "label", "help", "text", "role", "basis"):
        yield spec


def names() -> set[str]:
    known = load_knowledge()
    found = {device.name for device in known.devices} | {source.title for source in known.sources}
    for card in known.models:
        found |= {card.id, card.name, card.family, card.licence.id, *(place.ref for place in card.where)}
    return found | {mark.name for task in known.tasks for mark in task.benchmarks}


@pytest.fixture(scope="module")
def proper() -> re.Pattern[str]:
    """Names, the longest first, that stay as they are."""
    longest = sorted((name for name in names() if name), key=len, reverse=True)
    return re.compile("|".join(re.escape(name) for name in longest))


def left_over(app: AppTest, proper: re.Pattern[str]) -> str:
    found = []
    made_up = {result.because for result in make_report().probe.results} - {""}
    for text in strings(app._tree):
        plain = TAGS.sub(lambda tag: f" {tag[1] or ''} \n", text)
        plain = re.sub(
            r"\\([^A-Za-z0-9])|https?://\S+|[\w.-]+==[\w.]+|/(?:[\w.-]+/)+[\w.-]+|`[^`]*`|:[a-z]+\[|:material/\w+:",
            r"\1",
            plain,
        )
        for name in (*ALLOWED, *made_up):
            plain = plain.replace(name, "")
        for line in proper.sub(" ", plain).splitlines():
            if ENGLISH.search(line):
                found.append(line.strip())
    return "\n".join(found)


@pytest.fixture
def chinese(open_app: Open) -> Open:
    return lambda page="need", **query: open_app(page, lang="zh", **query)


def test_the_browser_decides_until_a_language_is_chosen(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(st.context), "locale", property(lambda _: "zh-CN"))
    app = open_app()
    assert app.title[0].value == "你需要什么？"
    app.get_by_key("frame.language").set_value("en").run()
    assert app.title[0].value == "What do you need?"
    assert app.session_state["draft"].language == "en"
    again = open_app(draft=app.query_params["draft"])
    assert again.title[0].value == "What do you need?"


@pytest.mark.parametrize("page", ["need", "shortlist", "data", "probe", "decision", "models", "runs"])
def test_empty_pages_speak_chinese(chinese: Open, proper: re.Pattern[str], page: str) -> None:
    assert left_over(chinese(page), proper) == ""


@pytest.mark.parametrize("task", ["image-classification", "text-classification", "object-detection"])
def test_need_and_shortlist_speak_chinese(chinese: Open, proper: re.Pattern[str], task: str) -> None:
    query = {"task": task, "constraints.size_mb": "60", "constraints.licence": "commercial"}
    app = chinese(**query)
    assert left_over(app, proper) == ""
    app.switch_page("advisor/ui/shortlist.py").run()
    for name in ("shortlist.costs", "shortlist.win"):
        app.session_state[name] = True
    app.run()
    app.slider(key="shortlist.priorities.latency").set_value(5).run()
    assert not app.exception
    assert left_over(app, proper) == ""


def test_data_and_plan_speak_chinese(chinese: Open, proper: re.Pattern[str]) -> None:
    rows = [f"第 {i} 个包裹在哪里？,物流" for i in range(20)] + [
        f"第 {i} 张发票开错了,账单" for i in range(9)
    ]
    app = upload(chinese("data"), "tickets.csv", ("text,label\n" + "\n".join(rows)).encode())
    assert app.metric and left_over(app, proper) == ""
    app.switch_page("advisor/ui/probe.py").run()
    assert not app.exception and left_over(app, proper) == ""


def test_bad_data_are_explained_in_chinese(chinese: Open, proper: re.Pattern[str]) -> None:
    app = upload(chinese("data"), "one.csv", b"text,label\nhello,a\nbye,a\n")
    assert app.error
    assert left_over(app, proper) == ""


def test_results_and_decision_speak_chinese(
    chinese: Open, finished_run: Callable[[str], Path], proper: re.Pattern[str]
) -> None:
    run = finished_run("zh")
    made = make_report()
    silent = made.decision.model_copy(update={"because": "", "next_steps": (), "risks": ()})
    write_report(made.model_copy(update={"decision": silent}), RunFolder(run).report_path)
    app = point_to(chinese(), run)
    for page in ("probe", "decision", "runs"):
        app.switch_page(f"advisor/ui/{page}.py").run()
        assert not app.exception
        assert left_over(app, proper) == "", page


def test_numbers_are_written_as_each_language_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"language": "en"})
    assert (look.number(12345), look.percent(0.5), look.duration(75)) == (
        "12\u202f345",
        "50.0 %",
        "1 min 15 s",
    )
    assert look.moment("2026-01-02T10:20:30") == "2026-01-02 10:20"
    monkeypatch.setattr(st, "session_state", {"language": "zh"})
    assert (look.number(12345), look.percent(0.5), look.duration(75)) == ("12,345", "50.0%", "1 分 15 秒")
    assert look.moment("2026-01-02T10:20:30") == "2026年1月2日 10:20"
    assert look.quantity(Quantity.exact(3.0, "min", "published")) == "3 分钟"
