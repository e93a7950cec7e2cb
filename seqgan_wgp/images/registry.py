"""GENERATORS and CRITICS: the one place that maps the name of an image network to its code.

Shape suffixes: C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ..config.schema import CriticSettings, GeneratorSettings
from .dense import ConvolutionDenseCritic, ConvolutionDenseGenerator, PerceptronCritic, PerceptronGenerator
from .networks import ConvolutionCritic, DeconvolutionGenerator

GENERATORS: dict[str, Callable[[GeneratorSettings, tuple[int, int, int], str], nn.Module]] = {
    "deconvolution": DeconvolutionGenerator,
    "perceptron": PerceptronGenerator,
    "convolution-dense": ConvolutionDenseGenerator,
}
"""Name -> network, given settings, shape (C, H, W) and range."""

CRITICS: dict[str, Callable[[CriticSettings, tuple[int, int, int]], nn.Module]] = {
    "convolution": ConvolutionCritic,
    "perceptron": PerceptronCritic,
    "convolution-dense": ConvolutionDenseCritic,
}
"""Name -> network, given settings and shape (C, H, W)."""
