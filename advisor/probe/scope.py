"""Which parameters of a body learn, and how fast each of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from advisor.probe.adapters import adapted, attention
from advisor.probe.recipes import Recipe

__all__ = ["changed", "depths", "last_block", "learning", "rates"]

LEAST = 0.05


@contextmanager
def learning(module: Any, recipe: Recipe) -> Iterator[Sequence[tuple[nn.Parameter, float]]]:
    """Let a body learn for a while.

    :return: the parameters that learn, each with its peak rate.
    """
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    if recipe.scope == "lora":
        with adapted(module) as adapters:
            yield [(parameter, recipe.body_rate) for parameter in adapters]
        return
    parameters, peaks = dict(module.named_parameters()), rates(module, recipe)
    for name in peaks:
        parameters[name].requires_grad_(True)
    yield [(parameters[name], rate) for name, rate in peaks.items()]
    for name in peaks:
        parameters[name].requires_grad_(False)
        parameters[name].grad = None


def changed(module: Any, recipe: Recipe) -> set[str]:
    """Name the parameters of a body that are others afterwards."""
    if recipe.scope == "lora":
        return {f"{name}.weight" for name in attention(module)}
    return set(rates(module, recipe))


def rates(module: Any, recipe: Recipe) -> dict[str, float]:
    """Give the peak rate of each of the body's own parameters that learn; it falls from layer to layer downward."""
    if recipe.scope == "last-block":
        return dict.fromkeys(last_block(module), recipe.body_rate)
    layer = depths(module)
    top = max(layer.values())
    return {
        name: recipe.body_rate * recipe.layer_decay ** (top - layer[name])
        for name, _ in module.named_parameters()
    }


def depths(module: Any) -> dict[str, int]:
    """Give each parameter the number of its layer, counted from the input.

    For timm models the groups of the model's own layer grouping; for others the members of the largest module list,
    what comes before them as 0 and what comes after them with the last.
    """
    names = [name for name, _ in module.named_parameters()]
    matcher: Any = getattr(module, "group_matcher", None)
    if matcher is not None:
        groups = _groups(module)
        return {name: depth for depth, key in enumerate(sorted(groups)) for name in groups[key]}
    prefix, length = _stack(module)
    within = [name.startswith(prefix) for name in names]
    first = within.index(True)
    return {
        name: int(name[len(prefix) :].partition(".")[0]) + 1 if inside else 0 if place < first else length
        for place, (name, inside) in enumerate(zip(names, within, strict=True))
    }


def last_block(module: Any) -> dict[str, nn.Parameter]:
    """Name the parameters of a body's last block.

    For timm models the last groups of the model's own layer grouping, from the end until they hold a twentieth
    of the parameters (the last stage and what follows it); for others the last member of the largest module
    list, the top encoder layer.

    :return: parameter name → parameter; never empty.
    """
    parameters = dict(module.named_parameters())
    matcher: Any = getattr(module, "group_matcher", None)
    if matcher is not None:
        total = sum(parameter.numel() for parameter in parameters.values())
        last: list[str] = []
        for _, names in sorted(_groups(module).items(), reverse=True):
            last = [*names, *last]
            if sum(parameters[name].numel() for name in last) >= LEAST * total:
                break
        return {name: parameters[name] for name in last}
    prefix, length = _stack(module)
    top = f"{prefix}{length - 1}."
    return {name: parameter for name, parameter in parameters.items() if name.startswith(top)}


def _groups(module: Any) -> dict[int, list[str]]:
    from timm.models import group_parameters

    found: dict[int, list[str]] = group_parameters(module, module.group_matcher(coarse=True))
    return found


def _stack(module: Any) -> tuple[str, int]:
    """Find the largest module list: what its parameters' names begin with, and how many members it has."""
    stacks = [(name, part) for name, part in module.named_modules() if isinstance(part, nn.ModuleList)]
    name, stack = max(stacks, key=lambda item: sum(p.numel() for p in item[1].parameters()))
    return f"{name}.", len(stack)
