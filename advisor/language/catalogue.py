"""The reviewed translations: gettext files read once, exact sentences and sentences with gaps."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.language.chosen import Language
from advisor.language.template import GAP, WORD, Template, plain_key, spaces

__all__ = ["FILES", "Catalogue", "catalogue", "knowledge_words"]

HERE = Path(__file__).parent
FILES: dict[Language, tuple[Path, ...]] = {
    "en": (),
    "zh": (HERE / "zh_CN.po", HERE / "zh_CN.ui.po", HERE / "zh_CN.export.po", HERE / "zh_CN.checks.po"),
}


@dataclass(frozen=True)
class Catalogue:
    """Translations out of English.

    :ivar exact: whole texts.
    :ivar templates: sentences with gaps, by one word that each of them holds; those without a word under "".
    """

    exact: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, tuple[Template, ...]] = field(default_factory=dict)

    def candidates(self, text: str) -> list[Template]:
        """List the sentences with gaps that a text may be, the most specific first."""
        words = frozenset(WORD.findall(text.lower()))
        found = [one for word in (*words, "") for one in self.templates.get(word, ()) if one.words <= words]
        return sorted(found, key=lambda one: -one.literal)


@lru_cache(maxsize=4)
def catalogue(language: Language) -> Catalogue:
    """Read the translations into a language.

    :param language: the language.
    :return: its catalogue; English has an empty one.
    """
    return _indexed(pair for path in FILES[language] if path.exists() for pair in entries(path, language))


def entries(path: Path, language: Language) -> Iterator[tuple[str, str]]:
    """Read the pairs of English and translation that stand in a gettext file."""
    from babel.messages.pofile import read_po

    from advisor.language.formats import LOCALES

    with path.open("rb") as stream:
        found = read_po(stream, locale=LOCALES[language])
    for message in found:
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string:
            yield message.id, message.string


def _indexed(pairs: Iterable[tuple[str, str]]) -> Catalogue:
    exact: dict[str, str] = {}
    templates: list[Template] = []
    for msgid, msgstr in pairs:
        exact.setdefault(plain_key(msgid), msgstr)
        if GAP.search(msgid):
            templates.append(Template(msgid, msgstr))
    often = Counter(word for one in templates for word in one.words)
    index: dict[str, list[Template]] = {}
    for one in templates:
        index.setdefault(min(one.words, key=lambda word: (often[word], word), default=""), []).append(one)
    return Catalogue(exact, {word: tuple(found) for word, found in index.items()})


def knowledge_words(language: Language) -> Mapping[str, str]:
    """Give the sentences of the knowledge base that its curators wrote in both languages.

    :param language: the language.
    :return: the English sentence and the other one; nothing where the base cannot be read.
    """
    return {} if language == "en" else _knowledge_words(os.environ.get("ADVISOR_KNOWLEDGE") or None)


@lru_cache(maxsize=4)
def _knowledge_words(folder: str | None) -> Mapping[str, str]:
    from advisor.knowledge import load_knowledge

    try:
        known = load_knowledge(Path(folder) if folder else None)
    except AdvisorError:
        return {}
    pairs = [words for card in known.models for words in (card.good_for, card.weaknesses)]
    pairs += [words for task in known.tasks for words in (task.name, task.says)]
    return {spaces(words.en): words.zh for words in pairs if words is not None}
