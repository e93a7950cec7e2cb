"""A recording on the CPU that behaves as a CUDA graph does: operations on fixed places, with the host's numbers frozen.

What it cannot show: kernels that CUDA lacks, and what capture alone refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

WAITS = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique_dim", "_unique2"})
"""Operations whose result the host must know before it can go on; capture refuses them."""

Operation = tuple[Callable[..., Any], Any, Any, Any]


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps every operation with what goes in and what comes out: memory that a later replay reads and writes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        if func.overloadpacket.__name__ in WAITS:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        out = func(*args, **(kwargs or {}))
        self.operations.append((func, *pytree.tree_map_only(Tensor, Tensor.detach, (args, kwargs or {}, out))))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        """Do all operations again, each on the memory that it was recorded with."""
        for func, args, kwargs, out in self.operations:
            inputs = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
            for old, new in zip(_tensors(out), _tensors(func(*args, **kwargs)), strict=True):
                if old.untyped_storage().data_ptr() not in inputs:
                    old.copy_(new)


class Replay:
    """Does a recorded round again; returns what it measured, the same tensor each time."""

    def __init__(self, tape: Tape, measured: Tensor) -> None:
        self.tape, self.measured = tape, measured

    def __call__(self) -> Tensor:
        self.tape.replay()
        return self.measured


def record_on_tape(do: Callable[[], Tensor], device: torch.device) -> Replay:
    """Record a round as `record_on_cuda` does, after a warm-up."""
    assert device.type == "cpu"
    do()
    tape = Tape()
    with tape:
        measured = do()
    return Replay(tape, measured)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]
