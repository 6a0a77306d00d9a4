"""Finding and comparing models, without a page."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.facts import list_facts
from advisor.knowledge import Knowledge, load_knowledge
from advisor.ui.browse import Facets, find, spoken, yardstick
from advisor.ui.compare import compare

OPEN = re.compile(r"<details[^>]*><summary>(.*?)</summary>(.*?)</details>", re.S)


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load_knowledge()


def test_nothing_asked_gives_every_model_but_the_baselines(shipped: Knowledge) -> None:
    assert find(shipped, Facets()) == [card for card in shipped.models if card.kind != "baseline"]


@settings(deadline=None)
@given(
    st.builds(
        Facets,
        words=st.sampled_from(["", "resnet", "QWEN 7b", "zzz"]),
        task=st.sampled_from([None, "image-classification", "text-generation"]),
        kind=st.sampled_from([None, "weights", "api"]),
        licence=st.sampled_from([None, "permissive", "custom"]),
        language=st.sampled_from([None, "zh"]),
        largest_mb=st.sampled_from([None, 100.0]),
        memory_mb=st.sampled_from([None, 4000.0]),
        current=st.booleans(),
    ),
)
def test_what_is_found_fits_every_facet(facets: Facets) -> None:
    base = load_knowledge()
    for card in find(base, facets)[::7]:
        assert facets.task is None or facets.task in card.tasks
        assert facets.kind is None or card.kind == facets.kind
        assert facets.licence is None or card.licence.klass == facets.licence
        assert facets.largest_mb is None or (card.size_mb and card.size_mb.value <= facets.largest_mb)
        assert not (facets.current and card.superseded_by)
        assert all(
            word in f"{card.id} {card.name} {card.family} {card.authors}".lower()
            for word in facets.words.lower().split()
        )


def test_the_yardstick_is_the_one_that_most_models_share(shipped: Knowledge) -> None:
    cards = shipped.for_task("image-classification")
    chosen = yardstick(shipped, "image-classification", cards)
    assert chosen is not None
    mark, values = chosen
    assert (mark.id, mark.metric) == ("imagenet-1k", "top1")
    for id, value in list(values.items())[:20]:
        rows = [
            row.value
            for row in shipped.results_of(id)
            if (row.benchmark, row.metric) == (mark.id, mark.metric)
        ]
        assert value == max(rows)
    assert yardstick(shipped, "image-classification", []) is None


def test_languages_are_offered_with_the_common_first(shipped: Knowledge) -> None:
    offered = spoken(shipped)
    assert next(iter(offered)) == "en"
    assert offered["zh"] == "Chinese"
    assert "mul" not in offered


def test_every_number_opens_to_its_source_and_date(shipped: Knowledge) -> None:
    cards = [
        shipped.model(id)
        for id in ("sentence-transformers/all-MiniLM-L6-v2", "timm/tf_efficientnet_lite0.in1k")
    ]
    html = compare(cards, shipped)
    folded = [found for found in OPEN.findall(html) if "more" not in found[0]]
    titles = {source.id: source.title for source in shipped.sources}
    for card in cards:
        for fact in list_facts(card, shipped):
            if fact.source is not None and fact.name in ("parameters", "size_mb"):
                words = titles[fact.source].split()[0]
                assert any(words in origin and str(fact.date) in origin for _, origin in folded), fact
    assert html.count("<table") == html.count("</table>")
    assert all(card.name in html for card in cards)


def test_what_nobody_sourced_is_marked(small_knowledge: Knowledge) -> None:
    card = small_knowledge.models[0].model_copy(update={"architecture": "net"})
    html = compare([card], small_knowledge)
    assert 'class="known unsourced"' in html
    assert "No source is named." in html


def test_text_of_cards_cannot_become_markup(small_knowledge: Knowledge) -> None:
    card = small_knowledge.models[0].model_copy(update={"architecture": "<script>x</script>", "name": "<b>"})
    html = compare([card], small_knowledge)
    assert "<script>" not in html
    assert "<b>" not in html


def test_the_style_sheet_knows_the_classes() -> None:
    css = (Path(__file__).parents[2] / "advisor" / "ui" / "static" / "style.css").read_text(encoding="utf-8")
    assert all(f".{name}" in css for name in ("beside", "known", "besides"))
