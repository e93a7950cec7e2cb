"""The published training loop as public ports write it: the baseline of `benchmarks.critic_step`.

Gulrajani et al. 2017, Algorithm 1, on one-hot strings: residual networks of plain torch modules, the critic called
three times and differentiated three times in a step, plain Adam. It has the corrections that the ports want (a norm
over all axes of a sample, no ReLU in place at the head of a block), so that its gradients are those of our plain step;
see tests/training/test_reference.py.

Shape suffixes: B batch, Z latent, C channels, L length, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

LAMBDA = 10.0
RESIDUAL_SCALE = 0.3


class Block(nn.Module):
    """A residual block: (B, C, L) -> (B, C, L)."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(width, width, kernel, padding=kernel // 2),
            nn.ReLU(),
            nn.Conv1d(width, width, kernel, padding=kernel // 2),
        )

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Apply the block."""
        out_BCL: Tensor = x_BCL + RESIDUAL_SCALE * self.branch(x_BCL)
        return out_BCL


class Generator(nn.Module):
    """(B, Z) -> (B, L, V)."""

    def __init__(self, *, width: int, length: int, vocabulary: int, blocks: int, kernel: int, latent: int) -> None:
        super().__init__()
        self.shape = (width, length)
        self.input = nn.Linear(latent, width * length)
        self.blocks = nn.Sequential(*(Block(width, kernel) for _ in range(blocks)))
        self.output = nn.Conv1d(width, vocabulary, 1)

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Generate."""
        x_BCL = self.blocks(self.input(latent_BZ).view(-1, *self.shape))
        return functional.softmax(self.output(x_BCL).transpose(1, 2), dim=2)


class Critic(nn.Module):
    """(B, L, V) -> (B,)."""

    def __init__(self, *, width: int, length: int, vocabulary: int, blocks: int, kernel: int) -> None:
        super().__init__()
        self.input = nn.Conv1d(vocabulary, width, 1)
        self.blocks = nn.Sequential(*(Block(width, kernel) for _ in range(blocks)))
        self.output = nn.Linear(width * length, 1)

    def forward(self, x_BLV: Tensor) -> Tensor:
        """Score."""
        x_BCL = self.blocks(self.input(x_BLV.transpose(1, 2)))
        score_B: Tensor = self.output(x_BCL.flatten(1)).squeeze(1)
        return score_B


def gradient_penalty(critic: Critic, real_BLV: Tensor, fake_BLV: Tensor, epsilon_B11: Tensor) -> Tensor:
    """Return the mean of (slope - 1)^2 at points between real and fake, equation 3."""
    between_BLV = (epsilon_B11 * real_BLV + (1 - epsilon_B11) * fake_BLV).requires_grad_(True)
    score_B = critic(between_BLV)
    (gradient_BLV,) = torch.autograd.grad(
        score_B, between_BLV, grad_outputs=torch.ones_like(score_B), create_graph=True, retain_graph=True
    )
    slope_B = gradient_BLV.reshape(len(gradient_BLV), -1).norm(2, dim=1)
    penalty: Tensor = ((slope_B - 1) ** 2).mean()
    return penalty


def critic_gradients(critic: Critic, real_BL: Tensor, fake_BLV: Tensor, epsilon_B11: Tensor) -> Tensor:
    """Leave the gradients of a critic step with its weights: three forward and three backward passes.

    Args:
        critic: its gradients are replaced.
        real_BL: ids, int64.
        fake_BLV: generated, without a graph.
        epsilon_B11: where between real and fake the penalty is taken.

    Returns:
        The estimate of the Wasserstein distance.
    """
    critic.zero_grad()
    real_BLV = functional.one_hot(real_BL, fake_BLV.shape[2]).to(fake_BLV.dtype)
    score_real = critic(real_BLV).mean()
    (-score_real).backward()
    score_fake = critic(fake_BLV).mean()
    score_fake.backward()
    penalty = LAMBDA * gradient_penalty(critic, real_BLV, fake_BLV, epsilon_B11)
    penalty.backward()  # type: ignore[no-untyped-call]
    wasserstein: Tensor = (score_real - score_fake).detach()
    return wasserstein


def critic_step(
    critic: Critic, generator: Generator, optimizer: torch.optim.Optimizer, real_BL: Tensor, latent_size: int
) -> None:
    """Update the critic once, from ids. Noise is drawn on the device of the ids, where the networks are too."""
    device = real_BL.device
    with torch.no_grad():
        fake_BLV = generator(torch.randn(len(real_BL), latent_size, device=device))
    critic_gradients(critic, real_BL, fake_BLV, torch.rand(len(real_BL), 1, 1, device=device))
    optimizer.step()


def generator_step(
    critic: Critic, generator: Generator, optimizer: torch.optim.Optimizer, batch: int, latent_size: int
) -> None:
    """Update the generator once, the critic's weights left out of the graph, as in the published loop."""
    critic.requires_grad_(False)
    generator.zero_grad()
    latent_BZ = torch.randn(batch, latent_size, device=next(generator.parameters()).device)
    (-critic(generator(latent_BZ)).mean()).backward()
    optimizer.step()
    critic.requires_grad_(True)
