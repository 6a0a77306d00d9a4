"""What the report says of the winner's probabilities, for each way in which they may be off."""

import pytest
from report_fixture import FLOWERS, LITE2, make_report
from trust_fixture import trusted

from advisor.report import render
from advisor.report.confidence import confidence_section, confidence_words
from advisor.report.document import Section, Shown, Table
from advisor.result import ModelResult, Report

PAIR = ("no", "yes")


def of(classes: tuple[str, ...] = FLOWERS, n: int = 300, hotter: float = 2.0) -> ModelResult:
    return trusted(make_report().probe.results[0], classes, n, hotter)


def report(row: ModelResult) -> Report:
    whole = make_report()
    return whole.model_copy(
        update={"probe": whole.probe.model_copy(update={"results": (row, *whole.probe.results[1:])})}
    )


def text(row: ModelResult) -> str:
    return " ".join(words.text for words in confidence_words(row))


def titles(section: Section) -> list[str]:
    return [
        block.figure.question if isinstance(block, Shown) else block.label
        for block in section.blocks
        if isinstance(block, Shown | Table)
    ]


@pytest.mark.parametrize(
    ("hotter", "said"),
    [
        (2.5, "too sure of itself, by"),
        (0.4, "right more often than it says, by"),
        (1.0, "nothing speaks against"),
    ],
)
def test_the_verdict_follows_from_what_was_planted(hotter: float, said: str) -> None:
    assert said in text(of(hotter=hotter, n=1500))


def test_a_mixture_that_evens_out_is_named() -> None:
    row = of()
    assert row.confidence is not None
    before = row.confidence.before.model_copy(update={"surplus": 0.001, "ece": 0.2, "by_chance": 0.1})
    mixed = row.model_copy(update={"confidence": row.confidence.model_copy(update={"before": before})})
    assert "some of its probabilities are too high and others too low" in text(mixed)


def test_the_temperature_is_told_with_what_it_was_fitted_on() -> None:
    row = of(hotter=2.0)
    assert row.confidence is not None and row.confidence.temperature is not None
    said = f"Dividing its logits by {row.confidence.temperature:.2f}, fitted on 300 cross-validated predictions, makes"
    assert said in text(row)
    trust = row.confidence
    worse = trust.model_copy(update={"before": trust.after, "after": trust.before})
    assert "does not help" in text(row.model_copy(update={"confidence": worse}))
    few = text(of(PAIR, 4))
    assert "No temperature was fitted: " in few and "it takes 2." in few


def test_several_classes_have_a_table_and_two_have_curves() -> None:
    many, two = confidence_section(report(of())), confidence_section(report(of(PAIR)))
    assert titles(many)[-1] == "Classes against all others, hardest first"
    assert titles(two)[-2:] == [
        "What do more hits cost in false alarms?",
        "How many alarms are right when more is found?",
    ]
    table = many.blocks[-1]
    assert isinstance(table, Table)
    areas = [float(row.cells[1].text) for row in table.rows]
    assert areas == sorted(areas) and len(areas) == len(FLOWERS)


def test_more_than_twenty_classes_show_the_hardest() -> None:
    classes = tuple(f"class {i:02d}" for i in range(26))
    table = confidence_section(report(of(classes, 400))).blocks[-1]
    assert isinstance(table, Table)
    assert len(table.rows) == 20 and "(20 of 26)" in table.label


def test_a_report_of_an_earlier_version_has_no_such_section() -> None:
    assert confidence_section(make_report()).blocks == ()
    assert "probabilities can be trusted" not in render(make_report(), "md", "en")


def test_every_form_holds_it() -> None:
    made = report(of())
    for form in ("html", "md"):
        page = render(made, form, "en")
        assert "How far its probabilities can be trusted" in page
        assert LITE2 in page.replace("<wbr>", "")
    assert Report.model_validate_json(render(made, "json", "en")) == made
