"""Measure the speed of the n-gram divergences, n = 1 to 4, against a loop over Python's Counter.

    python -m benchmarks.ngrams [--lines 1000000] [--json FILE]

Lines of 16 uniformly random ids, measured against other such lines: the worst case for a large vocabulary, where
nearly every n-gram is a new one. The Counter loop gets fewer lines, `--counter-lines`, and the same number as its
reference. Speeds are of the measured lines; preparing the reference is a column of its own.
"""

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqgan_wgp.text.hashing.novelty import novel_fraction
from seqgan_wgp.text.metrics.ngrams import NgramReference, unique_fraction

Result = TypeVar("Result")
LENGTH, ORDERS = 16, 4
VOCABULARY_SIZES = (40, 100, 5_000)


def timed(work: Callable[[], Result], repeats: int = 1) -> tuple[float, Result]:
    """Return the least seconds of some runs, and the result."""
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def count_grams(rows: list[tuple[int, ...]], order: int) -> "Counter[tuple[int, ...]]":
    """Count the n-grams of one order, line by line."""
    counts: Counter[tuple[int, ...]] = Counter()
    for row in rows:
        for start in range(len(row) - order + 1):
            counts[row[start : start + order]] += 1
    return counts


def counter_divergences(rows: list[tuple[int, ...]], reference: list["Counter[tuple[int, ...]]"]) -> list[float]:
    """Return the same divergences as the package: count, then sum over the n-grams of the lines."""
    divergences = []
    for order, grams in enumerate(reference, start=1):
        counts = count_grams(rows, order)
        total, reference_total = counts.total(), grams.total()
        shared, value = 0.0, 0.0  # what only the reference has adds half its probability: 1 - shared
        for gram, count in counts.items():
            p, q = count / total, grams[gram] / reference_total
            value += p * math.log2(2 * p / (p + q)) + (q * math.log2(2 * q / (p + q)) if q else 0.0)
            shared += q
        divergences.append((value + 1 - shared) / 2)
    return divergences


def measure(vocabulary_size: int, lines: int, counter_lines: int) -> dict[str, Any]:
    """Return one row of the table; refuses to report a speed if the two sides disagree."""
    rng = np.random.default_rng(vocabulary_size)
    dtype = np.min_scalar_type(vocabulary_size - 1)
    train_NL, ids_NL = (rng.integers(0, vocabulary_size, (lines, LENGTH)).astype(dtype) for _ in range(2))
    prepare_seconds, reference = timed(lambda: NgramReference(train_NL, vocabulary_size, ORDERS))
    seconds, _ = timed(lambda: reference.divergences(ids_NL), repeats=3)

    few_NL, few_train_NL = ids_NL[:counter_lines], train_NL[:counter_lines]
    few, few_train = to_tuples(few_NL), to_tuples(few_train_NL)
    grams = [count_grams(few_train, n) for n in range(1, ORDERS + 1)]
    counter_seconds, expected = timed(lambda: counter_divergences(few, grams))
    got = NgramReference(few_train_NL, vocabulary_size, ORDERS).divergences(few_NL)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)

    speed, counter_speed = len(ids_NL) / seconds / 1e6, len(few) / counter_seconds / 1e6
    return {
        "vocabulary_size": vocabulary_size,
        "lines": lines,
        "prepare_seconds": prepare_seconds,
        "million_lines_per_second": speed,
        "counter_lines": len(few),
        "counter_million_lines_per_second": counter_speed,
        "ratio": speed / counter_speed,
        "unique_seconds": timed(lambda: unique_fraction(ids_NL))[0],
        "novel_seconds": timed(lambda: novel_fraction(ids_NL, train_NL))[0],
    }


def to_tuples(ids_NL: NDArray[np.integer[Any]]) -> list[tuple[int, ...]]:
    """Return the rows as Python tuples."""
    return [tuple(row) for row in ids_NL.tolist()]


def main() -> None:
    """Print the table; write the rows as JSON when asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines measured, and lines of the reference")
    parser.add_argument("--counter-lines", type=int, default=20_000, help="lines for the Counter loop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as a JSON array")
    arguments = parser.parse_args()

    print(f"{arguments.lines:,} random lines of {LENGTH}, n = 1..{ORDERS} together, NumPy {np.__version__}")
    print("    V   M lines/s   Counter   ratio   reference s   unique s   novel s")
    rows = []
    for vocabulary_size in VOCABULARY_SIZES:
        row = measure(vocabulary_size, arguments.lines, min(arguments.lines, arguments.counter_lines))
        rows.append(row)
        print(
            f"{vocabulary_size:5,}   {row['million_lines_per_second']:9.2f}"
            f"   {row['counter_million_lines_per_second']:7.3f}   {row['ratio']:5.0f}   {row['prepare_seconds']:11.2f}"
            f"   {row['unique_seconds']:8.2f}   {row['novel_seconds']:7.2f}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
