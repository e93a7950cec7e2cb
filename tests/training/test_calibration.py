"""The rules that choose by measured times: known answers, and that no choice costs what it may not cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.training.calibration import (
    EVERY_STEP,
    FREE,
    MAX_EVERY,
    MAX_GROWTH,
    MAX_SECONDS,
    MIN_EVERY,
    NEAR,
    SWEEPS,
    evaluation_rounds,
    fastest_of,
    fewest_threads,
    largest_free,
    thread_counts,
    thread_seconds,
)

SECONDS = st.floats(1e-4, 1e3)


@pytest.mark.parametrize(
    ("most", "counts"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8, 12])]
)
def test_the_numbers_of_threads_are_powers_of_two_and_the_largest(most: int, counts: list[int]) -> None:
    assert thread_counts(most) == counts


@pytest.mark.parametrize(
    ("seconds", "threads"),
    [
        ({1: 0.06, 2: 0.09}, 1),  # on a shared machine
        ({1: 0.06, 2: 0.035}, 2),
        ({1: 0.06, 2: 0.058}, 1),  # hardly faster is not worth a core
        ({1: 4.0, 2: 2.1, 4: 2.0, 8: 3.0}, 2),
    ],
)
def test_the_fewest_threads_win_among_the_fastest(seconds: dict[int, float], threads: int) -> None:
    assert fewest_threads(seconds) == threads


@given(st.dictionaries(st.integers(1, 64), SECONDS, min_size=1))
def test_the_choice_is_nearly_as_fast_as_any_and_no_smaller_one_is(seconds: dict[int, float]) -> None:
    chosen, best = fewest_threads(seconds), min(seconds.values())
    assert seconds[chosen] <= NEAR * best
    assert all(seconds[count] > NEAR * best for count in seconds if count < chosen)


def ticking(steps: Iterator[float]) -> Callable[[], float]:
    return lambda: next(steps)


def test_a_disturbance_of_one_sweep_decides_nothing() -> None:
    times = {1: iter([0.06] * SWEEPS), 2: iter([0.9, *[0.035] * (SWEEPS - 1)])}
    order: list[int] = []

    def round_seconds(count: int) -> float:
        order.append(count)
        return next(times[count])

    seconds = thread_seconds([1, 2], round_seconds, lambda: 0.0)
    assert order == [1, 2] * SWEEPS
    assert seconds == {1: 0.06, 2: 0.035}


def test_long_rounds_are_tried_once_each() -> None:
    order: list[int] = []

    def round_seconds(count: int) -> float:
        order.append(count)
        return 20.0 / count

    clock = ticking(iter([0.0, MAX_SECONDS + 1]))
    assert thread_seconds([1, 2, 4], round_seconds, clock) == {1: 20.0, 2: 10.0, 4: 5.0}
    assert order == [1, 2, 4]


def test_what_costs_nothing_is_taken_and_what_costs_is_not() -> None:
    launches = {64: 1.0, 128: 1.02, 256: 1.2, 512: 2.3}
    assert largest_free(64, 512, launches.__getitem__) == 256
    assert largest_free(64, 200, launches.__getitem__) == 128
    assert largest_free(48, 10_000, lambda size: size / 48) == 48
    assert largest_free(1, 10_000, lambda _size: 1.0) == MAX_GROWTH
    assert largest_free(64, 512, lambda size: math.inf if size > 128 else 1.0) == 128


@given(st.integers(1, 100), st.integers(1, 2_000), st.lists(SECONDS, min_size=4, max_size=4))
def test_a_larger_size_never_costs_more_than_allowed(start: int, most: int, seconds: list[float]) -> None:
    found = largest_free(start, most, lambda size: seconds[(size // start).bit_length() - 1])
    assert found == start or found <= most
    assert seconds[(found // start).bit_length() - 1] <= FREE * seconds[0]


def test_the_quickest_algorithm_is_taken_and_the_first_of_equal_ones() -> None:
    assert fastest_of(["direct", "fourier"], {"direct": 2.0, "fourier": 1.0}.__getitem__) == "fourier"
    assert fastest_of(["direct", "fourier"], lambda _name: 1.0) == "direct"


@pytest.mark.parametrize(
    ("times", "every"),
    [
        ((0.002, 0.02, 0.1), 200),  # generating decides: .02 s are a twentieth of 200 rounds
        ((0.002, 0.001, 0.5), 500),  # scoring decides: it takes half of 500 rounds
        ((1.0, 0.02, 0.1), MIN_EVERY),
        ((0.001, 0.5, 9.0), MAX_EVERY),
    ],
)
def test_evaluations_come_as_often_as_their_cost_allows(times: tuple[float, float, float], every: int) -> None:
    assert evaluation_rounds(*times) == every


@given(SECONDS, SECONDS, SECONDS)
def test_the_rounds_between_evaluations_are_within_bounds(round_: float, generating: float, scoring: float) -> None:
    every = evaluation_rounds(round_, generating, scoring)
    assert MIN_EVERY <= every <= MAX_EVERY
    assert every % EVERY_STEP == 0
