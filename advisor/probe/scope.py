"""Which parameters of a body learn, and how fast each of them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from advisor.probe.recipes import Recipe

__all__ = ["depths", "last_block", "learning"]

LEAST = 0.05


def learning(module: Any, recipe: Recipe) -> Mapping[str, tuple[nn.Parameter, float]]:
    """Name the parameters that learn: name → parameter and its peak rate, which falls from layer to layer downward."""
    if recipe.scope == "last-block":
        return {name: (parameter, recipe.body_rate) for name, parameter in last_block(module).items()}
    layer = depths(module)
    top = max(layer.values())
    return {
        name: (parameter, recipe.body_rate * recipe.layer_decay ** (top - layer[name]))
        for name, parameter in module.named_parameters()
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
