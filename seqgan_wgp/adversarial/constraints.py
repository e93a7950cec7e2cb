"""How the critic is kept Lipschitz: penalties on its slopes.

The slope of the critic f at x is the norm of its gradient there, taken over all axes of each sample (not one
axis, the commonest error of published ports): ||grad f(x)||_2.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
"""(B, ...) -> scores (B,); must not mix the samples of a batch."""


def interpolate(real: Tensor, fake: Tensor, epsilon_B: Tensor) -> Tensor:
    """Return x^ = epsilon x + (1 - epsilon) x~, with one epsilon for each sample.

    Gulrajani et al. 2017, Algorithm 1, line 6. `real` and `fake` are (B, ...); the result has their shape.
    """
    epsilon = epsilon_B.reshape(-1, *(1 for _ in real.shape[1:]))
    return epsilon * real + (1 - epsilon) * fake


def slopes(critic: Critic, x: Tensor, *, create_graph: bool = True) -> Tensor:
    """Return ||grad_x f(x)||_2 of each sample, (B,), over all axes but the first.

    The gradient of the norm at 0 is taken as 0, so the result is finite and differentiable everywhere.
    With `create_graph` it can be differentiated once more, with respect to the critic's weights.
    """
    x = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=create_graph)
    slope_B: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return slope_B


def gp(slope_B: Tensor) -> Tensor:
    """Return E[(||grad f(x^)|| - 1)^2], the two-sided penalty. Gulrajani et al. 2017, eq. 3, second part."""
    return ((slope_B - 1) ** 2).mean()


def lp(slope_B: Tensor) -> Tensor:
    """Return E[max(0, ||grad f(x^)|| - 1)^2], the one-sided penalty. Petzka, Fischer and Lukovnikov 2018, eq. 8."""
    return (torch.relu(slope_B - 1) ** 2).mean()


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """One way to keep a critic Lipschitz."""

    penalty: Callable[[Tensor], Tensor] | None = None
    """(slope_B) -> scalar, to be weighted by lambda and added to the critic's loss; None: nothing is added."""


CONSTRAINTS: dict[str, Constraint] = {
    "none": Constraint(),
    "gp": Constraint(penalty=gp),
    "lp": Constraint(penalty=lp),
}
