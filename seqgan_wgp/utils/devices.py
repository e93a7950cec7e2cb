"""Choose the device of a run and place data on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import ConfigError, did_you_mean, one_line

Probe = Callable[[torch.device], None]
"""Computes something on a device and waits for it. Raises RuntimeError if the device cannot compute it."""


def compute_something(device: torch.device) -> None:
    """Compute a small product on a device and wait for it. It fails on a GPU without kernels in this torch build."""
    x = torch.ones(8, 8, device=device)
    (x @ x).relu().sum().item()


@lru_cache(maxsize=64)
def why_unusable(device: torch.device, probe: Probe = compute_something) -> str | None:
    """Return why an existing device cannot be used, in one line, or None. It is tested once per process."""
    try:
        probe(device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch was built without CUDA
        return one_line(error)[:200]
    return None


def pick_device(name: str, probe: Probe = compute_something) -> torch.device:
    """Return the device for `training.device`; "auto" is CUDA if it works, otherwise the CPU.

    Each process that torchrun starts on a machine gets its own GPU. A GPU is tested first.

    Args:
        name: auto, cpu, cuda or mps.
        probe: the test of a GPU.

    Raises:
        ConfigError: the machine has no such device, or too few, or this torch build cannot use it.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        # Not mps: for such small networks it is usually slower than the CPU.
        if not available["cuda"] or why_unusable(_own_gpu(), probe) is not None:
            return torch.device("cpu")
        name = "cuda"
    if name not in available:
        raise ConfigError(
            f"there is no device {name!r}{did_you_mean(name, available)}", "choose auto, cpu, cuda or mps"
        )
    if not available[name]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        raise ConfigError(
            f"training.device is {name!r}, but torch {torch.__version__} finds no such device here",
            f"available: {there}; --device auto chooses the best",
        )
    if name != "cuda":
        return torch.device(name)
    device = _own_gpu()
    why = why_unusable(device, probe)
    if why is not None:
        raise ConfigError(
            f"training.device is 'cuda', but torch {torch.__version__} cannot use the GPU here ({why})",
            "install a torch build that supports it, or give --device cpu",
        )
    return device


def device_note(name: str, device: torch.device, probe: Probe = compute_something) -> str | None:
    """Return a note for the user about the chosen device, or None.

    Args:
        name: the requested device.
        device: the result of `pick_device` with the same probe.
        probe: the test of a GPU.
    """
    if name != "auto" or device.type != "cpu" or not torch.cuda.is_available():
        return None
    why = why_unusable(_own_gpu(), probe)
    return why and f"using the CPU: there is a GPU, but torch {torch.__version__} cannot use it ({why})"


def _own_gpu() -> torch.device:
    """Return the GPU with this process's local rank from torchrun; without torchrun, the default."""
    if "LOCAL_RANK" not in os.environ:
        return torch.device("cuda")
    number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= there:
        raise ConfigError(
            f"torchrun has started more processes on this machine than it has GPUs ({there})",
            f"use torchrun --nproc-per-node {there}, or give the command --device cpu",
        )
    return torch.device("cuda", number)


_SHARE = 0.25
"""Largest share of a device's free memory for data that is kept there."""

_ROWS = 1 << 20
"""Number of rows copied to a device at a time."""


def _free_bytes(device: torch.device) -> int:
    """Return the free memory of a CUDA device; 0 for others, whose data stays in main memory."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else 0


def resident(
    data: npt.NDArray[Any], device: torch.device, free_bytes: Callable[[torch.device], int] = _free_bytes
) -> Tensor | None:
    """Return data as a tensor on a CUDA device if it takes a small part of its free memory, otherwise None.

    With None, data stays memory-mapped on disk and batches are copied. uint16 becomes int32; see `sent`.
    """
    first = torch.from_numpy(_plain(np.array(data[:1])))
    if data.size * first.element_size() >= _SHARE * free_bytes(device):
        return None
    there = torch.empty(data.shape, dtype=first.dtype, device=device)
    for start in range(0, len(data), _ROWS):  # in parts, so that it is never all in main memory
        there[start : start + _ROWS] = torch.from_numpy(_plain(np.array(data[start : start + _ROWS]))).to(device)
    return there


def sent(data: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Copy data to a device as a tensor, without waiting.

    uint16 becomes int32, since torch has hardly any GPU kernels for uint16, not even for indexing.
    """
    tensor = torch.from_numpy(_plain(data))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _plain(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert data to a type that GPUs support."""
    return data.astype(np.int32) if data.dtype == np.uint16 else data
