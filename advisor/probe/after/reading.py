"""Which words of a text a class score comes from: integrated gradients over its embeddings, pieces joined to words."""

import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from advisor.checks import Word
from advisor.probe.after.heat import NotExplainable, centred
from advisor.probe.backbone import TextBackbone

__all__ = ["STEPS", "Read", "joined", "read"]

STEPS = 24
LONGEST_GAP = 20


@dataclass(frozen=True)
class Read:
    """A text as a model read it.

    :ivar words: with what each added to the score.
    :ivar score, blank_score: of the text, and of the same with every word masked.
    """

    words: tuple[Word, ...]
    score: float
    blank_score: float


def read(backbone: TextBackbone, head: nn.Module, text: str, target: int, steps: int = STEPS) -> Read:
    """Share the difference that the words make to a class score out among them (Sundararajan et al. 2017).

    :param head: (n, d) features → (n, k) logits.
    :param target: the class.
    :param steps: points between the masked text and the text at which the gradient is taken.
    :raises NotExplainable: if the tokenizer does not say where its pieces stand, or the body has no embeddings.
    """
    from captum.attr import LayerIntegratedGradients  # type: ignore[import-untyped]

    body: Any = backbone.module
    layer = body.get_input_embeddings()
    if not getattr(backbone.tokenizer, "is_fast", False):
        raise NotExplainable("its tokenizer does not say where in the text its pieces stand")
    if not isinstance(layer, nn.Module):
        raise NotExplainable("it has no layer of word embeddings")
    batch = backbone.prepare([text])
    marks = backbone.tokenizer(
        [text], truncation=True, max_length=backbone.max_tokens, return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )  # fmt: skip
    special = torch.tensor(marks["special_tokens_mask"][0], dtype=torch.bool)
    ids = batch.pop("input_ids")
    blank = torch.where(special[None], ids, torch.full_like(ids, _blank(backbone.tokenizer)))
    names = list(batch)

    def score(numbers: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        return centred(head(backbone.forward({"input_ids": numbers, **dict(zip(names, more, strict=True))})))

    more = tuple(batch[name].to(backbone.device) for name in names)
    ids, blank = ids.to(backbone.device), blank.to(backbone.device)
    with torch.no_grad():
        ends = [float(score(one, *more)[0, target]) for one in (ids, blank)]
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        given: Any = LayerIntegratedGradients(score, layer).attribute(
            ids, blank, target=target, additional_forward_args=more, n_steps=steps,
            internal_batch_size=backbone.batch_size,
        )  # fmt: skip
    weights = given[0].sum(dim=-1).detach().cpu().double()
    if not bool(torch.isfinite(weights).all()):
        raise ValueError("the gradients are not finite")
    spans = [tuple(span) for span in marks["offset_mapping"][0]]
    kept = [
        (span, float(weight)) for span, weight, own in zip(spans, weights, special, strict=True) if not own
    ]
    return Read(joined(text, kept), *ends)


def _blank(tokenizer: Any) -> int:
    """The piece that says nothing: a mask, else padding, else the unknown."""
    known = (tokenizer.mask_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
    return next((int(one) for one in known if one is not None), 0)


def joined(text: str, pieces: Sequence[tuple[tuple[int, int], float]]) -> tuple[Word, ...]:
    """Join pieces of words, and add up what they weigh; what stands in no piece stays as gaps.

    Letters and digits that follow each other are one word, but a Chinese character and its like is one by itself.

    :param pieces: ((start, end), weight) in the order of the text; an empty piece goes to the word after it.
    """
    spans: list[tuple[int, int, float]] = []
    carried = 0.0
    for (start, end), weight in pieces:
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        last = spans[-1] if spans else None
        if start >= end:
            carried += weight
        elif last and end <= last[1]:
            spans[-1] = (*last[:2], last[2] + weight)
        elif last and start <= last[1] and _inside(text, last[1]):
            spans[-1] = (last[0], end, last[2] + weight + carried)
            carried = 0.0
        else:
            spans.append((max(start, last[1]) if last else start, end, weight + carried))
            carried = 0.0
    if spans and carried:
        spans[-1] = (*spans[-1][:2], spans[-1][2] + carried)
    following = [*(start for start, _, _ in spans[1:]), *(end for _, end, _ in spans[-1:])]
    return tuple(
        Word(text=text[start:end], weight=weight, gap=text[end:then][:LONGEST_GAP])
        for (start, end, weight), then in zip(spans, following, strict=True)
    )


def _inside(text: str, place: int) -> bool:
    """Say whether a word goes on across a place in a text."""
    before, after = text[place - 1], text[place]
    return all(one.isalnum() or unicodedata.combining(one) for one in (before, after)) and not (
        _ideograph(before) or _ideograph(after)
    )


def _ideograph(letter: str) -> bool:
    return unicodedata.category(letter) == "Lo" and unicodedata.name(letter, "").startswith(
        ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
    )
