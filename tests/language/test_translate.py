"""Sentences in, sentences out: what must hold of any text, and what is known of some."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import BriefError, DataError, InputError
from advisor.language import (
    LANGUAGES,
    as_language,
    chosen_language,
    complaint,
    format_value,
    missing,
    translate,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=24)


@given(st.text(max_size=120))
def test_english_stays_as_it_is(text: str) -> None:
    assert translate(text, "en") == text
    assert missing(text, "en") == ()


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_can_be_asked_for(text: str) -> None:
    said = translate(text, "zh")
    assert bool(said.strip()) == bool(text.strip())
    assert translate(text, "zh") == said


@settings(deadline=None)
@given(st.text(st.sampled_from("数据模型，。：（）0123456789 %–±"), max_size=60))
def test_chinese_is_left_alone(text: str) -> None:
    assert translate(text, "zh").replace(" ", "") == text.replace(" ", "")
    assert missing(text, "zh") == ()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_numbers_survive(n: int, m: int) -> None:
    said = translate(
        f"{n} texts repeat an earlier one; repetitions stay together on one side of the split.", "zh"
    )
    assert said == f"{n} 个文本与前面的重复；重复项划分时始终在同一侧。"
    said = translate(f"{n:,} classes for {m:,} examples: a probe sees few of each.", "zh")
    assert f"{n:,}" in said and f"{m:,}" in said


@settings(deadline=None, max_examples=60)
@given(NAMES, st.integers(1, 99))
def test_names_of_the_user_are_never_translated(name: str, n: int) -> None:
    text = f"The largest class, {name!r}, has {n} examples, the smallest, 'high', 1: {n:.1f} times as many."
    said = translate(text, "zh")
    assert repr(name) in said
    assert "'high'" in said


@pytest.mark.parametrize("name", ["high", "full", "accuracy", "medium", "Model", "yes"])
def test_a_class_that_is_called_like_one_of_our_words_stays(name: str) -> None:
    text = f"3 classes with a single example left out: {name}."
    assert translate(text, "zh") == f"舍去 3 个只有一个样本的类别：{name}。"


def test_sentences_that_stand_together_are_told_apart() -> None:
    one, other = "No pretrained model keeps your limits.", "It beats the best baseline, x/y, by 3.4 points."
    assert translate(f"{one} {other}", "zh") == translate(one, "zh") + translate(other, "zh")
    assert translate(f"{one}\n{other}", "zh") == f"{translate(one, 'zh')}\n{translate(other, 'zh')}"


def test_case_and_full_stop_do_not_matter() -> None:
    assert translate("Climbed every rung", "zh") == "完成了所有档位"
    assert translate("climbed every rung.", "zh") == "完成了所有档位。"


def test_parts_are_translated_as_parts() -> None:
    text = "latency ≤ 20 ms and the licence need not be commercial: it is CC-BY-NC (non-commercial) (Research only.)"
    assert (
        translate(text, "zh") == "延迟 ≤ 20 ms，并且许可证不要求可商用：它是 CC-BY-NC（非商用；仅限研究。）"
    )


def test_a_space_sets_off_only_what_is_not_chinese() -> None:
    sure = "sure that it is the best of the four."
    assert translate(f"75 % {sure}", "zh") == "有 75% 的把握认为它是 4 个模型中最好的。"
    assert translate(f"More than 99 % {sure}", "zh") == "有超过 99% 的把握认为它是 4 个模型中最好的。"


def test_a_list_of_names_is_taken_whole() -> None:
    text = "6 classes have fewer than 5 examples to choose by, among them 'Avocado', 'Banana', 'Carrots'."
    assert (
        translate(text, "zh") == "有 6 个类别的选择样本不足 5 个，其中包括 'Avocado', 'Banana', 'Carrots'。"
    )


def test_what_is_not_known_stays_and_is_named() -> None:
    odd = "Nobody ever wrote this sentence"
    assert translate(odd, "zh") == odd
    assert missing(odd, "zh") == (odd,)
    assert missing("First reason: nobody ever wrote this.", "zh") == ("nobody ever wrote this.",)
    assert missing("Research only.", "zh") == ()


def test_words_of_the_knowledge_base_come_from_there() -> None:
    from advisor.knowledge import load_knowledge

    words = next(card.good_for for card in load_knowledge().models if card.good_for)
    assert translate(f"Good for: {words.en}", "zh") == f"适合：{words.zh}"


def test_a_knowledge_base_that_cannot_be_read_leaves_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_KNOWLEDGE", str(tmp_path / "nowhere"))
    assert translate("Good for: a sentence of another base.", "zh") == "适合：a sentence of another base."


def test_values_are_put_into_a_translated_sentence() -> None:
    assert translate("{n} examples", "zh", n=12345) == "12,345 个样本"
    assert translate("{n} examples", "en", n=12345) == "12,345 examples"
    assert translate("not in any {x} catalogue", "zh", x="a{b}") == "not in any a{b} catalogue"
    assert translate("{n} examples", "zh", other=1) == "{n} 个样本", "a gap without a value stays"


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (1234567, "1,234,567", "1,234,567"),
        (0.25, "0.25", "0.25"),
        (dt.date(2026, 11, 21), "Nov 21, 2026", "2026年11月21日"),
        ("as it is", "as it is", "as it is"),
        (None, "None", "None"),
        (True, "True", "True"),
    ],
)
def test_values_are_written_as_the_language_does(value: object, english: str, chinese: str) -> None:
    assert format_value(value, "en") == english
    assert format_value(value, "zh") == chinese


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("84.2\u202f%", "84.2%"),
        ("12\u202f345\u202fMB", "12,345 MB"),
        ("7.5\u202fs", "7.5 秒"),
        ("0.4\u202fmin", "0.4 分钟"),
        ("more than 99\u202f%", "超过 99%"),
        ("3 (2026-11-21)", "3 (2026年11月21日)"),
        ("2026-13-41", "2026-13-41"),
        ("three models", "3 个模型"),
    ],
)
def test_amounts_and_dates(english: str, chinese: str) -> None:
    assert translate(english, "zh") == chinese
    assert translate(english, "en") == english


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("zh_CN.UTF-8", "zh"),
        ("ZH-TW", "zh"),
        ("de-DE", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_tags_of_browsers_and_systems(tag: str | None, language: str) -> None:
    assert as_language(tag) == language


def test_the_language_is_chosen_by_name_then_by_variable_then_english(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ADVISOR_LANG", raising=False)
    assert chosen_language() == "en"
    monkeypatch.setenv("ADVISOR_LANG", "zh")
    assert chosen_language() == "zh"
    assert chosen_language("en") == "en"
    assert set(LANGUAGES) == {"en", "zh"}
    with pytest.raises(InputError, match=r"'fr'.*en, zh"):
        chosen_language("fr")
    monkeypatch.setenv("ADVISOR_LANG", "klingon")
    with pytest.raises(InputError, match="ADVISOR_LANG"):
        chosen_language()


def test_complaints_keep_their_three_parts() -> None:
    error = DataError("my data.csv is empty", "a table with a text and a label column", "Give a sample.")
    assert complaint(error, "en") == str(error)
    assert (
        complaint(error, "zh")
        == "my data.csv 是空的。允许：含一个文本列和一个标签列的表格。请提供其中一部分。"
    )
    bare = BriefError("There is no model 'x'")
    assert complaint(bare, "zh") == "没有模型 'x'。"
