"""Image networks with dense layers: perceptrons, and a small pair with two convolutions before a dense layer.

Unlike the networks in networks.py they have no strided layers, so the sides need not be multiples of 4.

Shape suffixes: B batch, Z latent, C channels, H height, W width, U units.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from ..config.schema import CriticSettings, GeneratorSettings
from ..errors import ConfigError
from ..nn.layers import CHANNEL_NORMS, UNIT_NORMS, channel_norms, leaky_relu, relu, unit_norm
from ..registry import register
from .pixel_ranges import RANGES

GENERATOR_NORMALIZATIONS = channel_norms(axes=2, names=(*CHANNEL_NORMS, "batch-nonaffine"))
"""Name -> module that normalises (B, C, H, W), given C."""

CRITIC_NORMALIZATIONS = GENERATOR_NORMALIZATIONS | {
    "batch": lambda maps: nn.BatchNorm2d(maps, track_running_stats=False)
}
"""The same for critics, whose "batch" always uses batch statistics, also after training."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "softplus": functional.softplus,
    "relu": relu,
}
"""Name -> activation after a convolution."""


@register.generator("perceptron", data="image", normalizations=UNIT_NORMS)
class ImagePerceptronGenerator(nn.Module):
    """Latents to images by one hidden layer: (B, Z) -> (B, C, H, W).

    Args:
        settings: `width` is the number of hidden units.
        shape_CHW: shape of an image.
        value_range: a key of RANGES.
    """

    def __init__(self, settings: GeneratorSettings, shape_CHW: tuple[int, int, int], value_range: str) -> None:
        super().__init__()
        self.shape_CHW = shape_CHW
        self.squash = RANGES[value_range].squash
        self.hidden = nn.Linear(settings.latent, settings.width)
        self.norm = unit_norm(settings.normalization, settings.width)
        self.output = nn.Linear(settings.width, math.prod(shape_CHW))

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return the (B, C, H, W) pixels."""
        # torch's own ReLU suffices, since no penalty is applied to the generator.
        units_BU = functional.relu(self.norm(self.hidden(latent_BZ)))
        return self.squash(self.output(units_BU)).reshape(-1, *self.shape_CHW)


@register.critic("perceptron", data="image", normalizations=UNIT_NORMS)
class ImagePerceptronCritic(nn.Module):
    """Images to scores by one hidden layer: (B, C, H, W) -> (B,).

    Scores of different images are independent, except with batch norm.

    Args:
        settings: `width` is the number of hidden units.
        shape_CHW: shape of an image.
    """

    def __init__(self, settings: CriticSettings, shape_CHW: tuple[int, int, int]) -> None:
        super().__init__()
        self.hidden = nn.Linear(math.prod(shape_CHW), settings.width)
        self.norm = unit_norm(settings.normalization, settings.width)
        self.output = nn.Linear(settings.width, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the scores."""
        units_BU = leaky_relu(self.norm(self.hidden(x_BCHW.flatten(1))), leak=0.0)
        score_B: Tensor = self.output(units_BU).squeeze(1)
        return score_B


@register.generator(
    "convolution-dense",
    data="image",
    normalizations=tuple(GENERATOR_NORMALIZATIONS),
    needs_units=True,
    chooses_activation=True,
)
class ConvolutionDenseGenerator(nn.Module):
    """Latents to images: (B, Z) -> (B, C, H, W) by two convolutions over the latent and two dense layers.

    The latent vector is treated as an image with one channel, height Z and width 1. Only the middle column of a wider
    kernel has an effect; the original has the same unused weights.

    Args:
        settings: `width` is the number of channels after the first convolution; the second has two fewer. `units` is
            the number of dense units.
        shape_CHW: shape of an image.
        value_range: a key of RANGES.

    Raises:
        ConfigError: the second convolution would have no channels, or instance norm would map them to 0.
    """

    def __init__(self, settings: GeneratorSettings, shape_CHW: tuple[int, int, int], value_range: str) -> None:
        super().__init__()
        if settings.width < 3:
            raise ConfigError(
                f"generator.width is {settings.width}, but the second convolution of {settings.network} has two "
                "channels fewer",
                "set generator.width to 3 or more",
            )
        if settings.normalization == "instance" and settings.latent == 1:
            raise ConfigError(
                "generator.latent is 1: each channel has one position, which instance norm maps to 0",
                "choose another generator.normalization",
            )
        maps, fewer, norm = settings.width, settings.width - 2, GENERATOR_NORMALIZATIONS[settings.normalization]
        self.shape_CHW = shape_CHW
        self.squash = RANGES[value_range].squash
        self.activation = ACTIVATIONS[settings.activation]
        self.convolution1 = nn.Conv2d(1, maps, settings.kernel, padding=settings.kernel // 2)
        self.norm1 = norm(maps)
        self.convolution2 = nn.Conv2d(maps, fewer, settings.kernel, padding=settings.kernel // 2)
        self.norm2 = norm(fewer)
        self.dense = nn.Linear(fewer * settings.latent, settings.units)
        self.output = nn.Linear(settings.units, math.prod(shape_CHW))

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return the (B, C, H, W) pixels."""
        x_BCHW = self.activation(self.norm1(self.convolution1(latent_BZ[:, None, :, None])))
        x_BCHW = self.activation(self.norm2(self.convolution2(x_BCHW)))
        units_BU = functional.softplus(self.dense(x_BCHW.flatten(1)))
        return self.squash(self.output(units_BU)).reshape(-1, *self.shape_CHW)


@register.critic(
    "convolution-dense",
    data="image",
    normalizations=tuple(GENERATOR_NORMALIZATIONS),
    needs_units=True,
    chooses_activation=True,
)
class ConvolutionDenseCritic(nn.Module):
    """Images to scores: (B, C, H, W) -> (B,) by two convolutions, a pooling of 2 x 2 and two dense layers.

    Scores of different images are independent, except with batch norm. As in the original, batch norm always uses
    batch statistics, also after training. The score of an image then depends on its batch, and is meaningful only in
    batches like those in training, all real or all generated.

    Args:
        settings: `width` is the number of channels after the first convolution; the second has two more. `units` is the
            number of dense units.
        shape_CHW: shape of an image; H and W are at least 2.

    Raises:
        ConfigError: the images are too small to pool.
    """

    def __init__(self, settings: CriticSettings, shape_CHW: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = shape_CHW
        if min(height, width) < 2:
            raise ConfigError(
                f"the images are {width} x {height}, but {settings.network} pools squares of 2 x 2 pixels",
                "choose another critic.network, or larger images",
            )
        maps, more, norm = settings.width, settings.width + 2, CRITIC_NORMALIZATIONS[settings.normalization]
        self.activation = ACTIVATIONS[settings.activation]
        self.convolution1 = nn.Conv2d(channels, maps, settings.kernel, padding=settings.kernel // 2)
        self.norm1 = norm(maps)
        self.convolution2 = nn.Conv2d(maps, more, settings.kernel, padding=settings.kernel // 2)
        self.norm2 = norm(more)
        self.dense = nn.Linear(more * (height // 2) * (width // 2), settings.units)
        self.output = nn.Linear(settings.units, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the scores."""
        x_BCHW = self.activation(self.norm1(self.convolution1(x_BCHW)))
        x_BCHW = self.activation(self.norm2(self.convolution2(x_BCHW)))
        # An odd side loses its last row or column here.
        x_BCHW = functional.max_pool2d(x_BCHW, 2)
        units_BU = functional.softplus(self.dense(x_BCHW.flatten(1)))
        score_B: Tensor = self.output(units_BU).squeeze(1)
        return score_B
