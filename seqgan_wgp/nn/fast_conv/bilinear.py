"""The core of a fast convolution: matrix products over channels between constant linear maps over positions.

Shape suffixes: B batch, C input channels, O output channels, L positions, K kernel size, R products, T tiles of
positions, which all have the same R products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]

ONE_PRODUCT = 1 << 19
"""Up to this many numbers in the matrices of all tiles, one batched product replaces one product for each tile.

Measured on one CPU core with 8 tiles of 8 products: .5 ms either way with 64 channels; with 512 channels 39 ms for one
product a tile and 82 ms for one batched product. The results are equal bit for bit.
"""


@final
@dataclass(frozen=True, kw_only=True)
class Transforms:
    """The constant linear maps before and after the products, and their transposes. They act on positions alone."""

    input: Map
    """(L, B, C) -> (T, R, B, C), the product with A."""

    output: Map
    """(T, R, B, O) -> (L, B, O), the product with C."""

    input_transposed: Map
    output_transposed: Map

    def transposed(self) -> Transforms:
        """Return the maps of the transposed convolution, from output channels to input channels."""
        return Transforms(
            input=self.output_transposed,
            output=self.input_transposed,
            input_transposed=self.output,
            output_transposed=self.input,
        )


def _in_one_product(tiles: int, products: int, channels: int, outputs: int) -> bool:
    """Return whether the matrices of all tiles are small enough for one batched product."""
    return tiles * products * channels * outputs <= ONE_PRODUCT


TileCopies = dict[int, Tensor]
"""Number of tiles -> transformed weights (T R, O, C), repeated for each tile; shared by products with these weights."""


def _multiplied(x_TRBC: Tensor, w_ROC: Tensor, copies: TileCopies, *, transposed: bool) -> Tensor:
    """Return each tile's products with W' (with W if `transposed`), (T, R, B, O). Autograd does not see this step."""
    tiles, products, items, channels = x_TRBC.shape
    w_RCO = w_ROC if transposed else w_ROC.mT
    if tiles == 1:
        return torch.bmm(x_TRBC[0], w_RCO)[None]
    if _in_one_product(tiles, products, channels, w_RCO.shape[2]):
        if tiles not in copies:
            copies[tiles] = w_ROC.detach().expand(tiles, -1, -1, -1).flatten(0, 1)
        y_NBO = torch.bmm(x_TRBC.reshape(-1, items, channels), copies[tiles] if transposed else copies[tiles].mT)
        return y_NBO.view(tiles, products, items, -1)
    y_TRBO = x_TRBC.new_empty(*x_TRBC.shape[:3], w_RCO.shape[2])
    for x_RBC, y_RBO in zip(x_TRBC, y_TRBO, strict=True):
        torch.bmm(x_RBC, w_RCO, out=y_RBO)  # in one product, torch would copy the matrices for each tile
    return y_TRBO


def _outer(first_TRBO: Tensor, second_TRBC: Tensor) -> Tensor:
    """Return the sum over tiles and samples of outer products over channels, (R, O, C): the gradient of W."""
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
    """y = output(input(x) W') + b as one autograd function: (L, B, C), (R, O, C), (O,) -> (L, B, O).

    W has one matrix over channels for each product; `transposed` uses W instead of its transpose W'. The gradient with
    respect to x is the same function again, so it can be differentiated any number of times. A single function has a
    third of the graph nodes of its parts, and its gradient with respect to W has W's memory layout. That gradient
    computes input(x) again: keeping it would take as long, and twice the memory.

    With `input_grads_only`, a backward pass with create_graph=True skips the gradients of W and b. Autograd skips whole
    functions that no requested gradient needs, but not single outputs of a function.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x_LBC: Tensor,
        w_ROC: Tensor,
        copies: TileCopies,
        b_O: Tensor | None,
        transforms: Transforms,
        transposed: bool,
        input_grads_only: bool,
    ) -> Tensor:
        ctx.save_for_backward(x_LBC, w_ROC)
        ctx.copies, ctx.transforms, ctx.transposed, ctx.input_grads_only = (
            copies,
            transforms,
            transposed,
            input_grads_only,
        )
        y_LBO = transforms.output(_multiplied(transforms.input(x_LBC), w_ROC, copies, transposed=transposed))
        return y_LBO if b_O is None else y_LBO.add_(b_O)

    @staticmethod
    def backward(ctx: Any, gradient_LBO: Tensor) -> tuple[Tensor | None, ...]:
        x_LBC, w_ROC = ctx.saved_tensors
        copies, transforms, transposed = ctx.copies, ctx.transforms, ctx.transposed
        wants_x, wants_w, _, wants_b = ctx.needs_input_grad[:4]
        again = torch.is_grad_enabled()
        if ctx.input_grads_only and again:
            wants_w = wants_b = False
        gradient_x = gradient_w = gradient_b = None
        if wants_w or not again:
            gradient_TRBO = transforms.output_transposed(gradient_LBO)
        if wants_x and again:
            gradient_x = products(gradient_LBO, w_ROC, copies, None, transforms.transposed(), transposed=not transposed)
        elif wants_x:
            gradient_x = transforms.input_transposed(
                _multiplied(gradient_TRBO, w_ROC, copies, transposed=not transposed)
            )
        if wants_w:
            x_TRBC = transforms.input(x_LBC)
            first, second = (x_TRBC, gradient_TRBO) if transposed else (gradient_TRBO, x_TRBC)
            gradient_w = _outer(first, second)
        if wants_b:
            gradient_b = gradient_LBO.sum(dim=(0, 1))
        return gradient_x, gradient_w, None, gradient_b, None, None, None


def products(
    x_LBC: Tensor,
    w_ROC: Tensor,
    copies: TileCopies,
    b_O: Tensor | None,
    transforms: Transforms,
    *,
    transposed: bool = False,
    input_grads_only: bool = False,
) -> Tensor:
    """Return output(input(x) W') + b, (L, B, O); see `_Products`."""
    y_LBO: Tensor = _Products.apply(  # type: ignore[no-untyped-call]
        x_LBC.contiguous(), w_ROC, copies, b_O, transforms, transposed, input_grads_only
    )
    return y_LBO


@final
class _FilterTransform(torch.autograd.Function):
    """The filter transform B w: weights (O, C, K) and B (R, K) -> (R, O, C).

    The gradient is written by hand, because autograd's product with the transposed weights takes ten times as long.
    """

    @staticmethod
    def forward(ctx: Any, weight_OCK: Tensor, b_RK: Tensor) -> Tensor:
        ctx.b_RK, ctx.shape = b_RK, weight_OCK.shape
        return (b_RK @ weight_OCK.flatten(0, 1).t()).view(-1, *weight_OCK.shape[:2])

    @staticmethod
    def backward(ctx: Any, gradient_ROC: Tensor) -> tuple[Tensor, None]:
        return (ctx.b_RK.t() @ gradient_ROC.flatten(1)).t().reshape(ctx.shape), None


def transform_filter(weight_OCK: Tensor, b_RK: Tensor) -> Tensor:
    """Return the transformed weights B w, one matrix over channels for each product, (R, O, C)."""
    w_ROC: Tensor = _FilterTransform.apply(weight_OCK, b_RK)  # type: ignore[no-untyped-call]
    return w_ROC
