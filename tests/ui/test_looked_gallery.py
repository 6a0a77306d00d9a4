"""The gallery of where the model looked, in the app: shown, escaped, and said in words."""

import base64
import io
from typing import Any

from PIL import Image
from report_fixture import LITE2, make_report
from streamlit.testing.v1 import AppTest

from advisor.checks import Check, Checks, Looked, Saliency, Word
from advisor.report.document import Cell, Look, Piece
from advisor.result import Report
from advisor.ui.looked import marked

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def jpeg() -> str:
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), (40, 90, 200)).save(stream, "JPEG")
    return base64.b64encode(stream.getvalue()).decode()


def saliency(texts: bool) -> Saliency:
    seen: dict[str, Any] = (
        {"words": (Word(text="refund", weight=2.0, gap=" "), Word(text="now", weight=-1.9))}
        if texts
        else {"heat": ((1.0, 0.0), (0.0, 0.0)), "picture": jpeg()}
    )
    one = Looked(id="row 3", truth="billing", predicted="returns", probability=0.8, **seen)
    return Saliency(model=LITE2, rung="last-block", method="m", layer="l", examples=(one,))


def show(report: "Report", language: str) -> None:
    import streamlit as st

    from advisor.ui.looked import gallery

    st.session_state["language"] = language
    gallery(report)


def shown(checks: Checks | None, language: str = "en") -> AppTest:
    page = AppTest.from_function(show, args=(make_report(checks=checks), language), default_timeout=300)
    page.run()
    assert not page.exception
    return page


def test_words_are_marked_and_told() -> None:
    page = shown(Checks(saliency=saliency(True)))
    body = "".join(str(one.proto.body) for one in page.get("html"))
    assert '<b class="for w4">refund</b> <b class="against w4">now</b>' in body
    assert "refund +51 %" in body and "now −49 %" in body and "mistaken" in body
    assert [one.value for one in page.header] == ["Where the model looked"]


def test_pictures_are_shown_twice_in_chinese() -> None:
    page = shown(Checks(saliency=saliency(False)), "zh")
    body = "".join(str(one.proto.body) for one in page.get("html"))
    assert body.count("data:image/jpeg;base64,") == 2 and "左上" in body
    assert [one.value for one in page.header] == ["模型看了哪里"]


def test_a_reason_stands_where_nobody_looked() -> None:
    undone = Check(name="saliency", status="skipped", because="the time budget was spent")
    page = shown(Checks(rows=(undone,)))
    assert [one.value for one in page.caption] == ["the time budget was spent"]
    assert not shown(None).header


def test_examples_become_no_markup() -> None:
    look = Look(
        id=EVIL, wrong=True, facts=(("Truth", Cell(EVIL, own=True)),), seen=jpeg(), marked=jpeg(),
        pieces=(Piece(EVIL, 1.0, EVIL), Piece(EVIL, 0.0, "")),
    )  # fmt: skip
    made = marked(look)
    assert "<script" not in made and "<img src=x" not in made
    assert made.count("<img ") == 2
