"""The plain and eager engines: compute the gradients of a critic step with torch autograd.

Both compute what `critic_gradients` in steps.py says. The eager one is faster in three ways that change nothing but
rounding: real and generated points as one batch, interpolates behind a linear first layer, and fast convolutions.

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
"""(real, fake, uniform) -> gradients of a critic step, and what was measured: `steps.critic_gradients` of a critic."""


class Engine(Protocol):
    """Computes the gradients of critic steps."""

    fell_back: str | None
    """Why another engine has taken over; None: none has."""

    takes_items: bool
    """Whether real items go in as they are, compact; else as points of critic space."""

    @property
    def critic_gradients(self) -> CriticGradients:
        """What a critic step calls."""


@final
class PlainEngine:
    """Algorithm 1 as it is written: three forward passes, all in critic space, convolutions as torch has them."""

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
    """One batch of real and generated points, interpolates behind the first layer, the fastest convolutions."""

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
        # Fewer multiplications pay where multiplications are what costs; in bfloat16 they cost digits too.
        bf16 = config.training.precision == "bf16"
        set_algorithms("direct" if bf16 else config.training.convolution, generator, critic)


def set_algorithms(algorithm: str, *networks: nn.Module) -> None:
    """Compute the convolutions of networks by an algorithm: a name among CONVOLUTIONS, or "auto"."""
    for network in networks:
        set_convolution_algorithm(network, algorithm)


def with_autocast(make_view: MakeView, autocast: Autocast) -> MakeView:
    """Return what makes views whose scores are computed in a precision; in the usual one, `make_view` itself."""
    if autocast is nullcontext:
        return make_view
    return lambda critic, real, fake: AutocastView(make_view(critic, real, fake), autocast)


def autocast_of(config: Config, network: nn.Module) -> Autocast:
    """Return what scores are computed in: bfloat16 where `training.precision` says so. Penalties stay in float32."""
    if config.training.precision != "bf16":
        return nullcontext
    device = next(network.parameters()).device.type
    # Without its cache of weights: one that was filled without gradients would be taken again with them.
    return lambda: torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)
