"""Engines: how the gradients of a critic step are computed. All compute the same ones.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, final

import torch
from torch import Tensor, nn

from ...config import Config
from ...errors import one_line
from ...nn.fast_conv.convolution import cache_weight_transform, set_convolution_algorithm
from ..critic_views import Autocast, FunctionalView, LinearStemCritic, points_view, view_of
from ..penalties import Uniform
from ..steps import CriticNumbers, CriticObjective, Gradients, critic_gradients, critic_total

Lowering = Callable[[], AbstractContextManager[Any]]

ALIKE = 1e-3
"""How far gradients of a compiled step may lie from those of the eager one, relative to their norm."""


class Engine(Protocol):
    """Computes the gradients of critic steps."""

    fell_back: str | None
    """Why another engine has taken over; None: none has."""

    takes_items: bool
    """Whether real items go in as they are, compact; else as points of critic space."""

    def critic(self, real: Tensor, fake: Tensor, uniform: Uniform) -> tuple[Gradients, CriticNumbers]:
        """Return the gradients of a critic step, and what was measured."""


@final
class Plain:
    """Algorithm 1 as it is written: three forward passes, all in critic space, convolutions as torch has them."""

    takes_items = False
    fell_back: str | None = None

    def __init__(self, generator: nn.Module, critic: nn.Module, rule: CriticObjective, config: Config) -> None:
        self._critic, self._rule = critic, dataclasses.replace(rule, apart=True)
        self._lower = lowering(config, critic)
        _set_ways("direct", generator, critic)

    def critic(self, real: Tensor, fake: Tensor, uniform: Uniform) -> tuple[Gradients, CriticNumbers]:
        """Return gradients and numbers."""
        view = Autocast(points_view(self._critic, real, fake), self._lower)
        return critic_gradients(self._critic, view, uniform, self._rule)


@final
class Eager:
    """Real and generated items as one batch, interpolates behind the first layer, convolutions as is quickest."""

    fell_back: str | None = None

    def __init__(self, generator: nn.Module, critic: nn.Module, rule: CriticObjective, config: Config) -> None:
        self._critic, self._rule, self._lower = critic, rule, lowering(config, critic)
        self.takes_items = isinstance(critic, LinearStemCritic) and not (
            rule.constraint.needs_points or config.training.noise
        )
        # Fewer multiplications pay where multiplications are what costs; in bfloat16 they cost digits too.
        _set_ways("direct" if config.training.precision == "bf16" else config.training.convolution, generator, critic)

    def critic(self, real: Tensor, fake: Tensor, uniform: Uniform) -> tuple[Gradients, CriticNumbers]:
        """Return gradients and numbers."""
        with cache_weight_transform(self._critic):
            view = (view_of if self.takes_items else points_view)(self._critic, real, fake)
            return critic_gradients(self._critic, Autocast(view, self._lower), uniform, self._rule)


@final
class Compiled:
    """The loss of a critic step as one compiled function, whose slopes come from `torch.func.grad`.

    What is compiled cannot be differentiated twice from outside, so the first derivative is taken within; the
    gradients in the weights are then ordinary ones. Its first step is held against the eager one. Where it cannot be
    compiled, or is not alike, the eager engine takes over, and `fell_back` tells why.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, rule: CriticObjective, config: Config) -> None:
        self._eager = Eager(generator, critic, rule, config)
        self.takes_items = self._eager.takes_items
        self.fell_back: str | None = None
        self._critic, self._rule, self._lower = critic, rule, lowering(config, critic)
        self._proven = False
        self._compiled: Callable[..., tuple[Tensor, ...]] = torch.compile(self._total, fullgraph=True, dynamic=False)
        _set_ways("direct", generator, critic)

    def critic(self, real: Tensor, fake: Tensor, uniform: Uniform) -> tuple[Gradients, CriticNumbers]:
        """Return gradients and numbers."""
        if self.fell_back is None:
            found = self._tried(real, fake, uniform(2))
            if found is not None and (self._proven or self._is_alike(found[0], real, fake, uniform)):
                return found
        return self._eager.critic(real, fake, uniform)

    def _total(self, real: Tensor, fake: Tensor, uniform_B2: Tensor) -> tuple[Tensor, ...]:
        view = FunctionalView(self._critic, real, fake)
        total, numbers = critic_total(Autocast(view, self._lower), lambda columns: uniform_B2[:, :columns], self._rule)
        return total, numbers.wasserstein, numbers.penalty, numbers.slope_mean

    def _tried(self, real: Tensor, fake: Tensor, uniform_B2: Tensor) -> tuple[Gradients, CriticNumbers] | None:
        try:
            total, *measured = self._compiled(real, fake, uniform_B2)
            gradients = torch.autograd.grad(total, tuple(self._critic.parameters()))
        except Exception as error:
            if self._proven:
                raise
            self.fell_back = f"it cannot be compiled here: {one_line(error)[:300]}"
            return None
        wasserstein, penalty, slope_mean = (value.detach() for value in measured)
        return gradients, CriticNumbers(
            loss=total.detach(), wasserstein=wasserstein, penalty=penalty, slope_mean=slope_mean
        )

    def _is_alike(self, gradients: Gradients, real: Tensor, fake: Tensor, uniform: Uniform) -> bool:
        expected, _ = self._eager.critic(real, fake, uniform)
        size = torch.stack(torch._foreach_norm(expected)).norm()
        away = torch.stack(torch._foreach_norm(torch._foreach_sub(gradients, expected))).norm()
        self._proven = bool(away <= ALIKE * size)
        if not self._proven:
            self.fell_back = f"its gradients are off by {(away / size).item():.1e} of their norm"
        return self._proven


ENGINES: dict[str, Callable[[nn.Module, nn.Module, CriticObjective, Config], Engine]] = {
    "plain": Plain,
    "eager": Eager,
    "compiled": Compiled,
}
"""Name -> engine of a generator, a critic, what their steps minimise, and the settings. "graph" is graph.py's."""


def _set_ways(way: str, *networks: nn.Module) -> None:
    for network in networks:
        set_convolution_algorithm(network, way)


def lowering(config: Config, network: nn.Module) -> Lowering:
    """Return what scores are computed in: bfloat16 where `training.precision` says so. Penalties stay in float32."""
    if config.training.precision != "bf16":
        return nullcontext
    device = next(network.parameters()).device.type
    # Without its cache of weights: one that was filled without gradients would be taken again with them.
    return lambda: torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)
