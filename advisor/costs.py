"""What a model costs: minutes of training, energy, and money a month."""

import math
from dataclasses import replace

from advisor.brief import Brief
from advisor.hardware import THIS_MACHINE
from advisor.knowledge import Device, Fact, Knowledge, Modality, ModelCard, Strategy
from advisor.quantity import Quantity
from advisor.roofline import Regime, base_ms, default_regime, load_regimes, preprocessing_ms
from advisor.scaling import effects_of
from advisor.workload import Workload, workload

__all__ = ["energy_wh", "monthly_cost", "train_minutes"]

PASSES = {
    "zero-shot": 0.0, "prompt": 0.0, "frozen": 0.0, "head": 0.0, "last-block": 1.35, "lora": 2.9,
    "full": 3.67,
    "from-scratch": 3.67,
}  # fmt: skip
"""Forward passes that one epoch costs per example. Full tuning: median of inference over training throughput
of 681 models in timm's RTX 3090 tables (5 % 3.0, 95 % 4.9). Frozen features are computed once and kept."""
FULL_PASSES = {
    "attention": 3.2, "convolution": 3.7, "depthwise": 4.5, "grouped-attention": 3.4, "hybrid": 3.9, "mlp": 3.4,
    "sequence": 3.2,
}  # fmt: skip
"""The same by kind of network (texts as the vision transformers)."""
TRAINING_BATCH = {"gpu": 128}
RETURN_MS = 0.2
TRAINING_SPREAD = 0.2
BUSY_SHARE = 0.8
IDLE_SHARE = 0.2
"""Of the stated power: drawn while working, and while waiting."""
HOURS = 730.0
USD_PER_KWH = 0.20
USD_UNITS = ("image", "minute", "character", "request")


def train_minutes(
    card: ModelCard,
    device: Device,
    strategy: Strategy,
    examples: int | None,
    epochs: int | None = None,
    *,
    modality: Modality = "text",
    tokens: int | None = None,
    knowledge: Knowledge | None = None,
) -> Quantity:
    """Estimate how long fitting a model to the user's data takes.

    :param card: the model.
    :param device: where it is trained.
    :param strategy: what is trained.
    :param examples: labelled examples; 1000 are assumed if None.
    :param epochs: passes over them; the strategy's usual number if None.
    :param modality: of the task.
    :param tokens: length of a typical text.
    :param knowledge: published speeds that sharpen the estimate, if given.
    :return: minutes; unknown where the model's FLOPs or the device's speed are.
    """
    count = 1000 if examples is None else examples
    if strategy in ("zero-shot", "prompt"):
        return Quantity(
            value=0.0, low=0.0, high=0.0, unit="min", basis="estimated", source="nothing is trained"
        )
    if card.kind == "api":
        return Quantity.unknown("min", "trained, if at all, by the provider")
    if card.kind in ("classical", "baseline"):
        value = 0.02 + count / 20_000
        return Quantity(
            value=value, low=value / 5, high=value * 20, unit="min", basis="estimated",
            source="classical methods learn about 20,000 rows a minute",
        )  # fmt: skip
    work = workload(card, modality, tokens)
    forward = _forward_ms(card, work, device, knowledge)
    if forward is None:
        missing = "its FLOPs and parameters are" if work.flops is None else f"the speed of {device.name} is"
        return Quantity.unknown("min", f"{missing} unknown")
    each, spread = forward
    passes = 1.0 + (epochs if epochs is not None else 10) * _passes(strategy, work.klass)
    compute_ms = count * passes * each
    prepare = device.prepare_ms.get(modality, preprocessing_ms(device, work.modality))
    handling_ms = count * (prepare + RETURN_MS * passes) + 5000
    wide = math.exp(1.645 * spread)
    return Quantity(
        value=(compute_ms + handling_ms) / 60_000,
        low=(compute_ms / wide * work.spread[0] + handling_ms * 0.3) / 60_000,
        high=(compute_ms * wide * work.spread[1] + handling_ms * 3) / 60_000,
        unit="min",
        basis="estimated",
        source=f"{count} examples × {passes:.1f} forward passes ({strategy}) on {device.name}; {work.method}",
    )


def _passes(strategy: Strategy, klass: str) -> float:
    passes = PASSES[strategy]
    return passes * FULL_PASSES.get(klass, PASSES["full"]) / PASSES["full"] if passes > 1 else passes


def _forward_ms(
    card: ModelCard, work: Workload, device: Device, knowledge: Knowledge | None
) -> tuple[float, float] | None:
    """Give the time of one example's forward pass in a training batch, and the spread of its logarithm."""
    if work.flops is None:
        return None
    regimes = load_regimes()
    kind = default_regime(device)
    regime: Regime = regimes[kind if kind.startswith("pytorch") else "pytorch-cpu"]
    batch = TRAINING_BATCH.get(device.kind, 16)
    once = replace(work, steps=0, step_flops=0.0)
    base = base_ms(once, device, regime, batch)
    if base is None:
        return None
    cell = effects_of(knowledge, regime).cell(card.id, device, True) if knowledge else None
    shift = math.exp(cell.shift) if cell else 1.0
    variance = cell.variance if cell else regime.model**2 + regime.device**2
    pace = device.pace.get(work.klass, device.pace.get("all", 1.0)) if device.id == THIS_MACHINE else 1.0
    return base / batch * shift * pace, math.sqrt(variance + TRAINING_SPREAD**2)


def energy_wh(latency_ms: float, device: Device, requests: float = 1.0) -> Quantity:
    """Estimate the energy of answering requests, by the device's stated power.

    :param latency_ms: of one answer.
    :param device: where.
    :param requests: how many answers.
    :return: watt-hours; unknown where the device's power is.
    """
    if device.power_w is None:
        return Quantity.unknown("Wh", f"the power of {device.name} is unknown")
    most = device.power_w * latency_ms * requests / 3.6e6
    return Quantity(
        value=most * BUSY_SHARE, low=most * IDLE_SHARE, high=most * 1.2, unit="Wh", basis="estimated",
        source=f"{latency_ms:.4g} ms at {BUSY_SHARE:.0%} of {device.power_w:g} W",
    )  # fmt: skip


def monthly_cost(card: ModelCard, device: Device, brief: Brief, latency_ms: float | None = None) -> Quantity:
    """Estimate what running a model costs a month.

    A hosted model is paid by use; a rented device by the hour, all month long, as many as the requests need;
    one's own device only its electricity.

    :param card: the model.
    :param device: where it runs.
    :param brief: requests a month and the length of a typical text.
    :param latency_ms: of one answer on the device.
    :return: US dollars a month.
    """
    requests = brief.constraints.requests_per_month
    if card.kind == "api":
        return _hosted_cost(card, requests, brief.data.tokens or 128)
    busy_hours = (requests or 0.0) * (latency_ms or 0.0) / 3.6e6
    machines = max(1, math.ceil(busy_hours / (HOURS * 0.7)))
    if device.usd_per_hour is not None:
        value = machines * device.usd_per_hour * HOURS
        return Quantity(
            value=value, low=value * 0.4, high=value * 1.3, unit="USD", basis="estimated",
            source=f"{machines} × {device.name} rented all month at {device.usd_per_hour:g} USD an hour",
        )  # fmt: skip
    power = device.power_w
    value = machines * (power or 0.0) / 1000 * HOURS * USD_PER_KWH
    source = f"{device.name} taken as your own: electricity at {USD_PER_KWH} USD/kWh, purchase not counted"
    if power is None:
        source = f"{device.name} taken as your own: no rent; electricity and purchase not counted"
    return Quantity(
        value=value, low=value * 0.2, high=value * 1.5 + (0 if power else 30.0), unit="USD",
        basis="estimated", source=source,
    )  # fmt: skip


def _hosted_cost(card: ModelCard, requests: float | None, tokens: int) -> Quantity:
    if card.price_in is None and card.price_out is None:
        return Quantity.unknown("USD", "its price is unknown")
    if requests is None:
        return Quantity.unknown("USD", "say how many requests a month you expect (requests_per_month)")
    each = _price(card.price_in, tokens) + _price(card.price_out, 20 if card.price_in else tokens)
    value = each * requests
    priced = card.price_in or card.price_out
    assert priced is not None
    return Quantity(
        value=value, low=value * 0.5, high=value * 3, unit="USD", basis="estimated",
        source=f"{requests:g} requests of {tokens} tokens at the price of {priced.source}",
    )  # fmt: skip


def _price(fact: Fact | None, tokens: int) -> float:
    """Price one request: per 10^6 tokens unless the unit names an image, a minute or characters."""
    if fact is None:
        return 0.0
    unit = fact.unit.lower()
    if "character" in unit:
        return fact.value * tokens * 4 / 1e6
    if any(word in unit for word in USD_UNITS):
        return fact.value
    return fact.value * tokens / 1e6
