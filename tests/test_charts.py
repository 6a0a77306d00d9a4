import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixture import COLOUR, LITE0, LITE2, MAJORITY, RESNET, candidate, make_report, result
from trust_fixture import trusted

from advisor import charts
from advisor.charts.place import place
from advisor.charts.style import INK, colour_at, contrast, ticks
from advisor.labels import distinct, model_labels, one_line, shorten
from advisor.result import Decision

REPORT = make_report()
ROWS = REPORT.probe.results
SHORTLIST = REPORT.recommendation.shortlist
HOSTILE = '<script>alert("x")</script>'
MANY = tuple(f"class with a rather long and quite similar name {i:03d}" for i in range(120))
TRUSTED = trusted(ROWS[0], ("no", "yes"))
FULL = {
    "reliability_diagram": charts.reliability_diagram(TRUSTED),
    "roc": charts.roc(TRUSTED),
    "precision_recall": charts.precision_recall(TRUSTED),
    "accuracy_latency": charts.accuracy_latency(ROWS, "accuracy", 40, LITE2),
    "quality_latency": charts.quality_latency(SHORTLIST, 40, LITE2),
    "learning_curves": charts.learning_curves(ROWS, LITE2),
    "p_best": charts.p_best(REPORT.decision),
    "latency_check": charts.latency_check(SHORTLIST, ROWS),
    "prior_measured": charts.prior_measured(SHORTLIST, ROWS, "accuracy"),
    "class_balance": charts.class_balance(REPORT.dataset.classes if REPORT.dataset else {}),
    "class_heatmap": charts.class_heatmap(ROWS),
    "confusion_matrix": charts.confusion_matrix(ROWS[0]),
    "score_parts": charts.score_parts(SHORTLIST[0]),
    "score_stack": charts.score_stack(SHORTLIST),
}
EMPTY = {
    "reliability_diagram": charts.reliability_diagram(ROWS[3]),
    "roc": charts.roc(ROWS[3]),
    "precision_recall": charts.precision_recall(ROWS[3]),
    "accuracy_latency": charts.accuracy_latency([], "accuracy"),
    "quality_latency": charts.quality_latency([]),
    "learning_curves": charts.learning_curves([]),
    "p_best": charts.p_best(Decision(winner=None)),
    "latency_check": charts.latency_check([], ROWS),
    "prior_measured": charts.prior_measured(SHORTLIST, [], "accuracy"),
    "class_balance": charts.class_balance({}),
    "class_heatmap": charts.class_heatmap(ROWS[3:5]),
    "confusion_matrix": charts.confusion_matrix(ROWS[3]),
    "score_stack": charts.score_stack([]),
    "score_parts": charts.score_parts(SHORTLIST[0].model_copy(update={"parts": ()})),
}


def values(figure: charts.Figure) -> list[dict[str, object]]:
    """Every row that any layer of a chart draws."""
    spec = figure.chart.to_dict()
    layers = [spec, *spec.get("layer", [])]
    names = dict.fromkeys(layer["data"]["name"] for layer in layers if "data" in layer)
    return [row for name in names for row in spec["datasets"][name]]


@pytest.mark.parametrize("name", FULL)
def test_a_chart_asks_a_question_and_says_its_answer(name: str) -> None:
    figure = FULL[name]
    spec = figure.chart.to_dict()
    assert figure.question.endswith("?")
    assert spec["title"]["text"] == figure.question
    assert spec["description"] == figure.alt
    assert len(figure.alt) > 20
    assert spec["background"] == "transparent"
    assert "http" not in json.dumps({k: v for k, v in spec.items() if k != "$schema"})


@pytest.mark.parametrize("name", FULL)
def test_a_chart_becomes_clean_svg(name: str) -> None:
    svg = charts.to_svg(FULL[name], name)
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert FULL[name].question not in "".join(root.itertext())
    assert "<script" not in svg and "<image" not in svg and "@import" not in svg
    assert INK not in re.sub(r"var\([^)]*\)", "", svg)
    assert all(i.startswith(f"{name}-") for i in re.findall(r'\bid="([^"]+)"', svg))
    assert FULL[name].question in "".join(
        ET.fromstring(charts.to_svg(FULL[name], name, titled=True)).itertext()
    )


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_said(name: str) -> None:
    (row,) = values(EMPTY[name])
    assert row["note"] == EMPTY[name].alt
    assert EMPTY[name].alt.endswith(".")
    assert "<svg" in charts.to_svg(EMPTY[name], "n")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_the_front_is_what_nobody_beats(points: list[tuple[int, int]]) -> None:
    front = charts.pareto([(float(c), float(q)) for c, q in points])
    beaten = {
        i for i, (c, q) in enumerate(points) for d, r in points if (d <= c and r > q) or (d < c and r >= q)
    }
    assert sorted(front) == [i for i in range(len(points)) if i not in beaten]


@given(st.lists(st.text(max_size=60), max_size=30), st.integers(3, 30))
def test_labels_never_merge(names: list[str], limit: int) -> None:
    labels = distinct(names, limit)
    assert set(labels) == set(names)
    assert len(set(labels.values())) == len(labels)
    assert all(label and one_line(label) == label for label in labels.values())


@given(st.text(max_size=80), st.integers(3, 40))
def test_shorten_keeps_the_limit(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


def test_model_labels_are_short_where_unambiguous() -> None:
    labels = model_labels([LITE0, "a/bert", "b/bert", "Qwen/Qwen2.5-7B"])
    assert labels == {
        LITE0: "tf_efficientnet_lite0",
        "a/bert": "a/bert",
        "b/bert": "b/bert",
        "Qwen/Qwen2.5-7B": "Qwen2.5-7B",
    }


def test_the_front_of_the_measured_models_and_the_limit() -> None:
    slow = result(RESNET, accuracy=0.6, latency=60)
    figure = charts.accuracy_latency([*ROWS, slow], "accuracy", 40, LITE2)
    roles = {row["model"]: row["role"] for row in values(figure) if "role" in row}
    assert roles[LITE2] == "recommended"
    assert roles[LITE0] == "on the front"
    assert roles[RESNET] == "beaten in both"
    assert roles[COLOUR] == "baseline"
    assert MAJORITY not in roles
    assert "Over the limit of 40 ms: resnet50." in figure.alt
    assert any(row.get("text") == "your limit 40 ms" for row in values(figure))
    assert any(row.get("text") == "always the most frequent class: 25%" for row in values(figure))


def test_majority_alone_is_a_point() -> None:
    figure = charts.accuracy_latency([ROWS[-1]], "accuracy")
    assert {row["model"] for row in values(figure) if "role" in row} == {MAJORITY}


def test_unknown_quality_is_left_out_and_said() -> None:
    figure = charts.quality_latency(SHORTLIST, select=True)
    spec = figure.chart.to_dict()
    assert RESNET not in {row.get("model") for row in values(figure)}
    assert "1 with unknown values" in spec["title"]["subtitle"]
    assert spec["params"][0]["name"] == "picked"


def test_score_parts_add_up_to_the_score() -> None:
    rows = [row for row in values(charts.score_parts(SHORTLIST[0])) if row["criterion"] == "Score"]
    assert rows[0]["to"] == pytest.approx(SHORTLIST[0].score, abs=1e-9)
    drawn = [r for r in values(charts.score_stack(SHORTLIST)) if r.get("model") == LITE0]
    assert sum(float(str(r["contribution"])) for r in drawn) == pytest.approx(SHORTLIST[2].score, abs=1e-9)


def test_p_best_never_says_certain() -> None:
    sure = Decision(winner="a", p_best={"a": 0.9999, "b": 0.0001}, ranking=("a", "b"), tied_with=("b",))
    texts = {row["text"] for row in values(charts.p_best(sure))}
    assert texts == {"> 99 % · recommended", "< 1 % · cannot be told apart"}
    many = Decision(winner="m0", p_best={f"m{i}": 1 / 30 for i in range(30)})
    assert "18 less likely" in charts.p_best(many).chart.to_dict()["title"]["subtitle"]


@pytest.mark.parametrize(
    "classes", [("only",), ("a", "b"), MANY, ("", " "), (HOSTILE, "a|b`c", "名前\n改行", "x" * 5000)]
)
def test_any_number_and_kind_of_classes(classes: tuple[str, ...]) -> None:
    row = result(LITE2, classes=classes)
    for number, figure in enumerate(
        (
            charts.class_heatmap([row]),
            charts.confusion_matrix(row),
            charts.class_balance(dict.fromkeys(classes, 3)),
        )
    ):
        svg = charts.to_svg(figure, f"f{number}")
        ET.fromstring(svg)
        assert "<script" not in svg
        assert len(svg) < 1_000_000


def test_the_most_confused_classes_are_kept() -> None:
    size = 40
    matrix = [[5 if i == j else 0 for j in range(size)] for i in range(size)]
    matrix[38][17] = 9
    row = result(LITE2)
    confusion = row.confusion
    assert confusion is not None
    big = confusion.model_copy(
        update={"labels": tuple(f"c{i}" for i in range(size)), "matrix": tuple(map(tuple, matrix))}
    )
    figure = charts.confusion_matrix(row.model_copy(update={"confusion": big}), limit=6)
    assert {"c38", "c17"} <= {r["truth"] for r in values(figure)}
    assert len({r["truth"] for r in values(figure)}) == 6
    assert "c38 taken for c17 9×" in figure.alt


def test_the_hardest_classes_are_kept_in_the_heat_map() -> None:
    row = result(LITE2, classes=MANY, accuracy=0.7)
    drawn = {str(r["class"]) for r in values(charts.class_heatmap([row], limit=10))}
    worst = min(row.per_class.values(), key=lambda score: score.recall).recall
    assert len(drawn) == 10
    assert any(row.per_class[name].recall == worst for name in drawn)


def test_curves_draw_the_best_baseline_as_a_line() -> None:
    figure = charts.learning_curves(ROWS, LITE2)
    texts = [row["text"] for row in values(figure) if "text" in row]
    assert texts == ["best baseline, colour-edges-logreg: 56%"]
    only = charts.learning_curves(ROWS[-2:])
    assert {row.get("model") for row in values(only)} == {COLOUR, MAJORITY}


@pytest.mark.parametrize("metric", ["recall:tulip", "balanced_accuracy"])
def test_the_brief_s_metric_is_drawn(metric: str) -> None:
    assert charts.metric_name(metric) in charts.accuracy_latency(ROWS, metric).alt


def test_estimates_for_another_device_are_not_held_against_this_machine() -> None:
    figure = charts.latency_check(SHORTLIST, ROWS, "nvidia-t4")
    assert "nvidia-t4" in figure.chart.to_dict()["title"]["subtitle"]


def test_metric_of_one_class() -> None:
    row = ROWS[0]
    recall = charts.measured_metric(row, "recall:tulip")
    assert recall is not None and recall.n == 30
    assert recall.value == row.per_class["tulip"].recall
    assert 0 <= recall.low <= recall.value <= recall.high <= 1
    precision = charts.measured_metric(row, "precision:tulip")
    confusion = row.confusion
    assert precision is not None and confusion is not None
    assert precision.n == sum(line[confusion.labels.index("tulip")] for line in confusion.matrix)
    assert charts.measured_metric(row, "recall:orchid") is None
    assert charts.measured_metric(ROWS[3], "accuracy") is None
    assert charts.metric_name("recall:tulip") == "Recall of tulip"


@settings(max_examples=30)
@given(st.floats(0, 1))
def test_cells_are_readable(share: float) -> None:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    cell = colour_at(share)
    bright, dark = sorted((light(cell), light(contrast(cell))), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_ticks_are_round_and_inside() -> None:
    assert ticks([0.8, 30]) == [1, 2, 5, 10, 20]
    assert len(ticks([1e-3, 1e4])) == 8


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 300)), min_size=1, max_size=8))
def test_labels_stay_inside_where_they_can(points: list[tuple[float, float]]) -> None:
    spots = place(points, ["label"] * len(points), 620, 320)
    assert len(spots) == len(points)
    assert all(0 <= x <= 620 and 0 <= y <= 320 for x, y in spots)


def test_a_label_is_nearest_to_its_own_point() -> None:
    points = [(400.0, 100.0), (440.0, 90.0)]
    spots = place(points, ["a rather long name", "another long name"], 620, 320)
    for index, (left, middle) in enumerate(spots):
        far = [max(0.0, left - x, x - left - 100) + abs(middle - y) for x, y in points]
        assert far.index(min(far)) == index


def test_a_slow_and_a_fast_model_share_a_drawing() -> None:
    shortlist = [candidate("a/x", 1, 0.5, 0.001, 1, [1] * 6), candidate("a/y", 2, 0.9, 9e5, 1, [1] * 6)]
    ET.fromstring(charts.to_svg(charts.quality_latency(shortlist), "q"))
