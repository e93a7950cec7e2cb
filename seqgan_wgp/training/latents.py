"""Draw latent vectors and generate from them in blocks, so that each sample is independent of the others.

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
from ..utils.devices import rounding
from ..utils.malloc import keep_memory
from .labels import LABEL_STREAMS, LabelShares, with_label

BLOCK = 512
"""Latents that go through the generator together; see `generate`."""

STATISTICS_BLOCKS = 8
"""Blocks that running statistics of the averaged generator are taken over."""


def block_size_of(config: Config) -> int:
    """Return how many latents go through a model's generator together.

    What a generator that normalises by the batch at hand makes of a latent depends on the latents beside it: it
    generates in batches of the size that it was trained in.
    """
    return config.training.batch_size if NORMALIZATIONS[config.generator.normalization].needs_training_batch else BLOCK


def latents(distribution: str, size: int, seed: int, stream: Stream, index_B: Tensor) -> Tensor:
    """Return the (B, Z) float32 latents of a stream at `index_B`.

    Args:
        distribution: "normal", or "uniform" in [-1, 1); `generator.latent_distribution`.
        size: Z, numbers in a latent.
        seed: of the stream.
        stream: what they are for.
        index_B: numbers of the items, int64.
    """
    if distribution == "uniform":
        return 2 * uniform(seed, stream, index_B, size) - 1
    return normal(seed, stream, index_B, size)


def run_latents(config: Config, stream: Stream, index_B: Tensor, labels: LabelShares | None = None) -> Tensor:
    """Return the (B, Z) latents of a run's own stream at `index_B`, and with `labels` a label behind each."""
    settings, seed = config.generator, config.training.seed
    latent_BZ = latents(settings.latent_distribution, settings.latent, seed, stream, index_B)
    return latent_BZ if labels is None else with_label(latent_BZ, labels.numbers(seed, stream, index_B))


NOISE_STREAMS = {
    Stream.CRITIC_LATENT: Stream.CRITIC_CHANCE,
    Stream.GENERATOR_LATENT: Stream.GENERATOR_CHANCE,
    Stream.DIAGNOSIS_LATENT: Stream.DIAGNOSIS_CHANCE,
}
"""Stream of latents -> that of the uniforms beside them."""


def training_latents(
    noise_dim: int, config: Config, stream: Stream, index_B: Tensor, labels: LabelShares | None = None
) -> Tensor:
    """Return a generator's inputs in training: latents, the uniforms that it draws symbols by, and labels.

    Where a run has fixed latents, those of every batch are the latents of the first samples, whatever the stream.

    Args:
        noise_dim: how many uniforms the generator wants for an item; see `noise_columns`.
        config: of the run.
        stream: of the latents.
        index_B: numbers of the items.
        labels: draws the labels of streams in LABEL_STREAMS; None: there are none, or those of real items are added.
    """
    seed, row_B = config.training.seed, index_B
    beside = stream
    if config.training.fixed_latents:
        beside, row_B = Stream.SAMPLE_LATENT, index_B % config.training.batch_size
    found_BX = run_latents(config, beside, row_B)
    if noise_dim:
        found_BX = torch.cat([found_BX, uniform(seed, NOISE_STREAMS[stream], index_B, noise_dim)], dim=1)
    if labels is not None and stream in LABEL_STREAMS:
        found_BX = with_label(found_BX, labels.numbers(seed, beside, row_B))
    return found_BX


def noise_columns(generator: nn.Module) -> int:
    """Return how many uniforms a generator needs for an item beside its latent; outside training none."""
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
    """Yield generated points number start .. start + count - 1, in order, a part of a block at a time.

    Blocks have a fixed size and place, since a kernel may round otherwise for another batch size. So item k is the
    same, bit for bit, whatever else is asked for: row k mod block_size of block k // block_size. On a GPU products are
    not rounded to TF32, whatever `training.precision` is.

    Args:
        generator: (B, Z) -> (B, ...).
        latent: item numbers (B,), int64 on the device -> (B, Z).
        start: number of the first item.
        count: how many.
        device: where the generator lives.
        block_size: latents that go through the generator together; see `block_size_of`.
    """
    if count > block_size:
        keep_memory()  # which the next block needs again
    for block in range(start // block_size, math.ceil((start + count) / block_size)):
        first = block * block_size
        with rounding("float32", device):
            fake = generator(latent(torch.arange(first, first + block_size, device=device)))
        yield fake[max(start - first, 0) : start + count - first]


def generate_at(
    generator: nn.Module, latent_NZ: Tensor, device: torch.device, *, block_size: int = BLOCK
) -> Iterator[Tensor]:
    """Yield the generated points of latents (N, Z), in order, a part of a block at a time; see `generate`."""
    latent_NZ = latent_NZ.to(device)
    count = len(latent_NZ)
    latent: Callable[[Tensor], Tensor] = lambda index_B: latent_NZ[index_B.clamp(max=count - 1)]  # noqa: E731
    return generate(generator, latent, 0, count, device, block_size=block_size)


@torch.no_grad()
def recalibrate_batchnorm(
    generator: nn.Module, config: Config, device: torch.device, labels: LabelShares | None = None
) -> None:
    """Recompute a generator's batch norm statistics, in place, over STATISTICS_BLOCKS blocks of latents.

    A moving average of weights needs its own: those that batches left behind hold for other weights. A pure
    function of the weights and the seed. Without batch norm it does nothing.

    Args:
        generator: in evaluation, and left so.
        config: of the run.
        device: where the generator lives.
        labels: of a conditional generator.
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
            generator(run_latents(config, Stream.STATISTICS_LATENT, index_B, labels))
    generator.eval()
