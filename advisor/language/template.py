"""One sentence with gaps: recognised in a text, or filled with values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

__all__ = ["KINDS", "Kind", "Part", "Template", "fill", "plain_key", "spaces"]

Kind = Literal["text", "raw", "id", "term", "name", "number", "amount", "list", "words"]
KINDS: dict[str, str] = {
    "text": r".+?",
    "raw": r".+?",
    "id": r"\S+",
    "term": r"\S+",
    "name": r".+?",
    "number": r"(?:[-−+]?(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?"
    r"|(?i:no|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)",
    "amount": r"(?:(?:[Mm]ore|[Ll]ess) than )?[-−+±]?(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d+)?(?: (?:%|ms|s|min|MB|GB))?",
    "list": r".+?",
    "words": r".+?",
}
"""What may stand in a gap: a text that is translated itself (one word of such is a term), one that is never
(one word of such is an id), one that is if all of it is known, a number, one with its unit, a list of texts, or
words of the knowledge base."""
GAP = re.compile(r"\{(?P<name>[a-z_][a-z0-9_]*)(?::(?P<kind>[a-z]+))?\}")
HAN = re.compile(r"[\u4e00-\u9fff]")
SET_OFF = re.compile(rf"(?P<before>(?<=[\u4e00-\u9fff]) )?{GAP.pattern}(?P<after> (?=[\u4e00-\u9fff]))?")
WORD = re.compile(r"[a-z]+")
FEW_LETTERS = 6
SPACES = re.compile(r"[ \u00a0\u202f]")


def spaces(text: str) -> str:
    """Write every kind of space that holds words together as a plain one."""
    return SPACES.sub(" ", text)


def plain_key(msgid: str) -> str:
    """Write a template without the kinds of its gaps, as it stands in code."""
    return GAP.sub(lambda gap: "{" + gap["name"] + "}", spaces(msgid))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into the gaps of a text; a gap without a value stays.

    The space that sets a foreign word off from Chinese goes where the value turns out to be Chinese too.
    """

    def put(gap: re.Match[str]) -> str:
        value = values.get(gap["name"])
        if value is None:
            return gap[0]
        before = "" if HAN.match(value) else gap["before"] or ""
        after = "" if HAN.match(value[-1:]) else gap["after"] or ""
        return f"{before}{value}{after}"

    return SET_OFF.sub(put, text)


@dataclass(frozen=True)
class Part:
    """What stood in a gap."""

    name: str
    kind: Kind
    text: str


@dataclass(frozen=True)
class Template:
    """An English sentence with gaps, and the same in another language.

    :ivar msgid: the English, gaps as `{name}` or `{name:kind}`.
    :ivar msgstr: the translation, gaps as `{name}`.
    """

    msgid: str
    msgstr: str

    @cached_property
    def gaps(self) -> dict[str, Kind]:
        """The kind of what may stand in each gap."""
        found: dict[str, Kind] = {}
        for gap in GAP.finditer(self.msgid):
            kind = gap["kind"] or "text"
            if kind not in KINDS:
                raise ValueError(f"{self.msgid!r}: unknown kind of gap {kind!r}; allowed: {', '.join(KINDS)}")
            found.setdefault(gap["name"], kind)  # type: ignore[arg-type]
        return found

    @cached_property
    def words(self) -> frozenset[str]:
        """The whole words that must stand in a text for it to be this sentence, in small letters."""
        apart = GAP.sub("\0", spaces(self.msgid)).lower()
        return frozenset(
            word[0]
            for word in WORD.finditer(apart)
            if apart[word.start() - 1 : word.start()] != "\0" and apart[word.end() : word.end() + 1] != "\0"
        )

    @cached_property
    def telling(self) -> bool:
        """Whether the fixed words alone make it likely that a text is this sentence."""
        return sum(map(len, self.words)) >= FEW_LETTERS

    @property
    def opens(self) -> bool:
        """Whether a gap stands first."""
        return self.msgid.startswith("{")

    @cached_property
    def literal(self) -> int:
        """How many characters are fixed."""
        return len(GAP.sub("", self.msgid))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(self._expression()), re.DOTALL)

    def _expression(self) -> Iterator[str]:
        msgid, end, seen = spaces(self.msgid), 0, set[str]()
        for gap in GAP.finditer(msgid):
            yield re.escape(msgid[end : gap.start()])
            name = gap["name"]
            yield f"(?P={name})" if name in seen else f"(?P<{name}>{KINDS[self.gaps[name]]})"
            seen.add(name)
            end = gap.end()
        yield re.escape(msgid[end:])

    def match(self, text: str) -> tuple[Part, ...] | None:
        """Recognise the sentence.

        :param text: a text with plain spaces.
        :return: what stands in its gaps, or None if it is another sentence.
        """
        found = self._pattern.fullmatch(text)
        return found and tuple(Part(name, kind, found[name]) for name, kind in self.gaps.items())
