"""One plain sentence or two on a timm checkpoint: what its family is good for, refined by its own facts."""

import re
from collections.abc import Iterator, Mapping

__all__ = ["praise"]

Pair = tuple[str, str]

LEARNT_FROM: dict[str, Pair] = {
    r"mim_m38m": (
        "Pretrained on 38 million pictures, which carries over to most subjects.",
        "在 3800 万图片上预训练，多数题材都能迁移。",
    ),
    r"laion2b|openai|dfn|metaclip|datacomp|merged2b": (
        "Began with pictures and captions from the web, so it copes with unusual styles.",
        "起于网络图文对，能应对少见的画风。",
    ),
    r"swag|ig1b|wsl|seer|swsl": (
        "Pretrained on public Instagram pictures, hence steady on everyday photographs.",
        "在 Instagram 公开图片上预训练，对日常照片稳定。",
    ),
    r"yfcc|ssl_": (
        "Learnt from unlabelled Flickr pictures as well.",
        "还利用了未标注的 Flickr 图片。",
    ),
    r"(^|_)ns_": (
        "Its teacher labelled 300 million further pictures: robust to blur and odd angles.",
        "由教师模型标注另外三亿图片训练，对模糊与怪异角度稳健。",
    ),
    r"in2[12]k|in12k|goog_in21k|augreg_|ssld": (
        "Saw thousands of further classes before ImageNet, a help when your classes are unusual.",
        "先学过上万个类别，你的类别少见时更有利。",
    ),
    r"(^|_)a[dp]_": (
        "Trained against adversarial noise: steadier on corrupted pictures.",
        "经对抗训练，对受损图片更稳。",
    ),
    r"dist": (
        "Distilled from a stronger teacher.",
        "由更强的教师蒸馏而来。",
    ),
}  # fmt: skip
TINY, SMALL, HUGE = 3e6, 8e6, 3e8
QUICK_MS, SLOW_MS = 8.0, 400.0
LARGE_SIDE, SMALL_SIDE = 384, 192
STEADY = 0.6


def praise(
    family: Mapping[str, str],
    tag: str,
    parameters: float,
    side: int,
    cpu_ms: float | None,
    drawings: float | None,
) -> dict[str, str]:
    """Say what a checkpoint is good for.

    :param family: the curator's sentence on its family, `{en, zh}`.
    :param tag: the checkpoint's training tag, as in `fb_in22k_ft_in1k`.
    :param parameters: a count.
    :param side: the native image size in pixels.
    :param cpu_ms: published milliseconds of one picture on a laptop CPU; None if not published.
    :param drawings: published share right on ImageNet-Sketch; None if not published.
    :return: the family's sentence and at most two more, `{en, zh}`.
    """
    extra = list(_own(tag, parameters, side, cpu_ms, drawings))[:2]
    return {
        "en": " ".join([family["en"], *(en for en, _ in extra)]),
        "zh": "".join([family["zh"], *(zh for _, zh in extra)]),
    }


def _own(
    tag: str, parameters: float, side: int, cpu_ms: float | None, drawings: float | None
) -> Iterator[Pair]:
    if parameters < TINY:
        yield "Tiny enough for a microprocessor or a web page.", "小到可放进单片机或网页。"
    elif cpu_ms is not None and cpu_ms <= QUICK_MS:
        yield "Answers in a few milliseconds on a laptop's CPU.", "在笔记本 CPU 上几毫秒出结果。"
    elif parameters > HUGE:
        yield "One of the big ones: plan for a GPU.", "属于大模型，需准备 GPU。"
    for pattern, words in LEARNT_FROM.items():
        if re.search(pattern, tag):
            yield words
            break
    if side >= LARGE_SIDE:
        yield f"Reads {side} pixels, for fine detail.", f"输入 {side} 像素，适合细节。"
    elif side < SMALL_SIDE:
        yield f"Reads only {side} pixels, for speed.", f"仅输入 {side} 像素，求快。"
    if drawings is not None and drawings >= STEADY:
        yield "Recognises drawings well too.", "对手绘图也识别得好。"
    if TINY <= parameters < SMALL:
        yield "Small enough for a phone.", "小到可装进手机。"
    if cpu_ms is not None and cpu_ms >= SLOW_MS:
        yield "Without a GPU a picture takes about half a second or more.", "没有 GPU 时每张图约需半秒以上。"
