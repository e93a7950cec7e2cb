"""Draws: functions of their numbers alone, whatever was drawn before; of a divided batch each process has its part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.training.batches import AHEAD, Batches
from seqgan_wgp.training.distributed.process_group import ALONE, ProcessGroup
from seqgan_wgp.training.latents import run_latents, training_latents
from seqgan_wgp.training.record import RoundMetrics
from seqgan_wgp.utils.counter_rng import Stream, choose_numpy, shuffled, uniform

from .problems import PointDomain

Make = Callable[..., Batches]


@pytest.fixture
def make(tiny_config: Callable[..., Config]) -> Make:
    def draws(batch: int, world: ProcessGroup = ALONE, size: int = 2_000, fixed_batch: bool = False) -> Batches:
        domain = PointDomain()
        domain.size = size
        domain.batch = torch.from_numpy  # type: ignore[assignment, method-assign]  # items are their own numbers
        changes = {"training.batch_size": batch, "training.fixed_batch": fixed_batch}
        return Batches(domain, tiny_config(**changes), torch.device("cpu"), world)

    return draws


@pytest.mark.parametrize("batch", [1, 7, 64, 3_000, AHEAD, AHEAD + 1])
def test_batches_are_those_of_their_numbers_in_any_order(make: Make, batch: int) -> None:
    draws = make(batch)
    for number in (0, 1, 5, 4, 1_000_000, 0, 600, 599, 601, (1 << 36) + 3):
        rows_B = np.arange(number * batch, (number + 1) * batch)
        assert draws.real(number).tolist() == shuffled(0, Stream.BATCH, rows_B, 2_000).tolist()


def test_small_corpora_are_drawn_with_replacement(make: Make) -> None:
    drawn = make(10, size=50).real(3)
    assert drawn.tolist() == choose_numpy(0, Stream.BATCH, np.arange(30, 40), 50).tolist()


@pytest.mark.parametrize("size", [1, 3])
def test_a_fixed_batch_is_the_first_items_in_every_step_and_every_process_has_its_part(make: Make, size: int) -> None:
    parts = [make(10, ProcessGroup(rank=rank, size=size), 12, fixed_batch=True) for rank in range(size)]
    for number in (0, 1, 700, 1 << 36):
        assert torch.cat([part.real(number) for part in parts]).tolist() == list(range(10))


def test_fixed_latents_are_those_of_the_first_samples_in_every_step_network_and_process(
    tiny_config: Callable[..., Config], make: Make
) -> None:
    config = tiny_config(**{"training.batch_size": 10, "training.fixed_latents": True})
    first_BZ = run_latents(config, Stream.SAMPLE_LATENT, torch.arange(10))
    parts = [make(10, ProcessGroup(rank=rank, size=3)) for rank in range(3)]
    for stream in (Stream.CRITIC_LATENT, Stream.GENERATOR_LATENT):
        for number in (0, 1, (7 << 28) + 3, 1 << 36, torch.tensor(5)):
            drawn = [training_latents(0, config, stream, part.index(number)) for part in parts]
            assert torch.equal(torch.cat(drawn), first_BZ)


def test_a_fixed_batch_of_more_items_than_there_are_is_refused(make: Make) -> None:
    assert make(12, size=12, fixed_batch=True).real(0).tolist() == list(range(12))
    with pytest.raises(
        ConfigError, match=r"batch_size is 13 and there are only 12 training items\nset training\.batch_size to 12"
    ):
        make(13, size=12, fixed_batch=True)
    assert len(make(13, size=12).real(0)) == 13


@pytest.mark.parametrize("size", [2, 3, 5])
def test_parts_of_processes_make_the_whole_batch(make: Make, size: int) -> None:
    parts = [make(16, ProcessGroup(rank=rank, size=size)) for rank in range(size)]
    whole = make(16)
    for number in (0, 9, 300, 2):
        assert torch.equal(torch.cat([part.real(number) for part in parts]), whole.real(number))
        assert torch.equal(torch.cat([part.index(number) for part in parts]), whole.index(number))
        epsilons = [part.epsilon(number)(2) for part in parts]
        assert torch.equal(torch.cat(epsilons), whole.epsilon(number)(2))


def test_a_number_may_be_a_tensor(make: Make) -> None:
    draws = make(8)
    for number in (0, 7, 1 << 36):
        there = torch.tensor(number)
        assert torch.equal(draws.index(there), draws.index(number))
        assert torch.equal(draws.epsilon(there)(1), draws.epsilon(number)(1))
        noise: list[Tensor] = [draws.noise(Stream.REAL_NOISE, each, 0.5) for each in (there, number)]
        assert torch.equal(*noise)


@pytest.mark.parametrize("batch", [1, 7, 64, 5_000])
def test_noise_drawn_ahead_is_that_of_each_step_alone(make: Make, batch: int) -> None:
    draws = make(batch)
    for number in (0, 1, 63, 64, 65, 1, 1_000_000, (1 << 36) + 3):
        index_B = torch.arange(number * batch, (number + 1) * batch)
        assert torch.equal(draws.epsilon(number)(3), uniform(0, Stream.EPSILON, index_B, 3))
        expected = training_latents(0, draws.config, Stream.CRITIC_LATENT, index_B)
        assert torch.equal(draws.latents(Stream.CRITIC_LATENT, number), expected)


def test_prepared_noise_is_found_by_numbers_that_are_tensors(make: Make) -> None:
    draws, steps = make(8), make(8).config.training.critic_steps
    draws.epsilon(0)(1)
    for round_ in (0, 5, 64, 700):
        draws.prepare(round_)
        for number in range(round_ * steps, (round_ + 1) * steps):
            index_B = torch.arange(number * 8, (number + 1) * 8)
            assert torch.equal(draws.epsilon(torch.tensor(number))(1), uniform(0, Stream.EPSILON, index_B, 1))


def test_losses_are_numbers_by_name() -> None:
    losses = RoundMetrics(("one", "two"), torch.tensor([1.5, -2.0]))
    assert dict(losses) == {"one": 1.5, "two": -2.0}
    assert len(losses) == 2
    with pytest.raises(KeyError):
        losses["three"]
