"""Choose what depends on the machine by trial: threads on a CPU; sizes, convolution and evaluations on a GPU.

Each choice is a function of measured times alone; trial.py measures them. What is chosen stays in the run's config, so
the run goes on with the same numbers, on whatever machine. docs/defaults.md has the rules.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

NEAR = 1.1
"""Fewer threads are taken where they need at most this share of the shortest time: they leave cores to others."""

SWEEPS = 5
"""How often each number of threads is tried; the median counts, since others may be using the cores."""

SECONDS_MOST = 3.0
"""No further sweep begins after so long."""

FREE = 1.25
"""A larger network or batch is taken where a round takes at most this share of the time that the smallest takes."""

GROWTH_MOST = 8
"""How many times as large as the rule for CPUs has it a width or a batch may become."""

GENERATING, SCORING = 0.05, 0.5
"""Shares of the rounds' time that generating for evaluations, and scoring beside the rounds, may take."""

EVERY_LEAST, EVERY_MOST, EVERY_STEP = 100, 2_000, 50
"""Rounds between evaluations: bounds, and what they are rounded up to."""


def thread_counts(most: int) -> list[int]:
    """Return the numbers of threads to try: the powers of two below `most`, and `most`."""
    return [*(1 << k for k in range(most.bit_length()) if 1 << k < most), most]


def thread_seconds(
    counts: Sequence[int], round_seconds: Callable[[int], float], clock: Callable[[], float]
) -> dict[int, float]:
    """Return the seconds of a round with each number of threads.

    They are tried in turn, so that what else the machine does falls on all of them alike.

    Args:
        counts: to try.
        round_seconds: does a round with so many threads; returns its seconds.
        clock: ends the trial early where rounds are long.
    """
    began = clock()
    measured: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(SWEEPS):
        for count in counts:
            measured[count].append(round_seconds(count))
        if clock() - began > SECONDS_MOST:
            break
    return {count: statistics.median(times) for count, times in measured.items()}


def fewest_threads(seconds: dict[int, float]) -> int:
    """Return the smallest number of threads that is as fast as any, or nearly so."""
    best = min(seconds.values())
    return min(count for count, taken in seconds.items() if taken <= NEAR * best)


def largest_free(start: int, most: int, round_seconds: Callable[[int], float]) -> int:
    """Return the largest of start, 2 start, 4 start, ... that costs hardly more time than `start`.

    Args:
        start: the smallest.
        most: the largest that may be.
        round_seconds: of a round of that size; infinite where it does not fit into memory.
    """
    first, size = round_seconds(start), start
    while size * 2 <= min(most, GROWTH_MOST * start) and round_seconds(size * 2) <= FREE * first:
        size *= 2
    return size


def quickest_of(names: Iterable[str], round_seconds: Callable[[str], float]) -> str:
    """Return the name whose rounds take the least time."""
    return min(names, key=round_seconds)


def evaluation_rounds(round_seconds: float, generating: float, scoring: float) -> int:
    """Return the rounds between evaluations, from the seconds of a round and of an evaluation's two parts.

    Generating makes the rounds wait. Scoring goes on beside them, and is to be done before the next evaluation.
    """
    least = max(generating / GENERATING, scoring / SCORING) / round_seconds
    return min(EVERY_MOST, max(EVERY_LEAST, EVERY_STEP * math.ceil(least / EVERY_STEP)))
