"""The loop: rounds of critic and generator steps. It yields records, prints nothing and writes nothing.

All noise is a function of (seed, stream, counter), so the state of a run is its tensors and its step number:
a trainer that loads them goes on as if it had never stopped, bit for bit. So any number of processes trains one run.

Shape suffixes: B batch, Z latent.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..config import Config
from ..errors import Diverged
from ..randomness import Stream
from . import schedule
from .constraints import CONSTRAINTS
from .convolution import set_way
from .diagnosis import diagnose
from .distributed import ALONE, World
from .domain import Domain, Items
from .draws import Draws
from .losses import loss_of
from .optimizers import apply_gradients, gradient_norm, optimizer
from .pair import fresh_pair
from .record import Record
from .sampling import BLOCK, generate, latents, take_statistics
from .state import load_tensors, tensors_of
from .steps import Gradients, Rule, Staged, critic_step, generator_step, staged_critic_step

_CRITIC_LOSSES = ("critic_loss", "wasserstein", "penalty", "slope_mean", "critic_gradient")
_LOSSES = (*_CRITIC_LOSSES, "generator_loss", "generator_gradient")
"""Names of what a round measures, in the order in which its steps give it."""


class Trainer:
    """Two networks, two optimizers, a moving average and a step number.

    Args:
        domain: what is learnt.
        config: how.
        device: where; the domain's tensors must live there too.
        world: the processes that train together, each with a trainer of its own.
    """

    def __init__(self, domain: Domain, config: Config, device: torch.device, world: World = ALONE) -> None:
        self.domain, self.config, self.device, self.world = domain, config, device, world
        self.draws = Draws(domain, config, device, world)
        generator, critic = fresh_pair(domain.form, config)
        self.generator, self.critic = generator.to(device), critic.to(device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        for network in (self.generator, self.critic):
            set_way(network, config.training.convolution)
        self.generator_optimizer = optimizer(config.optimizer.generator, self.generator)
        self.critic_optimizer = optimizer(config.optimizer.critic, self.critic)
        self.rule = Rule(
            loss=loss_of(config.objective),
            constraint=CONSTRAINTS[config.objective.constraint],
            weight=config.objective.weight,
            apart=config.critic.normalization == "batch",
        )
        self.step = 0
        self.seconds = 0.0
        self._settled_step: int | None = None

    @property
    def sampler(self) -> nn.Module:
        """The generator that samples come from: the moving average, or the latest weights if so configured."""
        return self.average if self.config.model.weights == "average" else self.generator

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
        """Go on to the configured steps or minutes, and yield a record after every step.

        Losses are there at every step, measures and samples at the evaluation cadence, diagnoses at theirs. Time counts
        from the first step on, with all that is done between steps.

        Of many processes all yield records, and the first alone measures and diagnoses; they end after the same step.

        Args:
            should_stop: asked after each step, in every process; one that says so stops all.

        Raises:
            Diverged: a loss or a gradient is not finite.
            WorldError: another process has ended, or has other weights.
        """
        began, log = time.perf_counter() - self.seconds, self.config.log
        self.world.meet(self.step, self.state)
        while not self._over(should_stop):
            losses = self.round()
            if self.step % log.every == 0:
                self.world.check_same(self._weights(), self.step)
            looking = self.world.first and log.diagnostics and self.step % log.diagnostics == 0
            diagnosis = diagnose(self) if looking else {}
            samples = self.samples() if self._evaluates() else None
            measures = {} if samples is None or not self.world.first else self.domain.score(samples)
            self.seconds = time.perf_counter() - began
            yield Record(
                step=self.step,
                seconds=self.seconds,
                losses=losses,
                measures=measures,
                samples=samples,
                diagnosis=diagnosis,
            )

    def finished(self) -> bool:
        """Say whether the configured steps or minutes are reached."""
        limit = self.config.training
        return self._steps_done() or (limit.minutes is not None and self.seconds >= 60 * limit.minutes)

    def round(self) -> dict[str, float]:
        """Do one step: n_critic critic steps, then generator steps. Return the losses as plain numbers.

        The first round begins with the warm-up, if there is one.
        """
        settings = self.config.training
        if self.step == 0:
            self._warm_up()
        measured = [
            self.critic_step(schedule.critic_step_number(settings, self.step, k)) for k in range(settings.critic_steps)
        ]
        generated = self._generator_steps()
        self.step += 1
        self._update_average()
        critic_M = torch.stack(measured).mean(dim=0)
        # The only wait for the device in a round.
        values = torch.cat([critic_M, torch.stack(generated).mean(dim=0)]).tolist()
        numbers = dict(zip(_LOSSES, values, strict=True))
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} is {value} at step {self.step}",
                    "lower the learning rates of optimizer.critic and optimizer.generator, or constrain the critic",
                )
        return numbers

    def samples(self) -> Items:
        """Return the compact items that an evaluation measures: always from the same latents, in every process."""
        self._settle()
        count = self.domain.samples
        blocks = self.world.slice_of(math.ceil(count / BLOCK))
        start, stop = blocks.start * BLOCK, min(blocks.stop * BLOCK, count)
        source = generate(
            self.sampler.eval(),
            lambda index_B: latents(self.config, Stream.SAMPLE_LATENT, index_B),
            start,
            stop - start,
            self.device,
        )
        parts = self.world.gather(lambda: [self.domain.form.decode(fake) for fake in source])
        self.generator.train()
        return np.concatenate(parts)

    @torch.no_grad()
    def fakes(self, stream: Stream, index_B: Tensor) -> Tensor:
        """Return what the latest generator makes of a stream's latents at `index_B`, points of critic space."""
        fake: Tensor = self.generator(latents(self.config, stream, index_B))
        return fake

    def real(self, critic_step_number: int) -> Tensor:
        """Return the real batch of a critic step, counted over the whole run: compact items on the device."""
        return self.draws.real(critic_step_number)

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that the run needs to go on, by name; with `step` and `seconds` that is everything."""
        self._settle()
        return tensors_of(self._modules(), self._optimizers())

    def load_state(self, tensors: dict[str, Tensor], *, step: int, seconds: float) -> None:
        """Take over what `state` gave. Raises CheckpointError when a tensor is missing or of another shape."""
        load_tensors(self._modules(), self._optimizers(), tensors, self.device)
        self.step, self.seconds, self._settled_step = step, seconds, None

    def _over(self, should_stop: Callable[[], bool]) -> bool:
        """Say whether to stop, in all processes the same. The first one's clock counts."""
        if self._steps_done():
            return True
        # After an evaluation all wait for the first one, which measures; else words travel with the gradients.
        asked = should_stop() or (self.world.first and self.finished())
        return self.world.agree(asked, at_once=self._evaluates())

    def _steps_done(self) -> bool:
        limit = self.config.training.steps
        return limit is not None and self.step >= limit

    def _evaluates(self) -> bool:
        return self.step % self.config.evaluation.every == 0

    def _warm_up(self) -> None:
        """Train the critic alone: `warm_up` steps, or until its loss is as low as `warm_up_until`."""
        settings = self.config.training
        for k in range(settings.warm_up):
            loss = self.critic_step(schedule.warm_up_number(k))[0]
            if settings.warm_up_until is not None and loss.item() < settings.warm_up_until:
                return

    def critic_step(self, number: int) -> Tensor:
        """Change the critic once, with batch `number` of the whole run; return _CRITIC_LOSSES of the whole batch."""
        fake = self.fakes(Stream.CRITIC_LATENT, self.draws.index(number))
        real, epsilon = self.real(number), self.draws.epsilon(number)
        with parametrize.cached():
            if self._noise_deviation() or self.rule.constraint.needs_points or not isinstance(self.critic, Staged):
                real = self._noised(self.domain.form.embed(real), Stream.REAL_NOISE, number)
                fake = self._noised(fake, Stream.FAKE_NOISE, number)
                gradients, numbers = critic_step(self.critic, real, fake, epsilon, self.rule)
            else:
                gradients, numbers = staged_critic_step(self.critic, real, fake, epsilon, self.rule)
        measured = torch.stack([numbers.loss, numbers.wasserstein, numbers.penalty, numbers.slope_mean])
        gradients, measured = self._of_all(gradients, measured)
        apply_gradients(self.critic_optimizer, self.critic, gradients)
        if self.rule.constraint.project is not None:
            assert self.config.objective.clip is not None
            self.rule.constraint.project(self.critic, self.config.objective.clip)
        return torch.cat([measured, gradient_norm(gradients)[None]])

    def _generator_steps(self) -> list[Tensor]:
        """Change the generator as often as the round's turn has it; return loss and norm of the gradient of each."""
        settings = self.config.training
        done = [self._generator_step(k) for k in range(schedule.generator_steps(settings, self.step))]
        if settings.repeat_above is None:
            return done
        loss, rises = done[-1][0].item(), 0
        while loss > settings.repeat_above and rises < settings.repeat_rises:
            done.append(self._generator_step(len(done)))
            before, loss = loss, done[-1][0].item()
            rises += loss >= before
        return done

    def _generator_step(self, k: int) -> Tensor:
        number, deviation = schedule.generator_step_number(self.step, k), self._noise_deviation()
        latent_BZ = latents(self.config, Stream.GENERATOR_LATENT, self.draws.index(number))
        noise = self.draws.noise(Stream.GENERATOR_NOISE, number, deviation) if deviation else None
        with parametrize.cached():
            gradients, loss = generator_step(self.generator, self.critic, latent_BZ, loss=self.rule.loss, noise=noise)
        gradients, loss_1 = self._of_all(gradients, loss[None])
        apply_gradients(self.generator_optimizer, self.generator, gradients)
        return torch.cat([loss_1, gradient_norm(gradients)[None]])

    def _of_all(self, gradients: Gradients, measured: Tensor) -> tuple[Gradients, Tensor]:
        """Return a step's gradients and what it measured, of the whole batch, from those of every process's part."""
        *means, measured = self.world.average([*gradients, measured], self.draws.share)
        return tuple(means), measured

    def _noise_deviation(self) -> float:
        return schedule.noise_deviation(self.config.training, self.step)

    def _noised(self, points: Tensor, stream: Stream, number: int) -> Tensor:
        deviation = self._noise_deviation()
        return points + self.draws.noise(stream, number, deviation) if deviation else points

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average forgets faster, or it would remember the first weights for 1 / (1 - decay) steps.
        decay = min(self.config.averaging.decay, self.step / (self.step + 10))
        average: list[Tensor] = list(self.average.parameters())
        latest: list[Tensor] = list(self.generator.parameters())
        torch._foreach_lerp_(average, latest, 1 - decay)

    def _settle(self) -> None:
        """Give the averaged generator running statistics of its own; it does not matter when or how often."""
        if self._settled_step != self.step:
            take_statistics(self.average, self.config, self.device)
            self._settled_step = self.step

    def _weights(self) -> Iterator[Tensor]:
        return (tensor for module in self._modules().values() for tensor in module.state_dict().values())

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "average": self.average, "critic": self.critic}

    def _optimizers(self) -> list[tuple[str, torch.optim.Optimizer, nn.Module]]:
        return [
            ("generator", self.generator_optimizer, self.generator),
            ("critic", self.critic_optimizer, self.critic),
        ]
