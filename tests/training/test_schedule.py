"""The schedule is a pure function of settings and round, and no two steps draw the same numbers."""

from __future__ import annotations

import dataclasses

import pytest

from seqgan_wgp.config import recipe
from seqgan_wgp.config.schema import AlgorithmSettings, OptimizerSettings, TrainingSettings
from seqgan_wgp.training.penalties import CONSTRAINTS
from seqgan_wgp.training.schedule import (
    Schedule,
    learning_rate,
    noise_std,
    penalty_every,
)


def settings(**changes: object) -> TrainingSettings:
    return dataclasses.replace(recipe("fast").training, **changes)  # type: ignore[arg-type]


def schedule(**changes: object) -> Schedule:
    return Schedule(training=settings(**changes), optimizer=recipe("fast").optimizer)


def test_generator_steps_grow_by_so_many_after_each_period() -> None:
    growing = schedule(generator_steps=7, generator_steps_more=5, generator_steps_period=500)
    for round_ in (0, 1, 499, 500, 999, 1000, 12_345):
        assert growing.generator_steps(round_) == 7 + 5 * (round_ // 500)
    assert [schedule().generator_steps(round_) for round_ in (0, 1, 10**6)] == [1, 1, 1]


def test_no_step_draws_what_another_draws() -> None:
    plan = schedule(critic_steps=3)
    critic = [plan.critic_step_number(round_, k) for round_ in range(50) for k in range(3)]
    assert critic == list(range(150))  # and so an epoch is walked through without a gap
    assert len({*critic, *(plan.warm_up_number(k) for k in range(500))}) == 650
    generator = [plan.generator_step_number(round_, k) for round_ in range(50) for k in range(20)]
    assert len(set(generator)) == 1000
    assert [plan.generator_step_number(round_, 0) for round_ in range(5)] == list(range(5))


@pytest.mark.parametrize("batch_size", [1, 1_048_576])
def test_the_counters_of_the_last_number_fit_into_64_bits(batch_size: int) -> None:
    assert (schedule().warm_up_number(1_000_000) + 1) * batch_size < 2**63
    assert (schedule().generator_step_number(10**8, 10_000) + 1) * batch_size < 2**63


def test_noise_goes_to_0_on_a_line_or_stays() -> None:
    fading = settings(noise=0.5, noise_steps=100)
    assert [noise_std(fading, round_) for round_ in (0, 50, 100, 1000)] == [0.5, 0.25, 0, 0]
    assert [noise_std(settings(noise=0.5), round_) for round_ in (0, 10**6)] == [0.5, 0.5]
    assert noise_std(settings(), 0) == 0
    assert schedule(noise=0.5, noise_steps=100).noise_std(50) == 0.25


def test_rates_fall_with_the_root_of_the_rounds_or_stay() -> None:
    falling = AlgorithmSettings(learning_rate=0.5, lr_decay_steps=100)
    assert [learning_rate(falling, round_) for round_ in (0, 300, 2_400)] == pytest.approx([0.5, 0.25, 0.1])
    assert learning_rate(dataclasses.replace(falling, lr_decay_steps=0), 10**6) == 0.5
    generator, critic = (AlgorithmSettings(learning_rate=rate, lr_decay_steps=100) for rate in (0.5, 2.0))
    both = Schedule(training=settings(), optimizer=OptimizerSettings(generator=generator, critic=critic))
    assert both.learning_rates(300) == pytest.approx((0.25, 1.0))


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_the_penalty_is_at_every_second_sample_by_default_where_it_may_be(constraint: str) -> None:
    objective = dataclasses.replace(recipe("fast").objective, constraint=constraint)
    assert penalty_every(objective, 64) == (2 if constraint in ("gp", "lp", "gp-segment", "r1", "r1r2") else 1)
    assert penalty_every(objective, 1) == 1
    assert penalty_every(dataclasses.replace(objective, penalty_every=3), 64) == 3
