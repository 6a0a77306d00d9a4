"""The catalogues themselves: sound, complete and in the manner of good Chinese typesetting."""

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from advisor.language.catalogue import FILES, entries
from advisor.language.template import GAP, KINDS, Template, plain_key

PRESENT = tuple(path for path in FILES["zh"] if path.exists())
SAMPLES = {
    "text": "x", "raw": "x 1", "id": "x/1", "term": "full", "name": "x", "number": "1,234.5", "amount": "84.2 %",
    "list": "a, b and c", "words": "x",
}  # fmt: skip
CJK = re.compile(r"[\u4e00-\u9fff]")
UNSAID = ("[Errno {n:number}] {error}: {path:raw}",)
"""The number of a system's error says nothing to a reader that its words do not."""
PROPER = re.compile(r"[a-z]{3,} [a-z]{3,}")


@pytest.fixture(params=PRESENT, ids=lambda path: path.name)
def pairs(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    return list(entries(request.param, "zh"))


def gaps(text: str) -> set[str]:
    return {gap["name"] for gap in GAP.finditer(text)}


def test_every_gap_of_the_translation_stands_in_the_english(pairs: list[tuple[str, str]]) -> None:
    assert not [one for one in pairs if not gaps(one[1]) <= gaps(one[0])]
    lost = [(msgid, gaps(msgid) - gaps(msgstr)) for msgid, msgstr in pairs if gaps(msgid) - gaps(msgstr)]
    assert [one for one in lost if one[0] not in UNSAID] == [], "a value would not be said"


def test_every_gap_has_a_kind_that_exists(pairs: list[tuple[str, str]]) -> None:
    kinds = {gap["kind"] for msgid, _ in pairs for gap in GAP.finditer(msgid)} - {None}
    assert kinds <= set(KINDS)
    assert not [msgstr for _, msgstr in pairs for gap in GAP.finditer(msgstr) if gap["kind"]]


def test_a_sentence_with_gaps_recognises_itself(pairs: list[tuple[str, str]]) -> None:
    for msgid, msgstr in pairs:
        if GAP.search(msgid):
            filled = GAP.sub(lambda gap: SAMPLES[gap["kind"] or "text"], msgid)
            assert Template(msgid, msgstr).match(filled) is not None, (msgid, filled)


def test_a_sentence_with_gaps_says_something_of_its_own(pairs: list[tuple[str, str]]) -> None:
    assert not [msgid for msgid, _ in pairs if GAP.search(msgid) and not GAP.sub("", msgid).strip()]


@pytest.mark.parametrize("path", PRESENT, ids=lambda path: path.name)
def test_no_entry_twice_and_none_empty(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    with path.open("rb") as stream:
        found = [
            message for message in read_po(stream, locale="zh_Hans_CN", abort_invalid=True) if message.id
        ]
    assert all(message.string for message in found)
    assert text.count("\nmsgid ") - 1 == len(found), "the same msgid twice"
    keys = Counter(plain_key(str(message.id)) for message in found)
    assert not [key for key, times in keys.items() if times > 1], "the same but for the kinds of its gaps"


def test_the_two_catalogues_agree() -> None:
    said: dict[str, str] = {}
    for path in PRESENT:
        for msgid, msgstr in entries(path, "zh"):
            assert said.setdefault(plain_key(msgid), msgstr) == msgstr, f"{msgid!r} is said in two ways"


def test_sentences_are_chinese_and_end_as_chinese_ones(pairs: list[tuple[str, str]]) -> None:
    for msgid, msgstr in pairs:
        if PROPER.search(GAP.sub("", msgid)):
            assert CJK.search(msgstr), (msgid, msgstr)
        if msgid.endswith(".") and CJK.search(msgstr) and not msgid.endswith("…."):
            assert not msgstr.endswith((".", ",")), msgstr
        assert not re.search(r"[\u4e00-\u9fff][,;?!]|[\u4e00-\u9fff]\(|[\u4e00-\u9fff]: ", msgstr), msgstr
        assert not re.search(r"[\u4e00-\u9fff] [\u4e00-\u9fff]", re.sub(r"\w+:\w+", "x", msgstr)), msgstr
