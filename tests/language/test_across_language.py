"""A comparison over several data sets leaves no sentence of ours in English."""

from across_fixture import a_set
from spoken_walk import english_left

from advisor.across import Across, across
from advisor.language import missing, translate
from advisor.report.across import render_across, stability_words
from advisor.result import ModelResult

TWO = {"x/a": 0.95, "x/b": 0.6, "x/c": 0.85, "baseline/majority": 0.25}
TURNED = {"x/a": 0.6, "x/b": 0.95, "x/c": 0.85, "baseline/majority": 0.25}


def comparisons() -> list[Across]:
    late = ModelResult(model="x/b", kind="weights", status="stopped", because="the run ended early")
    return [
        across([a_set("photos", TWO, n=300), a_set("scans", TURNED, n=300)]),
        across(
            [a_set("photos", TWO, sha256="s"), a_set("scans", TWO, seed=3, sha256="s", machine={"name": "b"})]
        ),
        across(
            [
                a_set("photos", {"x/a": 0.99, "x/b": 0.7, "baseline/c": 0.6}),
                a_set("scans", {"baseline/c": 0.6}),
            ]
        ),
        across([a_set("photos", {"x/a": 0.9, "x/b": 0.9}), a_set("scans", {"x/a": 0.9, "x/b": 0.9}, seed=7)]),
        across([a_set("photos", {"x/a": 0.9, "x/b": 0.5}), a_set("scans", {"x/a": 0.9}, rows=(late,))]),
        across([a_set("photos", {"x/a": 0.9}), a_set("scans", {"x/b": 0.9})]),
    ]


def test_nothing_is_left_in_english() -> None:
    made = comparisons()
    texts = {
        text for one in made for text in (*one.because, *one.notes, *one.next_steps, *stability_words(one))
    }
    assert len(texts) > 20
    left = {
        text: lost for text in texts if (lost := missing(text, "zh") or english_left(translate(text, "zh")))
    }
    assert left == {}
    lines = {line for one in made for line in render_across(one, "x.md", "zh").decode().splitlines()}
    assert {line: left for line in lines if (left := english_left(line))} == {}
    assert not [line for line in lines if "not probed" in line or "not reached" in line]
    page = render_across(made[0], "x.html", "zh").decode()
    assert '<html lang="zh-Hans">' in page and "photos" in page
