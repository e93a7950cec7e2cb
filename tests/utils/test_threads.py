"""The number of threads: what the environment says, what processes share, and that it is put back."""

from __future__ import annotations

import os

import pytest
import torch

from seqgan_wgp.utils.threads import computing_with, cores, max_threads, threads_of_environment


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({}, None),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": ""}, None),
        ({"OMP_NUM_THREADS": "many"}, None),
        ({"OMP_NUM_THREADS": "0"}, None),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "1", "TORCHELASTIC_RUN_ID": "a"}, None),
        ({"OMP_NUM_THREADS": "2", "TORCHELASTIC_RUN_ID": "a"}, 2),
    ],
)
def test_the_environment_is_obeyed_but_not_what_torchrun_sets(environment: dict[str, str], threads: int | None) -> None:
    assert threads_of_environment(environment) == threads


def test_processes_of_a_machine_share_its_cores() -> None:
    whole = cores({})
    assert whole >= 1
    assert [cores({"LOCAL_WORLD_SIZE": str(count)}) for count in (1, 2, 10_000)] == [whole, max(1, whole // 2), 1]


def test_a_program_that_has_set_fewer_threads_bounds_the_choice_and_torchrun_does_not() -> None:
    with computing_with(1):
        assert max_threads({}) == 1
        assert max_threads({"TORCHELASTIC_RUN_ID": "a", "LOCAL_WORLD_SIZE": "1"}) == cores({})


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), computing_with(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before
    with computing_with(None):
        assert torch.get_num_threads() == before


def test_the_tests_themselves_compute_with_one_thread_unless_told_otherwise() -> None:
    assert threads_of_environment() == int(os.environ["OMP_NUM_THREADS"])
