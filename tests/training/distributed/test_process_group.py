"""Two and three processes train what one alone would, and end together whatever happens to one of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch._C._distributed_c10d import HashStore

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.training.batches import check_divisible
from seqgan_wgp.training.distributed.process_group import ALONE, ProcessGroup, checksum
from seqgan_wgp.training.distributed.rendezvous import join, name_of_this_start
from seqgan_wgp.training.losses import LOSSES
from seqgan_wgp.training.penalties import CONSTRAINTS
from seqgan_wgp.training.steps import CriticObjective, critic_gradients

from ..processes import CASES, ROUNDS, Trained, config, everything, in_processes, train

Results = dict[int, list[dict[str, Any]]]
HALF, LATER = 8, 14
TRAINED = {2: list(CASES), 3: ["text", "gp", "noise"]}
"""Number of processes -> the cases that they train."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def done(folder: Path) -> Results:
    """All that `everything` does, by a world of one, of two and of three processes: number -> results of each process.

    Beside that one run begins in two processes, goes on in one, and ends in three.
    """
    results: Results = {}
    state: dict[str, Any] = {}
    for size, (begin, end) in {2: (0, HALF), 1: (HALF, LATER), 3: (LATER, ROUNDS)}.items():
        place = folder / str(size)
        place.mkdir()
        torch.save((state, begin, end), place / "state.pt")
        if size == 1:
            results[size] = [everything(CASES, place / "state.pt", ALONE, place)]
        else:
            results[size] = in_processes(size, place, everything, TRAINED[size], place / "state.pt")
        state = results[size][0]["gone on"]["state"]
    return results


def assert_equal(one: Trained, other: Trained, within: float) -> None:
    assert one["step"] == other["step"]
    assert one["state"].keys() == other["state"].keys()
    for name, tensor in one["state"].items():
        assert torch.allclose(tensor, other["state"][name], rtol=0, atol=within), name
    for left, right in zip(one["losses"], other["losses"], strict=True):
        assert left == pytest.approx(right, rel=1e-6, abs=within)


def test_two_processes_train_points_as_one_does(tmp_path: Path) -> None:
    """The one example of training in several processes in the fast set: see `tests.slow`."""
    alone = train("gp", ALONE, tmp_path / "alone")
    for process in in_processes(2, tmp_path, train, "gp"):
        assert_equal(process, alone, 1e-9)


@pytest.mark.parametrize(("size", "case"), [(size, case) for size, cases in TRAINED.items() for case in cases])
def test_many_processes_train_what_one_would(done: Results, size: int, case: str) -> None:
    alone: Trained = done[1][0][f"trained {case}"]
    assert alone["step"] == len(alone["losses"]) == ROUNDS
    for process in done[size]:
        assert_equal(process[f"trained {case}"], alone, 1e-9)


@pytest.mark.parametrize(("size", "case"), [(size, case) for size, cases in TRAINED.items() for case in cases])
def test_all_processes_have_the_same_bits(done: Results, size: int, case: str) -> None:
    first, *others = (process[f"trained {case}"] for process in done[size])
    for other in others:
        assert all(torch.equal(tensor, other["state"][name]) for name, tensor in first["state"].items())
        assert first["losses"] == other["losses"]


@pytest.mark.parametrize("case", ["text", "gp"])
@pytest.mark.parametrize("size", [2, 3])
def test_first_gradients_are_those_of_the_whole_batch_in_single_precision(done: Results, size: int, case: str) -> None:
    alone, ours = done[1][0][f"gradients {case}"], done[size][0][f"gradients {case}"]
    whole = torch.cat([gradient.flatten() for gradient in alone])
    for one, other in zip(alone, ours, strict=True):
        assert (one - other).norm() <= 1e-5 * max(one.norm().item(), 1e-3 * whole.norm().item())


@pytest.mark.parametrize("size", [2, 3])
def test_samples_are_bitwise_those_of_one_process_in_all(done: Results, size: int) -> None:
    for process in done[size]:
        assert np.array_equal(process["samples"], done[1][0]["samples"])


def test_a_run_goes_on_in_any_number_of_processes(done: Results) -> None:
    # From 2 to 1 to 3 processes, against one process that never stopped.
    whole: Trained = done[1][0]["trained gp"]
    for process in done[3]:
        assert_equal(process["gone on"], {**whole, "losses": whole["losses"][LATER:]}, 1e-9)


def test_one_process_that_is_told_to_stop_stops_all_after_the_same_step(done: Results) -> None:
    assert done[1][0]["stop"] == 3
    # The word travels with the next step's gradients.
    assert [process["stop"] for size in (2, 3) for process in done[size]] == [4] * 5


def test_weights_that_differ_stop_all_at_the_next_check(done: Results) -> None:
    assert done[1][0]["differ"] == "nothing"
    assert [process["differ"] for size in (2, 3) for process in done[size]] == ["step 4"] * 5


def test_divergence_is_met_by_all_at_the_same_step(done: Results) -> None:
    said = {process["diverge"] for processes in done.values() for process in processes}
    assert len(said) == 1
    assert "at step" in said.pop()


def test_what_is_shared_gathered_and_summed(done: Results) -> None:
    for size, processes in done.items():
        for process in processes:
            assert process["shared"] == "of 0"
            assert process["gathered"] == [rank for rank in range(size) for _ in range(rank)]
        sums = [process["sums"] for process in processes]
        # A world of one does nothing; a sum is that of halves here.
        total = 0.5 * sum(1.0 + rank for rank in range(size)) if size > 1 else 1.0
        assert all(number.tolist() == [total] and ones.shape == (2, 1) for number, ones in sums)


def test_one_process_tells_of_an_error_and_no_other(done: Results) -> None:
    assert [sum(process["tells"] for process in processes) for processes in done.values()] == [1, 1, 1]


# Without other processes


@pytest.mark.parametrize(("count", "size"), [(13, 3), (3, 3), (64, 5), (1, 4), (0, 2)])
def test_slices_are_the_whole_each_thing_once(count: int, size: int) -> None:
    worlds = [ProcessGroup(rank, size) for rank in range(size)]
    slices = [range(count)[world.slice_of(count)] for world in worlds]
    assert [place for part in slices for place in part] == list(range(count))
    assert max(map(len, slices)) - min(map(len, slices)) <= 1
    if count:
        assert sum(world.share_of(count) for world in worlds) == pytest.approx(1)


def test_a_world_of_one_does_nothing() -> None:
    tensors = [torch.ones(2), torch.zeros(3)]
    assert all(one is other for one, other in zip(tensors, ALONE.average(tensors, 1.0), strict=True))
    assert [ALONE.any_rank(word, at_once=False) for word in (True, False)] == [True, False]
    assert ALONE.gather(lambda: [1, 2]) == [1, 2]
    assert ALONE.shared(lambda: 3) == 3
    assert ALONE.first
    ALONE.check_same(tensors, 1)
    ALONE.sync_initial(1, lambda: pytest.fail("asked for the state"))
    ALONE.leave()


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert join() is ALONE
    monkeypatch.setenv("WORLD_SIZE", "8")  # as other launchers set it, that tell nothing else
    assert join() is ALONE


def test_no_start_takes_the_name_of_an_earlier_one_that_left_its_notes_behind() -> None:
    store, names = HashStore(), set()  # torchrun keeps one over all restarts
    with ThreadPoolExecutor(3) as pool:
        for _ in range(5):
            # The first comes last, so that the others see what was offered before.
            started = [pool.submit(name_of_this_start, store, rank, 3) for rank in (2, 1)]
            time.sleep(0.05)
            own = name_of_this_start(store, 0, 3)
            assert [future.result(timeout=60) for future in started] == [own, own]
            names.add(own)
    assert len(names) == 5


def test_the_checksum_sees_every_bit_and_where_a_tensor_stands() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(50), torch.randn(3, 4, dtype=torch.float64).T
    other = one.clone()
    other[7] = torch.nextafter(other[7], torch.tensor(2.0))
    sums = {int(checksum(tensors)) for tensors in ([one, two], [other, two], [two, one], [one], [one, two[:2]])}
    assert len(sums) == 5
    assert checksum([one, two]) == checksum([one.clone(), two.contiguous()])


DIVIDED: dict[str, object] = {"training.batch_size": 8}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective.constraint": "gp-difference"}, "gp-difference"),
        ({"objective.constraint": "dragan", "objective.loss": "gan-ns"}, "dragan"),
        ({"generator.normalization": "batch"}, r"generator\.normalization"),
        (
            {"critic.normalization": "batch", "objective.constraint": "clip", "objective.penalty_weight": 0.0,
             "objective.clip": 0.1},
            r"critic\.normalization",
        ),
        ({"training.batch_size": 3, "objective.penalty_every": 1}, "3, and cannot be divided among 4 processes"),
        ({"training.batch_size": 7}, "7, with penalties at one in 2 of it, and cannot be divided among 4 processes"),
        ({"training.device": "mps"}, "mps"),
    ],
)  # fmt: skip
def test_what_cannot_be_divided_is_refused_with_the_reason(changes: dict[str, object], message: str) -> None:
    settings = config(**(DIVIDED | changes))
    with pytest.raises(ConfigError, match=message) as caught:
        check_divisible(settings, 4)
    assert caught.value.remedy
    check_divisible(settings, 1)
    check_divisible(config(**DIVIDED), 4)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_that_mixes_no_samples_is_the_mean_of_its_parts(name: str) -> None:
    constraint = CONSTRAINTS[name]
    objective = CriticObjective(loss=LOSSES["wgan"], constraint=constraint, weight=10.0)
    torch.manual_seed(0)
    critic = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1), torch.nn.Flatten(0))
    critic.double()
    real, fake, draws = (torch.randn(9, columns, dtype=torch.float64) for columns in (3, 3, 4))

    def gradients(here: slice) -> torch.Tensor:
        parts, _ = critic_gradients(
            critic, real[here], fake[here], lambda columns: draws[here, :columns].sigmoid(), objective
        )
        return torch.cat([part.flatten() for part in parts])

    parts = 4 / 9 * gradients(slice(0, 4)) + 5 / 9 * gradients(slice(4, 9))
    assert torch.allclose(gradients(slice(0, 9)), parts, atol=1e-12) != constraint.mixes_samples


@pytest.mark.parametrize("name", LOSSES)
def test_an_objective_is_the_mean_of_its_parts(name: str) -> None:
    loss = LOSSES[name]
    torch.manual_seed(0)
    real_B, fake_B = torch.randn(2, 9, dtype=torch.float64)

    def generator(real_B: torch.Tensor, fake_B: torch.Tensor) -> torch.Tensor:
        return loss.generator(real_B, fake_B) if loss.needs_real else loss.generator(fake_B)

    for whole in (loss.critic, generator):
        parts = 4 / 9 * whole(real_B[:4], fake_B[:4]) + 5 / 9 * whole(real_B[4:], fake_B[4:])
        assert torch.allclose(whole(real_B, fake_B), parts, atol=1e-12)
