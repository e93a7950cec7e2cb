"""Operations are counted as kernels, and a round has no more of them than docs/speed.md says."""

from __future__ import annotations

import pytest
import torch

from benchmarks.launches import BEFORE, Operations, count


def test_views_and_allocations_do_not_count() -> None:
    x = torch.ones(2, 3)
    with Operations() as operations:
        torch.empty(3)
        (x.t().view(3, 2) + 1).detach()
    assert operations.counts.total() == 1


@pytest.mark.parametrize("name", ["fast", "mnist-wgan-gp"])
def test_a_round_has_at_most_half_of_the_operations_that_it_had(name: str) -> None:
    assert sum(count(name).values()) <= sum(BEFORE[name].values()) // 2
