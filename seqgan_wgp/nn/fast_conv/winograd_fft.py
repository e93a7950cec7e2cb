"""Constant matrices A, B and C of the Fourier and Toom-Cook (Winograd) algorithms, and the tiling of positions.

A transforms the input, B the weights (the filter), and C the products to the output: y = C [(A x) * (B w)].

Shape suffixes: B batch, C channels, L positions, K kernel size, R products, T tiles, M positions in a tile, P padded
positions or tiles, N numbers at a position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

TILE = 4
"""Positions in a Toom-Cook tile. Larger tiles lose precision: 6 positions with K = 5 lose one more decimal digit."""

_POINTS = (0, 1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2))
"""Evaluation points besides infinity, those with the smallest numerators and denominators first."""


def fourier_matrices(length: int, kernel: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return A (R, L), B (R, K) and C (L, R), float64, for a convolution by discrete Fourier transforms.

    A period of L + K // 2 is enough: what wraps around lands on positions that are not kept. The real and imaginary
    parts of a product (a + ib)(c + id) are P1 - P3 and P1 + P2 with P1 = c (a + b), P2 = a (d - c), P3 = b (c + d).
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
    """Return A (R, R), B (R, K) and C (M, R), float64, for `tile` = M positions of a convolution; R = M + K - 1.

    This is the transpose of polynomial multiplication by evaluation at R - 1 points and infinity, and interpolation
    (Winograd 1980; Lavin and Gray 2016). The matrices are computed exactly, in fractions. Each row of A is divided by
    the power of two nearest to its largest number, and the row of B is multiplied by it, so that all products have
    about the same size.
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
    """Return the powers 0, 1, ... of each point. At infinity only the highest power counts."""
    columns = columns or products
    finite = [[Fraction(point) ** power for power in range(columns)] for point in _POINTS[: products - 1]]
    return [*finite, [Fraction(0)] * (columns - 1) + [Fraction(1)]]


def _inverse(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Return the inverse of a matrix of fractions, by Gauss-Jordan elimination."""
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
def cached_fourier_matrices(length: int, kernel: int, dtype: torch.dtype, device: torch.device) -> Matrices:
    """Return `fourier_matrices` with this dtype on this device."""
    a_RL, b_RK, c_LR = (matrix.to(dtype).to(device) for matrix in fourier_matrices(length, kernel))
    return a_RL, b_RK, c_LR.contiguous()


@lru_cache(maxsize=64)
def cached_toom_cook_matrices(kernel: int, dtype: torch.dtype, device: torch.device) -> Matrices:
    """Return `toom_cook_matrices` with this dtype on this device."""
    a_RR, b_RK, c_MR = (matrix.to(dtype).to(device) for matrix in toom_cook_matrices(kernel))
    return a_RR, b_RK, c_MR


def tiles_of(x_LBC: Tensor, kernel: int) -> Tensor:
    """Return the overlapping input tiles, (T, R, B C), with zero padding, as a view without copies."""
    length, products = len(x_LBC), TILE + kernel - 1
    behind = -length % TILE + kernel - 1 - kernel // 2
    padded_PN = functional.pad(x_LBC, (0, 0, 0, 0, kernel // 2, behind)).flatten(1)
    return padded_PN.unfold(0, products, TILE).transpose(1, 2)


def untiled(x_TRN: Tensor, length: int, kernel: int) -> Tensor:
    """Return the transpose of `tiles_of`, (L, B C): the sum over the tiles that contain each position."""
    tiles, products, _ = x_TRN.shape
    parts = -(-products // TILE)
    sum_PMN = x_TRN.new_zeros(tiles + parts - 1, TILE, x_TRN.shape[2])
    for part in range(parts):
        read_TMN = x_TRN[:, part * TILE : (part + 1) * TILE]
        sum_PMN[part : part + tiles, : read_TMN.shape[1]].add_(read_TMN)
    return sum_PMN.flatten(0, 1)[kernel // 2 : kernel // 2 + length]
