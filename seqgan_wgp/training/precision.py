"""Set the float32 matrix precision of the GPU during a step, and restore it afterwards.

torch keeps this in two sets of flags of the whole process, an older one of two switches (`allow_tf32`) and a newer one
by kind of operation (`fp32_precision`). The older getters, which torch's compiler calls too, raise where the two
disagree. So both are set, and both are put back.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

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
def rounding(precision: str, device: torch.device) -> Iterator[None]:
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
