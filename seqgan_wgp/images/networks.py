"""Generator and critic for images: the convolutional pair of Gulrajani et al. 2017 (their MNIST model).

Every layer halves or doubles the image: 28 -> 14 -> 7 -> 4 and back. The authors used TensorFlow, whose "SAME" padding
differs from torch's; this module reproduces TensorFlow's exactly.

Shape suffixes: B batch, Z latent, C channels, H height, W width.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from ..config.schema import CriticSettings, GeneratorSettings
from ..errors import ConfigError
from ..nn.layers import CHANNEL_NORMS, channel_norms, leaky_relu
from ..registry import register
from .pixel_ranges import RANGES

LEAK = 0.2
"""Slope of the critic's activation below 0."""

NORMALIZATIONS = channel_norms(axes=2)
"""Name -> module that normalises (B, C, H, W), given C. "batch" mixes samples, so a critic with a penalty cannot use
it."""

_UNIT_NORMALIZATIONS = NORMALIZATIONS | {"instance": lambda _channels: nn.Identity()}
"""The same for dense units, which have one position, so that instance norm would map them to 0."""


def _padding(size: int, kernel: int) -> tuple[int, int]:
    """Return the number of zeros that TensorFlow's SAME adds before and after `size` values for stride 2.

    The result of the convolution has ceil(size / 2) values. An odd number of zeros has the larger part at the end: for
    a kernel of 5, 1 before and 2 after if the size is even, 2 and 2 if it is odd. torch's padding=2 would shift the
    result by one position for even sizes.
    """
    zeros = max((math.ceil(size / 2) - 1) * 2 + kernel - size, 0)
    return zeros // 2, zeros - zeros // 2


def halve(x_BCHW: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Return a convolution of stride 2 with TensorFlow's SAME padding: (B, C, H, W) -> (B, C', ceil(H/2), ceil(W/2)).

    The convolution's own padding is not used.
    """
    height, width = x_BCHW.shape[2:]
    top, bottom = _padding(height, convolution.kernel_size[0])
    left, right = _padding(width, convolution.kernel_size[1])
    if (top, left) != (bottom, right):  # torch pads both ends equally; the additional zeros at the end are added here
        x_BCHW = functional.pad(x_BCHW, (0, right - left, 0, bottom - top))
    return functional.conv2d(x_BCHW, convolution.weight, convolution.bias, stride=2, padding=(top, left))


def double(x_BCHW: Tensor, convolution: nn.ConvTranspose2d) -> Tensor:
    """Return TensorFlow's SAME transposed convolution of stride 2: (B, C, H, W) -> (B, C', 2H, 2W).

    It is the gradient of the convolution that halves (B, C', 2H, 2W), which for a kernel of 5 pads 1 zero before and 2
    after: input position j reaches the output positions 2j - 1 ... 2j + 3. torch's padding crops both ends equally, so
    it crops 1, and the last row and column are cropped here. (padding=2 with output_padding=1 gives the same size, but
    the positions 2j - 2 ... 2j + 2.) The convolution's own padding is not used.
    """
    height, width = x_BCHW.shape[2:]
    kernel = convolution.kernel_size[0]
    before, _ = _padding(2 * height, kernel)
    out: Tensor = functional.conv_transpose2d(
        x_BCHW,
        convolution.weight,
        convolution.bias,
        stride=2,
        padding=before,
        output_padding=int(kernel == 1),  # a kernel of 1 does not reach the last row and column
    )
    return out[:, :, : 2 * height, : 2 * width]


def _check(shape_CHW: tuple[int, int, int], normalization: str) -> None:
    _, height, width = shape_CHW
    if height % 4 or width % 4 or not height * width:
        raise ConfigError(
            f"the images are {width} x {height}, but these networks need sides that are multiples of 4",
            "pad or crop the images",
        )
    if normalization == "instance" and max(height, width) <= 8:
        raise ConfigError(
            f"the images are {width} x {height}: the last layers have one position, which instance norm maps to 0",
            "choose another generator.normalization and critic.normalization",
        )


@register.generator("deconvolution", data="image", normalizations=CHANNEL_NORMS)
class DeconvolutionGenerator(nn.Module):
    """Latents to images: (B, Z) -> (B, C, H, W), from ceil(H/8) by ceil(W/8) by three doublings.

    Args:
        settings: `width` is the number of channels before the last layer; earlier layers have twice and four times as
            many. shape_CHW: shape of an image; H and W are multiples of 4.
        value_range: a key of RANGES.

    Raises:
        ConfigError: the shape does not fit.
    """

    def __init__(self, settings: GeneratorSettings, shape_CHW: tuple[int, int, int], value_range: str) -> None:
        super().__init__()
        _check(shape_CHW, settings.normalization)
        channels, height, width = shape_CHW
        maps, norm = settings.width, NORMALIZATIONS[settings.normalization]
        self.start = (4 * maps, math.ceil(height / 8), math.ceil(width / 8))
        self.quarter = (height // 4, width // 4)
        self.squash = RANGES[value_range].squash
        self.input = nn.Linear(settings.latent, math.prod(self.start))
        # As in the reference, each output of the linear layer is a channel of its own for the first norm.
        self.norm1 = _UNIT_NORMALIZATIONS[settings.normalization](math.prod(self.start))
        self.double1 = nn.ConvTranspose2d(4 * maps, 2 * maps, settings.kernel, stride=2)
        self.norm2 = norm(2 * maps)
        self.double2 = nn.ConvTranspose2d(2 * maps, maps, settings.kernel, stride=2)
        self.norm3 = norm(maps)
        self.double3 = nn.ConvTranspose2d(maps, channels, settings.kernel, stride=2)

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return the (B, C, H, W) pixels."""
        # torch's own ReLU suffices, since no penalty is applied to the generator.
        units_BC11 = self.norm1(self.input(latent_BZ)[:, :, None, None])
        x_BCHW = functional.relu(units_BC11).reshape(-1, *self.start)
        x_BCHW = functional.relu(self.norm2(double(x_BCHW, self.double1)))
        # If H/4 is odd (28 / 4 = 7) there is one row and column too many; cropped after the ReLU, as in the reference.
        x_BCHW = x_BCHW[:, :, : self.quarter[0], : self.quarter[1]]
        x_BCHW = functional.relu(self.norm3(double(x_BCHW, self.double2)))
        return self.squash(double(x_BCHW, self.double3)).contiguous()


@register.critic("convolution", data="image", normalizations=CHANNEL_NORMS)
class ConvolutionCritic(nn.Module):
    """Images to scores: (B, C, H, W) -> (B,), the mirror image of the generator.

    Scores of different images are independent, except with batch norm.

    Args:
        settings: `width` is the number of channels after the first layer; it doubles with each halving.
        shape_CHW: shape of an image; H and W are multiples of 4.

    Raises:
        ConfigError: the shape does not fit.
    """

    def __init__(self, settings: CriticSettings, shape_CHW: tuple[int, int, int]) -> None:
        super().__init__()
        _check(shape_CHW, settings.normalization)
        channels, height, width = shape_CHW
        maps, norm = settings.width, NORMALIZATIONS[settings.normalization]
        # As in the reference, there is no normalization after the first layer.
        self.halve1 = nn.Conv2d(channels, maps, settings.kernel, stride=2)
        self.halve2 = nn.Conv2d(maps, 2 * maps, settings.kernel, stride=2)
        self.norm2 = norm(2 * maps)
        self.halve3 = nn.Conv2d(2 * maps, 4 * maps, settings.kernel, stride=2)
        self.norm3 = norm(4 * maps)
        self.output = nn.Linear(4 * maps * math.ceil(height / 8) * math.ceil(width / 8), 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the scores."""
        x_BCHW = leaky_relu(halve(x_BCHW, self.halve1), LEAK)
        x_BCHW = leaky_relu(self.norm2(halve(x_BCHW, self.halve2)), LEAK)
        x_BCHW = leaky_relu(self.norm3(halve(x_BCHW, self.halve3)), LEAK)
        score_B: Tensor = self.output(x_BCHW.flatten(1)).squeeze(1)
        return score_B
