"""Low-rank adapters (Hu et al. 2022) beside the attention of a text encoder, merged into its own weights afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["ALPHA", "DROPOUT", "RANK", "adapted", "attention"]

RANK, ALPHA, DROPOUT = 16, 32, 0.05
ATTENTION = frozenset(
    ("query", "key", "value", "q", "k", "v", "q_lin", "k_lin", "v_lin", "q_proj", "k_proj", "v_proj",
     "query_proj", "key_proj", "value_proj", "Wqkv", "qkv", "qkv_proj")
)  # fmt: skip


def attention(module: nn.Module) -> tuple[str, ...]:
    """Name the linear maps that make queries, keys and values, which adapters learn beside; empty if it has none."""
    return tuple(
        name
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear) and name.rpartition(".")[2] in ATTENTION
    )


@contextmanager
def adapted(module: nn.Module) -> Iterator[list[nn.Parameter]]:
    """Put adapters beside the attention; when all went well they become part of the weights they stand beside.

    :param module: changed in place; its own parameters do not learn meanwhile.
    :return: the parameters of the adapters.
    :raises ValueError: if there is nothing to adapt.
    """
    from peft import LoraConfig, get_peft_model

    targets = attention(module)
    if not targets:
        raise ValueError(f"{type(module).__name__} has no attention that adapters could learn beside")
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=DROPOUT, target_modules=list(targets))
    wrapped: Any = get_peft_model(module, config)
    yield [parameter for parameter in module.parameters() if parameter.requires_grad]
    wrapped.merge_and_unload()
