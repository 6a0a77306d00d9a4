"""What a person reads, in the person's language: English sentences go in, the same said in Chinese comes out."""

from advisor.language.chosen import LANGUAGES, Language, as_language, chosen_language
from advisor.language.complaining import complaint
from advisor.language.formats import format_value
from advisor.language.translating import missing, translate

__all__ = [
    "LANGUAGES",
    "Language",
    "as_language",
    "chosen_language",
    "complaint",
    "format_value",
    "missing",
    "translate",
]
