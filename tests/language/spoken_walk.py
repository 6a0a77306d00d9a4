"""What is left of English in a text that should be Chinese."""

import re
from collections.abc import Iterable
from functools import cache

from advisor.knowledge import load_knowledge
from advisor.language import translate

__all__ = ["english_left", "untranslated"]

THREE = re.compile(r"(?:(?<![\w/.@:_-])[A-Za-z]?[a-z]+[,;]? ){2,}[A-Za-z]?[a-z]+(?![\w/@_-])")
CODE = re.compile(r"`[^`]*`|\b(?:advisor|pip) [a-z]+(?: [^\s,;。，；]+)*|https?://\S+")


@cache
def _names() -> tuple[str, ...]:
    """Proper names that read like English words: of families, models, devices, data sets and yardsticks."""
    known = load_knowledge()
    names = {card.family for card in known.models} | {card.name for card in known.models}
    names |= {device.name for device in known.devices} | {one.name for one in known.datasets}
    names |= {licence.id for licence in {card.licence for card in known.models}}
    names |= {"Built with Meta Llama 3", "Built with Llama"}
    return tuple(sorted((name for name in names if " " in name), key=len, reverse=True))


def english_left(text: str, names: Iterable[str] = ()) -> str:
    """Find three English words in a row that are no name, code or text of the user.

    :param text: a Chinese text.
    :param names: texts of the user in it.
    :return: the words, or an empty text.
    """
    bare = CODE.sub("…", text)
    if not THREE.search(bare):
        return ""
    for name in (*names, *_names()):
        bare = bare.replace(name, "…")
    found = THREE.search(bare)
    return found[0] if found else ""


def untranslated(texts: Iterable[str], names: Iterable[str] = ()) -> dict[str, str]:
    """Translate texts that differ in more than numbers, and give those of which English is left.

    :param texts: English texts.
    :param names: texts of the user in them.
    :return: text and what is left of it.
    """
    shapes = {re.sub(r"\d+", "0", text): text for text in texts}
    found = {text: english_left(translate(text, "zh"), names) for text in shapes.values()}
    return {text: left for text, left in found.items() if left}
