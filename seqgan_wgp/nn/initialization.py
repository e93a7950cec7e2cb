"""Weight initialization: published schemes and torch's own, as pure functions of the seed."""

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
    """Return (fan_in, fan_out) as torch counts them; a transposed convolution has those of the convolution."""
    receptive = math.prod(layer.weight.shape[2:])
    return layer.weight.shape[1] * receptive, layer.weight.shape[0] * receptive


def _tflib_bound(layer: Layer) -> tuple[float, float]:
    # The tflib of Gulrajani et al. 2017: He's variance for convolutions, Glorot's for linear layers, both with the mean
    # of fan_in and fan_out. A uniform with standard deviation s has the bound s sqrt(3). Biases are 0. The fan of a
    # convolution's output, and that of a transposed convolution's input, is divided by the stride along each axis;
    # torch calls both of them fan_out.
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
    # The biases of linear layers are drawn like their weights; those of convolutions are 0.
    deviation, _ = _he_normal_deviation(layer)
    return deviation, deviation if isinstance(layer, nn.Linear) else 0.0


def _he_uniform_bound(layer: Layer) -> tuple[float, float]:
    # The variance of he-normal; a uniform with standard deviation s has the bound s sqrt(3).
    return math.sqrt(3 * 2 / _fans(layer)[0]), 0.0


def _centred(seed: int, stream: int, index_N: Tensor, columns: int) -> Tensor:
    return 2 * uniform(seed, stream, index_N, columns) - 1


@dataclass(frozen=True, kw_only=True)
class Initialization:
    """A weight initialization scheme."""

    scales: Callable[[Layer], tuple[float, float]] | None
    """Layer -> scales of the noise for its weights and for its biases; None: keep what the constructor drew."""

    noise: Callable[[int, int, Tensor, int], Tensor] = _centred
    """(seed, stream, index, columns) -> noise, uniform in [-1, 1) or standard normal."""


INITIALIZATIONS.add("tflib", Initialization(scales=_tflib_bound))
INITIALIZATIONS.add("torch", Initialization(scales=_torch_bound))
INITIALIZATIONS.add("xavier", Initialization(scales=_xavier_bound))
INITIALIZATIONS.add("he-normal", Initialization(scales=_he_normal_deviation, noise=normal))
INITIALIZATIONS.add("he-normal-biases", Initialization(scales=_he_normal_biases_deviation, noise=normal))
INITIALIZATIONS.add("he-uniform", Initialization(scales=_he_uniform_bound))
INITIALIZATIONS.add("constructor", Initialization(scales=None))


@final
class InitializedParameter(nn.Module):
    """A parameter with a given initial value, which no scheme replaces. Calling the module returns the parameter."""

    def __init__(self, initial: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(initial)

    def forward(self) -> Tensor:
        """Return the parameter."""
        return self.weight


@torch.no_grad()
def initialize(network: nn.Module, scheme: str, *, seed: int, first: int) -> None:
    """Initialize the weights of every linear layer and convolution, as a pure function of (seed, parameter number).

    Normalization layers keep their ones and zeros, and an `InitializedParameter` keeps its value. The scheme
    "constructor" keeps all weights as the network's constructor drew them; see `build.seeded_construction`.

    Args:
        network: changed in place.
        scheme: a name in INITIALIZATIONS.
        seed: the run's seed.
        first: number of the network's first parameter; the two networks of a run have different ones.

    Raises:
        ConfigError: the network has a parameter that no scheme knows, and which would not depend on the seed.
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
        if isinstance(module, Layer | _Norm | InitializedParameter):
            continue
        for name, _ in module.named_parameters(prefix=prefix, recurse=False):
            raise ConfigError(
                f"{type(network).__name__} has a parameter {name}, which the initialization {scheme!r} does not know",
                "set initialization=constructor to keep the weights that the network's constructor draws",
            )


def initialize_pair(generator: nn.Module, critic: nn.Module, config: Config) -> None:
    """Initialize the generator and the critic of a run in place, each with its own scheme."""
    seed = config.training.seed
    initialize(generator, config.generator.initialization, seed=seed, first=0)
    initialize(critic, config.critic.initialization, seed=seed, first=1_000_000)
