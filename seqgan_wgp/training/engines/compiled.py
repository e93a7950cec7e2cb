"""The compiled engine: the critic loss as one function, compiled by torch.compile.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from ...config import Config
from ...errors import one_line
from ..critic_views import LinearStemCritic, one_batch
from ..penalties import Uniform
from ..steps import CriticMetrics, CriticObjective, Gradients, critic_loss
from .eager import EagerEngine, autocast_of, set_algorithms, with_autocast

ALIKE = 1e-3
"""Largest distance between the gradients of a compiled and an eager step, relative to their norm."""


@final
class CompiledEngine:
    """The loss of a critic step as one compiled function, with slopes from `torch.func.grad`.

    A compiled function cannot be differentiated twice from outside, so the first derivative is taken inside it; the
    gradients of the weights are then ordinary first derivatives. The first step is compared with an eager one. If
    compilation fails or the gradients differ, the eager engine takes over, and `fell_back` says why.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, objective: CriticObjective, config: Config) -> None:
        self._eager = EagerEngine(generator, critic, objective, config)
        self.takes_items = self._eager.takes_items
        self.fell_back: str | None = None
        self._critic, self._objective = critic, objective
        self._make_view = with_autocast(FunctionalView, autocast_of(config, critic))
        self._proven = False
        self._compiled: Callable[..., tuple[Tensor, ...]] = torch.compile(self._loss, fullgraph=True, dynamic=False)
        set_algorithms("direct", generator, critic)

    def critic_gradients(self, real: Tensor, fake: Tensor, uniform: Uniform) -> tuple[Gradients, CriticMetrics]:
        """Return gradients and metrics."""
        if self.fell_back is None:
            found = self._tried(real, fake, uniform(2))
            if found is not None and (self._proven or self._is_alike(found[0], real, fake, uniform)):
                return found
        return self._eager.critic_gradients(real, fake, uniform)

    def _loss(self, real: Tensor, fake: Tensor, uniform_B2: Tensor) -> tuple[Tensor, ...]:
        view = self._make_view(self._critic, real, fake)
        total, metrics = critic_loss(view, lambda columns: uniform_B2[:, :columns], self._objective)
        return total, metrics.wasserstein, metrics.penalty, metrics.slope_mean

    def _tried(self, real: Tensor, fake: Tensor, uniform_B2: Tensor) -> tuple[Gradients, CriticMetrics] | None:
        try:
            total, *measured = self._compiled(real, fake, uniform_B2)
            gradients = torch.autograd.grad(total, tuple(self._critic.parameters()))
        except Exception as error:
            if self._proven:
                raise
            self.fell_back = f"it cannot be compiled here: {one_line(error)[:300]}"
            return None
        wasserstein, penalty, slope_mean = (value.detach() for value in measured)
        return gradients, CriticMetrics(
            loss=total.detach(), wasserstein=wasserstein, penalty=penalty, slope_mean=slope_mean
        )

    def _is_alike(self, gradients: Gradients, real: Tensor, fake: Tensor, uniform: Uniform) -> bool:
        expected, _ = self._eager.critic_gradients(real, fake, uniform)
        size = torch.stack(torch._foreach_norm(expected)).norm()
        away = torch.stack(torch._foreach_norm(torch._foreach_sub(gradients, expected))).norm()
        self._proven = bool(away <= ALIKE * size)
        if not self._proven:
            self.fell_back = f"its gradients are off by {(away / size).item():.1e} of their norm"
        return self._proven


@final
class FunctionalView:
    """A view whose slopes come from `torch.func.grad`, so that torch.compile can compile it as a whole."""

    def __init__(self, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
        self.critic = critic
        self.stem_critic = critic if isinstance(critic, LinearStemCritic) else None
        self.real, self.fake = (real, fake) if self.stem_critic is None else map(self.stem_critic.stem, (real, fake))

    def both(self) -> Tensor:
        """Return real and generated points as one batch (2B, ...)."""
        return one_batch(self.real, self.fake)

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""
        score_B: Tensor = self.critic(x) if self.stem_critic is None else self.stem_critic.score(x)
        return score_B

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        gradient: Tensor = torch.func.grad(lambda y: self.score(y).sum())(x)
        if self.stem_critic is not None:
            return self.stem_critic.slopes(gradient)
        slope_B: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        return slope_B
