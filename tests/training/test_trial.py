"""Trials of rounds: on items of every kind, by a clock that is given, and without a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import nn

from seqgan_wgp.config import Config
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.training.trial import ONE_OF_EACH, ROUNDS, WARM_UP_ROUNDS, RoundTimer, TrialData, TrialDomain

from .stand_ins import data_of, trainer_of

CPU = torch.device("cpu")


class Clock:
    """Goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def trial_of(trainer: Trainer, **changes: object) -> TrialData:
    given: dict[str, object] = {"spec": trainer.domain.spec, "size": 100, "samples": 20}
    return TrialData(**{**given, **changes})  # type: ignore[arg-type]


def timer_of(name: str, settings: Mapping[str, object] | None = None) -> tuple[RoundTimer, Trainer, list[torch.device]]:
    small, waited = trainer_of(name, settings), list[torch.device]()
    return RoundTimer(trial_of(small), small.config, CPU, clock=Clock(), wait=waited.append), small, waited


@pytest.mark.parametrize("name", ["fast", "causal", "mnist-gan", "toy"])
def test_rounds_of_every_kind_are_timed_by_the_clock_when_the_device_is_done(name: str) -> None:
    timer, _, waited = timer_of(name, {"corpus.length": 8} if name == "causal" else None)
    trainer = timer.trainer({**ONE_OF_EACH, "training.batch_size": 4})
    assert trainer.step == WARM_UP_ROUNDS
    assert trainer.train_state.batches.size == 4
    waited.clear()
    assert timer.seconds_of(trainer) == 1.0 / ROUNDS
    assert trainer.step == WARM_UP_ROUNDS + ROUNDS
    assert waited == [CPU] * 3
    assert timer.round_seconds({}) == 1.0 / ROUNDS


def test_an_evaluation_is_timed_in_its_two_parts() -> None:
    small, scored = trainer_of("fast"), list[int]()
    data = trial_of(small, score=lambda samples: scored.append(len(samples)))
    timer = RoundTimer(data, small.config, CPU, clock=Clock())
    assert timer.evaluation_seconds(timer.trainer({})) == (1.0, 1.0)
    assert scored == [20]


def test_rounds_are_tried_with_the_threads_and_these_are_put_back() -> None:
    timer, _, _ = timer_of("toy")
    seen: list[int] = []

    class Watched(TrialDomain):  # type: ignore[misc]
        """Notes the threads of each round."""

        def batch(self, indices_B: object) -> torch.Tensor:
            seen.append(torch.get_num_threads())
            return super().batch(indices_B)  # type: ignore[arg-type]

    trainer = timer.trainer({})
    before = torch.get_num_threads()
    trainer.train_state.batches.domain = Watched(timer._data, CPU)
    trainer.train_state.batches._first = -trainer.train_state.batches._ahead
    timer.seconds_of(trainer, before + 1)
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_what_does_not_fit_takes_for_ever() -> None:
    class Large:
        """A spec whose networks fit nowhere."""

        event_shape = (2,)

        def __init__(self, spec: object) -> None:
            self.decode: Callable[..., object] = spec.decode  # type: ignore[attr-defined]

        def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
            raise torch.OutOfMemoryError(f"no room for a width of {config.generator.width}")

    small = trainer_of("toy")
    timer = RoundTimer(trial_of(small, spec=Large(small.domain.spec)), small.config, CPU)
    assert timer.round_seconds({}) == math.inf


def test_items_are_those_of_the_kind_and_always_the_same() -> None:
    small = trainer_of("fast")
    one, two = (TrialDomain(trial_of(small), CPU) for _ in range(2))
    indices_B = torch.arange(0, 300, 7).numpy()
    assert torch.equal(one.batch(indices_B), two.batch(indices_B))
    real_BL = data_of(small.config, CPU).batch(indices_B)
    assert (one.batch(indices_B).shape, one.batch(indices_B).dtype) == (real_BL.shape, real_BL.dtype)
    assert small.domain.spec.embed(one.batch(indices_B)).shape == (len(indices_B), *small.domain.spec.event_shape)
