"""Refuse to take much more memory for networks than the file has that they are loaded from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch
from torch.overrides import TorchFunctionMode

SLACK = 1 << 24
"""Numbers that networks may have beside those of a file, e.g. tables that are computed."""

_FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn})


class OverBudgetError(RuntimeError):
    """More tensors were wanted than the file can fill."""


@final
class MemoryBudget(TorchFunctionMode):
    """While this is entered, tensors of so many numbers can be made, and then no more.

    Args:
        numbers: how many.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self._left = numbers

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count what a function that makes a tensor is asked for, before it does."""
        del types
        given = dict(kwargs or {})
        if func in _FACTORIES:
            sizes = given.get("size", args[0] if args and isinstance(args[0], Sequence) else args)
            self._left -= math.prod(size for size in sizes if isinstance(size, int))
            if self._left < 0:
                raise OverBudgetError("they would be far larger than the file")
        return func(*args, **given)
