import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_fixture import COLOUR, LITE0, LITE1, LITE2, MAJORITY, MOBILE, RESNET, make_report, metric, result

from advisor.dataset.types import Finding
from advisor.errors import InputError
from advisor.recommendation import Dropped, Failed, NearMiss
from advisor.report import FORMATS, read_report, render, verdict, write_report
from advisor.report.compose import compose
from advisor.report.html import render_html
from advisor.report.markdown import render_markdown
from advisor.result import Decision, ModelResult, ProbeResult, Report

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "a|b`c`[x](http://evil.example)\n# head\n- item",
    "{{ 7*7 }}{% raw %}",
    "名前 ‮evil",
    "![p](//evil.example/p.png) @everyone ~~x~~ **y** &lt;b&gt;",
)


def replaced(report: Report, **changes: Any) -> Report:
    return report.model_copy(update=changes)


def with_rows(report: Report, rows: tuple[ModelResult, ...], **changes: Any) -> ProbeResult:
    return report.probe.model_copy(update={"results": rows, **changes})


def hostile_report() -> Report:
    report = make_report()
    rows = tuple(
        row.model_copy(update={"because": HOSTILE[0] + HOSTILE[2]}) for row in report.probe.results[1:]
    )
    bad = result(LITE2, classes=HOSTILE, accuracy=0.7)
    bad = bad.model_copy(
        update={"errors": ({HOSTILE[1]: HOSTILE[2], "truth": HOSTILE[0], "text": HOSTILE[5]},)}
    )
    assert report.dataset is not None
    return replaced(
        report,
        command=f"advisor run -d '{HOSTILE[0]}' ```\n{HOSTILE[2]}",
        probe=with_rows(report, (bad, *rows), machine={HOSTILE[3]: HOSTILE[0]}),
        dataset=report.dataset.model_copy(
            update={
                "name": HOSTILE[1],
                "classes": dict.fromkeys(HOSTILE, 9),
                "findings": (Finding(kind=HOSTILE[2], severity="high", detail=HOSTILE[0], examples=HOSTILE),),
            }
        ),
        decision=report.decision.model_copy(
            update={"because": HOSTILE[2], "next_steps": HOSTILE, "risks": (HOSTILE[0],)}
        ),
        recommendation=report.recommendation.model_copy(
            update={
                "notes": HOSTILE,
                "dropped": tuple(Dropped(model=name, because=name) for name in HOSTILE),
                "near_misses": (
                    NearMiss(
                        model=HOSTILE[1],
                        failed=(Failed(constraint="size_mb", limit=HOSTILE[0], value=None),),
                        admitted_if=HOSTILE[2],
                    ),
                ),
            }
        ),
    )


class Outline(HTMLParser):
    """Collects tags, attributes and the text outside style."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> str:
    return render(make_report(), "html")


@pytest.fixture(scope="module")
def hostile() -> str:
    return render(hostile_report(), "html")


def test_json_round_trip_is_exact(tmp_path: Path) -> None:
    report = make_report()
    write_report(report, tmp_path / "report.json")
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    assert read_report(tmp_path / "report.json") == report
    assert read_report(tmp_path) == report
    assert render(read_report(tmp_path), "md") == render(report, "md")


def test_json_holds_the_contract() -> None:
    report = make_report()
    content = json.loads(render(report, "json"))
    assert content["schema"] == 1
    assert set(content) >= {"brief", "brief_filled", "recommendation", "dataset", "probe", "decision"}
    assert set(content["dataset"]) >= {"sha256", "examples", "classes", "splits", "findings"}
    assert set(content["dataset"]["splits"]) == {"train", "select", "report"}
    assert set(content["probe"]) >= {"budget_s", "elapsed_s", "seed", "machine", "versions", "results"}
    rows = {row["model"]: row for row in content["probe"]["results"]}
    ok = rows[LITE2]
    assert set(ok) >= {
        *(
            "model",
            "kind",
            "revision",
            "status",
            "because",
            "strategy",
            "hyperparameters",
            "metrics",
            "per_class",
        ),
        *("confusion", "curve", "transferability", "latency_ms", "peak_memory_mb", "size_mb", "seconds"),
    }
    assert set(ok["metrics"]["accuracy"]) == {"value", "low", "high", "n"}
    assert set(ok["curve"][0]) >= {"rung", "examples", "epochs", "seconds", "metric"}
    assert set(ok["latency_ms"]) == {"p50", "p95", "batch"}
    assert rows[MAJORITY]["size_mb"] is None
    assert "metrics" not in rows[MOBILE] and "metrics" not in rows[RESNET]
    assert "evidence" not in content["probe"]
    assert set(content["decision"]) >= {
        *("winner", "tied_with", "p_best", "ranking", "because", "next_steps", "expected"),
    }
    part = content["recommendation"]["shortlist"][0]["parts"][0]
    assert set(part) == {"criterion", "weight", "value", "contribution", "because"}


def test_json_numbers_are_not_rounded() -> None:
    report = make_report()
    row = report.probe.results[0].model_copy(update={"seconds": 1 / 3, "size_mb": 0.1 + 0.2})
    content = json.loads(render(replaced(report, probe=with_rows(report, (row,))), "json"))
    assert content["probe"]["results"][0]["seconds"] == 1 / 3
    assert content["probe"]["results"][0]["size_mb"] == 0.1 + 0.2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "JSON"),
        ("{}", "not a report"),
        ('{"schema": 1, "created": 3}', "created"),
        ("[1]", "not a report"),
    ],
)
def test_a_broken_report_is_said_to_be_one(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "report.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_report(tmp_path)


def test_a_missing_report_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read.*run folder"):
        read_report(tmp_path / "nothing.json")


def test_unknown_format_and_language_name_the_allowed() -> None:
    with pytest.raises(InputError, match=r"'htm'.*html, md, json.*'html'"):
        render(make_report(), "htm")
    with pytest.raises(InputError, match=r"language 'fr'.*en"):
        render(make_report(), "html", "fr")


def test_html_asks_nothing_of_anybody(page: str) -> None:
    seen = Outline(page)
    assert not {"script", "img", "link", "iframe", "object", "image", "foreignobject"} & set(seen.tags)
    urls = [value for _, name, value in seen.attributes if name in ("src", "href", "xlink:href", "action")]
    assert urls and all(value and value.startswith("#") for value in urls)
    assert not re.search(r"@import|@font-face|url\((?!#)", page)
    assert ("meta", "http-equiv", "Content-Security-Policy") in seen.attributes
    assert seen.tags.count("svg") >= 8


def test_html_ids_are_distinct(page: str) -> None:
    ids = [value for _, name, value in Outline(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for target in re.findall(r"url\(#([^)]+)\)", page):
        assert target in ids


def test_the_whole_story_is_told(page: str) -> None:
    text = " ".join(Outline(page).text.split())
    report = make_report()
    for row in report.probe.results:
        assert row.model in text
        assert not row.because or row.because in text
    assert " ".join(verdict(report).split()) in text
    for word in (
        "Runner-up",
        "What would change this answer",
        "Next steps",
        "Near misses",
        "How to repeat this",
    ):
        assert word in text
    assert "latency ≤ 64 ms, or on nvidia-l4" in text
    assert "google/vit-huge, facebook/dinov2-giant" in text
    assert report.dataset is not None and report.dataset.sha256 in text
    assert report.command in text
    assert "n = 150" in text
    assert "read from the data" in text


def test_markdown_tells_the_same(page: str) -> None:
    markdown = render(make_report(), "md")
    assert "![" not in markdown and "<" not in markdown
    document = compose(make_report())
    for section in document.sections:
        assert f"## {section.title}" in markdown
    tables = [block for block in markdown.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 10
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


def test_hostile_names_stay_text_in_html(hostile: str, page: str) -> None:
    seen = Outline(hostile)
    assert set(seen.tags) <= set(Outline(page).tags)
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert HOSTILE[0] in seen.text
    assert "{{ 7*7 }}{% raw %}" in seen.text
    assert "\u202e" not in hostile
    head = hostile[: hostile.index("</title>")]
    assert head.count("<title>") == 1 and "<img" not in head


def test_hostile_names_stay_text_in_markdown() -> None:
    from markdown_it import MarkdownIt

    markdown = render(hostile_report(), "md")
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = reader.parse(markdown)
    flat = [child for token in tokens for child in (token, *(token.children or ()))]
    kinds = {token.type for token in flat}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "code_inline", "s_open"}
    plain = reader.parse(render(make_report(), "md"))
    said = "".join(token.content for token in tokens if token.type == "inline")
    assert not re.search(r"(?i)https?:|www\.|@everyone", said)
    titles = [flat[i + 1].content for i, token in enumerate(flat) if token.type == "heading_open"]
    assert len(titles) == sum(token.type == "heading_open" for token in plain)
    text = "".join(token.content for token in flat if token.type == "text")
    assert HOSTILE[0] in text
    assert "**y**" in text and "~~x~~" in text and "&lt;b&gt;" in text


def test_html_is_drawn_in_time() -> None:
    started = time.process_time()
    render(make_report(), "html")
    assert time.process_time() - started < 8


def nothing(
    status: str = "failed", cancelled: bool = False, because: str = "The weights are missing."
) -> Report:
    report = make_report()
    rows = tuple(ModelResult(model=m, kind="weights", status=status, because=because) for m in (LITE2, LITE1))
    return replaced(
        report, probe=with_rows(report, rows, cancelled=cancelled), decision=Decision(winner=None)
    )


@pytest.mark.parametrize("format", [form for form in FORMATS if form != "pdf"])
@pytest.mark.parametrize("case", ["failed", "stopped", "unprobed", "no-data", "empty", "one"])
def test_every_end_has_a_report(format: str, case: str) -> None:
    report = make_report()
    cases = {
        "failed": nothing(),
        "stopped": nothing("stopped", True),
        "unprobed": replaced(report, probe=with_rows(report, ()), decision=Decision(winner=None)),
        "no-data": replaced(
            report, dataset=None, probe=with_rows(report, ()), decision=Decision(winner=None)
        ),
        "empty": replaced(
            report,
            dataset=None,
            command="",
            probe=with_rows(report, ()),
            decision=Decision(winner=None),
            recommendation=report.recommendation.model_copy(
                update={"shortlist": (), "near_misses": (), "dropped": (), "beyond_limit": ("a/b",)}
            ),
        ),
        "one": replaced(
            report,
            probe=with_rows(report, (result(LITE2, classes=("only",)),)),
            decision=Decision(winner=LITE2, p_best={LITE2: 1.0}, ranking=(LITE2,)),
        ),
    }
    text = render(cases[case], format)
    assert "Traceback" not in text and "None" not in text.replace("None of", "")
    if format == "html":
        assert verdict(cases[case]) in Outline(text).text


def test_another_device_is_told_apart() -> None:
    report = make_report()
    limits = report.brief.constraints.model_copy(update={"device": "nvidia-t4"})
    other = replaced(report, brief=report.brief.model_copy(update={"constraints": limits}))
    text = render(other, "md")
    assert "Expectations are for nvidia\\-t4" in text or "Expectations are for nvidia-t4" in text
    assert "on this machine" in text
    assert "your limit 40 ms" not in text.split("## What was measured")[1].split("## Class")[0]


def test_metric_of_one_class_leads() -> None:
    report = make_report()
    brief = report.brief.model_copy(update={"metric": "recall:tulip"})
    text = render(replaced(report, brief=brief), "md")
    assert "| Recall of tulip |" in text


def test_baseline_not_worse_is_said() -> None:
    report = make_report()
    strong = result(COLOUR, "baseline", accuracy=0.95, latency=2.0, size_mb=0.2)
    strong = strong.model_copy(update={"metrics": {"accuracy": metric(0.95)}})
    rows = (*report.probe.results[:5], strong, report.probe.results[6])
    assert "is not worse (54.7" not in render(report, "md")
    assert "is not worse (95.0" in render(replaced(report, probe=with_rows(report, rows)), "md")


def test_forms_share_one_document() -> None:
    document = compose(make_report())
    assert render_markdown(document) == render(make_report(), "md")
    assert LITE0 in render_markdown(document)
    assert document.title in render_html(document)
