"""From latents to generated points: in blocks, so that each point is the same whatever else is asked for.

Shape suffixes: B batch, N latents, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..config import Config
from ..utils.counter_rng import Stream, normal, uniform
from .precision import rounding

BLOCK = 512
"""Latents that go through the generator together; see `generate`."""

STATISTICS_BLOCKS = 8
"""Blocks that running statistics of the averaged generator are taken over."""


def latents(config: Config, stream: Stream, index_B: Tensor) -> Tensor:
    """Return the (B, Z) float32 latents of a stream at `index_B`: normal, or uniform in [-1, 1)."""
    settings, seed = config.generator, config.training.seed
    if settings.latent_distribution == "uniform":
        return 2 * uniform(seed, stream, index_B, settings.latent) - 1
    return normal(seed, stream, index_B, settings.latent)


NOISE_STREAMS = {
    Stream.CRITIC_LATENT: Stream.CRITIC_CHANCE,
    Stream.GENERATOR_LATENT: Stream.GENERATOR_CHANCE,
    Stream.DIAGNOSIS_LATENT: Stream.DIAGNOSIS_CHANCE,
}
"""Stream of latents -> that of the uniforms beside them."""


def training_latents(generator: nn.Module, config: Config, stream: Stream, index_B: Tensor) -> Tensor:
    """Return what a generator makes items of: latents, and behind them while it is trained the uniforms it draws by.

    Args:
        generator: with an attribute `noise_dim`, how many uniforms an item wants; without it, none.
        config: of the run.
        stream: of the latents.
        index_B: numbers of the items.
    """
    latent_BZ = latents(config, stream, index_B)
    noise_dim: int = getattr(generator, "noise_dim", 0) if generator.training else 0
    if not noise_dim:
        return latent_BZ
    return torch.cat([latent_BZ, uniform(config.training.seed, NOISE_STREAMS[stream], index_B, noise_dim)], dim=1)


@torch.inference_mode()
def generate(
    generator: Callable[[Tensor], Tensor],
    latent: Callable[[Tensor], Tensor],
    start: int,
    count: int,
    device: torch.device,
) -> Iterator[Tensor]:
    """Yield generated points number start .. start + count - 1, in order, a part of a block at a time.

    Blocks have a fixed size and place (item k is row k mod BLOCK of block k // BLOCK), since a kernel may round
    otherwise for another batch size: so item k is the same, bit for bit, whatever else is asked for. On a GPU products
    are not rounded to TF32, whatever `training.precision` is.

    Args:
        generator: (B, Z) -> (B, ...).
        latent: item numbers (B,), int64 on the device -> (B, Z).
        start: number of the first item.
        count: how many.
        device: where the generator lives.
    """
    for block in range(start // BLOCK, math.ceil((start + count) / BLOCK)):
        index_B = torch.arange(block * BLOCK, (block + 1) * BLOCK, device=device)
        with rounding("float32", device):
            fake = generator(latent(index_B))
        yield fake[max(start - block * BLOCK, 0) : start + count - block * BLOCK]


def generate_at(generator: nn.Module, latent_NZ: Tensor, device: torch.device) -> Iterator[Tensor]:
    """Yield the generated points of latents (N, Z), in order, a part of a block at a time; see `generate`."""
    latent_NZ = latent_NZ.to(device)
    count = len(latent_NZ)
    return generate(generator, lambda index_B: latent_NZ[index_B.clamp(max=count - 1)], 0, count, device)


@torch.no_grad()
def recalibrate_batchnorm(generator: nn.Module, config: Config, device: torch.device) -> None:
    """Take a generator's running statistics anew, in place, over STATISTICS_BLOCKS blocks of latents.

    A moving average of weights needs its own: those that batches left behind hold for other weights. A pure
    function of the weights and the seed. Without batch norm it does nothing.

    Args:
        generator: in evaluation, and left so.
        config: of the run.
        device: where the generator lives.
    """
    norms = [norm for norm in generator.modules() if isinstance(norm, _BatchNorm) and norm.track_running_stats]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches, each weighing the same
    generator.train()
    with rounding("float32", device):
        for block in range(STATISTICS_BLOCKS):
            index_B = torch.arange(block * BLOCK, (block + 1) * BLOCK, device=device)
            generator(latents(config, Stream.STATISTICS_LATENT, index_B))
    generator.eval()
