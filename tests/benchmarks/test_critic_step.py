"""Both loops that the benchmark of the critic step compares: on any device, with all their data there."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import pytest
import torch

from benchmarks import critic_step
from benchmarks.critic_step import Ids, Ours, Published, in_turns, seconds

B, WIDTH, L, CRITIC_STEPS = 4, 8, 6, 2
ELSEWHERE = torch.device("meta")
"""A device that every machine has and that, like a GPU, refuses tensors of the host."""


def both(device: torch.device) -> tuple[Ours, Published]:
    options = argparse.Namespace(critic_steps=CRITIC_STEPS, precision="float32", device=str(device))
    ids = Ids(L, device)
    # The settings name a device that people may ask for; the trainer is told which one it is.
    options.device = "cpu"
    settings = critic_step.config(B, WIDTH, L, "eager", options)
    return Ours(settings, ids), Published(B, WIDTH, L, CRITIC_STEPS, ids)


@pytest.mark.parametrize("loop", ["ours", "published"])
@pytest.mark.parametrize("act", ["step", "round"])
def test_a_loop_needs_nothing_but_its_device(loop: str, act: str) -> None:
    ours, published = both(ELSEWHERE)
    acts: dict[str, Callable[[], None]] = {
        "ours step": ours.step,
        "ours round": ours.bare,
        "published step": published.step,
        "published round": published.round,
    }
    acts[f"{loop} {act}"]()


def test_both_loops_find_their_data_on_the_device() -> None:
    ours, published = both(ELSEWHERE)
    ids = ours.trainer.domain
    assert isinstance(ids, Ids)
    assert ids.ids_NL.device == published.ids_NL.device == ELSEWHERE
    assert ids.batch(np.arange(B)).device == ELSEWHERE


def test_both_loops_learn_from_the_same_ids() -> None:
    ours, published = both(torch.device("cpu"))
    rows = np.array([3, 0, 19_999])
    assert torch.equal(ours.trainer.domain.batch(rows).long(), published.ids_NL[torch.from_numpy(rows)])


def test_a_critic_step_and_a_round_change_the_networks_that_they_should() -> None:
    _, published = both(torch.device("cpu"))
    networks = (published.critic, published.generator)

    def weights() -> list[torch.Tensor]:
        return [torch.cat([p.detach().flatten() for p in network.parameters()]) for network in networks]

    first = weights()
    published.step()
    second = weights()
    published.round()
    third = weights()
    changed = [
        [not torch.equal(a, b) for a, b in zip(*pair, strict=True)] for pair in ((first, second), (second, third))
    ]
    assert changed == [[True, False], [True, True]]


def test_times_are_taken_from_idle_to_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: done.append(f"wait for {device}"))
    gpu = torch.device("cuda", 0)
    in_turns(lambda: done.append("ours"), lambda: done.append("published"), 1, gpu)
    wait = "wait for cuda:0"
    assert done == [wait, "ours", wait, wait, "published", wait] * (critic_step.WARM_UP + 1)
    done.clear()
    assert seconds(lambda: done.append("act"), torch.device("cpu")) >= 0
    assert done == ["act"]
