from advisor.knowledge import load_knowledge
from advisor.languages import covered, english_name, has_language, primary

OWN = {"spacy-ner"}
"""Yardsticks on which each model is measured in its own language."""


def test_the_shipped_yardsticks_of_language_say_which() -> None:
    for task in load_knowledge().tasks:
        for mark in task.benchmarks:
            if has_language(task.id, task.modality):
                assert (mark.language is None) == (mark.id in OWN), f"{task.id}: {mark.id}"
                assert "zh" not in mark.id or mark.language == "zh"


def test_tags_are_reduced_to_their_language() -> None:
    assert [primary(tag) for tag in ("zh-Hans", "cmn", "EN-gb", "pt-BR")] == ["zh", "zh", "en", "pt"]
    assert english_name("zh-Hant") == "Chinese"
    assert english_name("tlh") == "tlh"


def test_coverage_is_a_share_and_unknown_is_not_none_of_it() -> None:
    assert covered(["zh", "en"], ["zh-Hans"]) == 0.5
    assert covered(["zh"], ["en"]) == 0.0
    assert covered(["zh"], ["mul"]) == 1.0
    assert covered(["zh"], None) is None
    assert covered([], ["en"]) is None
