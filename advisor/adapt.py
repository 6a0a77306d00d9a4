"""How to fit a model to the user's data: what to train, how gently, and what to add."""

from collections.abc import Hashable

from advisor.brief import Brief
from advisor.costs import train_minutes
from advisor.knowledge import Device, Modality, ModelCard, Strategy
from advisor.quantity import Quantity
from advisor.recommendation import Adaptation
from advisor.workload import amount, is_large

__all__ = ["adapt", "adaptation_minutes", "plan", "planned_alike"]

DEFAULT_TUNING: dict[str, tuple[Strategy, ...]] = {
    "weights": ("frozen", "head", "last-block", "full"),
    "api": ("prompt",),
    "classical": ("from-scratch",),
    "baseline": ("from-scratch",),
}
LIGHTEST_FIRST: tuple[Strategy, ...] = (
    "zero-shot", "prompt", "frozen", "head", "last-block", "lora", "full", "from-scratch",
)  # fmt: skip
EPOCHS: dict[Strategy, int] = {"head": 20, "last-block": 10, "lora": 5, "full": 10, "from-scratch": 100}
RATES: dict[Strategy, tuple[float, float]] = {
    "head": (1e-3, 1e-2), "last-block": (1e-4, 1e-3), "lora": (1e-4, 5e-4), "full": (1e-5, 1e-4),
    "from-scratch": (3e-4, 3e-3),
}  # fmt: skip
TRANSFORMER_FULL = (1e-5, 5e-5)
FAR_DOMAINS = frozenset({"medical", "satellite", "industrial", "documents", "legal", "science", "code"})
IMBALANCED = 3.0
AUGMENTATION: dict[str, tuple[str, ...]] = {
    "general": ("random crop", "horizontal flip", "light colour jitter"),
    "medical": ("small rotation", "light brightness and contrast"),
    "satellite": ("horizontal and vertical flip", "rotation by 90°", "light colour jitter"),
    "industrial": ("small shift and rotation", "light brightness and contrast"),
    "documents": ("slight rotation and skew", "blur and noise"),
    "science": ("small rotation", "light brightness and contrast"),
}
SPEECH_AUGMENTATION = ("added noise", "time shift", "SpecAugment masks")
TEXT_AUGMENTATION = ("word dropout",)


def adapt(
    card: ModelCard,
    brief: Brief,
    train_device: Device,
    modality: Modality,
    *,
    latency_ms: float | None = None,
    size_mb: float | None = None,
) -> Adaptation:
    """Advise how to fit a model to the user's data.

    :param card: the model.
    :param brief: data and constraints.
    :param train_device: where it is trained.
    :param modality: of the task.
    :param latency_ms: expected latency on the device, for advice on compression.
    :param size_mb: size of the weights, likewise.
    :return: the strategy with its settings, each with a plain reason.
    """
    strategy, because = _choose(card, brief, train_device, modality)
    trained = strategy in RATES and card.kind == "weights"
    few = _per_class(brief)
    uneven = brief.data.imbalance is not None and brief.data.imbalance >= IMBALANCED
    advice: list[str] = []
    if uneven:
        advice.append(
            f"The largest class is {brief.data.imbalance:g} times the smallest: weigh the classes and judge"
            " by balanced accuracy or macro-F1."
        )
    if strategy == "last-block" or (strategy == "full" and few is not None and few < 100):
        advice.append("Train the head on frozen features first.")
        if modality == "image":
            advice.append("Keep batch normalisation, where there is one, in evaluation mode.")
    if brief.data.unlabelled and brief.data.unlabelled >= 1000 and modality == "text":
        advice.append(
            f"Your {brief.data.unlabelled} unlabelled texts can adapt the model to your wording before the"
            " labels do."
        )
    if brief.data.tokens and card.input.tokens and brief.data.tokens > card.input.tokens:
        advice.append(
            f"Texts of {brief.data.tokens} tokens are cut at {card.input.tokens}: keep the part that decides,"
            " or average over windows."
        )
    epochs = EPOCHS.get(strategy) if trained else None
    return Adaptation(
        strategy=strategy,
        because=because,
        learning_rate=_rate(card, strategy, modality) if trained else None,
        epochs=epochs,
        augmentation=_augmentation(brief, strategy, modality) if trained else (),
        class_weights=uneven and strategy not in ("zero-shot", "prompt"),
        early_stopping=trained and strategy != "head",
        compression=_compression(card, brief, latency_ms, size_mb),
        advice=tuple(advice),
    )


def adaptation_minutes(
    card: ModelCard, brief: Brief, train_device: Device, modality: Modality, strategy: Strategy
) -> Quantity:
    """Estimate how long a strategy takes on the user's data."""
    return train_minutes(
        card, train_device, strategy, brief.data.examples, EPOCHS.get(strategy),
        modality=modality, tokens=brief.data.tokens,
    )  # fmt: skip


def _per_class(brief: Brief) -> float | None:
    data = brief.data
    return None if data.examples is None else data.examples / max(data.classes or 2, 1)


def _choose(card: ModelCard, brief: Brief, train_device: Device, modality: Modality) -> tuple[Strategy, str]:
    ladder, because = plan(card, brief)
    limit = brief.constraints.train_minutes
    if limit is None:
        return ladder[-1], because
    for step in reversed(ladder):
        minutes = adaptation_minutes(card, brief, train_device, modality, step).value
        if minutes is None or minutes <= limit:
            if step != ladder[-1]:
                because = f"{ladder[-1]} would take longer than the {limit:g} minutes you allow, so {step}"
            return step, because
    return ladder[0], f"even the lightest way takes longer than {limit:g} minutes"


def plan(card: ModelCard, brief: Brief) -> tuple[tuple[Strategy, ...], str]:
    """Say which strategies the data ask for and the model allows.

    :param card: the model.
    :param brief: its data; the time that it allows is left aside.
    :return: the strategies, lightest first, the last being the one to take; and why that one.
    """
    offered = card.tuning or DEFAULT_TUNING[card.kind]
    wanted, because = _wanted(card, brief, offered)
    ladder = [step for step in LIGHTEST_FIRST if step in offered]
    reachable = [step for step in ladder if LIGHTEST_FIRST.index(step) <= LIGHTEST_FIRST.index(wanted)]
    start = reachable[-1] if reachable else ladder[0]
    if offered == ("zero-shot",):
        because = "it is ready for this task and not made to be tuned"
    elif start != wanted:
        because = f"{because}; of what this model allows, {start} comes nearest"
    return tuple(reachable or [start]), because


def planned_alike(card: ModelCard) -> Hashable:
    """Give what two cards must have in common for the same plan."""
    return card.kind, card.tuning, is_large(card)


def _wanted(card: ModelCard, brief: Brief, offered: tuple[Strategy, ...]) -> tuple[Strategy, str]:
    """Say what the data ask for, whatever the model allows and the time permits."""
    if card.kind == "api":
        return "prompt", "a hosted model is steered by its instructions and a few examples in them"
    if card.kind in ("classical", "baseline"):
        return "from-scratch", "it learns directly from your examples, in seconds to minutes"
    few = _per_class(brief)
    far = brief.data.domain in FAR_DOMAINS
    if brief.data.examples == 0 or (few is not None and few < 2):
        return "zero-shot", "there are no labelled examples to learn from"
    if few is None and "zero-shot" in offered and "last-block" not in offered:
        return "zero-shot", "it already does this; with examples of your own it could be tuned"
    if few is None:
        return "last-block", "the number of examples is open: tuning the last block is a safe start"
    count = f"{few:.0f} examples per class"
    if few < 20:
        return (
            "frozen",
            f"{count} are too few to tune without overfitting",
        )
    if few < 100 and not far:
        return "last-block", f"{count} carry a tuned last block, not the whole model"
    if few < 100:
        return (
            "last-block",
            f"{count} are few, but {brief.data.domain} data are far from what it was trained on",
        )
    if is_large(card) and "lora" in offered:
        return (
            "lora",
            f"{(amount(card.parameters) or 0.0) / 1e6:.0f} M parameters tuned at a fraction of the memory",
        )
    if few < 300 and not far:
        return "last-block", f"{count} near what the model was trained on: the last block is enough"
    return "full", f"{count} {'of a distant domain ' if far else ''}pay for tuning every layer"


def _rate(card: ModelCard, strategy: Strategy, modality: Modality) -> tuple[float, float]:
    sequence = modality in ("text", "audio", "multimodal")
    transformer = sequence or any(
        word in card.family.lower() for word in ("vit", "swin", "deit", "eva", "beit")
    )
    return TRANSFORMER_FULL if strategy == "full" and transformer else RATES[strategy]


def _augmentation(brief: Brief, strategy: Strategy, modality: Modality) -> tuple[str, ...]:
    if strategy == "head":
        return ()
    if modality == "image":
        return AUGMENTATION.get(brief.data.domain or "general", AUGMENTATION["general"])
    if modality == "audio":
        return SPEECH_AUGMENTATION
    few = _per_class(brief)
    return TEXT_AUGMENTATION if modality == "text" and few is not None and few < 100 else ()


def _compression(
    card: ModelCard, brief: Brief, latency_ms: float | None, size_mb: float | None
) -> tuple[str, ...]:
    if card.kind != "weights":
        return ()
    found: list[str] = []
    limits = brief.constraints
    if limits.latency_ms and latency_ms and latency_ms > 0.7 * limits.latency_ms:
        found.append(
            f"Quantise to 8 bits: {latency_ms:.3g} ms is near the limit of {limits.latency_ms:g} ms, and"
            " integers usually halve it on a CPU."
        )
        found.append("Or distil: train a smaller model on this one's answers.")
    if limits.size_mb and size_mb and size_mb > 0.7 * limits.size_mb:
        found.append(
            f"Store half precision or 8 bits: {size_mb:.3g} MB is near the limit of {limits.size_mb:g} MB,"
            " and that halves or quarters it."
        )
    if limits.memory_mb and size_mb and size_mb > 0.5 * limits.memory_mb:
        found.append("Prune or quantise: the weights alone fill more than half of the memory you allow.")
    return tuple(found)
