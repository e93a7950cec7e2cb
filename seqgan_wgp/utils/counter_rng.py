"""Counter-based noise: a pure function of (seed, stream, index, column), the same on every device.

There is no generator whose state must be saved: the number in row `index` and column `column` of a stream
is a hash of those four integers (SplitMix64, Steele, Lea and Flood 2014), so a run resumes from its step
number alone and any process can draw its slice of a batch. numpy and torch give the same integers bit for
bit; uniforms are exact multiples of 2**-24 and hence equal too; normals (Box and Muller 1958) may differ in
the last places, since `log` and `cos` do. torch is imported only where tensors are made: much that hashes lines, and
an exported model, does without it.

Shape suffixes: N rows (one index each), C columns.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

MASK = (1 << 64) - 1

BITS = 24
"""Random bits in a uniform: what a float32 holds exactly."""

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


class Stream(IntEnum):
    """One name for each independent use of noise; a number never changes its meaning."""

    BATCH = 1  # which training items a critic step sees
    CRITIC_LATENT = 2  # latents of the fakes that the critic is trained on
    GENERATOR_LATENT = 3  # latents of the generator's own step
    EPSILON = 4  # where on the segment between real and fake the penalty is taken
    INITIALIZATION = 5  # initial weights; index = the parameter's number
    SAMPLE_LATENT = 6  # latents of generated strings; index = the string's number
    FLOOR = 7  # which training items stand for "as good as real" in a floor
    STATISTICS_LATENT = 8  # latents that the averaged generator's running statistics are taken over
    REAL_NOISE = 9  # instance noise on what the critic sees: on real items,
    FAKE_NOISE = 10  # on generated ones,
    GENERATOR_NOISE = 11  # and on those of the generator's own step
    TOY = 12  # points of a toy distribution that are trained on; index = the point's number
    TOY_VALIDATION = 13  # those of its validation half
    TOY_TEST = 14  # and of its test half
    DIAGNOSIS_LATENT = 15  # latents of the fakes that a diagnosis looks at
    DIAGNOSIS_BATCH = 16  # the training items that it does,
    DIAGNOSIS_HELD_OUT = 17  # the held-out ones,
    DIAGNOSIS_EPSILON = 18  # and where on segments between the first two
    MARKOV = 19  # characters of a Markov chain; index = the string's number, column = the place
    UNIFORM_ROWS = 20  # ids of rows that know nothing; index = the row's number
    AUDIT = 21  # which strings, held-out and training lines a search for near copies compares
    DECODE = 22  # which characters are drawn from a generated string's probabilities; index = the string's number
    INVERSION = 23  # latents that a search for a string's latent begins at
    CRITIC_SAMPLING = 24  # uniforms that generators draw by in training, beside CRITIC_LATENT,
    GENERATOR_SAMPLING = 25  # beside GENERATOR_LATENT
    DIAGNOSIS_SAMPLING = 26  # and beside DIAGNOSIS_LATENT
    LIKELIHOOD_BATCH = 27  # training items of a likelihood step
    LIKELIHOOD_DROPOUT = 28  # its dropout masks: seed of their generator; index = the step's number
    BASELINE = 29  # uniforms that an evaluation's causal baseline draws strings by; index = the string's number
    EPSILON_CHOICE = 30  # uniforms of the strings that the cut of unlikely symbols is chosen by
    LOOKAHEAD = 31  # uniforms of the strings that show how likely a constraint is met from a position on
    PROPOSAL = 32  # uniforms of further strings, of which one is chosen; index = 8 * the string's number + which
    PROPOSAL_CHOICE = 33  # which of these is chosen; index = the string's number
    ACCEPTANCE = 40  # uniforms that accept or reject a generated string; index = the string's number
    CHAIN = 41  # uniforms of a Metropolis-Hastings chain; index = the proposal's number
    CLASSIFIER_BATCH = 42  # which training lines a step of a classifier sees
    CLASSIFIER_FAKE = 43  # key of the seed of the generated strings that a classifier is trained on
    CLASSIFIER_SPLIT = 44  # which training lines stand for generated ones in the floor of a two-sample test
    STRINGS_SAMPLE = 45  # which strings of a file are measured
    PROBABILITY_LATENT = 46  # latents over which the probability of strings is averaged; index = the latent's number
    PROBABILITY_FIT = 47  # those that proposals of importance sampling are fitted by
    IMPORTANCE_LATENT = 48  # and those that importance sampling averages over
    GUESSED_STRINGS = 49  # key of the seed of the strings that guess numbers are counted by
    GENERATOR_LABEL = 50  # labels beside GENERATOR_LATENT,
    SAMPLE_LABEL = 51  # beside SAMPLE_LATENT
    STATISTICS_LABEL = 52  # and beside STATISTICS_LATENT
    LABEL_BATCH = 53  # which training lines a step of a classifier of labels sees


def mix_numpy(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return SplitMix64's finalizer of each number: a bijection in which every bit depends on every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX_2)
    return x ^ (x >> np.uint64(31))


def mix_in_place(x_N: npt.NDArray[np.uint64]) -> None:
    """Put `mix_numpy` of each number in its place, without a new array for each operation."""
    with np.errstate(over="ignore"):
        shifted_N = x_N >> np.uint64(30)
        np.bitwise_xor(x_N, shifted_N, out=x_N)
        np.multiply(x_N, np.uint64(MIX_1), out=x_N)
        np.right_shift(x_N, np.uint64(27), out=shifted_N)
        np.bitwise_xor(x_N, shifted_N, out=x_N)
        np.multiply(x_N, np.uint64(MIX_2), out=x_N)
        np.right_shift(x_N, np.uint64(31), out=shifted_N)
        np.bitwise_xor(x_N, shifted_N, out=x_N)


def mix_int(value: int) -> int:
    """Return `mix_numpy` of an integer, of which the last 64 bits count."""
    value &= MASK
    value = ((value ^ (value >> 30)) * MIX_1) & MASK
    value = ((value ^ (value >> 27)) * MIX_2) & MASK
    return value ^ (value >> 31)


def stream_key(seed: int, stream: int) -> int:
    """Return the 64-bit key of a stream under a seed: the starting point of each of its rows."""
    return mix_int(mix_int(seed + GOLDEN) ^ mix_int(stream * GOLDEN + 1))


def hash_numpy(seed: int, stream: int, index_N: npt.NDArray[Any], columns: int) -> npt.NDArray[np.uint64]:
    """Return the (N, C) 64-bit hashes, uint64, of rows `index_N` (any integer type, not negative)."""
    with np.errstate(over="ignore"):
        index = np.asarray(index_N).astype(np.uint64) + np.uint64(1)
        row_N = mix_numpy(np.uint64(stream_key(seed, stream)) + np.uint64(GOLDEN) * index)
        step_C = np.arange(1, columns + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        return mix_numpy(row_N[:, None] + step_C[None, :])


def uniform_numpy(seed: int, stream: int, index_N: npt.NDArray[Any], columns: int) -> npt.NDArray[np.float32]:
    """Return (N, C) float32 uniforms in [0, 1), equal to `uniform`."""
    bits = hash_numpy(seed, stream, index_N, columns) >> np.uint64(64 - BITS)
    return bits.astype(np.float32) * np.float32(2.0**-BITS)


def normal_numpy(seed: int, stream: int, index_N: npt.NDArray[Any], columns: int) -> npt.NDArray[np.float32]:
    """Return (N, C) float32 standard normals: those of `normal` but for the last places."""
    pairs = (columns + 1) // 2
    u_NC = uniform_numpy(seed, stream, index_N, 2 * pairs)
    radius = np.sqrt(np.float32(-2) * np.log1p(-u_NC[:, :pairs]))
    angle = np.float32(2 * math.pi) * u_NC[:, pairs:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :columns]


def _signed(value: int) -> int:
    """Return the 64-bit pattern of `value` as a signed integer, since torch's int64 needs signed constants."""
    value &= MASK
    return value - (1 << 64) if value >= 1 << 63 else value


def _shift(x: Tensor, bits: int) -> Tensor:
    """Shift right without sign: torch's `>>` on int64 repeats the sign bit, so that is masked away."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _mix_torch(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 30)) * _signed(MIX_1)
    x = (x ^ _shift(x, 27)) * _signed(MIX_2)
    return x ^ _shift(x, 31)


def hash_torch(seed: int, stream: int, index_N: Tensor, columns: int) -> Tensor:
    """Return the (N, C) hashes as int64 on the device of `index_N` (int64): the bits of `hash_numpy`."""
    import torch

    row_N = _mix_torch((index_N + 1) * _signed(GOLDEN) + _signed(stream_key(seed, stream)))
    step_C = torch.arange(1, columns + 1, dtype=torch.int64, device=index_N.device) * _signed(GOLDEN)
    return _mix_torch(row_N[:, None] + step_C[None, :])


def uniform(seed: int, stream: int, index_N: Tensor, columns: int) -> Tensor:
    """Return (N, C) float32 uniforms in [0, 1) on the device of `index_N` (int64)."""
    return _shift(hash_torch(seed, stream, index_N, columns), 64 - BITS).float() * 2.0**-BITS


def normal(seed: int, stream: int, index_N: Tensor, columns: int) -> Tensor:
    """Return (N, C) float32 standard normals on the device of `index_N` (int64), by Box and Muller.

    Column c of the first half and the corresponding one of the second come from two uniforms: radius
    sqrt(-2 ln(1 - u1)), angle 2 pi u2.
    """
    import torch

    pairs = (columns + 1) // 2
    u_NC = uniform(seed, stream, index_N, 2 * pairs)
    radius = torch.sqrt(-2.0 * torch.log1p(-u_NC[:, :pairs]))
    angle = (2.0 * math.pi) * u_NC[:, pairs:]
    return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)[:, :columns]


def choose_numpy(seed: int, stream: int, index_N: npt.NDArray[Any], size: int) -> npt.NDArray[np.int64]:
    """Return N independent draws from range(size), with replacement, one for each index.

    The hash is reduced by its remainder; the bias is below size / 2**64.
    """
    return (hash_numpy(seed, stream, index_N, 1)[:, 0] % np.uint64(size)).astype(np.int64)


_ROUNDS = 8


def _feistel(key: int, value_N: npt.NDArray[np.uint64], half_bits: int) -> npt.NDArray[np.uint64]:
    """Permute the integers below 4**half_bits: a balanced Feistel network (Luby and Rackoff 1988), 8 rounds."""
    mask = np.uint64((1 << half_bits) - 1)
    left, right = value_N >> np.uint64(half_bits), value_N & mask
    for round_number in range(_ROUNDS):
        round_key = np.uint64(mix_int(key + round_number * GOLDEN))
        left, right = right, left ^ (mix_numpy(right + round_key) & mask)
    return (left << np.uint64(half_bits)) | right


def shuffled(seed: int, stream: int, draw_N: npt.NDArray[Any], size: int) -> npt.NDArray[np.int64]:
    """Return the items of range(size) for the draws with indices `draw_N`, without replacement in each epoch.

    Draw t belongs to epoch t // size, and every epoch has its own permutation: a Feistel network on the next power of
    four, repeated until the value is below `size` (cycle walking, Black and Rogaway 2002).
    """
    draw_N = np.asarray(draw_N, dtype=np.int64)
    half_bits = max(1, math.ceil(math.log2(max(size, 2)) / 2))
    epoch_N, position_N = np.divmod(draw_N, size)
    item_N = np.empty(draw_N.shape, dtype=np.int64)
    with np.errstate(over="ignore"):
        for epoch in np.unique(epoch_N):
            here = epoch_N == epoch
            item_N[here] = _walk(mix_int(stream_key(seed, stream) + int(epoch)), position_N[here], half_bits, size)
    return item_N


def sampled_indices(seed: int, stream: int, size: int, most: int) -> npt.NDArray[np.int64]:
    """Return `most` different items of range(size), all of them if there are not more, in random order."""
    return shuffled(seed, stream, np.arange(min(most, size)), size)


def _walk(key: int, position_N: npt.NDArray[np.int64], half_bits: int, size: int) -> npt.NDArray[np.int64]:
    value_N = _feistel(key, position_N.astype(np.uint64), half_bits)
    outside = np.flatnonzero(value_N >= size)
    while outside.size:
        value_N[outside] = _feistel(key, value_N[outside], half_bits)
        outside = outside[value_N[outside] >= size]
    return value_N.astype(np.int64)
