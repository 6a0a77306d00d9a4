"""What a model costs: minutes of training and money a month."""

import math

from advisor.brief import Brief
from advisor.knowledge import Device, Fact, Modality, ModelCard, Strategy
from advisor.quantity import Quantity
from advisor.roofline import effective_tflops, efficiency, preprocessing_ms
from advisor.workload import workload

__all__ = ["monthly_cost", "train_minutes"]

PASSES = {
    "zero-shot": 0.0, "prompt": 0.0, "frozen": 0.0, "head": 0.0, "last-block": 1.35, "lora": 2.9,
    "full": 3.67,
    "from-scratch": 3.67,
}  # fmt: skip
"""Forward passes that one epoch costs per example. Full tuning: median of inference over training throughput
of 681 models in timm's RTX 3090 tables (5 % 3.0, 95 % 4.9). Frozen features are computed once and kept."""
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
) -> Quantity:
    """Estimate how long fitting a model to the user's data takes.

    :param card: the model.
    :param device: where it is trained.
    :param strategy: what is trained.
    :param examples: labelled examples; 1000 are assumed if None.
    :param epochs: passes over them; the strategy's usual number if None.
    :param modality: of the task.
    :param tokens: length of a typical text.
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
    tflops = effective_tflops(device)
    if work.flops is None or tflops is None:
        missing = "its FLOPs and parameters are" if work.flops is None else f"the speed of {device.name} is"
        return Quantity.unknown("min", f"{missing} unknown")
    kind = efficiency(device)
    passes = 1.0 + (epochs if epochs is not None else 10) * PASSES[strategy]
    compute_ms = count * passes * work.flops / tflops / 1e9
    handling_ms = count * (preprocessing_ms(device, work.modality) + 0.2 * passes) + 5000
    value = (compute_ms + handling_ms) / 60_000
    return Quantity(
        value=value,
        low=(compute_ms * kind.spread[0] * work.spread[0] + handling_ms * 0.3) / 60_000,
        high=(compute_ms * kind.spread[1] * work.spread[1] + handling_ms * 3) / 60_000,
        unit="min",
        basis="estimated",
        source=f"{count} examples × {passes:.1f} forward passes ({strategy}) on {device.name}; {work.method}",
    )


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
