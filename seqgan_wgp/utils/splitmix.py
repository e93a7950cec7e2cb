"""SplitMix64 (Steele, Lea and Flood 2014) in numpy: the hash behind the held-out split and behind all noise.

What noise is, `randomness` says, which has it in torch too; here it is without torch.

Shape suffixes: N rows (one index each), C columns.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

MASK = (1 << 64) - 1

BITS = 24
"""Random bits in a uniform: what a float32 holds exactly."""

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


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
    """Return (N, C) float32 uniforms in [0, 1), equal to `randomness.uniform`."""
    bits = hash_numpy(seed, stream, index_N, columns) >> np.uint64(64 - BITS)
    return bits.astype(np.float32) * np.float32(2.0**-BITS)


def normal_numpy(seed: int, stream: int, index_N: npt.NDArray[Any], columns: int) -> npt.NDArray[np.float32]:
    """Return (N, C) float32 standard normals: those of `randomness.normal` but for the last places."""
    pairs = (columns + 1) // 2
    u_NC = uniform_numpy(seed, stream, index_N, 2 * pairs)
    radius = np.sqrt(np.float32(-2) * np.log1p(-u_NC[:, :pairs]))
    angle = np.float32(2 * math.pi) * u_NC[:, pairs:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :columns]
