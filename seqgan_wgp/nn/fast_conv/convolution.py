"""One-dimensional convolutions with fewer multiplications: the same function, computed differently.

A convolution is bilinear in what goes in and in its weights, so it may be written y = C [(A x) * (B w)] with matrices
of fixed numbers A, B, C (Winograd 1980, "Arithmetic Complexity of Computations", chapter IV). For many channels each of
the products * is one of a matrix over the channels, and these are what costs: L K of them when it is done directly, R
here. Only matrix products occur, so autograd differentiates it as often as a gradient penalty asks for.

* fourier: products at the roots of unity, each complex one by three real ones (Gauss). One transform spans all
  positions; R is about 3/2 (L + K/2). Rounding errors are those of the direct algorithm.
* toom-cook: products at small rational points, in tiles of four positions: R = (K + 3) L / 4. Errors are some five
  times larger. Its transforms cost less than fourier's where L is large, and its products are larger matrices.

What goes in is wanted position first in memory, (L, B, C), so that every product is one of whole matrices; what comes
out lies so. Shapes stay those of torch: (B, C, L). The matrices are in winograd_fft.py, the products in bilinear.py.

Shape suffixes: B batch, C channels in, O channels out, L positions, K kernel, R products, T tiles, M positions in one,
N tiles of all items.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .bilinear import TileCopies, Transforms, mix, products
from .winograd_fft import TILE, fourier_as, tiles_of, toom_cook_as, untiled

Transformed = tuple[Tensor, TileCopies]
"""What the products of a convolution are with, and copies of it that they have made."""


@final
@dataclass(frozen=True, kw_only=True)
class ConvolutionAlgorithm:
    """Computes a convolution in two parts, of which the first need be done only once for the same weights."""

    transform_weights: Callable[[Tensor, int], Transformed]
    """Weights (O, C, K) and the number of positions -> what the products are with."""

    convolve: Callable[[Tensor, Transformed, Tensor, int, bool], Tensor]
    """(B, C, L), what `transform_weights` gave, biases (O,), the kernel's size, `input_grads_only` -> (B, O, L)."""

    def __call__(self, x_BCL: Tensor, weight_OCK: Tensor, bias_O: Tensor) -> Tensor:
        """Convolve, the ends padded with zeros: (B, C, L) -> (B, O, L)."""
        transformed = self.transform_weights(weight_OCK, x_BCL.shape[2])
        return self.convolve(x_BCL, transformed, bias_O, weight_OCK.shape[2], False)


def _direct(x_BCL: Tensor, transformed: Transformed, bias_O: Tensor, kernel: int, _input_grads_only: bool) -> Tensor:
    return functional.conv1d(x_BCL, transformed[0], bias_O, padding=kernel // 2)


def _transform_fourier(weight_OCK: Tensor, length: int) -> Transformed:
    return mix(weight_OCK, fourier_as(length, weight_OCK.shape[2], weight_OCK.dtype, weight_OCK.device)[1]), {}


def _fourier(x_BCL: Tensor, transformed: Transformed, bias_O: Tensor, kernel: int, input_grads_only: bool) -> Tensor:
    a_RL, _, c_LR = fourier_as(x_BCL.shape[2], kernel, x_BCL.dtype, x_BCL.device)

    def by(matrix_LR: Tensor, x_RBC: Tensor) -> Tensor:
        return (matrix_LR @ x_RBC.flatten(1)).view(-1, *x_RBC.shape[1:])

    via = Transforms(
        into=lambda x_LBC: by(a_RL, x_LBC)[None],
        out=lambda y_TRBO: by(c_LR, y_TRBO[0]),
        into_transposed=lambda x_TRBC: by(a_RL.t(), x_TRBC[0]),
        out_transposed=lambda y_LBO: by(c_LR.t(), y_LBO)[None],
    )
    y_LBO = products(x_BCL.permute(2, 0, 1), *transformed, bias_O, via, input_grads_only=input_grads_only)
    return y_LBO.permute(1, 2, 0)


def _transform_toom_cook(weight_OCK: Tensor, _length: int) -> Transformed:
    return mix(weight_OCK, toom_cook_as(weight_OCK.shape[2], weight_OCK.dtype, weight_OCK.device)[1]), {}


def _toom_cook(x_BCL: Tensor, transformed: Transformed, bias_O: Tensor, kernel: int, input_grads_only: bool) -> Tensor:
    length = x_BCL.shape[2]
    a_RR, _, c_MR = toom_cook_as(kernel, x_BCL.dtype, x_BCL.device)
    tiles = -(-length // TILE)

    def by(matrix_MR: Tensor, x_TRN: Tensor) -> Tensor:
        return torch.bmm(matrix_MR.expand(tiles, -1, -1), x_TRN)

    def into(x_LBC: Tensor) -> Tensor:
        return by(a_RR, tiles_of(x_LBC, kernel)).view(tiles, -1, *x_LBC.shape[1:])

    def into_transposed(x_TRBC: Tensor) -> Tensor:
        return untiled(by(a_RR.t(), x_TRBC.flatten(2)), length, kernel).view(length, *x_TRBC.shape[2:])

    def out(y_TRBO: Tensor) -> Tensor:
        return by(c_MR, y_TRBO.flatten(2)).view(-1, *y_TRBO.shape[2:])[:length]

    def out_transposed(y_LBO: Tensor) -> Tensor:
        y_PN = functional.pad(y_LBO.flatten(1), (0, 0, 0, -length % TILE)) if length % TILE else y_LBO.flatten(1)
        return by(c_MR.t(), y_PN.reshape(tiles, TILE, -1)).view(tiles, -1, *y_LBO.shape[1:])

    via = Transforms(into=into, out=out, into_transposed=into_transposed, out_transposed=out_transposed)
    y_LBO = products(x_BCL.permute(2, 0, 1), *transformed, bias_O, via, input_grads_only=input_grads_only)
    return y_LBO.permute(1, 2, 0)


CONVOLUTIONS: dict[str, ConvolutionAlgorithm] = {
    "direct": ConvolutionAlgorithm(transform_weights=lambda weight_OCK, _length: (weight_OCK, {}), convolve=_direct),
    "fourier": ConvolutionAlgorithm(transform_weights=_transform_fourier, convolve=_fourier),
    "toom-cook": ConvolutionAlgorithm(transform_weights=_transform_toom_cook, convolve=_toom_cook),
}
"""Name -> algorithm; all give the same but for rounding."""


def quickest(channels: int, length: int, kernel: int, device: str) -> str:
    """Return the fastest of CONVOLUTIONS for such sizes. It depends on sizes alone, so a resumed run takes the same.

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
    """A convolution that keeps the length: (B, C, L) -> (B, O, L).

    Its `algorithm` is one of CONVOLUTIONS, or "auto" for what `quickest` says. Taps that lie apart are always convolved
    directly.
    """

    def __init__(self, channels: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(channels, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        self.algorithm = "direct"
        self.input_grads_only = False
        """See the function of this name."""
        self.transformed: dict[tuple[int, bool], Transformed] | None = None
        """The transformed weights, by length and by whether they can be differentiated; None: they are not kept."""

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Convolve."""
        assert self.bias is not None
        if self.dilation[0] > 1:
            return super().forward(x_BCL)
        algorithm = CONVOLUTIONS[self.algorithm_for(x_BCL)]
        transformed = self._transformed(algorithm, x_BCL.shape[2])
        return algorithm.convolve(x_BCL, transformed, self.bias, self.kernel_size[0], self.input_grads_only)

    def arranged(self, *batches_BCL: Tensor) -> Tensor:
        """Return batches as one, in memory as this convolution wants it: so nothing behind it need copy any."""
        if self.algorithm_for(batches_BCL[0]) == "direct":
            return _joined(batches_BCL, dim=0)
        return _joined([x_BCL.permute(2, 0, 1) for x_BCL in batches_BCL], dim=1).permute(1, 2, 0)

    def algorithm_for(self, x_BCL: Tensor) -> str:
        """Return the name of the algorithm for such an input."""
        if self.dilation[0] > 1:
            return "direct"
        if self.algorithm != "auto":
            return self.algorithm
        return quickest(self.in_channels, x_BCL.shape[2], self.kernel_size[0], x_BCL.device.type)

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
    """Compute every Convolution of a network by an algorithm: a name among CONVOLUTIONS, or "auto"."""
    for layer in _convolutions(network):
        layer.algorithm = algorithm


@contextlib.contextmanager
def cache_weight_transform(network: nn.Module) -> Iterator[None]:
    """Keep the transformed weights of a network's Convolutions for all passes within.

    They must not change within, and one gradient in them is all that can be asked for.
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
    """Declare that first derivatives within are taken in the network's input alone, not in its weights.

    So is the gradient whose norm a penalty takes: `autograd.grad(..., x, create_graph=True)` then leaves out the
    gradients in the weights of the network's Convolutions, which it would throw away. The penalty's own gradient, in
    the weights, is whole. Of what is no module, such as a function, it changes nothing.
    """
    layers = _convolutions(network)
    for layer in layers:
        layer.input_grads_only = True
    try:
        yield
    finally:
        for layer in layers:
            layer.input_grads_only = False
