"""The loop: rounds of critic and generator steps. It yields records, prints nothing and writes nothing.

All noise is a function of (seed, stream, counter), so the state of a run is its tensors and its step number:
a trainer that loads them goes on as if it had never stopped, bit for bit.

Shape suffixes: B batch, Z latent.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..config import Config
from ..errors import CheckpointError, Diverged, one_line
from ..randomness import Stream, choose_numpy, normal, shuffled, uniform
from . import schedule
from .constraints import CONSTRAINTS
from .convolution import set_way
from .diagnosis import diagnose
from .domain import Domain, Items
from .losses import loss_of
from .optimizers import apply_gradients, gradient_norm, optimizer
from .pair import fresh_pair
from .record import Record
from .sampling import generate, latents, take_statistics
from .steps import Rule, Staged, critic_step, generator_step, staged_critic_step

SMALL_CORPUS = 1_000
"""Below this many training items batches are drawn with replacement: an epoch would be only a few batches."""

_CRITIC_LOSSES = ("critic_loss", "wasserstein", "penalty", "slope_mean", "critic_gradient")
_LOSSES = (*_CRITIC_LOSSES, "generator_loss", "generator_gradient")
"""Names of what a round measures, in the order in which its steps give it."""


class Trainer:
    """Two networks, two optimizers, a moving average and a step number.

    Args:
        domain: what is learnt.
        config: how.
        device: where; the domain's tensors must live there too.
    """

    def __init__(self, domain: Domain, config: Config, device: torch.device) -> None:
        self.domain, self.config, self.device = domain, config, device
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
        `should_stop` is asked after each step. Raises Diverged when a loss or a gradient is not finite.
        """
        began = time.perf_counter() - self.seconds
        while not (self.finished() or should_stop()):
            losses = self.round()
            looking = self.config.log.diagnostics
            diagnosis = diagnose(self) if looking and self.step % looking == 0 else {}
            samples = self.samples() if self.step % self.config.evaluation.every == 0 else None
            measures = {} if samples is None else self.domain.score(samples)
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
        return (limit.steps is not None and self.step >= limit.steps) or (
            limit.minutes is not None and self.seconds >= 60 * limit.minutes
        )

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
        """Return the compact items that an evaluation measures: always from the same latents."""
        self._settle()
        source = generate(
            self.sampler.eval(),
            lambda index_B: latents(self.config, Stream.SAMPLE_LATENT, index_B),
            0,
            self.domain.samples,
            self.device,
        )
        samples = np.concatenate([self.domain.form.decode(fake) for fake in source])
        self.generator.train()
        return samples

    @torch.no_grad()
    def fakes(self, stream: Stream, index_B: Tensor) -> Tensor:
        """Return what the latest generator makes of a stream's latents at `index_B`, points of critic space."""
        fake: Tensor = self.generator(latents(self.config, stream, index_B))
        return fake

    def real(self, critic_step_number: int) -> Tensor:
        """Return the real batch of a critic step, counted over the whole run: compact items on the device."""
        seed, size = self.config.training.seed, self.domain.size
        draw_B = self._counters(critic_step_number)
        choose = choose_numpy if size < SMALL_CORPUS else shuffled
        return self.domain.ids(choose(seed, Stream.BATCH, draw_B, size))

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that the run needs to go on, by name; with `step` and `seconds` that is everything."""
        self._settle()
        tensors: dict[str, Tensor] = {}
        for part, module in self._modules().items():
            tensors |= {f"{part}.{name}": value for name, value in module.state_dict().items()}
        for part, algorithm, module in self._optimizers():
            for name, parameter in module.named_parameters():
                for key, value in algorithm.state[parameter].items():
                    tensors[f"{part}.optimizer.{name}.{key}"] = value
        return tensors

    def load_state(self, tensors: dict[str, Tensor], *, step: int, seconds: float) -> None:
        """Take over what `state` gave. Raises CheckpointError when a tensor is missing or of another shape."""
        try:
            for part, module in self._modules().items():
                own = {name: tensors[f"{part}.{name}"] for name in module.state_dict()}
                module.load_state_dict(own)
            for part, algorithm, module in self._optimizers():
                for name, parameter in module.named_parameters():
                    prefix = f"{part}.optimizer.{name}."
                    # Copies, since tensors read from a file may lie at any address and kernels round by alignment.
                    algorithm.state[parameter] = {
                        key.removeprefix(prefix): value.to(self.device, copy=True)
                        for key, value in tensors.items()
                        if key.startswith(prefix)
                    }
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(f"the checkpoint does not fit the run's settings ({one_line(error)})") from None
        self.step, self.seconds, self._settled_step = step, seconds, None

    def _warm_up(self) -> None:
        """Train the critic alone: `warm_up` steps, or until its loss is as low as `warm_up_until`."""
        settings = self.config.training
        for k in range(settings.warm_up):
            loss = self.critic_step(schedule.warm_up_number(k))[0]
            if settings.warm_up_until is not None and loss.item() < settings.warm_up_until:
                return

    def critic_step(self, number: int) -> Tensor:
        """Change the critic once, with batch `number` of the whole run; return its part of _LOSSES."""
        index_B = torch.from_numpy(self._counters(number)).to(self.device)
        fake = self.fakes(Stream.CRITIC_LATENT, index_B)
        real = self.real(number)

        def draw(columns: int) -> Tensor:
            return uniform(self.config.training.seed, Stream.EPSILON, index_B, columns)

        with parametrize.cached():
            if self._noise_deviation() or self.rule.constraint.needs_points or not isinstance(self.critic, Staged):
                real = self._noised(self.domain.form.embed(real), Stream.REAL_NOISE, index_B)
                fake = self._noised(fake, Stream.FAKE_NOISE, index_B)
                gradients, numbers = critic_step(self.critic, real, fake, draw, self.rule)
            else:
                gradients, numbers = staged_critic_step(self.critic, real, fake, draw, self.rule)
        apply_gradients(self.critic_optimizer, self.critic, gradients)
        if self.rule.constraint.project is not None:
            assert self.config.objective.clip is not None
            self.rule.constraint.project(self.critic, self.config.objective.clip)
        measured = [numbers.loss, numbers.wasserstein, numbers.penalty, numbers.slope_mean, gradient_norm(gradients)]
        return torch.stack(measured)

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
        index_B = torch.from_numpy(self._counters(schedule.generator_step_number(self.step, k))).to(self.device)
        latent_BZ = latents(self.config, Stream.GENERATOR_LATENT, index_B)
        noise = self._noise(Stream.GENERATOR_NOISE, index_B) if self._noise_deviation() else None
        with parametrize.cached():
            gradients, loss = generator_step(self.generator, self.critic, latent_BZ, loss=self.rule.loss, noise=noise)
        apply_gradients(self.generator_optimizer, self.generator, gradients)
        return torch.stack([loss, gradient_norm(gradients)])

    def _noise_deviation(self) -> float:
        return schedule.noise_deviation(self.config.training, self.step)

    def _noise(self, stream: Stream, index_B: Tensor) -> Tensor:
        """Return the round's instance noise (B, ...)."""
        shape = self.domain.form.event_shape
        noise_BE = normal(self.config.training.seed, stream, index_B, math.prod(shape))
        return self._noise_deviation() * noise_BE.reshape(-1, *shape)

    def _noised(self, points: Tensor, stream: Stream, index_B: Tensor) -> Tensor:
        return points + self._noise(stream, index_B) if self._noise_deviation() else points

    def _counters(self, number: int) -> npt.NDArray[np.int64]:
        """Return the counters of batch `number` of any stream: its rows among all rows ever drawn."""
        size = self.config.training.batch_size
        return np.arange(number * size, (number + 1) * size)

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

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "average": self.average, "critic": self.critic}

    def _optimizers(self) -> list[tuple[str, torch.optim.Optimizer, nn.Module]]:
        return [
            ("generator", self.generator_optimizer, self.generator),
            ("critic", self.critic_optimizer, self.critic),
        ]
