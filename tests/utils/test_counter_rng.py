"""Noise by counter: equal on numpy and torch bit for bit, equal to a plain SplitMix64, and random by every count.

The statistical tests have fixed seeds, so they pass or fail for ever. Their tolerances are 5 standard errors of
the quantity under true randomness: chance would break one in two million.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.utils.counter_rng import (
    BITS,
    Stream,
    choose_numpy,
    hash_numpy,
    hash_torch,
    normal,
    sampled_indices,
    shuffled,
    stream_key,
    uniform,
    uniform_numpy,
)

Floats = npt.NDArray[np.float64]

ROWS, COLUMNS = 20_000, 8

seeds = st.integers(0, 2**63 - 1)
streams = st.sampled_from(Stream)
indices = st.lists(st.integers(0, 2**40), max_size=20)
columns = st.integers(1, 9)


class SplitMix64:
    """The published generator, in Python integers: one state, one output after the other."""

    def __init__(self, state: int) -> None:
        self.state = state % 2**64

    def output(self, place: int = 0) -> int:
        """Return output number `place`, counted from 0."""
        z = (self.state + (place + 1) * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)


def plain_hash(seed: int, stream: int, index: int, column: int) -> int:
    of_seed = SplitMix64(seed).output()
    of_stream = SplitMix64(stream * 0x9E3779B97F4A7C15 + 1 - 0x9E3779B97F4A7C15).output()
    key = SplitMix64((of_seed ^ of_stream) - 0x9E3779B97F4A7C15).output()
    return SplitMix64(SplitMix64(key).output(index)).output(column)


def test_the_plain_generator_gives_the_published_numbers() -> None:
    assert [SplitMix64(0).output(place) for place in range(2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    assert [SplitMix64(1234567).output(place) for place in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@given(seeds, streams, indices, columns)
def test_hashes_equal_the_plain_generator_on_numpy_and_torch(
    seed: int, stream: Stream, rows: list[int], width: int
) -> None:
    expected = [[plain_hash(seed, stream, index, column) for column in range(width)] for index in rows]
    by_numpy = hash_numpy(seed, stream, np.array(rows, np.int64), width)
    by_torch = hash_torch(seed, stream, torch.tensor(rows, dtype=torch.int64), width)
    assert by_numpy.dtype == np.uint64
    assert by_numpy.shape == tuple(by_torch.shape) == (len(rows), width)
    assert by_numpy.tolist() == expected
    assert by_torch.numpy().view(np.uint64).tolist() == expected


def test_hashes_never_change() -> None:
    """Models and runs of today must be repeatable for ever: these numbers are part of the format."""
    assert hash_numpy(0, Stream.BATCH, np.arange(2), 2).tolist() == [
        [2266935453801729977, 12421010476949639194],
        [12132503099986233478, 1179098133905692804],
    ]
    assert [stream.name for stream in sorted(Stream)][:7] == [
        "BATCH",
        "CRITIC_LATENT",
        "GENERATOR_LATENT",
        "EPSILON",
        "INITIALIZATION",
        "SAMPLE_LATENT",
        "FLOOR",
    ]


@given(seeds, streams, indices, columns)
def test_uniforms_are_equal_multiples_in_the_half_open_interval(
    seed: int, stream: Stream, rows: list[int], width: int
) -> None:
    by_numpy = uniform_numpy(seed, stream, np.array(rows, np.int64), width)
    by_torch = uniform(seed, stream, torch.tensor(rows, dtype=torch.int64), width)
    assert by_numpy.dtype == np.float32
    assert by_torch.dtype == torch.float32
    assert np.array_equal(by_numpy, by_torch.numpy())
    assert ((by_numpy >= 0) & (by_numpy < 1)).all()
    assert np.array_equal(by_numpy * 2.0**BITS, np.floor(by_numpy * 2.0**BITS))


@given(seeds, streams, st.integers(0, 2**40), st.integers(1, 30), st.integers(0, 30))
def test_any_slice_of_rows_is_the_slice_of_the_whole(
    seed: int, stream: Stream, first: int, rows: int, skip: int
) -> None:
    whole = np.arange(first, first + rows)
    part = hash_numpy(seed, stream, whole[skip:], 5)
    assert np.array_equal(part, hash_numpy(seed, stream, whole, 5)[skip:])
    assert np.array_equal(part[:, :3], hash_numpy(seed, stream, whole[skip:], 3))


@given(seeds, streams, indices.filter(bool), columns)
def test_normals_do_not_depend_on_the_other_rows(seed: int, stream: Stream, rows: list[int], width: int) -> None:
    """Equal but for the last place: vectorised and scalar `cos` may round differently."""
    together = normal(seed, stream, torch.tensor(rows), width)
    assert together.shape == (len(rows), width)
    assert together.dtype == torch.float32
    assert together.isfinite().all()
    alone = torch.cat([normal(seed, stream, torch.tensor([row]), width) for row in rows])
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)


def uniforms(seed: int = 1, stream: int = Stream.EPSILON, width: int = COLUMNS) -> Floats:
    return uniform_numpy(seed, stream, np.arange(ROWS), width).astype(np.float64)


def normals(seed: int = 1, stream: int = Stream.EPSILON, width: int = COLUMNS) -> Floats:
    values: Floats = normal(seed, stream, torch.arange(ROWS), width).numpy().astype(np.float64)
    return values


def correlation_in_standard_errors(left: Floats, right: Floats) -> float:
    return abs(float(np.corrcoef(left.ravel(), right.ravel())[0, 1])) * math.sqrt(left.size)


@pytest.mark.parametrize("seed", [0, 1, 2**62 + 3])
@pytest.mark.parametrize("stream", Stream)
def test_uniforms_have_the_moments_of_uniforms(seed: int, stream: Stream) -> None:
    values = uniforms(seed, stream)
    for column in (values, *values.T):
        root = math.sqrt(column.size)
        assert abs(column.mean() - 1 / 2) < 5 * math.sqrt(1 / 12) / root
        assert abs(((column - 1 / 2) ** 2).mean() - 1 / 12) < 5 * math.sqrt(1 / 180) / root


@pytest.mark.parametrize("bit", range(64))
def test_every_bit_is_one_half_of_the_time_and_alone(bit: int) -> None:
    hashes = hash_numpy(3, Stream.BATCH, np.arange(ROWS), 1)[:, 0]
    signs = 1.0 - 2.0 * (hashes >> np.uint64(bit) & np.uint64(1))
    assert abs(signs.mean()) < 5 / math.sqrt(ROWS)
    # From one row to the next a bit neither stays nor flips: consecutive counters are the input.
    assert abs((signs[1:] * signs[:-1]).mean()) < 5 / math.sqrt(ROWS - 1)


@pytest.mark.parametrize("draw", [uniforms, normals], ids=["uniform", "normal"])
def test_rows_columns_streams_and_seeds_are_uncorrelated(draw: Callable[..., Floats]) -> None:
    values = draw()
    pairs = {
        "rows": (values[1:], values[:-1]),
        "distant rows": (values[1024:], values[:-1024]),
        "streams": (values, draw(stream=Stream.BATCH)),
        "seeds": (values, draw(seed=2)),
        "seed and stream swapped": (draw(seed=1, stream=2), draw(seed=2, stream=1)),
    }
    for left in range(COLUMNS):
        for right in range(left):
            pairs[f"columns {left}, {right}"] = (values[:, left], values[:, right])
            pairs[f"squares of columns {left}, {right}"] = (values[:, left] ** 2, values[:, right] ** 2)
    far = {what: errors for what, pair in pairs.items() if (errors := correlation_in_standard_errors(*pair)) >= 5}
    assert not far


def test_no_two_of_many_hashes_are_equal() -> None:
    """Among 400,000 random 64-bit numbers, two are equal once in two hundred million trials."""
    draws = [
        hash_numpy(seed, stream, np.arange(5_000), 4)
        for seed, stream in [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (3, 7), (7, 3), (2**62, 1), (4, 4), (5, 5)]
    ]
    draws.append(hash_numpy(0, 1, np.arange(2**40, 2**40 + 50_000), 4))
    hashes = np.concatenate([draw.ravel() for draw in draws])
    assert len(np.unique(hashes)) == len(hashes) == 400_000


@pytest.mark.parametrize("width", [1, 2, 7, 8])
def test_normals_have_the_moments_of_normals(width: int) -> None:
    values = normals(width=width)
    for column in (values, *values.T):
        root = math.sqrt(column.size)
        assert abs(column.mean()) < 5 / root
        assert abs((column**2).mean() - 1) < 5 * math.sqrt(2) / root
        assert abs((column**3).mean()) < 5 * math.sqrt(15) / root
        assert abs((column**4).mean() - 3) < 5 * math.sqrt(96) / root


@pytest.mark.parametrize("width", [1, 2, 7, 8])
def test_normals_follow_the_normal_distribution(width: int) -> None:
    """Kolmogorov and Smirnov: sqrt(n) times the largest gap between distributions exceeds 2.6 once in 400,000."""
    values = normals(width=width)
    for column in values.T:
        ordered = np.sort(column)
        expected = np.array([math.erf(value / math.sqrt(2)) for value in ordered]) / 2 + 1 / 2
        above = np.abs(np.arange(1, ROWS + 1) / ROWS - expected).max()
        below = np.abs(expected - np.arange(ROWS) / ROWS).max()
        assert max(above, below) * math.sqrt(ROWS) < 2.6


def test_normals_are_finite_at_the_ends_of_the_uniforms() -> None:
    """Among 8 million uniforms the least and the greatest possible ones are to be expected: radius 0 and 5.8."""
    values = normal(0, Stream.CRITIC_LATENT, torch.arange(1 << 15), 256)
    assert values.isfinite().all()
    assert values.abs().max() <= math.sqrt(2 * BITS * math.log(2)) + 1e-4


def test_there_are_as_many_normals_as_asked_for() -> None:
    for width in range(6):
        assert normal(0, Stream.CRITIC_LATENT, torch.arange(3), width).shape == (3, width)


@given(seeds, streams, st.integers(1, 400), st.integers(0, 2**30))
def test_every_epoch_is_a_permutation(seed: int, stream: Stream, size: int, epoch: int) -> None:
    draws = np.arange(epoch * size, (epoch + 2) * size)
    items = shuffled(seed, stream, draws, size)
    assert items.dtype == np.int64
    assert sorted(items[:size].tolist()) == list(range(size))
    assert sorted(items[size:].tolist()) == list(range(size))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, 4096, 4097, 65_537, 300_000])
def test_sizes_around_powers_are_permuted(size: int) -> None:
    assert np.array_equal(np.sort(shuffled(0, Stream.BATCH, np.arange(size), size)), np.arange(size))


@given(seeds, st.integers(1, 300), st.data())
def test_any_draws_equal_those_of_the_whole(seed: int, size: int, data: st.DataObject) -> None:
    """In any order and number, across epochs: what a process of many, or one that resumes, asks for."""
    whole = shuffled(seed, Stream.BATCH, np.arange(4 * size), size)
    draws = data.draw(st.lists(st.integers(0, 4 * size - 1), max_size=50))
    assert shuffled(seed, Stream.BATCH, np.array(draws, np.int64), size).tolist() == whole[draws].tolist()


@settings(max_examples=30)
@given(seeds, st.integers(100, 2_000))
def test_epochs_streams_and_seeds_are_shuffled_differently(seed: int, size: int) -> None:
    """A permutation of 100 or more has one fixed point on average; more than 12 never happen by chance."""
    draws = np.arange(size)
    first = shuffled(seed, Stream.BATCH, draws, size)
    others = {
        "file order": draws,
        "next epoch": shuffled(seed, Stream.BATCH, draws + size, size),
        "next seed": shuffled(seed + 1, Stream.BATCH, draws, size),
        "other stream": shuffled(seed, Stream.FLOOR, draws, size),
    }
    assert not [what for what, other in others.items() if np.count_nonzero(first == other) > 12]


@pytest.mark.parametrize("size", [2, 3, 13, 16])
def test_every_item_comes_first_and_last_about_equally_often(size: int) -> None:
    """A short Feistel network is not perfect on so few items: within a third of the expected count."""
    epochs = 6_000
    items = shuffled(6, Stream.BATCH, np.arange(epochs * size), size).reshape(epochs, size)
    for place in (0, -1):
        counts = np.bincount(items[:, place], minlength=size)
        assert np.abs(counts * size / epochs - 1).max() < 1 / 3


def test_a_shuffle_has_no_drift_along_the_epoch() -> None:
    """Where an item falls says nothing about where its neighbours fall, nor about where it fell before."""
    size = 10_007
    epochs = [shuffled(9, Stream.BATCH, np.arange(size) + epoch * size, size).astype(np.float64) for epoch in (0, 1)]
    pairs = [(np.arange(size), epochs[0]), (epochs[0], epochs[1]), (epochs[0][1:], epochs[0][:-1])]
    for left, right in pairs:
        assert correlation_in_standard_errors(np.asarray(left, np.float64), right) < 5


@given(seeds, streams, indices, st.integers(1, 2**40))
def test_choices_are_in_range_and_alone(seed: int, stream: Stream, rows: list[int], size: int) -> None:
    chosen = choose_numpy(seed, stream, np.array(rows, np.int64), size)
    assert chosen.dtype == np.int64
    assert ((chosen >= 0) & (chosen < size)).all()
    assert [choose_numpy(seed, stream, np.array([row]), size)[0] for row in rows] == chosen.tolist()


@pytest.mark.parametrize("size", [2, 3, 10, 100, 999])
def test_choices_are_roughly_uniform(size: int) -> None:
    """Chi-squared has mean size - 1 and variance 2 (size - 1)."""
    rows = 100_000
    counts = np.bincount(choose_numpy(4, Stream.BATCH, np.arange(rows), size), minlength=size)
    chi_squared = ((counts - rows / size) ** 2).sum() / (rows / size)
    assert len(counts) == size
    assert abs(chi_squared - (size - 1)) < 6 * math.sqrt(2 * (size - 1))


def test_a_stream_has_a_key_of_its_own_under_every_seed() -> None:
    keys = {stream_key(seed, stream) for seed in range(1_000) for stream in Stream}
    assert len(keys) == 1_000 * len(Stream)


@pytest.mark.parametrize(("size", "most"), [(10, 4), (10, 10), (10, 99), (1, 5)])
def test_sampled_indices_are_different_items_and_at_most_all(size: int, most: int) -> None:
    found_N = sampled_indices(3, Stream.FLOOR, size, most)
    assert len(found_N) == len(set(found_N.tolist())) == min(size, most)
    assert set(found_N.tolist()) <= set(range(size))
    assert (found_N == sampled_indices(3, Stream.FLOOR, size, size)[:most]).all()
