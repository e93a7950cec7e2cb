"""The tensors of two networks, an average and two optimizers by name: what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, one_line

Modules = Mapping[str, nn.Module]
"""Part -> network."""

Optimizers = Sequence[tuple[str, torch.optim.Optimizer, nn.Module]]
"""Part, optimizer, and the network whose weights it changes."""


def tensors_of(modules: Modules, optimizers: Optimizers) -> dict[str, Tensor]:
    """Return all tensors by name, not copied: PART.NAME of networks, PART.optimizer.NAME.KEY of optimizers."""
    tensors: dict[str, Tensor] = {}
    for part, module in modules.items():
        tensors |= {f"{part}.{name}": value for name, value in module.state_dict().items()}
    for part, algorithm, module in optimizers:
        for name, parameter in module.named_parameters():
            for key, value in algorithm.state[parameter].items():
                tensors[f"{part}.optimizer.{name}.{key}"] = value
    return tensors


def load_tensors(modules: Modules, optimizers: Optimizers, tensors: Mapping[str, Tensor], device: torch.device) -> None:
    """Take over what `tensors_of` gave. Raises CheckpointError when a tensor is missing or of another shape."""
    try:
        for part, module in modules.items():
            module.load_state_dict({name: tensors[f"{part}.{name}"] for name in module.state_dict()})
        for part, algorithm, module in optimizers:
            for name, parameter in module.named_parameters():
                prefix = f"{part}.optimizer.{name}."
                # Copies, since tensors read from a file may lie at any address and kernels round by alignment.
                algorithm.state[parameter] = {
                    key.removeprefix(prefix): value.to(device, copy=True)
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                }
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"the checkpoint does not fit the run's settings ({one_line(error)})") from None


@torch.no_grad()
def restore_tensors(modules: Modules, optimizers: Optimizers, tensors: Mapping[str, Tensor]) -> None:
    """Put back, each in its place, what copies of what `tensors_of` gave hold.

    State that an optimizer has made since goes, so that it makes it anew, with its own first values.
    """
    for part, algorithm, module in optimizers:
        for name, parameter in module.named_parameters():
            state = algorithm.state[parameter]
            for key in [key for key in state if f"{part}.optimizer.{name}.{key}" not in tensors]:
                del state[key]
    for name, tensor in tensors_of(modules, optimizers).items():
        tensor.copy_(tensors[name])
