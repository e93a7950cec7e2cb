"""Compare the records of two runs value by value: a change that alters no mathematics leaves all of them equal.

    python -m dev.compare_records BEFORE AFTER

BEFORE and AFTER are run folders of the same recipe, seed, device and number of threads, e.g. of two commits. Times are
left out, and so are keys that only AFTER has. Exits with 1 when a value differs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqgan_wgp import read_records

TIMES = frozenset({"seconds"})


def records_of(run: Path) -> list[dict[str, Any]]:
    """Return the records of a run's folder."""
    return read_records(run / "metrics.jsonl")


def differences(before: Path, after: Path) -> Iterator[tuple[int, str, Any, Any]]:
    """Yield (step, key, value before, value after) for every value of `before` that `after` lacks or has otherwise."""
    found = {record["step"]: record for record in records_of(after)}
    for record in records_of(before):
        other = found.get(record["step"], {})
        for key, value in record.items():
            if key not in TIMES and other.get(key) != value:
                yield record["step"], key, value, other.get(key)


def main() -> int:
    """Print the differences and how many values were compared; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args()
    compared = sum(len(record.keys() - TIMES) for record in records_of(options.before))
    different = list(differences(options.before, options.after))
    for step, key, value, other in different:
        print(f"step {step:,} {key}: {value} -> {other}")
    print(f"{compared:,} values compared, {len(different):,} differ")
    return int(bool(different))


if __name__ == "__main__":
    raise SystemExit(main())
