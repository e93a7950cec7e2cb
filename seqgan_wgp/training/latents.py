"""Draw latent vectors, and generate samples in fixed blocks, so that sample k is the same whatever else is generated.

Shape suffixes: B batch, N latents, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..config import Config
from ..registry import NORMALIZATIONS
from ..utils.counter_rng import Stream, normal, uniform
from ..utils.devices import matmul_precision
from ..utils.malloc import keep_memory
from .labels import LABEL_STREAMS, LabelShares, with_label

BLOCK = 512
"""Block size: number of latents in one forward pass of the generator; see `generate`."""

STATISTICS_BLOCKS = 8
"""Number of blocks from which the averaged generator's batch norm statistics are computed."""


def block_size_of(config: Config) -> int:
    """Return the block size of a model's generator.

    It is the training batch size for a generator that normalizes by batch statistics outside training too: there a
    sample depends on the rest of its batch. Otherwise it is BLOCK.
    """
    return config.training.batch_size if NORMALIZATIONS[config.generator.normalization].needs_training_batch else BLOCK


def latents(distribution: str, size: int, seed: int, stream: Stream, index_B: Tensor) -> Tensor:
    """Return latent vectors (B, Z), float32, as a function of seed, stream and index.

    Args:
        distribution: "normal", or "uniform" in [-1, 1); `generator.latent_distribution`.
        size: Z, the latent dimension.
        seed: random seed.
        stream: the purpose of the latents.
        index_B: indices of the items, int64.
    """
    if distribution == "uniform":
        return 2 * uniform(seed, stream, index_B, size) - 1
    return normal(seed, stream, index_B, size)


def run_latents(config: Config, stream: Stream, index_B: Tensor, labels: LabelShares | None = None) -> Tensor:
    """Return latent vectors (B, Z) as a run's settings say; with `labels`, (B, Z + 1) with a label as last column."""
    settings, seed = config.generator, config.training.seed
    latent_BZ = latents(settings.latent_distribution, settings.latent, seed, stream, index_B)
    return latent_BZ if labels is None else with_label(latent_BZ, labels.draw(seed, stream, index_B))


NOISE_STREAMS = {
    Stream.CRITIC_LATENT: Stream.CRITIC_SAMPLING,
    Stream.GENERATOR_LATENT: Stream.GENERATOR_SAMPLING,
    Stream.DIAGNOSIS_LATENT: Stream.DIAGNOSIS_SAMPLING,
}
"""Stream of latents -> stream of the uniforms that a generator samples symbols with."""


def training_latents(
    noise_dim: int, config: Config, stream: Stream, index_B: Tensor, labels: LabelShares | None = None
) -> Tensor:
    """Return the generator's inputs in training, one row per item: latent, uniforms for sampling symbols, and label.

    With `training.fixed_latents`, every batch has the latents of the first samples, whatever the stream.

    Args:
        noise_dim: number of uniforms per item; see `noise_columns`.
        config: settings of the run.
        stream: stream of the latents.
        index_B: indices of the items.
        labels: draws labels, for streams in LABEL_STREAMS; None: no labels, or the caller appends those of real items.
    """
    seed, row_B = config.training.seed, index_B
    beside = stream
    if config.training.fixed_latents:
        beside, row_B = Stream.SAMPLE_LATENT, index_B % config.training.batch_size
    found_BX = run_latents(config, beside, row_B)
    if noise_dim:
        found_BX = torch.cat([found_BX, uniform(seed, NOISE_STREAMS[stream], index_B, noise_dim)], dim=1)
    if labels is not None and stream in LABEL_STREAMS:
        found_BX = with_label(found_BX, labels.draw(seed, beside, row_B))
    return found_BX


def noise_columns(generator: nn.Module) -> int:
    """Return how many uniforms a generator needs per item in addition to its latent; 0 outside training."""
    columns: int = getattr(generator, "noise_dim", 0) if generator.training else 0
    return columns


@torch.inference_mode()
def generate(
    generator: Callable[[Tensor], Tensor],
    latent: Callable[[Tensor], Tensor],
    start: int,
    count: int,
    device: torch.device,
    *,
    block_size: int = BLOCK,
) -> Iterator[Tensor]:
    """Yield generated points start .. start + count - 1, in order, one block or part of a block at a time.

    Kernels may round differently for another batch size, so blocks have a fixed size and position: item k is always row
    k mod block_size of block k // block_size. So it is the same bit for bit, whatever else is generated. On a GPU,
    products are never rounded to TF32, whatever `training.precision` is.

    Args:
        generator: (B, Z) -> (B, ...).
        latent: item indices (B,), int64 on the device -> latents (B, Z).
        start: index of the first item.
        count: number of items.
        device: device of the generator.
        block_size: number of latents in one forward pass; see `block_size_of`.
    """
    if count > block_size:
        keep_memory()  # the next block can use the memory of this one
    for block in range(start // block_size, math.ceil((start + count) / block_size)):
        first = block * block_size
        with matmul_precision("float32", device):
            fake = generator(latent(torch.arange(first, first + block_size, device=device)))
        yield fake[max(start - first, 0) : start + count - first]


def generate_at(
    generator: nn.Module, latent_NZ: Tensor, device: torch.device, *, block_size: int = BLOCK
) -> Iterator[Tensor]:
    """Yield the points generated from latents (N, Z), in order, block by block; see `generate`."""
    latent_NZ = latent_NZ.to(device)
    count = len(latent_NZ)
    latent: Callable[[Tensor], Tensor] = lambda index_B: latent_NZ[index_B.clamp(max=count - 1)]  # noqa: E731
    return generate(generator, latent, 0, count, device, block_size=block_size)


@torch.no_grad()
def recalibrate_batchnorm(
    generator: nn.Module, config: Config, device: torch.device, labels: LabelShares | None = None
) -> None:
    """Recompute a generator's batch norm statistics, in place, over STATISTICS_BLOCKS blocks of latents.

    The moving average of the weights needs its own statistics, since those of training batches belong to other weights.
    The result is a pure function of the weights and the seed. Without batch norm this does nothing.

    Args:
        generator: in evaluation mode; it stays there.
        config: settings of the run.
        device: device of the generator.
        labels: shares of the labels, for a conditional generator.
    """
    norms = [norm for norm in generator.modules() if isinstance(norm, _BatchNorm) and norm.track_running_stats]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative: all batches have the same weight
    generator.train()
    with matmul_precision("float32", device):
        for block in range(STATISTICS_BLOCKS):
            index_B = torch.arange(block * BLOCK, (block + 1) * BLOCK, device=device)
            generator(run_latents(config, Stream.STATISTICS_LATENT, index_B, labels))
    generator.eval()
