"""Fast 1-d convolutions (Fourier, Toom-Cook/Winograd), and the layer that uses them.

They compute the same function as `conv1d` with fewer multiplications. A convolution is bilinear in its input x and its
weights w, so it can be written y = C [(A x) * (B w)] with constant matrices A, B and C (Winograd 1980, "Arithmetic
Complexity of Computations", chapter IV). With many channels, each product * is a matrix product over the channels.
These dominate the cost: the direct algorithm has L K of them, a fast one has R. Only matrix products occur, so autograd
can differentiate the result twice, as a gradient penalty needs.

* fourier: products at the roots of unity; each complex product takes three real ones (Gauss). One transform spans all
  positions. R is about 3/2 (L + K/2). Rounding errors are as large as those of the direct algorithm.
* toom-cook: products at small rational points, in tiles of four positions. R = (K + 3) L / 4. Rounding errors are about
  five times as large. For large L its transforms are cheaper than Fourier's, and its matrix products are larger.

Tensors have torch's shape (B, C, L), but both algorithms want them in memory in the order (L, B, C), so that each
product is one of whole matrices. Their output has this order too. The constant matrices are in winograd_fft.py, the
products over channels in bilinear.py.

Shape suffixes: B batch, C input channels, O output channels, L positions, K kernel size, R products, T tiles, M
positions in a tile, N tiles of all items.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .bilinear import TileCopies, Transforms, products, transform_filter
from .winograd_fft import TILE, cached_fourier_matrices, cached_toom_cook_matrices, tiles_of, untiled

Transformed = tuple[Tensor, TileCopies]
"""The transformed weights (R, O, C), and copies of them for each number of tiles."""


@final
@dataclass(frozen=True, kw_only=True)
class ConvolutionAlgorithm:
    """Computes a convolution in two parts; the first one is done once for the same weights."""

    transform_weights: Callable[[Tensor, int], Transformed]
    """Weights (O, C, K) and the number of positions -> transformed weights."""

    convolve: Callable[[Tensor, Transformed, Tensor, int, bool], Tensor]
    """Input (B, C, L), transformed weights, biases (O,), kernel size, `input_grads_only` -> output (B, O, L)."""

    def __call__(self, x_BCL: Tensor, weight_OCK: Tensor, bias_O: Tensor) -> Tensor:
        """Return the convolution with zero padding, (B, C, L) -> (B, O, L)."""
        transformed = self.transform_weights(weight_OCK, x_BCL.shape[2])
        return self.convolve(x_BCL, transformed, bias_O, weight_OCK.shape[2], False)


def _direct(x_BCL: Tensor, transformed: Transformed, bias_O: Tensor, kernel: int, _input_grads_only: bool) -> Tensor:
    return functional.conv1d(x_BCL, transformed[0], bias_O, padding=kernel // 2)


def _transform_fourier(weight_OCK: Tensor, length: int) -> Transformed:
    _, b_RK, _ = cached_fourier_matrices(length, weight_OCK.shape[2], weight_OCK.dtype, weight_OCK.device)
    return transform_filter(weight_OCK, b_RK), {}


def _fourier(x_BCL: Tensor, transformed: Transformed, bias_O: Tensor, kernel: int, input_grads_only: bool) -> Tensor:
    a_RL, _, c_LR = cached_fourier_matrices(x_BCL.shape[2], kernel, x_BCL.dtype, x_BCL.device)

    def by(matrix_LR: Tensor, x_RBC: Tensor) -> Tensor:
        return (matrix_LR @ x_RBC.flatten(1)).view(-1, *x_RBC.shape[1:])

    transforms = Transforms(
        input=lambda x_LBC: by(a_RL, x_LBC)[None],
        output=lambda y_TRBO: by(c_LR, y_TRBO[0]),
        input_transposed=lambda x_TRBC: by(a_RL.t(), x_TRBC[0]),
        output_transposed=lambda y_LBO: by(c_LR.t(), y_LBO)[None],
    )
    y_LBO = products(x_BCL.permute(2, 0, 1), *transformed, bias_O, transforms, input_grads_only=input_grads_only)
    return y_LBO.permute(1, 2, 0)


def _transform_toom_cook(weight_OCK: Tensor, _length: int) -> Transformed:
    _, b_RK, _ = cached_toom_cook_matrices(weight_OCK.shape[2], weight_OCK.dtype, weight_OCK.device)
    return transform_filter(weight_OCK, b_RK), {}


def _toom_cook(x_BCL: Tensor, transformed: Transformed, bias_O: Tensor, kernel: int, input_grads_only: bool) -> Tensor:
    length = x_BCL.shape[2]
    a_RR, _, c_MR = cached_toom_cook_matrices(kernel, x_BCL.dtype, x_BCL.device)
    tiles = -(-length // TILE)

    def by(matrix_MR: Tensor, x_TRN: Tensor) -> Tensor:
        return torch.bmm(matrix_MR.expand(tiles, -1, -1), x_TRN)

    def input_(x_LBC: Tensor) -> Tensor:
        return by(a_RR, tiles_of(x_LBC, kernel)).view(tiles, -1, *x_LBC.shape[1:])

    def input_transposed(x_TRBC: Tensor) -> Tensor:
        return untiled(by(a_RR.t(), x_TRBC.flatten(2)), length, kernel).view(length, *x_TRBC.shape[2:])

    def output(y_TRBO: Tensor) -> Tensor:
        return by(c_MR, y_TRBO.flatten(2)).view(-1, *y_TRBO.shape[2:])[:length]

    def output_transposed(y_LBO: Tensor) -> Tensor:
        y_PN = functional.pad(y_LBO.flatten(1), (0, 0, 0, -length % TILE)) if length % TILE else y_LBO.flatten(1)
        return by(c_MR.t(), y_PN.reshape(tiles, TILE, -1)).view(tiles, -1, *y_LBO.shape[1:])

    transforms = Transforms(
        input=input_, output=output, input_transposed=input_transposed, output_transposed=output_transposed
    )
    y_LBO = products(x_BCL.permute(2, 0, 1), *transformed, bias_O, transforms, input_grads_only=input_grads_only)
    return y_LBO.permute(1, 2, 0)


CONVOLUTIONS: dict[str, ConvolutionAlgorithm] = {
    "direct": ConvolutionAlgorithm(transform_weights=lambda weight_OCK, _length: (weight_OCK, {}), convolve=_direct),
    "fourier": ConvolutionAlgorithm(transform_weights=_transform_fourier, convolve=_fourier),
    "toom-cook": ConvolutionAlgorithm(transform_weights=_transform_toom_cook, convolve=_toom_cook),
}
"""Name -> algorithm. All give the same result up to rounding."""


def fastest_algorithm(channels: int, length: int, kernel: int, device: str) -> str:
    """Return the name of the fastest algorithm for these sizes.

    The rule was measured on two CPU cores (benchmarks/critic_step.py). It depends on the sizes alone, so a resumed run
    makes the same choice. On a GPU the products are so fast that the transforms do not pay off, and a kernel of size 1
    leaves nothing to save.
    """
    if device != "cpu" or kernel < 3 or (kernel == 3 and channels < 128):
        return "direct"
    if kernel == 3 or (kernel == 5 and length > 20):
        return "toom-cook"
    return "fourier" if length <= 64 else "direct"


@final
class Convolution(nn.Conv1d):
    """A 1-d convolution that keeps the length, (B, C, L) -> (B, O, L).

    Its `algorithm` is one of CONVOLUTIONS, or "auto" for `fastest_algorithm`. A dilated convolution is always direct.
    """

    def __init__(self, channels: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(channels, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        self.algorithm = "direct"
        self.input_grads_only = False
        """Set by the context manager of the same name."""
        self.transformed: dict[tuple[int, bool], Transformed] | None = None
        """Cached transformed weights by (length, whether gradients are enabled); None: they are not cached."""

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Return the convolution."""
        assert self.bias is not None
        if self.dilation[0] > 1:
            return super().forward(x_BCL)
        algorithm = CONVOLUTIONS[self.algorithm_for(x_BCL)]
        transformed = self._transformed(algorithm, x_BCL.shape[2])
        return algorithm.convolve(x_BCL, transformed, self.bias, self.kernel_size[0], self.input_grads_only)

    def concatenated(self, *batches_BCL: Tensor) -> Tensor:
        """Return batches as one, in the memory order that this layer's algorithm wants, so that no layer copies it."""
        if self.algorithm_for(batches_BCL[0]) == "direct":
            return _joined(batches_BCL, dim=0)
        return _joined([x_BCL.permute(2, 0, 1) for x_BCL in batches_BCL], dim=1).permute(1, 2, 0)

    def algorithm_for(self, x_BCL: Tensor) -> str:
        """Return the name of the algorithm for an input of this shape and device."""
        if self.dilation[0] > 1:
            return "direct"
        if self.algorithm != "auto":
            return self.algorithm
        return fastest_algorithm(self.in_channels, x_BCL.shape[2], self.kernel_size[0], x_BCL.device.type)

    def _transformed(self, algorithm: ConvolutionAlgorithm, length: int) -> Transformed:
        if self.transformed is None:
            return algorithm.transform_weights(self.weight, length)
        key = (length, torch.is_grad_enabled())
        if key not in self.transformed:
            self.transformed[key] = algorithm.transform_weights(self.weight, length)
        return self.transformed[key]


def _joined(tensors: Sequence[Tensor], dim: int) -> Tensor:
    return tensors[0].contiguous() if len(tensors) == 1 else torch.cat(list(tensors), dim=dim).contiguous()


def _convolutions(network: object) -> list[Convolution]:
    modules = network.modules() if isinstance(network, nn.Module) else ()
    return [layer for layer in modules if isinstance(layer, Convolution)]


def set_convolution_algorithm(network: nn.Module, algorithm: str) -> None:
    """Set the algorithm of every `Convolution` in a network: a name in CONVOLUTIONS, or "auto"."""
    for layer in _convolutions(network):
        layer.algorithm = algorithm


@contextlib.contextmanager
def cache_weight_transform(network: nn.Module) -> Iterator[None]:
    """Transform the weights of a network's convolutions once for all forward passes inside.

    The weights must not change inside, and only one gradient with respect to them can be taken.
    """
    layers = _convolutions(network)
    for layer in layers:
        layer.transformed = {}
    try:
        yield
    finally:
        for layer in layers:
            layer.transformed = None


@contextlib.contextmanager
def input_grads_only(network: object) -> Iterator[None]:
    """Skip the weight gradients of a network's convolutions in a first derivative that is taken of its input alone.

    A gradient penalty takes such a derivative: `autograd.grad(score, x, create_graph=True)`. Without this, a fast
    convolution would compute gradients of its weights too, and they would be thrown away. The gradient of the penalty
    itself with respect to the weights remains complete. For a critic that is a function and not a module, this does
    nothing.
    """
    layers = _convolutions(network)
    for layer in layers:
        layer.input_grads_only = True
    try:
        yield
    finally:
        for layer in layers:
            layer.input_grads_only = False
