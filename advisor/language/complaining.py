"""A complaint of the advisor in the reader's language, part by part."""

from advisor.errors import AdvisorError
from advisor.language.chosen import Language
from advisor.language.translating import translate

__all__ = ["complaint"]

ENDS = tuple("。！？：.!?:）")


def complaint(error: AdvisorError, language: Language) -> str:
    """Say what was wrong, what is allowed and the way out.

    :param error: the complaint, in English.
    :param language: the language.
    :return: one message; values, names and commands in it stay as they are.
    """
    if language == "en":
        return str(error)
    parts = [translate(error.what, language)]
    if error.allowed:
        parts.append(translate("Allowed: {allowed}", language, allowed=translate(error.allowed, language)))
    if error.fix:
        parts.append(translate(error.fix, language))
    return "".join(part if part.endswith(ENDS) else f"{part}。" for part in parts)
