import pytest

from advisor.languages import benchmark_language, covered, english_name, primary


@pytest.mark.parametrize(
    ("id", "language"),
    [
        ("mteb-cmn-classification", "zh"),
        ("chnsenticorp", "zh"),
        ("clue", "zh"),
        ("clue-tnews", "zh"),
        ("cmrc2018", "zh"),
        ("aishell-1", "zh"),
        ("thucnews", "zh"),
        ("frozen-probe-chnsenticorp", "zh"),
        ("mteb-multilingual-classification", "mul"),
        ("xnli", "mul"),
        ("flores200", "mul"),
        ("mteb-eng-v2-classification", "en"),
        ("glue", "en"),
        ("sst-2", "en"),
        ("librispeech", "en"),
    ],
)
def test_a_benchmark_speaks_its_language(id: str, language: str) -> None:
    assert benchmark_language(id) == language


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
