"""Which languages a model reads."""

from collections.abc import Sequence

__all__ = ["ANY", "covered", "english_name", "has_language", "primary"]

ANY = "mul"
"""The primary tag of models and benchmarks that span many languages."""

SPOKEN = frozenset({"speech-recognition", "text-to-speech"})
LONG_TAGS = {
    "cmn": "zh", "zho": "zh", "chi": "zh", "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr",
    "spa": "es", "jpn": "ja", "kor": "ko", "rus": "ru", "ara": "ar", "por": "pt", "ita": "it",
    "multilingual": ANY,
}  # fmt: skip
NAMES = {
    "en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish", "ja": "Japanese",
    "ko": "Korean", "ru": "Russian", "ar": "Arabic", "pt": "Portuguese", "it": "Italian", "nl": "Dutch",
    "pl": "Polish", "tr": "Turkish", "th": "Thai", "hi": "Hindi", "vi": "Vietnamese", ANY: "many languages",
}  # fmt: skip


def has_language(task: str, modality: str) -> bool:
    """Say whether a task is about language: every task on texts, and speech to or from text."""
    return modality == "text" or task in SPOKEN


def primary(tag: str) -> str:
    """Reduce a BCP-47 tag to its language: `zh-Hans` and `cmn` both give `zh`."""
    base = tag.split("-")[0].lower()
    return LONG_TAGS.get(base, base)


def english_name(tag: str) -> str:
    """Name a language for a sentence; the tag itself where no name is known."""
    return NAMES.get(primary(tag), tag)


def covered(wanted: Sequence[str], offered: Sequence[str] | None) -> float | None:
    """Say which share of the wanted languages a model reads.

    :param wanted: the data's languages.
    :param offered: the model's languages; None is unknown.
    :return: 0–1, or None where the model's languages are unknown or nothing is wanted.
    """
    if offered is None or not wanted:
        return None
    known = {primary(tag) for tag in offered}
    if ANY in known:
        return 1.0
    return sum(primary(tag) in known for tag in wanted) / len(wanted)
