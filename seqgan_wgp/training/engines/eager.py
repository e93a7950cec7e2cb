"""The plain and eager engines: compute the gradients of a critic step with torch autograd.

Both compute `critic_gradients` of steps.py. The eager engine is faster in three ways, which change results only by
rounding: it scores real and generated points in one batch, interpolates after the critic's linear first layer, and uses
fast convolutions.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Protocol, final

import torch
from torch import Tensor, nn

from ...config import Config
from ...nn.fast_conv.convolution import set_convolution_algorithm
from ..critic_views import AutocastView, LinearStemCritic, points_view, stem_view
from ..penalties import Uniform
from ..steps import Autocast, CriticMetrics, CriticObjective, Gradients, MakeView, critic_gradients

CriticGradients = Callable[[Tensor, Tensor, Uniform], tuple[Gradients, CriticMetrics]]
"""(real, fake, uniform) -> gradients and metrics of a critic step: `steps.critic_gradients` for a given critic."""


class Engine(Protocol):
    """Computes the gradients of critic steps."""

    fell_back: str | None
    """Why the eager engine has replaced this one; None: it has not."""

    takes_items: bool
    """Whether real data is given as compact items (token ids); otherwise as points of critic space."""

    @property
    def critic_gradients(self) -> CriticGradients:
        """The function that a critic step calls."""


@final
class PlainEngine:
    """Algorithm 1 as written: three forward passes, each at the critic's input, with torch's convolutions."""

    takes_items = False
    fell_back: str | None = None

    def __init__(self, generator: nn.Module, critic: nn.Module, objective: CriticObjective, config: Config) -> None:
        self.critic_gradients: CriticGradients = partial(
            critic_gradients,
            critic,
            objective=dataclasses.replace(objective, separate_batches=True),
            make_view=with_autocast(points_view, autocast_of(config, critic)),
        )
        set_algorithms("direct", generator, critic)


@final
class EagerEngine:
    """One batch of real and generated points, interpolation after the first layer, and fast convolutions."""

    fell_back: str | None = None

    def __init__(self, generator: nn.Module, critic: nn.Module, objective: CriticObjective, config: Config) -> None:
        self.takes_items = isinstance(critic, LinearStemCritic) and not (
            objective.constraint.needs_points or config.training.noise
        )
        self.critic_gradients: CriticGradients = partial(
            critic_gradients,
            critic,
            objective=objective,
            make_view=with_autocast(stem_view if self.takes_items else points_view, autocast_of(config, critic)),
        )
        # Fast convolutions lose some precision, which bfloat16 cannot spare.
        bf16 = config.training.precision == "bf16"
        set_algorithms("direct" if bf16 else config.training.convolution, generator, critic)


def set_algorithms(algorithm: str, *networks: nn.Module) -> None:
    """Set the convolution algorithm of networks: a name in CONVOLUTIONS, or "auto"."""
    for network in networks:
        set_convolution_algorithm(network, algorithm)


def with_autocast(make_view: MakeView, autocast: Autocast) -> MakeView:
    """Return `make_view`, changed so that its views compute scores under `autocast`."""
    if autocast is nullcontext:
        return make_view
    return lambda critic, real, fake: AutocastView(make_view(critic, real, fake), autocast)


def autocast_of(config: Config, network: nn.Module) -> Autocast:
    """Return the autocast for scores: bfloat16 with `training.precision` bf16, else none. Penalties stay float32."""
    if config.training.precision != "bf16":
        return nullcontext
    device = next(network.parameters()).device.type
    # Without autocast's weight cache: an entry made under no_grad would be reused where gradients are needed.
    return lambda: torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)
