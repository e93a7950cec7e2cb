"""Adversarial objectives: scores in, loss out; a pair (critic, generator) for each.

Shape suffixes: B batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Loss:
    """An objective: what the critic and what the generator minimise."""

    critic: Callable[[Tensor, Tensor], Tensor]
    """(real_B, fake_B) -> scalar."""

    generator: Callable[[Tensor], Tensor]
    """(fake_B) -> scalar."""


def wgan_critic(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[f(x~)] - E[f(x)]: minus the estimate of W1 in its dual form.

    Arjovsky, Chintala and Bottou 2017, Algorithm 1 (there maximised); Gulrajani et al. 2017, eq. 3, first part.
    """
    return fake_B.mean() - real_B.mean()


def wgan_generator(fake_B: Tensor) -> Tensor:
    """Return -E[f(x~)]. Arjovsky, Chintala and Bottou 2017, Algorithm 1."""
    return -fake_B.mean()


LOSSES: dict[str, Loss] = {
    "wgan": Loss(critic=wgan_critic, generator=wgan_generator),
}
