"""Initialize weights: published schemes and torch's own, as pure functions of the seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..config import Config
from ..errors import ConfigError
from ..registry import INITIALIZATIONS as INITIALIZATIONS
from ..utils.counter_rng import Stream, normal, uniform

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d


def _fans(layer: Layer) -> tuple[int, int]:
    """Return (fan_in, fan_out) as torch counts them: a transposed convolution's are those of the one it transposes."""
    receptive = math.prod(layer.weight.shape[2:])
    return layer.weight.shape[1] * receptive, layer.weight.shape[0] * receptive


def _tflib_bound(layer: Layer) -> tuple[float, float]:
    # The authors' tflib: He's variance for convolutions, Glorot's for linear layers, on the mean of both fans; a
    # uniform of standard deviation s reaches to s sqrt(3). Biases are 0. They divide by the stride, each way, the fan
    # of a convolution's output and that of a transposed convolution's input; torch calls either the fan_out.
    fan_in, fan_out = _fans(layer)
    if isinstance(layer, nn.Linear):
        return math.sqrt(3 * 2 / (fan_in + fan_out)), 0.0
    return math.sqrt(3 * 4 / (fan_in + fan_out / math.prod(layer.stride))), 0.0


def _torch_bound(layer: Layer) -> tuple[float, float]:
    bound = 1 / math.sqrt(_fans(layer)[0])
    return bound, bound


def _xavier_bound(layer: Layer) -> tuple[float, float]:
    return math.sqrt(6 / sum(_fans(layer))), 0.0


def _he_normal_deviation(layer: Layer) -> tuple[float, float]:
    # He et al. 2015, eq. 10: variance 2 / fan_in, often written 1 / sqrt(fan_in / 2).
    return math.sqrt(2 / _fans(layer)[0]), 0.0


def _he_normal_biases_deviation(layer: Layer) -> tuple[float, float]:
    # The biases of dense layers like their weights; those of convolutions are 0.
    deviation, _ = _he_normal_deviation(layer)
    return deviation, deviation if isinstance(layer, nn.Linear) else 0.0


def _he_uniform_bound(layer: Layer) -> tuple[float, float]:
    # The same variance; a uniform of standard deviation s reaches to s sqrt(3).
    return math.sqrt(3 * 2 / _fans(layer)[0]), 0.0


def _centred(seed: int, stream: int, index_N: Tensor, columns: int) -> Tensor:
    return 2 * uniform(seed, stream, index_N, columns) - 1


@dataclass(frozen=True, kw_only=True)
class Initialization:
    """A scheme of first weights."""

    scales: Callable[[Layer], tuple[float, float]] | None
    """Layer -> factors on the noise that its weights and its biases are drawn from; None: all stays as constructed."""

    noise: Callable[[int, int, Tensor, int], Tensor] = _centred
    """Uniform in [-1, 1), or standard normal."""


INITIALIZATIONS.add("tflib", Initialization(scales=_tflib_bound))
INITIALIZATIONS.add("torch", Initialization(scales=_torch_bound))
INITIALIZATIONS.add("xavier", Initialization(scales=_xavier_bound))
INITIALIZATIONS.add("he-normal", Initialization(scales=_he_normal_deviation, noise=normal))
INITIALIZATIONS.add("he-normal-biases", Initialization(scales=_he_normal_biases_deviation, noise=normal))
INITIALIZATIONS.add("he-uniform", Initialization(scales=_he_uniform_bound))
INITIALIZATIONS.add("constructor", Initialization(scales=None))


@final
class GivenStart(nn.Module):
    """Weights that start from given numbers, which no scheme draws; calling it returns them."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(start)

    def forward(self) -> Tensor:
        """Return the weights."""
        return self.weight


@torch.no_grad()
def initialize(network: nn.Module, scheme: str, *, seed: int, first: int) -> None:
    """Draw the weights of every linear layer and convolution anew, as a pure function of (seed, place).

    Normalizations keep their ones and zeros, and what has a given start keeps it. The scheme "constructor" leaves all
    weights as the network's own constructor drew them; see `build.seeded_construction`.

    Args:
        network: changed in place.
        scheme: a name in INITIALIZATIONS.
        seed: the run's seed.
        first: number of the network's first parameter, so that two networks of one run differ.

    Raises:
        ConfigError: the network has a parameter that no scheme knows, which would come from elsewhere than the seed.
    """
    how = INITIALIZATIONS[scheme]
    if how.scales is None:
        return
    _check_known(network, scheme)
    place = first
    for module in network.modules():
        if not isinstance(module, Layer):
            continue
        for parameter, scale in zip((module.weight, module.bias), how.scales(module), strict=True):
            if parameter is None:
                continue
            noise = how.noise(seed, Stream.INITIALIZATION, torch.tensor([place]), parameter.numel())
            parameter.copy_((scale * noise).reshape(parameter.shape))
            place += 1


_Norm = nn.LayerNorm | nn.GroupNorm | _BatchNorm


def _check_known(network: nn.Module, scheme: str) -> None:
    for prefix, module in network.named_modules():
        if isinstance(module, Layer | _Norm | GivenStart):
            continue
        for name, _ in module.named_parameters(prefix=prefix, recurse=False):
            raise ConfigError(
                f"{type(network).__name__} has a parameter {name}, which the initialization {scheme!r} does not know",
                "set initialization=constructor to keep the weights that the network's constructor draws",
            )


def initialize_pair(generator: nn.Module, critic: nn.Module, config: Config) -> None:
    """Draw the first weights of both networks of a run, in place, each by its own scheme."""
    seed = config.training.seed
    initialize(generator, config.generator.initialization, seed=seed, first=0)
    initialize(critic, config.critic.initialization, seed=seed, first=1_000_000)
