"""Rules that choose machine-dependent settings from measured times: threads on a CPU; sizes and more on a GPU.

trial.py measures the times. The chosen values are stored in the run's config, so a resumed run keeps them on any
machine. docs/defaults.md describes the rules.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

NEAR = 1.1
"""The fewest threads that need at most this multiple of the shortest time are chosen; they leave cores to others."""

SWEEPS = 5
"""How often each number of threads is timed; the median counts, since other programs may be using the cores."""

MAX_SECONDS = 3.0
"""No further sweep starts after this time."""

FREE = 1.25
"""A larger network or batch is chosen if a round takes at most this multiple of the smallest one's time."""

MAX_GROWTH = 8
"""Largest factor by which a width or batch size may exceed the value that is used on CPUs."""

GENERATING, SCORING = 0.05, 0.5
"""Largest shares of the rounds' time for generating the samples of evaluations, and for scoring beside the rounds."""

MIN_EVERY, MAX_EVERY, EVERY_STEP = 100, 2_000, 50
"""Rounds between evaluations: smallest, largest, and the multiple to which they are rounded up."""


def thread_counts(most: int) -> list[int]:
    """Return the numbers of threads to try: the powers of two below `most`, and `most`."""
    return [*(1 << k for k in range(most.bit_length()) if 1 << k < most), most]


def thread_seconds(
    counts: Sequence[int], round_seconds: Callable[[int], float], clock: Callable[[], float]
) -> dict[int, float]:
    """Return the seconds of a round with each number of threads.

    They are tried in turn, so that other load on the machine affects all of them equally.

    Args:
        counts: numbers of threads to try.
        round_seconds: number of threads -> seconds of a round, which it runs.
        clock: returns the time in seconds; the trial ends early if rounds take long.
    """
    began = clock()
    measured: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(SWEEPS):
        for count in counts:
            measured[count].append(round_seconds(count))
        if clock() - began > MAX_SECONDS:
            break
    return {count: statistics.median(times) for count, times in measured.items()}


def fewest_threads(seconds: dict[int, float]) -> int:
    """Return the smallest number of threads that is as fast as the fastest, or nearly so."""
    best = min(seconds.values())
    return min(count for count, taken in seconds.items() if taken <= NEAR * best)


def largest_free(start: int, most: int, round_seconds: Callable[[int], float]) -> int:
    """Return the largest of start, 2 start, 4 start, ... that costs hardly more time than `start`.

    Args:
        start: smallest size.
        most: largest allowed size.
        round_seconds: size -> seconds of a round; infinite if it does not fit into memory.
    """
    first, size = round_seconds(start), start
    while size * 2 <= min(most, MAX_GROWTH * start) and round_seconds(size * 2) <= FREE * first:
        size *= 2
    return size


def fastest_of(names: Iterable[str], round_seconds: Callable[[str], float]) -> str:
    """Return the name with the fastest rounds."""
    return min(names, key=round_seconds)


def evaluation_rounds(round_seconds: float, generating: float, scoring: float) -> int:
    """Return the number of rounds between evaluations, given the seconds of a round and of an evaluation's two parts.

    Rounds wait while samples are generated. Scoring overlaps with rounds, and must end before the next evaluation.
    """
    least = max(generating / GENERATING, scoring / SCORING) / round_seconds
    return min(MAX_EVERY, max(MIN_EVERY, EVERY_STEP * math.ceil(least / EVERY_STEP)))
