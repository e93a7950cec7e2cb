"""Which device a run uses, and what of its data lives there."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import ConfigError, did_you_mean


def pick_device(name: str) -> torch.device:
    """Return the device that `training.device` names; "auto" takes CUDA where there is one, else the CPU.

    Of the processes that torchrun starts on a machine each takes a GPU of its own.

    Raises:
        ConfigError: the machine has no such device, or too few, or this torch cannot use it.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        # Not mps: for networks as small as ours it is slower than the CPU beside it more often than not.
        name = "cuda" if available["cuda"] else "cpu"
    if name not in available:
        raise ConfigError(f"there is no device {name!r}{did_you_mean(name, available)}", "auto, cpu, cuda or mps")
    if not available[name]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        raise ConfigError(
            f"training.device is {name!r}, but torch {torch.__version__} finds no such device here",
            f"there is: {there}; --device auto takes the best",
        )
    return _own_gpu() if name == "cuda" else torch.device(name)


def _own_gpu() -> torch.device:
    """Return the GPU of this process's number on its machine, as torchrun gives it; without torchrun, the default."""
    if "LOCAL_RANK" not in os.environ:
        return torch.device("cuda")
    number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= there:
        raise ConfigError(
            f"torchrun has started more processes on this machine than it has GPUs ({there})",
            f"give torchrun --nproc-per-node {there}, or the command --device cpu",
        )
    return torch.device("cuda", number)


_SHARE = 0.25
"""Share of a device's free memory that data may take to live there."""

_ROWS = 1 << 20
"""Rows that go to a device at once."""


def resident(data: npt.NDArray[Any], device: torch.device) -> Tensor | None:
    """Return data as a tensor on a CUDA device where it takes a small part of its free memory, else None.

    Data that is None here stays where it is, mapped from disk, and batches travel.
    """
    if device.type != "cuda" or data.nbytes >= _SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    first = torch.from_numpy(np.array(data[:1]))
    there = torch.empty(data.shape, dtype=first.dtype, device=device)
    for start in range(0, len(data), _ROWS):  # in parts, so that the host never holds it all
        there[start : start + _ROWS] = torch.from_numpy(np.array(data[start : start + _ROWS])).to(device)
    return there


def sent(data: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Return data as a tensor on a device; the host does not wait until it is there."""
    tensor = torch.from_numpy(data)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
