"""SplitMix64 (Steele, Lea and Flood 2014) in numpy: the hash behind all noise, and behind the held-out split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
