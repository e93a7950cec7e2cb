"""Shrink tensors: floating-point numbers to float16, integers to the smallest type that holds them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import ConfigError

_INTEGERS = (torch.uint8, torch.int16, torch.int32)


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in small types, on the CPU.

    A float32 weight is rounded to 11 significant bits, so its relative error is at most 2^-11. Weights below 6e-5 have
    fewer bits, and those below 3e-8 become 0.

    Raises:
        ConfigError: a weight is larger than float16 holds, which is 65,504.
    """
    return {name: _halved(name, tensor.detach().cpu()) for name, tensor in tensors.items()}


def _halved(name: str, tensor: Tensor) -> Tensor:
    if tensor.is_floating_point():
        half = tensor.half()
        if not torch.isfinite(half).all():
            raise ConfigError(f"the weight {name} does not fit into half precision", "save the model without slim")
        return half
    if tensor.dtype == torch.bool or not tensor.numel():
        return tensor
    low, high = int(tensor.min()), int(tensor.max())
    for kind in _INTEGERS:
        info = torch.iinfo(kind)
        if info.min <= low and high <= info.max and info.bits < 8 * tensor.element_size():
            return tensor.to(kind)
    return tensor
