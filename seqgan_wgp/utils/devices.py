"""Choose the device of a run and the precision of products on it, and place data there.

torch keeps the precision in two sets of flags of the whole process, an older one of two switches (`allow_tf32`) and a
newer one by kind of operation (`fp32_precision`). The older getters, which torch's compiler calls too, raise where the
two disagree. So both are set, and both are put back.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

    With None, data stays memory-mapped on disk and batches are copied. uint16 becomes int32; see `to_device`.
    """
    first = torch.from_numpy(_plain(np.array(data[:1])))
    if data.size * first.element_size() >= _SHARE * free_bytes(device):
        return None
    there = torch.empty(data.shape, dtype=first.dtype, device=device)
    for start in range(0, len(data), _ROWS):  # in parts, so that it is never all in main memory
        there[start : start + _ROWS] = torch.from_numpy(_plain(np.array(data[start : start + _ROWS]))).to(device)
    return there


def to_device(data: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Copy data to a device as a tensor, without waiting.

    uint16 becomes int32, since torch has hardly any GPU kernels for uint16, not even for indexing.
    """
    tensor = torch.from_numpy(_plain(data))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _plain(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert data to a type that GPUs support."""
    return data.astype(np.int32) if data.dtype == np.uint16 else data


TF32 = frozenset({"tf32", "bf16"})
"""Settings of `training.precision` that let factors be rounded to TF32. With scores in bfloat16 the penalty, which
stays in float32, would else take longer than all the rest."""

_OLDER_RAISE = RuntimeError
"""What the older getters raise where a program has set the two sets of flags so that they disagree."""


@dataclass(frozen=True, kw_only=True)
class _Flags:
    products: str | None
    """highest, high or medium; None: it cannot be told."""

    convolutions: bool | None
    newer: list[str]
    """Those of `_on_cuda`, and that of products on the CPU, which the older flag of products sets too."""


@contextlib.contextmanager
def matmul_precision(precision: str, device: torch.device) -> Iterator[None]:
    """Let what is done inside round factors to TF32 on a CUDA device, as `precision` says, or not at all.

    On other devices it changes nothing. The flags are those of the process: it is not for two threads at a time.

    Args:
        precision: float32, tf32 or bf16; of convolutions torch's own default is tf32.
        device: where the products are computed.
    """
    if device.type != "cuda":
        yield
        return
    _warned()
    before = _flags()
    allowed = precision in TF32
    newer = ["tf32" if allowed else "ieee"] * len(_on_cuda())
    _set(_Flags(products="high" if allowed else "highest", convolutions=allowed, newer=newer))
    try:
        yield
    finally:
        _set(before)


def _flags() -> _Flags:
    products: str | None = None
    convolutions: bool | None = None
    with contextlib.suppress(_OLDER_RAISE):
        products = torch.get_float32_matmul_precision()
    with contextlib.suppress(_OLDER_RAISE):
        convolutions = torch.backends.cudnn.allow_tf32
    return _Flags(
        products=products,
        convolutions=convolutions,
        newer=[kind.fp32_precision for kind in (*_on_cuda(), torch.backends.mkldnn.matmul)],  # type: ignore[attr-defined]
    )


def _set(flags: _Flags) -> None:
    # The older ones first, since they set some of the newer ones.
    if flags.products is not None:
        torch.set_float32_matmul_precision(flags.products)
    if flags.convolutions is not None:
        torch.backends.cudnn.allow_tf32 = flags.convolutions
    for kind, value in zip((*_on_cuda(), torch.backends.mkldnn.matmul), flags.newer, strict=False):  # type: ignore[attr-defined]
        kind.fp32_precision = value


def _on_cuda() -> tuple[Any, ...]:
    """Return what has a newer flag on CUDA: products, convolutions and recurrent layers."""
    cudnn: Any = torch.backends.cudnn
    return torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn


@lru_cache(maxsize=1)
def _warned() -> None:
    """Take the warning that some releases give once, when an older flag is first touched: both are in use here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _set(_flags())
