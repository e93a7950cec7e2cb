"""The number of CPU threads that torch uses in this process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

import torch


def cores(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many cores this process may use: of those that it may run on, its share with what torchrun started."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, there // int(environment.get("LOCAL_WORLD_SIZE", "1")))


def threads_of_environment(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return what OMP_NUM_THREADS says, None where it says nothing.

    Where it is not set, torchrun sets it to 1 for each of several processes: that counts as not set.
    """
    text = environment.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if not text.isdecimal() or int(text) < 1 or (text == "1" and "TORCHELASTIC_RUN_ID" in environment):
        return None
    return int(text)


def max_threads(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many threads a choice may go up to: the cores, or fewer where the program has set fewer.

    Under torchrun what torch computes with is torchrun's own setting, and does not count.
    """
    share = cores(environment)
    return share if "TORCHELASTIC_RUN_ID" in environment else min(share, torch.get_num_threads())


@contextlib.contextmanager
def computing_with(threads: int | None) -> Iterator[None]:
    """Compute with so many threads inside, and with as many as before afterwards; None changes nothing."""
    before = torch.get_num_threads()
    if threads is not None and threads != before:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
