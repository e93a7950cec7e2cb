"""Matrix products over channels between fixed linear maps over positions: the core of a fast convolution.

Shape suffixes: B batch, C channels in, O channels out, L positions, K kernel, R products, T tiles of
positions, each with the same products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]

ONE_PRODUCT = 1 << 19
"""Numbers in the matrices of all tiles up to which one product takes the place of one for each tile.

On one core of a CPU with 8 tiles of 8 products: .5 ms both ways with 64 channels, 39 and 82 ms with 512. The results
are the same, bit for bit.
"""


@final
@dataclass(frozen=True, kw_only=True)
class Transforms:
    """The fixed linear maps before and behind products, and their transposes; they mix no channels and no items."""

    into: Map
    """(L, B, C) -> (T, R, B, C)"""

    out: Map
    """(T, R, B, O) -> (L, B, O)"""

    into_transposed: Map
    out_transposed: Map

    def turned(self) -> Transforms:
        """Return the matrices of the transposed convolution, which goes from outputs to channels."""
        return Transforms(
            into=self.out_transposed,
            out=self.into_transposed,
            into_transposed=self.out,
            out_transposed=self.into,
        )


def _in_one_product(tiles: int, products: int, channels: int, outputs: int) -> bool:
    """Say whether the matrices of all tiles together are so small that one product takes no longer than many."""
    return tiles * products * channels * outputs <= ONE_PRODUCT


TileCopies = dict[int, Tensor]
"""Number of tiles -> the matrices (T R, O, C), each for every tile: copied once for all products with the same ones."""


def _multiplied(x_TRBC: Tensor, w_ROC: Tensor, copies: TileCopies, *, turned: bool) -> Tensor:
    """Return (T, R, B, O), the products of each tile with W', or with W if `turned`. It is not differentiated."""
    tiles, products, items, channels = x_TRBC.shape
    w_RCO = w_ROC if turned else w_ROC.mT
    if tiles == 1:
        return torch.bmm(x_TRBC[0], w_RCO)[None]
    if _in_one_product(tiles, products, channels, w_RCO.shape[2]):
        if tiles not in copies:
            copies[tiles] = w_ROC.detach().expand(tiles, -1, -1, -1).flatten(0, 1)
        y_NBO = torch.bmm(x_TRBC.reshape(-1, items, channels), copies[tiles] if turned else copies[tiles].mT)
        return y_NBO.view(tiles, products, items, -1)
    y_TRBO = x_TRBC.new_empty(*x_TRBC.shape[:3], w_RCO.shape[2])
    for x_RBC, y_RBO in zip(x_TRBC, y_TRBO, strict=True):
        torch.bmm(x_RBC, w_RCO, out=y_RBO)  # as one product torch would copy the matrices for each tile
    return y_TRBO


def _outer(first_TRBO: Tensor, second_TRBC: Tensor) -> Tensor:
    """Return (R, O, C), the sums over tiles and items of the products of their numbers."""
    tiles, products, items, outputs = first_TRBO.shape
    channels = second_TRBC.shape[3]
    if tiles > 1 and _in_one_product(tiles, products, channels, outputs):
        first_NOB = first_TRBO.reshape(-1, items, outputs).mT
        parts_NOC = torch.bmm(first_NOB, second_TRBC.reshape(-1, items, channels))
        return parts_NOC.view(tiles, products, outputs, channels).sum(dim=0)
    total_ROC: Tensor | None = None
    for first_RBO, second_RBC in zip(first_TRBO, second_TRBC, strict=True):
        first_ROB = first_RBO.transpose(1, 2)
        total_ROC = (
            torch.bmm(first_ROB, second_RBC) if total_ROC is None else torch.baddbmm(total_ROC, first_ROB, second_RBC)
        )
    assert total_ROC is not None
    return total_ROC


@final
class _Products(torch.autograd.Function):
    """y = out(into(x) W') + b, with a matrix over channels for each product: (L, B, C), (R, O, C), (O,) -> (L, B, O).

    `turned` has W for its transpose W'. The gradient in x is such a function again, so it can be differentiated as
    often as one likes. One function has a third of the nodes that its parts would have, and its gradient in W lies in
    memory as W does. into(x) is worked out anew for that gradient: to keep it takes as long, and twice the memory.

    With `input_grads_only` a backward pass that is itself to be differentiated leaves out the gradients in W and b:
    autograd leaves out the functions that lead to nothing that is asked for, but not one of several results of one.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x_LBC: Tensor,
        w_ROC: Tensor,
        copies: TileCopies,
        b_O: Tensor | None,
        via: Transforms,
        turned: bool,
        input_grads_only: bool,
    ) -> Tensor:
        ctx.save_for_backward(x_LBC, w_ROC)
        ctx.copies, ctx.via, ctx.turned, ctx.input_grads_only = copies, via, turned, input_grads_only
        y_LBO = via.out(_multiplied(via.into(x_LBC), w_ROC, copies, turned=turned))
        return y_LBO if b_O is None else y_LBO.add_(b_O)

    @staticmethod
    def backward(ctx: Any, gradient_LBO: Tensor) -> tuple[Tensor | None, ...]:
        x_LBC, w_ROC = ctx.saved_tensors
        copies, via, turned = ctx.copies, ctx.via, ctx.turned
        wants_x, wants_w, _, wants_b = ctx.needs_input_grad[:4]
        again = torch.is_grad_enabled()
        if ctx.input_grads_only and again:
            wants_w = wants_b = False
        gradient_x = gradient_w = gradient_b = None
        if wants_w or not again:
            gradient_TRBO = via.out_transposed(gradient_LBO)
        if wants_x and again:
            gradient_x = products(gradient_LBO, w_ROC, copies, None, via.turned(), turned=not turned)
        elif wants_x:
            gradient_x = via.into_transposed(_multiplied(gradient_TRBO, w_ROC, copies, turned=not turned))
        if wants_w:
            x_TRBC = via.into(x_LBC)
            first, second = (x_TRBC, gradient_TRBO) if turned else (gradient_TRBO, x_TRBC)
            gradient_w = _outer(first, second)
        if wants_b:
            gradient_b = gradient_LBO.sum(dim=(0, 1))
        return gradient_x, gradient_w, None, gradient_b, None, None, None


def products(
    x_LBC: Tensor,
    w_ROC: Tensor,
    copies: TileCopies,
    b_O: Tensor | None,
    via: Transforms,
    *,
    turned: bool = False,
    input_grads_only: bool = False,
) -> Tensor:
    """Return out(into(x) W') + b, (L, B, O); see `_Products`."""
    y_LBO: Tensor = _Products.apply(  # type: ignore[no-untyped-call]
        x_LBC.contiguous(), w_ROC, copies, b_O, via, turned, input_grads_only
    )
    return y_LBO


@final
class _Mix(torch.autograd.Function):
    """Weights (O, C, K) and (R, K) -> (R, O, C).

    Written out, for autograd would take the gradient of the transposed weights by a product of ten times the time.
    """

    @staticmethod
    def forward(ctx: Any, weight_OCK: Tensor, b_RK: Tensor) -> Tensor:
        ctx.b_RK, ctx.shape = b_RK, weight_OCK.shape
        return (b_RK @ weight_OCK.flatten(0, 1).t()).view(-1, *weight_OCK.shape[:2])

    @staticmethod
    def backward(ctx: Any, gradient_ROC: Tensor) -> tuple[Tensor, None]:
        return (ctx.b_RK.t() @ gradient_ROC.flatten(1)).t().reshape(ctx.shape), None


def mix(weight_OCK: Tensor, b_RK: Tensor) -> Tensor:
    """Return the matrices over channels (R, O, C) that products are with."""
    w_ROC: Tensor = _Mix.apply(weight_OCK, b_RK)  # type: ignore[no-untyped-call]
    return w_ROC
