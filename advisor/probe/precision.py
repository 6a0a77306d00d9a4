"""Mixed precision where the device gains from it (Micikevicius et al. 2018)."""

import torch

__all__ = ["mixed", "number_format"]


def number_format(device: torch.device, learning: bool) -> torch.dtype | None:
    """Choose the format of the large matrix products.

    :param learning: gradients are wanted; then only bfloat16 will do, whose range needs no scaling of the loss.
    :return: None for float32, as everywhere but on a GPU: on a CPU half precision is slower.
    """
    if device.type != "cuda":
        return None
    if not learning:
        return torch.float16
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else None


def mixed(device: torch.device) -> torch.autocast:
    """Run what follows in the format that suits the device, and whether gradients are wanted."""
    chosen = number_format(device, torch.is_grad_enabled())
    return torch.autocast(device.type, dtype=chosen, enabled=chosen is not None)
