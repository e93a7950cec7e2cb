"""Adversarial losses: a pair of functions (critic, generator) from scores to a scalar to minimise.

A score f is the critic's output, any real number. Where a paper has a discriminator D with values in [0, 1], f is its
logit, D = 1 / (1 + exp(-f)). Then log D = -softplus(-f) and log(1 - D) = -softplus(f), which are finite for any score.

Shape suffixes: B batch.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..config.schema import ObjectiveSettings
from ..registry import LOSSES as LOSSES
from ..registry import Loss as Loss


def gan_critic(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return -E[log D(x)] - E[log(1 - D(x~))]; at its optimum it is 2 log 2 - 2 JS(Pr, Pg), JS in nats.

    Goodfellow et al. 2014, "Generative Adversarial Nets", eq. 1 (there maximised) and theorem 1.
    """
    return softplus(-real_B).mean() + softplus(fake_B).mean()


def gan_generator(fake_B: Tensor) -> Tensor:
    """Return E[log(1 - D(x~))], the minimax form, whose gradient vanishes where the critic is certain.

    Goodfellow et al. 2014, eq. 1; Arjovsky and Bottou 2017, theorem 2.4.
    """
    return -softplus(fake_B).mean()


def gan_ns_generator(fake_B: Tensor) -> Tensor:
    """Return -E[log D(x~)], the non-saturating form.

    Goodfellow et al. 2014, section 3. Against an optimal critic its gradient is that of KL(Pg || Pr) - 2 JS(Pr, Pg):
    Arjovsky and Bottou 2017, theorem 2.5.
    """
    return softplus(-fake_B).mean()


def least_squares(a: float, b: float, c: float) -> Loss:
    """Return the pair E[(f(x) - b)^2] / 2 + E[(f(x~) - a)^2] / 2 and E[(f(x~) - c)^2] / 2.

    Mao et al. 2017, "Least Squares Generative Adversarial Networks", eq. 2. If b - c = 1 and b - a = 2, as for
    (-1, 1, 0), the generator minimises Pearson's chi-squared divergence of Pr + Pg and 2 Pg against an optimal critic
    (theorem 1).

    Args:
        a: the critic's target for generated points.
        b: the critic's target for real points.
        c: the generator's target for generated points.
    """

    def critic(real_B: Tensor, fake_B: Tensor) -> Tensor:
        return ((real_B - b) ** 2).mean() / 2 + ((fake_B - a) ** 2).mean() / 2

    def generator(fake_B: Tensor) -> Tensor:
        return ((fake_B - c) ** 2).mean() / 2

    return Loss(critic=critic, generator=generator)


def hinge_critic(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[max(0, 1 - f(x))] + E[max(0, 1 + f(x~))].

    Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
    eq. 16.
    """
    return torch.relu(1 - real_B).mean() + torch.relu(1 + fake_B).mean()


def wgan_critic(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[f(x~)] - E[f(x)]: minus the estimate of W1 in its dual form.

    Arjovsky, Chintala and Bottou 2017, Algorithm 1 (there maximised); Gulrajani et al. 2017, eq. 3, first part.
    """
    return fake_B.mean() - real_B.mean()


def wgan_generator(fake_B: Tensor) -> Tensor:
    """Return -E[f(x~)]. Arjovsky, Chintala and Bottou 2017, Algorithm 1; Miyato et al. 2018, eq. 17."""
    return -fake_B.mean()


def rpgan_critic(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[softplus(f(x~) - f(x))], for pairs of a real and a generated point: -log of P(x is the real one).

    Jolicoeur-Martineau 2018, "The Relativistic Discriminator", eq. 4; Huang et al. 2024, "The GAN is dead; long live
    the GAN!", eq. 2.
    """
    return softplus(fake_B - real_B).mean()


def rpgan_generator(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[softplus(f(x) - f(x~))], the critic's loss with x and x~ exchanged. Jolicoeur-Martineau 2018, eq. 5."""
    return softplus(real_B - fake_B).mean()


def _targeted(settings: ObjectiveSettings) -> Loss:
    return least_squares(*settings.target_numbers())


LOSSES.add("gan", Loss(critic=gan_critic, generator=gan_generator))
LOSSES.add("gan-ns", Loss(critic=gan_critic, generator=gan_ns_generator))
LOSSES.add("lsgan", dataclasses.replace(least_squares(0, 1, 1), configure=_targeted))
LOSSES.add("hinge", Loss(critic=hinge_critic, generator=wgan_generator))
LOSSES.add(
    "wgan",
    Loss(critic=wgan_critic, generator=wgan_generator, needs_bounded_critic=True, critic_is_wasserstein=True),
)
LOSSES.add("rpgan", Loss(critic=rpgan_critic, generator=rpgan_generator, needs_real=True))


def loss_of(settings: ObjectiveSettings) -> Loss:
    """Return the loss `objective.loss`, with its parameters from the settings."""
    loss = LOSSES[settings.loss]
    return loss if loss.configure is None else loss.configure(settings)
