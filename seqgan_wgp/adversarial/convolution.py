"""One-dimensional convolutions by fewer multiplications: the same function, computed otherwise.

A convolution is bilinear in what goes in and in its weights, so it may be written y = C [(A x) * (B w)] with matrices
of fixed numbers A, B, C (Winograd 1980, "Arithmetic Complexity of Computations", chapter IV). For many channels each of
the products * is one of a matrix over the channels, and these are what costs: L K of them when it is done directly, R
here. Only matrix products occur, so autograd differentiates it as often as a gradient penalty asks for.

* fourier: products at the roots of unity, each complex one by three real ones (Gauss). One transform spans all
  positions; R is about 3/2 (L + K/2). Rounding errors are those of the direct way.
* toom-cook: products at small rational points, in tiles of four positions: R = (K + 3) L / 4. Errors are some five
  times larger. Its transforms cost less than fourier's where L is large, and its products are larger matrices.

What goes in is wanted position first in memory, (L, B, C), so that every product is one of whole matrices; what comes
out lies so. Shapes stay those of torch: (B, C, L).

Shape suffixes: B batch, C channels in, O channels out, L positions, K kernel, R products, T tiles, M positions in one,
N tiles of all items.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

TILE = 4
"""Positions of a tile of toom-cook. Larger ones need points whose powers cost digits: 6 with K = 5 lose one more."""

_POINTS = (0, 1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2))
"""Points of evaluation beside infinity, those of the smallest numerators and denominators first."""


def fourier_matrices(length: int, kernel: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return A (R, L), B (R, K) and C (L, R), float64, of a convolution by discrete Fourier transforms.

    A period of L + K // 2 is enough: what wraps around it falls on positions that are not kept. Real and imaginary part
    of a product (a + ib)(c + id) are P1 - P3 and P1 + P2 with P1 = c (a + b), P2 = a (d - c), P3 = b (c + d).
    """
    period = length + kernel // 2
    place_L = torch.arange(length, dtype=torch.float64)
    tap_K = torch.arange(kernel, dtype=torch.float64) - kernel // 2
    into, weights, out = [], [], []
    for frequency in range(period // 2 + 1):
        angle = 2 * math.pi * frequency / period
        a_L, b_L = torch.cos(angle * place_L), -torch.sin(angle * place_L)
        c_K, d_K = torch.cos(angle * tap_K), torch.sin(angle * tap_K)
        real = 2 * frequency in (0, period)
        cos_L, sin_L = ((1 if real else 2) / period * part for part in (a_L, -b_L))
        into += [a_L] if real else [a_L + b_L, a_L, b_L]
        weights += [c_K] if real else [c_K, d_K - c_K, c_K + d_K]
        out += [cos_L] if real else [cos_L - sin_L, -sin_L, -cos_L]
    return torch.stack(into), torch.stack(weights), torch.stack(out, dim=1)


def toom_cook_matrices(kernel: int, tile: int = TILE) -> tuple[Tensor, Tensor, Tensor]:
    """Return A (R, R), B (R, K) and C (M, R), float64, of `tile` positions of a convolution, R = M + K - 1.

    The transpose of polynomial multiplication by evaluation, at R - 1 points and infinity, and interpolation (Winograd
    1980; Lavin and Gray 2016). The matrices are worked out in fractions; a row of A is divided by the power of two that
    is next to its largest number, and B multiplied by it, so that no product is much larger than others.
    """
    products = tile + kernel - 1
    values = _powers(products)
    inverse = _inverse(values)
    into = [[inverse[q][p] for q in range(products)] for p in range(products)]
    weights = _powers(products, kernel)
    for p, row in enumerate(into):
        scale = Fraction(2) ** round(math.log2(max(map(abs, row))))
        into[p], weights[p] = [value / scale for value in row], [value * scale for value in weights[p]]
    out = list(zip(*_powers(products, tile), strict=True))
    return _tensor(into), _tensor(weights), _tensor(out)


def _tensor(rows: Sequence[Sequence[Fraction]]) -> Tensor:
    return torch.tensor([[float(value) for value in row] for row in rows], dtype=torch.float64)


def _powers(products: int, columns: int | None = None) -> list[list[Fraction]]:
    """Return powers 0, 1, ... of each point; of infinity only the highest counts."""
    columns = columns or products
    finite = [[Fraction(point) ** power for power in range(columns)] for point in _POINTS[: products - 1]]
    return [*finite, [Fraction(0)] * (columns - 1) + [Fraction(1)]]


def _inverse(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Return the inverse of a matrix of fractions, by Gauss and Jordan."""
    size = len(rows)
    work = [row + [Fraction(i == j) for j in range(size)] for i, row in enumerate(rows)]
    for column in range(size):
        pivot = next(row for row in range(column, size) if work[row][column])
        work[column], work[pivot] = work[pivot], work[column]
        work[column] = [value / work[column][column] for value in work[column]]
        for row in range(size):
            if row != column and work[row][column]:
                factor = work[row][column]
                work[row] = [value - factor * of for value, of in zip(work[row], work[column], strict=True)]
    return [row[size:] for row in work]


Matrices = tuple[Tensor, Tensor, Tensor]


@lru_cache(maxsize=64)
def _fourier_as(length: int, kernel: int, dtype: torch.dtype, device: torch.device) -> Matrices:
    a_RL, b_RK, c_LR = (matrix.to(device, dtype) for matrix in fourier_matrices(length, kernel))
    return a_RL, b_RK, c_LR.contiguous()


@lru_cache(maxsize=64)
def _toom_cook_as(kernel: int, dtype: torch.dtype, device: torch.device) -> Matrices:
    a_RR, b_RK, c_MR = (matrix.to(device, dtype) for matrix in toom_cook_matrices(kernel))
    return a_RR, b_RK, c_MR


def direct(x_BCL: Tensor, weight_OCK: Tensor, bias_O: Tensor) -> Tensor:
    """Convolve as torch does, the ends padded with zeros: (B, C, L) -> (B, O, L)."""
    return functional.conv1d(x_BCL, weight_OCK, bias_O, padding=weight_OCK.shape[2] // 2)


def fourier(x_BCL: Tensor, weight_OCK: Tensor, bias_O: Tensor) -> Tensor:
    """Convolve as `direct` does, by transforms over all positions."""
    batch, _, length = x_BCL.shape
    a_RL, b_RK, c_LR = _fourier_as(length, weight_OCK.shape[2], x_BCL.dtype, x_BCL.device)
    x_RBC = (a_RL @ x_BCL.permute(2, 0, 1).reshape(length, -1)).view(len(a_RL), batch, -1)
    y_RBO = torch.bmm(x_RBC, _mixing(weight_OCK, b_RK))
    y_LBO: Tensor = (c_LR @ y_RBO.flatten(1)).view(length, batch, -1) + bias_O
    return y_LBO.permute(1, 2, 0)


def toom_cook(x_BCL: Tensor, weight_OCK: Tensor, bias_O: Tensor) -> Tensor:
    """Convolve as `direct` does, by transforms of tiles of positions."""
    batch, channels, length = x_BCL.shape
    kernel = weight_OCK.shape[2]
    a_RR, b_RK, c_MR = _toom_cook_as(kernel, x_BCL.dtype, x_BCL.device)
    x_RTBC: Tensor = _Tiles.apply(x_BCL.permute(2, 0, 1), kernel)  # type: ignore[no-untyped-call]
    products, tiles = x_RTBC.shape[:2]
    x_RNC = (a_RR @ x_RTBC.view(products, -1)).view(products, tiles * batch, channels)
    y_RNO = torch.bmm(x_RNC, _mixing(weight_OCK, b_RK))
    y_MTBO = (c_MR @ y_RNO.flatten(1)).view(TILE, tiles, batch, -1)
    y_LBO = y_MTBO.transpose(0, 1).flatten(0, 1)[:length] + bias_O
    return y_LBO.permute(1, 2, 0)


def _mixing(weight_OCK: Tensor, b_RK: Tensor) -> Tensor:
    """Return the matrices over channels (R, C, O) that a convolution's products are."""
    outputs, channels, kernel = weight_OCK.shape
    return (b_RK @ weight_OCK.permute(2, 1, 0).reshape(kernel, -1)).view(-1, channels, outputs)


@final
class _Tiles(torch.autograd.Function):
    """What each tile reads, (L, B, C) -> (R, T, B, C). It is linear: its derivative is `_Untiled`, and the reverse."""

    @staticmethod
    def forward(ctx: Any, x_LBC: Tensor, kernel: int) -> Tensor:
        ctx.length, ctx.kernel = len(x_LBC), kernel
        tiles = -(-len(x_LBC) // TILE)
        x_RTBC = x_LBC.new_empty(TILE + kernel - 1, tiles, *x_LBC.shape[1:])
        for x_TBC, here, there in zip(x_RTBC, *_reads(len(x_LBC), kernel), strict=True):
            x_TBC[: here.start], x_TBC[here.stop :] = 0, 0
            x_TBC[here] = x_LBC[there]
        return x_RTBC

    @staticmethod
    def backward(ctx: Any, gradient_RTBC: Tensor) -> tuple[Tensor, None]:
        return _Untiled.apply(gradient_RTBC, ctx.length, ctx.kernel), None  # type: ignore[no-untyped-call]


@final
class _Untiled(torch.autograd.Function):
    """The transpose of `_Tiles`: (R, T, B, C) -> (L, B, C), the sum of what tiles read at each position."""

    @staticmethod
    def forward(ctx: Any, x_RTBC: Tensor, length: int, kernel: int) -> Tensor:
        ctx.kernel = kernel
        x_LBC = x_RTBC.new_zeros(length, *x_RTBC.shape[2:])
        for x_TBC, here, there in zip(x_RTBC, *_reads(length, kernel), strict=True):
            x_LBC[there] += x_TBC[here]
        return x_LBC

    @staticmethod
    def backward(ctx: Any, gradient_LBC: Tensor) -> tuple[Tensor, None, None]:
        return _Tiles.apply(gradient_LBC, ctx.kernel), None, None  # type: ignore[no-untyped-call]


@lru_cache(maxsize=64)
def _reads(length: int, kernel: int) -> tuple[list[slice], list[slice]]:
    """Return which tiles have a read number r within the ends, and the positions that they read."""
    tiles, here, there = -(-length // TILE), [], []
    for r in range(TILE + kernel - 1):
        offset = r - kernel // 2
        first, last = max(0, -(offset // TILE)), min(tiles - 1, (length - 1 - offset) // TILE)
        here.append(slice(first, last + 1))
        there.append(slice(first * TILE + offset, last * TILE + offset + 1, TILE))
    return here, there


Convolve = Callable[[Tensor, Tensor, Tensor], Tensor]

CONVOLUTIONS: dict[str, Convolve] = {"direct": direct, "fourier": fourier, "toom-cook": toom_cook}
"""Name -> function of what goes in (B, C, L), weights (O, C, K) and biases (O,); all give the same (B, O, L)."""


def quickest(channels: int, length: int, kernel: int, device: str) -> str:
    """Return which of CONVOLUTIONS takes the least time, by sizes alone, so that a run is the same whenever it goes on.

    Measured on two cores of a CPU (benchmarks/critic_step.py). On a GPU the products are too quick for the transforms
    to pay, and a kernel of one position has nothing to save.
    """
    if device != "cpu" or kernel < 3 or (kernel == 3 and channels < 128):
        return "direct"
    if kernel == 3 or (kernel == 5 and length > 20):
        return "toom-cook"
    return "fourier" if length <= 64 else "direct"


@final
class Convolution(nn.Conv1d):
    """A convolution that keeps the length. Its `way` is one of CONVOLUTIONS, or "auto" for what `quickest` says."""

    def __init__(self, channels: int, outputs: int, kernel: int) -> None:
        super().__init__(channels, outputs, kernel, padding=kernel // 2)
        self.way = "direct"

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Convolve."""
        assert self.bias is not None
        way = self.way
        if way == "auto":
            way = quickest(self.in_channels, x_BCL.shape[2], self.kernel_size[0], x_BCL.device.type)
        return CONVOLUTIONS[way](x_BCL, self.weight, self.bias)


def set_way(network: nn.Module, way: str) -> None:
    """Have every Convolution of a network computed in a way: a name among CONVOLUTIONS, or "auto"."""
    for layer in network.modules():
        if isinstance(layer, Convolution):
            layer.way = way
