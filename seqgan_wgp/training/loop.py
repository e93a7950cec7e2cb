"""The training loop: critic steps and generator steps, from batches to optimizer updates.

This is the outer part of Algorithm 1 of Gulrajani et al. 2017; steps.py has the inner part, the gradients. Read
`one_round`, `critic_step` and `generator_step` here beside `critic_gradients` and `generator_gradients` there.

A step's number determines everything that the step draws: real items, latents, epsilon and noise. The number may be a
tensor on the device; then a round makes no decision on the host, so a CUDA graph can record it once and replay it for
other numbers (engines/cuda_graph.py).

Shape suffixes: B batch, Z latent; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from ..nn.fast_conv.convolution import cache_weight_transform
from ..utils.counter_rng import Stream
from .optimizers import set_learning_rate
from .schedule import Number
from .state import TrainState
from .steps import Gradients, apply_gradients, generator_gradients

CRITIC_METRICS = ("critic_loss", "wasserstein", "penalty", "slope_mean", "critic_gradient")
GENERATOR_METRICS = ("generator_loss", "generator_gradient")
ROUND_METRICS = (*CRITIC_METRICS, *GENERATOR_METRICS)
"""Names of a round's metrics, in their order in a tensor."""


@dataclass(frozen=True)
class StepMetrics:
    """Metrics of one step over the whole batch: scalars on the device."""

    values: tuple[Tensor, ...]
    """For a critic step, all CRITIC_METRICS but the last; for a generator step, its loss."""

    gradients: Gradients
    """The gradients of the parameters, whose norm is the last metric."""


def one_round(state: TrainState, number: Number, reals: Sequence[Tensor] | None = None) -> Tensor:
    """Take the critic steps and the generator steps of a round; return ROUND_METRICS, each averaged over the steps.

    Gulrajani et al. 2017, Algorithm 1, lines 2 to 12. The caller updates the moving average and counts the rounds.

    Args:
        state: its networks and optimizers change in place.
        number: number of the round, from 0.
        reals: the real batches of the critic steps, compact items; None: look them up by their numbers.
    """
    of_critic = _StepsMetrics()
    with cache_weight_transform(state.generator):
        for k in range(state.config.training.critic_steps):
            step_number = state.schedule.critic_step_number(number, k)
            of_critic.append(critic_step(state, step_number, None if reals is None else reals[k]))
    real = _real_points(state, number, None if reals is None else reals[-1])
    return _round_metrics(of_critic, _generator_steps(state, number, real))


def critic_step(state: TrainState, number: Number, real: Tensor | None = None) -> StepMetrics:
    """Take one critic step; return its metrics.

    Gulrajani et al. 2017, Algorithm 1, lines 3 to 9.

    Args:
        state: its critic and the critic's optimizer change in place.
        number: number of the step over the whole run; it determines everything that is drawn.
        real: the real batch, compact items; None: batch `number` of the run.
    """
    batches, engine = state.batches, state.engine
    # Lines 4 and 5: sample real data x, latents z and epsilon; x~ = G(z).
    if real is None:
        assert not isinstance(number, Tensor)
        real = batches.real(number)
    with parametrize.cached():
        with torch.no_grad():
            fake = state.generator(batches.latents(Stream.CRITIC_LATENT, number, real))
        if not engine.takes_items:  # otherwise the critic's first layer looks compact items up by itself
            real = _noised(state, state.domain.spec.embed(real), Stream.REAL_NOISE, number)
            fake = _noised(state, fake, Stream.FAKE_NOISE, number)
        # Lines 6 to 8: x^ = epsilon x + (1 - epsilon) x~, and the gradients of loss + lambda * penalty (steps.py).
        gradients, metrics = engine.critic_gradients(real, fake, batches.epsilon(number))
    numbers = (metrics.loss, metrics.wasserstein, metrics.penalty, metrics.slope_mean)
    gradients, measured = _mean_over_group(state, gradients, numbers)
    # Line 9: the optimizer step. With objective.constraint=clip, weights are clipped after it: Arjovsky, Chintala and
    # Bottou 2017, Algorithm 1, line 7.
    apply_gradients(state.optimizers.critic, state.critic, gradients)
    if state.objective.constraint.project is not None:
        assert state.config.objective.clip is not None
        state.objective.constraint.project(state.critic, state.config.objective.clip)
    return StepMetrics(measured, gradients)


def generator_step(state: TrainState, number: Number, real: Tensor | None = None) -> StepMetrics:
    """Take one generator step; return its metrics.

    Gulrajani et al. 2017, Algorithm 1, lines 11 and 12.

    Args:
        state: its generator and the generator's optimizer change in place.
        number: number of the step; it determines everything that is drawn.
        real: real points of critic space, for a loss whose generator part uses real scores.
    """
    batches, noise_std = state.batches, state.schedule.noise_std(state.step)
    latent_BZ = batches.latents(Stream.GENERATOR_LATENT, number)
    noise = batches.noise(Stream.GENERATOR_NOISE, number, noise_std) if noise_std else None
    with parametrize.cached():
        gradients, loss = generator_gradients(
            state.generator,
            state.critic,
            latent_BZ,
            loss=state.objective.loss,
            noise=noise,
            real=real,
            autocast=state.autocast,
        )
    gradients, measured = _mean_over_group(state, gradients, (loss,))
    apply_gradients(state.optimizers.generator, state.generator, gradients)
    return StepMetrics(measured, gradients)


def _real_points(state: TrainState, round_: Number, real: Tensor | None) -> Tensor | None:
    """Return the real points of the round's last critic step if the generator's loss uses real scores, else None."""
    if not state.objective.loss.needs_real:
        return None
    step_number = state.schedule.critic_step_number(round_, state.config.training.critic_steps - 1)
    if real is None:
        assert not isinstance(step_number, Tensor)
        real = state.batches.real(step_number)
    return _noised(state, state.domain.spec.embed(real), Stream.REAL_NOISE, step_number)


def _generator_steps(state: TrainState, round_: Number, real: Tensor | None) -> _StepsMetrics:
    """Take the generator steps of a round; return their metrics."""
    settings, schedule = state.config.training, state.schedule
    count = schedule.generator_steps(state.step)
    done = _StepsMetrics()
    for k in range(count):
        done.append(generator_step(state, schedule.generator_step_number(round_, k), real))
    if settings.extra_steps_above is None:
        return done
    loss, rises = done.values[-1][0].item(), 0
    while loss > settings.extra_steps_above and rises < settings.extra_steps_max_rises:
        done.append(generator_step(state, schedule.generator_step_number(round_, len(done.values)), real))
        before, loss = loss, done.values[-1][0].item()
        rises += loss >= before
    return done


@final
class _StepsMetrics:
    """Metrics of a round's critic steps, or of its generator steps.

    Full gradients are kept for the last step only; the parameters hold on to these anyway. Earlier steps keep the norm
    of each parameter's gradient.
    """

    def __init__(self) -> None:
        self.values: list[tuple[Tensor, ...]] = []
        self.norms: list[tuple[Tensor, ...]] = []
        self.last: Gradients = ()

    def append(self, step: StepMetrics) -> None:
        if self.values:
            self.norms.append(tuple(torch._foreach_norm(self.last)))
        self.values.append(step.values)
        self.last = step.gradients


def _round_metrics(of_critic: _StepsMetrics, of_generator: _StepsMetrics) -> Tensor:
    """Return ROUND_METRICS, averaged over the steps of each network, with as few tensor operations as possible."""
    last = torch._foreach_norm([*of_critic.last, *of_generator.last])
    parts, critics, generators = len(of_critic.last), len(of_critic.values), len(of_generator.values)
    norms = [*of_critic.norms, last[:parts], *of_generator.norms, last[parts:]]
    totals = torch._foreach_norm(
        torch.split(torch.stack([each for step in norms for each in step]), list(map(len, norms)))
    )
    values = [*of_critic.values, *of_generator.values]
    table = torch.stack([value for step, total in zip(values, totals, strict=True) for value in (*step, total)])
    if critics == generators == 1:
        return table
    kinds = torch.split(table, [critics * len(CRITIC_METRICS), generators * len(GENERATOR_METRICS)])
    return torch.cat([kinds[0].view(critics, -1).mean(dim=0), kinds[1].view(generators, -1).mean(dim=0)])


def _mean_over_group(
    state: TrainState, gradients: Gradients, measured: tuple[Tensor, ...]
) -> tuple[Gradients, tuple[Tensor, ...]]:
    """Return the gradients and metrics of the whole batch, averaged over the processes; one process: unchanged."""
    if state.group.size == 1:
        return gradients, measured
    means = state.group.average([*gradients, *measured], state.batches.share)
    return means[: len(gradients)], means[len(gradients) :]


def _noised(state: TrainState, points: Tensor, stream: Stream, number: Number) -> Tensor:
    """Return points with instance noise added, if `training.noise` is set."""
    noise_std = state.schedule.noise_std(state.step)
    return points + state.batches.noise(stream, number, noise_std) if noise_std else points


def warm_up(state: TrainState) -> None:
    """Train the critic alone for `training.warm_up` steps, or until its loss is below `training.warm_up_until`."""
    settings = state.config.training
    for k in range(settings.warm_up):
        loss = critic_step(state, state.schedule.warm_up_number(k)).values[0]
        if settings.warm_up_until is not None and loss.item() < settings.warm_up_until:
            return


def set_rates(state: TrainState, round_: int) -> None:
    """Set the learning rates of both optimizers for a round."""
    for optimizer, rate in zip(state.optimizers, state.schedule.learning_rates(round_), strict=True):
        set_learning_rate(optimizer, rate)


def eager_round(state: TrainState) -> Tensor:
    """Run the next round and update the moving average; return the metrics. The caller counts the rounds."""
    measured = one_round(state, state.step)
    update_average(state, average_decay(state, state.step + 1))
    return measured


@torch.no_grad()
def update_average(state: TrainState, decay: float | Tensor) -> None:
    """Update the moving average of the generator's weights: average = decay * average + (1 - decay) * latest."""
    average: list[Tensor] = list(state.average.parameters())
    latest: list[Tensor] = list(state.generator.parameters())
    if isinstance(decay, Tensor):
        torch._foreach_lerp_(average, latest, [1 - decay] * len(average))
    else:
        torch._foreach_lerp_(average, latest, 1 - decay)


def average_decay(state: TrainState, step: int) -> float:
    """Return the decay of the moving average in a round, counted from 1: min(decay, step / (step + 10)).

    The decay is smaller at first; otherwise the initial weights would dominate for 1 / (1 - decay) rounds.
    """
    return min(state.config.averaging.decay, step / (step + 10))
