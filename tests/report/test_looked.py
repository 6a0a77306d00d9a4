"""Where the model looked, in every form of the report: shown, said in words, and harmless whatever the examples say."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from report_fixture import LITE2, make_report

from advisor.checks import Check, Checks, Looked, Saliency, Word
from advisor.language import Language, missing
from advisor.report.checks import checks_section
from advisor.report.document import Bullets, Cover, Document, Gallery, Piece
from advisor.report.html import render_html
from advisor.report.looked import looked_section, looks
from advisor.report.markdown import render_markdown
from advisor.report.overlay import overlaid
from advisor.report.pdf import render_pdf
from advisor.report.spoken import spoken
from advisor.report.store import read_report, report_json, write_report
from advisor.result import Report

EVIL = (
    '<script>alert(1)</script>"\'><img src=x onerror=alert(1)> `*[a](javascript:x)*` #set #eval("x") \u202e'
)


def jpeg(colour: tuple[int, int, int] = (40, 90, 200), size: tuple[int, int] = (60, 40)) -> str:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG", quality=90)
    return base64.b64encode(stream.getvalue()).decode()


def corner(rows: int = 7, columns: int = 7) -> tuple[tuple[float, ...], ...]:
    heat = np.zeros((rows, columns))
    heat[:2, :2] = 1.0
    return tuple(tuple(line) for line in heat.tolist())


def pictures(evil: str = "rose") -> Saliency:
    return Saliency(
        model=LITE2,
        rung="last-block",
        method="Grad-CAM on the last map of features",
        layer="bn2",
        examples=(
            Looked(id=f"{evil}/1.jpg", truth=evil, predicted="tulip", probability=0.87, heat=corner(), picture=jpeg()),
            Looked(id="b.jpg", truth="tulip", predicted="tulip", probability=0.6, heat=((0.0, 0.0), (0.0, 0.0)),
                   picture=jpeg()),
        ),
    )  # fmt: skip


def texts(evil: str = "money") -> Saliency:
    words = (
        Word(text="My", weight=0.02, gap=" "),
        Word(text=evil, weight=1.5, gap=" "),
        Word(text="not", weight=-0.5),
    )
    return Saliency(
        model=LITE2,
        rung="last-block",
        method="integrated gradients from the text with every word masked",
        layer="embeddings",
        examples=(
            Looked(id="row 3", truth="refund", predicted="account", probability=0.5, words=words, score=1.2,
                   blank_score=0.18),
        ),
    )  # fmt: skip


def report(found: Saliency | None) -> Report:
    rows = (Check(name="saliency", status="done"),)
    return make_report(checks=Checks(rows=rows, saliency=found))


def document(found: Saliency, language: Language = "en") -> Document:
    """A report of this one part: the others are drawn in other tests."""
    part = looked_section(report(found))
    return spoken(Document("Report", Cover("", "Use it.", (), (), ()), (part,), "End."), language)


def gallery(found: Saliency) -> Gallery:
    return next(block for block in looked_section(report(found)).blocks if isinstance(block, Gallery))


def test_pictures_are_shown_twice_and_said_in_words() -> None:
    wrong, right = gallery(pictures()).looks
    assert wrong.wrong and not right.wrong
    facts = {name: cell.text for name, cell in wrong.facts}
    assert facts["Answer"] == "mistaken" and facts["Truth"] == "rose" and facts["Predicted"] == "tulip"
    assert facts["Sure of it"].startswith("87")
    assert facts["Where"].startswith("half of it on 4") and facts["Where"].endswith("at the upper left")
    assert dict(right.facts)["Where"].text == "nowhere in particular"
    page = render_html(document(pictures()))
    assert page.count('src="data:image/jpeg;base64,') == 4
    assert "at the upper left" in page


@pytest.mark.parametrize(
    ("cell", "place"),
    [((0, 0), "at the upper left"), ((0, 8), "at the upper right"), ((4, 4), "in the middle"), ((4, 0), "on the left"),
     ((8, 4), "at the bottom"), ((8, 8), "at the lower right")],
)  # fmt: skip
def test_places_are_named(cell: tuple[int, int], place: str) -> None:
    heat = np.zeros((9, 9))
    heat[cell] = 1.0
    rows = tuple(tuple(line) for line in heat.tolist())
    one = pictures().examples[0].model_copy(update={"heat": rows})
    (look,) = looks(pictures().model_copy(update={"examples": (one,)}))
    assert dict(look.facts)["Where"].text.endswith(place)


def test_the_map_lies_where_it_belongs_and_has_a_line_around_it() -> None:
    made = overlaid(jpeg(size=(140, 140)), corner())
    with Image.open(io.BytesIO(base64.b64decode(made))) as image:
        values = np.asarray(image.convert("RGB"), dtype=int)
    assert values.shape == (160, 160, 3)
    hot, cold = values[12, 12], values[130, 130]
    assert hot[0] - hot[2] > 80, "the hot corner is not marked"
    assert np.ptp(cold) < 12, "what is cold keeps no colour"
    row = values[12, 30:60].sum(axis=1)
    assert row.max() > 600 and row.min() < 150, "no white and black line"


@pytest.mark.parametrize(
    ("picture", "heat"),
    [(base64.b64encode(b"no picture").decode(), corner()), (jpeg(size=(2000, 10)), corner()), ("AAA", corner()),
     (jpeg(), ((0.0, 1.0), (0.5,)))],
)  # fmt: skip
def test_what_cannot_be_read_is_no_picture(picture: str, heat: tuple[tuple[float, ...], ...]) -> None:
    assert overlaid(picture, heat) == ""
    one = Looked(id="a", truth="b", predicted="b", probability=1.0, heat=heat, picture=picture)
    (look,) = looks(pictures().model_copy(update={"examples": (one,)}))
    assert look.seen == "" and look.marked == ""


@pytest.mark.parametrize("picture", ['x" onerror="alert(1)', "<svg>", "A" * 60_001, "data:text/html"])
def test_a_picture_is_base64_and_small(picture: str) -> None:
    with pytest.raises(ValidationError):
        Looked(id="a", truth="b", predicted="b", probability=1.0, picture=picture)


def test_words_are_marked_by_how_much_they_weigh() -> None:
    (look,) = gallery(texts()).looks
    assert [(piece.text, piece.level) for piece in look.pieces] == [("My", 0), ("money", 4), ("not", -1)]
    facts = {name: cell.text for name, cell in look.facts}
    assert facts["Spoke for it"].startswith("money +74 %")
    assert facts["Spoke against it"] == "not −25 %"
    page = render_html(document(texts()))
    assert '<b class="for w4">money</b> <b class="against w1">not</b>' in page
    assert "money +74 %" in render_markdown(document(texts()))


@pytest.mark.parametrize(("weight", "level"), [(0.0, 0), (0.1, 0), (0.2, 1), (0.99, 4), (1.0, 4), (-1.0, -4)])
def test_levels_of_marking(weight: float, level: int) -> None:
    assert Piece("a", weight, "").level == level


@pytest.mark.parametrize("found", [pictures(EVIL), texts(EVIL)], ids=["pictures", "texts"])
def test_examples_become_no_markup(found: Saliency) -> None:
    page = render_html(document(found))
    assert "<script" not in page and "<img src=x" not in page and "\u202e" not in page
    plain = render_markdown(document(found))
    assert "<script" not in plain and not re.search(r"(?<!\\)\]\(javascript", plain)
    assert render_pdf(document(found))[:5] == b"%PDF-"


def test_the_pdf_holds_the_pictures_and_the_words() -> None:
    import pypdfium2

    for found, says in ((pictures(), "at the upper left"), (texts(), "money +74 %")):
        file = pypdfium2.PdfDocument(render_pdf(document(found)))
        text = " ".join(page.get_textpage().get_text_range() for page in file)
        assert says.replace(" ", "") in re.sub(r"\s", "", text)


def test_left_out_examples_are_said_to_be() -> None:
    none = pictures().model_copy(update={"examples": ()})
    assert "The examples were left out of this report." in render_markdown(document(none))


def test_without_a_look_there_is_no_section() -> None:
    assert looked_section(report(None)).blocks == ()
    assert looked_section(make_report()).blocks == ()
    undone = Checks(rows=(Check(name="saliency", status="skipped", because="the time budget was spent"),))
    (said,) = checks_section(make_report(checks=undone)).blocks
    assert said == Bullets(("Where the model looked: skipped, the time budget was spent.",))


def test_everything_is_said_in_chinese() -> None:
    for found in (pictures(), texts()):
        section = looked_section(report(found))
        said = [section.title, *(str(getattr(block, "text", "")) for block in section.blocks)]
        (shown,) = [block for block in section.blocks if isinstance(block, Gallery)]
        said += [shown.label, *(name for look in shown.looks for name, _ in look.facts)]
        said += [cell.text for look in shown.looks for _, cell in look.facts if not cell.own]
        assert {text: left for text in said if (left := missing(text, "zh"))} == {}
        assert "模型看了哪里" in render_html(document(found, "zh"))


def test_it_is_kept_exactly(tmp_path: Any) -> None:
    for number, found in enumerate((pictures(EVIL), texts(EVIL))):
        kept = report(found)
        place = tmp_path / f"{number}.json"
        write_report(kept, place)
        assert read_report(place).checks == kept.checks
        assert len(report_json(kept)) < 400_000
