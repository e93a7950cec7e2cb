"""Evaluations beside rounds: rounds do go on, and nothing comes out otherwise than without."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.errors import Diverged
from seqgan_wgp.training import overlap
from seqgan_wgp.training.distributed.process_group import ALONE
from seqgan_wgp.training.overlap import overlaps
from seqgan_wgp.training.record import Record
from seqgan_wgp.training.trainer import Trainer

from .problems import PointDomain

CPU, GPU = torch.device("cpu"), torch.device("cuda")
EVERY, AHEAD, STEPS = 10, 14, 20
PATIENT_SECONDS = 120.0


def config_of(overlapping: str, **changes: object) -> Config:
    settings = {
        "generator.latent": 8,
        "training.batch_size": 32,
        "training.steps": STEPS,
        "evaluation.every": EVERY,
        "evaluation.overlap": overlapping,
        "log.every": 3,
        "log.diagnostics": 0,
    }
    return override(recipe("fast"), settings | changes)


class WaitingDomain(PointDomain):
    """Its first score takes until rounds have gone on."""

    def __init__(self) -> None:
        super().__init__()
        self.gone_on = threading.Event()

    def score(self, samples: npt.NDArray[np.integer], *, half: str = "validation") -> dict[str, float]:
        assert self.gone_on.wait(PATIENT_SECONDS), "no round was done while this evaluation went on"
        return super().score(samples, half=half)


def overlapping_trainer(**changes: object) -> tuple[Trainer, Any]:
    """Return a trainer, and a `should_stop` that lets the evaluation end when round AHEAD is done."""
    domain = WaitingDomain()
    trainer = Trainer.from_config(domain, config_of("always", **changes), CPU)

    def watch() -> bool:
        if trainer.train_state.step >= AHEAD:
            domain.gone_on.set()
        return False

    return trainer, watch


def known(record: Record) -> dict[str, Any]:
    """What a record says, times aside."""
    facts = {name: getattr(record, name) for name in ("step", "learning_rates", "measures", "notes", "diagnosis")}
    samples = None if record.samples is None else record.samples.tolist()
    return {**facts, "losses": dict(record.losses), "samples": samples}


def copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def serial() -> tuple[list[dict[str, Any]], dict[int, dict[str, Tensor]]]:
    """The records of a run without overlap, and its state after each step."""
    trainer = Trainer.from_config(PointDomain(), config_of("never"), CPU)
    records, states = [], {}
    for record in trainer.run():
        records.append(known(record))
        states[record.step] = copied(trainer.state())
    return records, states


def test_rounds_go_on_and_records_and_state_are_the_same(
    serial: tuple[list[dict[str, Any]], dict[int, dict[str, Tensor]]],
) -> None:
    trainer, watch = overlapping_trainer()
    records, steps, seconds = [], [], []
    for record in trainer.run(watch):
        records.append(known(record))
        seconds.append(record.seconds)
        steps.append((record.step, trainer.step, trainer.train_state.step))
        if record.samples is not None:
            assert equal(trainer.state(), serial[1][record.step])
    assert records == serial[0]
    assert equal(trainer.state(), serial[1][STEPS])
    assert seconds == sorted(seconds)
    record_step, shown, done = steps[EVERY - 1]
    assert (record_step, shown) == (EVERY, EVERY)
    assert AHEAD <= done < STEPS


def test_an_evaluation_that_ends_the_run_leaves_it_as_it_was(
    serial: tuple[list[dict[str, Any]], dict[int, dict[str, Tensor]]],
) -> None:
    trainer, watch = overlapping_trainer()
    measured: list[int] = []
    steps = []
    for record in trainer.run(lambda: watch() or bool(measured)):
        steps.append(record.step)
        if record.samples is not None:
            assert trainer.train_state.step >= AHEAD
            measured.append(record.step)
    assert steps == list(range(1, EVERY + 1))
    assert trainer.step == trainer.train_state.step == EVERY
    assert equal(trainer.state(), serial[1][EVERY])
    # And from there it goes on as if it had never been ahead.
    assert [record.step for record in trainer.run()] == list(range(EVERY + 1, STEPS + 1))
    assert equal(trainer.state(), serial[1][STEPS])


def test_a_stop_that_is_asked_for_meanwhile_keeps_the_rounds_that_are_done() -> None:
    trainer, watch = overlapping_trainer()
    steps = [record.step for record in trainer.run(lambda: watch() or trainer.train_state.step >= AHEAD)]
    assert steps == list(range(1, AHEAD + 1))
    assert trainer.step == AHEAD


def test_what_ends_rounds_comes_behind_the_record_of_the_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, _ = overlapping_trainer()
    whole, seen = trainer.round, list[int]()

    def diverging() -> Any:
        if trainer.train_state.step == AHEAD:
            trainer.domain.gone_on.set()  # type: ignore[attr-defined]
            raise Diverged("critic_loss is nan", "lower it")
        return whole()

    monkeypatch.setattr(trainer, "round", diverging)
    with pytest.raises(Diverged):
        for record in trainer.run():
            seen.append(record.step)
    assert seen == list(range(1, AHEAD + 1))


def test_an_error_of_an_evaluation_is_that_of_the_run() -> None:
    class Failing(PointDomain):
        """Cannot score."""

        def score(self, samples: npt.NDArray[np.integer], *, half: str = "validation") -> dict[str, float]:
            raise OSError(f"no {half} half for {len(samples)} samples")

    with pytest.raises(OSError, match="no validation half"):
        for _ in Trainer.from_config(Failing(), config_of("always"), CPU).run():
            pass


def test_points_that_take_much_room_are_decoded_before_further_rounds(
    serial: tuple[list[dict[str, Any]], dict[int, dict[str, Tensor]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "HELD_BYTES", 0)
    trainer, watch = overlapping_trainer()
    assert [known(record) for record in trainer.run(watch)] == serial[0]


@pytest.mark.parametrize(
    ("asked", "precision", "device", "expected"),
    [
        ("auto", "float32", CPU, False),
        ("auto", "float32", GPU, True),
        ("always", "float32", CPU, True),
        ("never", "float32", GPU, False),
        ("auto", "tf32", GPU, False),
        ("always", "bf16", GPU, False),
        ("always", "bf16", CPU, True),
    ],
)
def test_evaluations_overlap_where_they_can(asked: str, precision: str, device: torch.device, expected: bool) -> None:
    config = config_of(asked, **{"training.precision": precision})
    assert overlaps(config, device, ALONE) is expected
