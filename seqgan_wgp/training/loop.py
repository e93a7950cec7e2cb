"""What a round does: critic steps and generator steps with their draws, optimizers and the moving average.

A step's draws follow from its number, which may be a tensor: then all that a round does is done on the device, and can
be recorded once and done again for other numbers (graph.py).

Shape suffixes: B batch, Z latent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from ..nn.fast_conv.convolution import cache_weight_transform
from ..utils.counter_rng import Stream
from . import schedule
from .latents import training_latents
from .optimizers import apply_gradients, gradient_norm
from .schedule import Number
from .steps import Gradients, generator_step

if TYPE_CHECKING:
    from .trainer import Trainer

CRITIC_METRICS = ("critic_loss", "wasserstein", "penalty", "slope_mean", "critic_gradient")
ROUND_METRICS = (*CRITIC_METRICS, "generator_loss", "generator_gradient")
"""Names of what a round measures, in the order in which its steps give it."""


def one_round(trainer: Trainer, number: Number, reals: Sequence[Tensor] | None = None) -> Tensor:
    """Do the critic steps and the generator steps of round `number`; return LOSSES, means over its steps.

    Args:
        trainer: whose networks change.
        number: of the round, from 0.
        reals: the real batches of its critic steps; None: they are looked up.
    """
    settings = trainer.config.training
    measured = []
    with cache_weight_transform(trainer.generator):
        for k in range(settings.critic_steps):
            at = schedule.critic_step_number(settings, number, k)
            measured.append(critic_step(trainer, at, None if reals is None else reals[k]))
    real = _real_points(trainer, number, None if reals is None else reals[-1])
    generated = _generator_steps(trainer, number, real)
    return torch.cat([torch.stack(measured).mean(dim=0), torch.stack(generated).mean(dim=0)])


def critic_step(trainer: Trainer, number: Number, real: Tensor | None = None) -> Tensor:
    """Change the critic once, with batch `number` of the whole run; return CRITIC_LOSSES of the whole batch."""
    draws, engine = trainer.draws, trainer.engine
    if real is None:
        assert not isinstance(number, Tensor)
        real = draws.real(number)
    with parametrize.cached():
        fake = trainer.fakes(Stream.CRITIC_LATENT, draws.index(number))
        if not engine.takes_items:
            real = _noised(trainer, trainer.domain.spec.embed(real), Stream.REAL_NOISE, number)
            fake = _noised(trainer, fake, Stream.FAKE_NOISE, number)
        gradients, numbers = engine.critic(real, fake, draws.epsilon(number))
    measured = torch.stack([numbers.loss, numbers.wasserstein, numbers.penalty, numbers.slope_mean])
    gradients, measured = _of_all(trainer, gradients, measured)
    apply_gradients(trainer.critic_optimizer, trainer.critic, gradients)
    if trainer.rule.constraint.project is not None:
        assert trainer.config.objective.clip is not None
        trainer.rule.constraint.project(trainer.critic, trainer.config.objective.clip)
    return torch.cat([measured, gradient_norm(gradients)[None]])


def _real_points(trainer: Trainer, round_: Number, real: Tensor | None) -> Tensor | None:
    """Return the points of the round's last critic step, for a loss that shows the generator real scores; else None."""
    if not trainer.rule.loss.needs_real:
        return None
    settings = trainer.config.training
    at = schedule.critic_step_number(settings, round_, settings.critic_steps - 1)
    if real is None:
        assert not isinstance(at, Tensor)
        real = trainer.draws.real(at)
    return _noised(trainer, trainer.domain.spec.embed(real), Stream.REAL_NOISE, at)


def _generator_steps(trainer: Trainer, round_: Number, real: Tensor | None) -> list[Tensor]:
    """Change the generator as often as the round's turn has it; return loss and norm of the gradient of each."""
    settings = trainer.config.training
    count = schedule.generator_steps(settings, trainer.step)
    done = [_generator_step(trainer, schedule.generator_step_number(round_, k), real) for k in range(count)]
    if settings.extra_steps_above is None:
        return done
    loss, rises = done[-1][0].item(), 0
    while loss > settings.extra_steps_above and rises < settings.extra_steps_max_rises:
        done.append(_generator_step(trainer, schedule.generator_step_number(round_, len(done)), real))
        before, loss = loss, done[-1][0].item()
        rises += loss >= before
    return done


def _generator_step(trainer: Trainer, number: Number, real: Tensor | None) -> Tensor:
    draws, deviation = trainer.draws, trainer.noise_deviation()
    latent_BZ = training_latents(trainer.generator, trainer.config, Stream.GENERATOR_LATENT, draws.index(number))
    noise = draws.noise(Stream.GENERATOR_NOISE, number, deviation) if deviation else None
    with parametrize.cached():
        gradients, loss = generator_step(
            trainer.generator,
            trainer.critic,
            latent_BZ,
            loss=trainer.rule.loss,
            noise=noise,
            real=real,
            lower=trainer.lower,
        )
    gradients, loss_1 = _of_all(trainer, gradients, loss[None])
    apply_gradients(trainer.generator_optimizer, trainer.generator, gradients)
    return torch.cat([loss_1, gradient_norm(gradients)[None]])


def _of_all(trainer: Trainer, gradients: Gradients, measured: Tensor) -> tuple[Gradients, Tensor]:
    """Return a step's gradients and what it measured, of the whole batch, from those of every process's part."""
    *means, measured = trainer.world.average([*gradients, measured], trainer.draws.share)
    return tuple(means), measured


def _noised(trainer: Trainer, points: Tensor, stream: Stream, number: Number) -> Tensor:
    deviation = trainer.noise_deviation()
    return points + trainer.draws.noise(stream, number, deviation) if deviation else points


@torch.no_grad()
def update_average(trainer: Trainer, remembered: float | Tensor) -> None:
    """Move the average towards the latest generator, `remembered` of it staying."""
    average: list[Tensor] = list(trainer.average.parameters())
    latest: list[Tensor] = list(trainer.generator.parameters())
    if isinstance(remembered, Tensor):
        torch._foreach_lerp_(average, latest, [1 - remembered] * len(average))
    else:
        torch._foreach_lerp_(average, latest, 1 - remembered)


def average_decay(trainer: Trainer, step: int) -> float:
    """Return the share of the average that stays in a step.

    Early on it forgets faster, or it would remember the first weights for 1 / (1 - decay) steps.
    """
    return min(trainer.config.averaging.decay, step / (step + 10))
