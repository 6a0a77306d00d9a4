"""From an English text to the same text in another language, sentence by sentence, part by part."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from advisor.language.catalogue import catalogue, knowledge_words
from advisor.language.chosen import Language
from advisor.language.formats import format_value, localised, number_from
from advisor.language.template import Part, fill, spaces

__all__ = ["missing", "translate"]

LONGEST = 4000
"""Characters of one paragraph; what is longer was not written by us."""
TOGETHER = 4
"""So many sentences may stand in one entry."""
SENTENCE = re.compile(r"(?<=[.!?])(?<!pct\.)(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.) +(?=\S)")
LATIN = re.compile(r"[A-Za-z]")
ENGLISH = re.compile(r"(?<![\w/.@+-])[A-Za-z]*[a-z][A-Za-z]*(?![\w/@+-]|\.\w)")
NAME = re.compile(r"[^\s,;:]*[A-Za-z][^\s,;:]*")
PROSE = re.compile(r"(?:(?<![\w/.-])[a-z]{2,}(?![\w/.-]),? ){2,}(?<![\w/.-])[a-z]{2,}(?![\w/-])")
LIST = re.compile(r", and |, or |, | and | or ")
WIDE = "。！？；：，、）（」「》《”“"


@dataclass(frozen=True)
class Said:
    """A text in another language.

    :ivar text: the text.
    :ivar left: the pieces that nothing was known for, in English.
    :ivar names: the pieces that were taken for names.
    :ivar steps: how many entries and joints it is made of.
    """

    text: str
    left: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    steps: int = 1

    @cached_property
    def cost(self) -> tuple[int, int, int]:
        """How doubtful this reading is: words left over, characters of names of several words, steps."""
        prose = sum(len(found[0].split()) for name in self.names for found in PROSE.finditer(name))
        words = sum(len(ENGLISH.findall(piece)) for piece in self.left) + prose
        return words, sum(len(name) for name in self.names if " " in name.replace(", ", ",")), self.steps


def translate(text: str, language: Language, **values: object) -> str:
    """Say an English text in another language.

    :param text: a sentence, several, or a phrase. With values it is a template: it is translated first and then
        filled; its gaps are `{name}`.
    :param language: the language; in English only the values are filled in.
    :param values: what to put into the gaps. Numbers and dates are written as the language does it; texts stay as
        they are.
    :return: the text in that language; pieces that nothing is known for stay in English.
    """
    if values:
        known = catalogue(language).exact.get(spaces(text), text) if language != "en" else text
        return fill(known, {name: format_value(value, language) for name, value in values.items()})
    if language == "en" or not text.strip():
        return text
    return _said(text, language).text


def missing(text: str, language: Language) -> tuple[str, ...]:
    """List the pieces of a text that stay in English because nothing is known for them.

    :param text: an English text; names, numbers and codes count as pieces only where they look like words.
    :param language: the language.
    :return: the pieces, in order; none if the whole text is translated.
    """
    if language == "en" or not text.strip():
        return ()
    return tuple(piece for piece in _said(text, language).left if ENGLISH.search(piece))


@lru_cache(maxsize=16384)
def _said(text: str, language: Language) -> Said:
    lines = text.split("\n")
    if len(lines) == 1:
        return _paragraph(text, language)
    whole = catalogue(language).exact.get(spaces(text))
    if whole is not None:
        return Said(whole)
    found = [_said(line, language) for line in lines]
    return _together("\n".join(one.text for one in found), found)


@lru_cache(maxsize=16384)
def _paragraph(text: str, language: Language) -> Said:
    """Read the sentences of a paragraph so that the least is left over."""
    before, core, after = _trimmed(text)
    if not LATIN.search(core) or len(core) > LONGEST:
        return Said(localised(text, language))
    sentences = SENTENCE.split(spaces(core))
    best: list[Said | None] = [Said("", steps=0)] + [None] * len(sentences)
    for end in range(1, len(sentences) + 1):
        for start in range(max(0, end - TOGETHER), end):
            head = best[start]
            if head is None:
                continue
            one = _phrase(" ".join(sentences[start:end]), language)
            both = _together(_join(head.text, one.text), (head, one), steps=0)
            known = best[end]
            if known is None or both.cost < known.cost:
                best[end] = both
    done = best[-1] or Said(core)
    if done.text == spaces(core):
        return replace(done, text=text)
    return replace(done, text=f"{before}{done.text}{after}")


def _trimmed(text: str) -> tuple[str, str, str]:
    core = text.strip()
    start = text.index(core) if core else 0
    return text[:start], core, text[start + len(core) :]


def _join(one: str, other: str) -> str:
    apart = "" if not one or one[-1] in WIDE else " "
    return f"{one}{apart}{other}"


def _together(text: str, parts: Iterable[Said], steps: int = 1) -> Said:
    found = list(parts)
    return Said(
        text,
        tuple(piece for one in found for piece in one.left),
        tuple(name for one in found for name in one.names),
        steps + sum(one.steps for one in found),
    )


@lru_cache(maxsize=16384)
def _phrase(text: str, language: Language) -> Said:
    """Translate what is one sentence, or a part of one."""
    if not LATIN.search(text):
        return Said(localised(text, language))
    best = Said(
        localised(text, language), (text,) if ENGLISH.search(text) else (), steps=1 + len(NAME.findall(text))
    )
    for found in _readings(text, language):
        if found.cost < best.cost or (found.cost == best.cost and best.text == text):
            best = found
        if best.cost <= (0, 0, 1):
            break
    return best


def _readings(text: str, language: Language) -> Iterator[Said]:
    known = catalogue(language)
    for spelling, finish in _spellings(text):
        if (exact := known.exact.get(spelling)) is not None:
            yield Said(finish(exact))
        flipped = spelling[:1] != text[:1]
        for template in known.candidates(spelling):
            parts = None if flipped and template.opens else template.match(spelling)
            if parts is not None:
                found = _filled(template.msgstr, parts, language, finish)
                if found.cost[0] == 0 or template.telling:
                    yield found
    yield from _structures(text, language)


def _spellings(text: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Give the text as it is, with the other case in front, and without or with its full stop."""
    flipped = text[:1].swapcase() + text[1:]
    for spelling in (text, flipped):
        yield spelling, str
        if spelling.endswith("."):
            yield spelling[:-1], lambda said: said if said[-1:] in WIDE else f"{said}。"
        else:
            yield f"{spelling}.", lambda said: said.removesuffix("。")


def _filled(msgstr: str, parts: Sequence[Part], language: Language, finish: Callable[[str], str]) -> Said:
    found = [_part(part, language) for part in parts]
    values = {part.name: one.text for part, one in zip(parts, found, strict=True)}
    ends = [len(SENTENCE.findall(part.text)) for part in parts]
    return _together(finish(fill(msgstr, values)), found, steps=1 + sum(ends) + sum(ends[:-1]))


def _part(part: Part, language: Language) -> Said:
    if part.kind in ("raw", "id"):
        known_too = part.text in catalogue(language).exact
        return Said(part.text, names=(part.text,), steps=2 if known_too else 0)
    if part.kind == "number":
        return Said(number_from(part.text), steps=0)
    if part.kind == "name":
        known_as = _paragraph(part.text, language)
        return Said(part.text, names=(part.text,), steps=0) if known_as.left else known_as
    if part.kind == "words":
        known = knowledge_words(language).get(part.text)
        return _paragraph(part.text, language) if known is None else Said(known, steps=0)
    if part.kind == "list":
        items = [_phrase(item, language) for item in LIST.split(part.text)]
        listed = replace(_together("、".join(item.text for item in items), items), steps=1)
        whole = _phrase(part.text, language)
        return whole if whole.cost[0] < listed.cost[0] else listed
    return _paragraph(part.text, language)


STRUCTURES = (
    (re.compile(r"; "), "；"),
    (re.compile(r" · "), " · "),
    (re.compile(r" → "), " → "),
    (re.compile(r": "), "："),
    (re.compile(r", "), "，"),
)
BRACKETS = re.compile(r"(?P<before>.*?\S) \((?P<inside>[^()]+)\)(?P<after>[.,;:]?)")


def _structures(text: str, language: Language) -> Iterator[Said]:
    """Translate the parts of a text that holds together by its punctuation alone."""
    stop = "。" if text.endswith(".") else ""
    core = text[:-1] if stop else text
    if bracketed := BRACKETS.fullmatch(core):
        inner = [_phrase(bracketed[name], language) for name in ("before", "inside")]
        if not inner[0].left or not inner[1].left:
            yield _together(f"{inner[0].text}（{inner[1].text}）{bracketed['after']}{stop}", inner)
    for separator, wide in STRUCTURES:
        pieces = separator.split(core)
        if len(pieces) > 1:
            found = [_phrase(piece, language) for piece in pieces]
            if (any if separator.pattern != ", " else all)(not one.left for one in found):
                yield _together(wide.join(one.text for one in found) + stop, found)
