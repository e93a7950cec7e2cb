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
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..config import AdamSettings, Config
from ..errors import CheckpointError, Diverged, one_line
from ..randomness import Stream, choose_numpy, normal, shuffled, uniform
from .constraints import CONSTRAINTS
from .domain import Domain
from .losses import LOSSES
from .steps import Gradients, Rule, Staged, critic_step, generator_step, staged_critic_step

SMALL_CORPUS = 1_000
"""Below this many training items batches are drawn with replacement: an epoch would be only a few batches."""

BLOCK = 512
"""Latents that go through the generator together; see `generate`."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known after a step."""

    step: int
    seconds: float
    """Training time in all, over every interruption."""

    losses: dict[str, float] = field(default_factory=dict)
    """critic_loss, wasserstein, penalty, slope_mean, generator_loss, and the norms of the gradients."""

    measures: dict[str, float] = field(default_factory=dict)
    """The domain's measures of the samples; at evaluations only."""

    samples: npt.NDArray[np.integer] | None = None
    """Compact generated items of an evaluation."""

    def due(self, every: int) -> bool:
        """Say whether to keep the record: the first, that of an evaluation, or one at the cadence `every`, in steps."""
        return self.samples is not None or self.step == 1 or self.step % every == 0


def optimizer(settings: AdamSettings, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer that the settings name, over `parameters`."""
    return torch.optim.Adam(
        parameters,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=parameters[0].device.type in ("cpu", "cuda"),
    )


def latents(config: Config, stream: Stream, index_B: Tensor) -> Tensor:
    """Return the (B, Z) float32 latents of a stream at `index_B`: normal, or uniform in [-1, 1)."""
    settings, seed = config.generator, config.training.seed
    if settings.latent_distribution == "uniform":
        return 2 * uniform(seed, stream, index_B, settings.latent) - 1
    return normal(seed, stream, index_B, settings.latent)


@torch.inference_mode()
def generate(
    generator: nn.Module, latent: Callable[[Tensor], Tensor], start: int, count: int, device: torch.device
) -> Iterator[Tensor]:
    """Yield generated points number start .. start + count - 1, in order, a part of a block at a time.

    Blocks have a fixed size and place (item k is row k mod BLOCK of block k // BLOCK), since a kernel may round
    otherwise for another batch size: so item k is the same, bit for bit, whatever else is asked for.

    Args:
        generator: (B, Z) -> (B, ...).
        latent: item numbers (B,), int64 on the device -> (B, Z).
        start: number of the first item.
        count: how many.
        device: where the generator lives.
    """
    for block in range(start // BLOCK, math.ceil((start + count) / BLOCK)):
        index_B = torch.arange(block * BLOCK, (block + 1) * BLOCK, device=device)
        fake = generator(latent(index_B))
        yield fake[max(start - block * BLOCK, 0) : start + count - block * BLOCK]


class Trainer:
    """Two networks, two optimizers, a moving average and a step number.

    Args:
        domain: what is learnt.
        config: how.
        device: where; the domain's tensors must live there too.
    """

    def __init__(self, domain: Domain, config: Config, device: torch.device) -> None:
        self.domain, self.config, self.device = domain, config, device
        generator, critic = domain.form.networks(config)
        self.generator, self.critic = generator.to(device), critic.to(device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.generator_optimizer = optimizer(config.optimizer.generator, list(self.generator.parameters()))
        self.critic_optimizer = optimizer(config.optimizer.critic, list(self.critic.parameters()))
        self.loss = LOSSES[config.objective.loss]
        self.constraint = CONSTRAINTS[config.objective.constraint]
        self.step = 0
        self.seconds = 0.0

    @property
    def sampler(self) -> nn.Module:
        """The generator that samples come from: the moving average, or the latest weights if so configured."""
        return self.average if self.config.model.weights == "average" else self.generator

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
        """Go on to the configured steps or minutes, and yield a record after every step.

        Losses are there at every step, measures and samples at the evaluation cadence. Time counts
        from the first step on, with all that is done between steps.
        `should_stop` is asked after each step. Raises Diverged when a loss or a gradient is not finite.
        """
        began = time.perf_counter() - self.seconds
        while not (self.finished() or should_stop()):
            losses = self.round()
            samples = self.samples() if self.step % self.config.evaluation.every == 0 else None
            measures = {} if samples is None else self.domain.score(samples)
            self.seconds = time.perf_counter() - began
            yield Record(step=self.step, seconds=self.seconds, losses=losses, measures=measures, samples=samples)

    def finished(self) -> bool:
        """Say whether the configured steps or minutes are reached."""
        limit = self.config.training
        return (limit.steps is not None and self.step >= limit.steps) or (
            limit.minutes is not None and self.seconds >= 60 * limit.minutes
        )

    def round(self) -> dict[str, float]:
        """Do one step: n_critic critic steps, then one generator step. Return the losses as plain numbers."""
        settings = self.config.training
        measured = [self._critic_step(self.step * settings.critic_steps + k) for k in range(settings.critic_steps)]
        generator_loss, generator_norm = self._generator_step()
        self.step += 1
        self._update_average()
        critic_M = torch.stack(measured).mean(dim=0)
        # The only wait for the device in a round.
        values = torch.cat([critic_M, torch.stack([generator_loss, generator_norm])]).tolist()
        names = ("critic_loss", "wasserstein", "penalty", "slope_mean", "critic_gradient")
        numbers = dict(zip((*names, "generator_loss", "generator_gradient"), values, strict=True))
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} is {value} at step {self.step}",
                    "lower the learning rates of optimizer.critic and optimizer.generator, or constrain the critic",
                )
        return numbers

    def samples(self) -> npt.NDArray[np.integer]:
        """Return the compact items that an evaluation measures: always from the same latents."""
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

    def real(self, critic_step_number: int) -> Tensor:
        """Return the real batch of a critic step, counted over the whole run: compact items on the device."""
        seed, size = self.config.training.seed, self.domain.size
        draw_B = self._counters(critic_step_number)
        choose = choose_numpy if size < SMALL_CORPUS else shuffled
        return self.domain.ids(choose(seed, Stream.BATCH, draw_B, size))

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that the run needs to go on, by name; with `step` and `seconds` that is everything."""
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
        self.step, self.seconds = step, seconds

    def _critic_step(self, number: int) -> Tensor:
        index_B = torch.from_numpy(self._counters(number)).to(self.device)
        with torch.no_grad():
            fake = self.generator(latents(self.config, Stream.CRITIC_LATENT, index_B))
        epsilon_B = uniform(self.config.training.seed, Stream.EPSILON, index_B, 1)[:, 0]
        rule = Rule(loss=self.loss, constraint=self.constraint, weight=self.config.objective.weight)
        real = self.real(number)
        if isinstance(self.critic, Staged):
            gradients, numbers = staged_critic_step(self.critic, real, fake, epsilon_B, **rule)
        else:
            gradients, numbers = critic_step(self.critic, self.domain.form.embed(real), fake, epsilon_B, **rule)
        _apply(self.critic_optimizer, self.critic, gradients)
        measured = [numbers.loss, numbers.wasserstein, numbers.penalty, numbers.slope_mean, _norm(gradients)]
        return torch.stack(measured)

    def _generator_step(self) -> tuple[Tensor, Tensor]:
        index_B = torch.from_numpy(self._counters(self.step)).to(self.device)
        latent_BZ = latents(self.config, Stream.GENERATOR_LATENT, index_B)
        gradients, loss = generator_step(self.generator, self.critic, latent_BZ, loss=self.loss)
        _apply(self.generator_optimizer, self.generator, gradients)
        return loss, _norm(gradients)

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
        for kept, now in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            kept.copy_(now)  # running statistics, which are averages already

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "average": self.average, "critic": self.critic}

    def _optimizers(self) -> list[tuple[str, torch.optim.Optimizer, nn.Module]]:
        return [
            ("generator", self.generator_optimizer, self.generator),
            ("critic", self.critic_optimizer, self.critic),
        ]


def _apply(algorithm: torch.optim.Optimizer, module: nn.Module, gradients: Gradients) -> None:
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        # The fused optimizers read memory in order and silently misread a gradient that is a transposed view, as
        # `autograd.grad` returns for some weights (`.backward()` would have laid it out anew).
        parameter.grad = gradient.contiguous()
    algorithm.step()


def _norm(gradients: Gradients) -> Tensor:
    """Return the norm of all gradients together: not finite as soon as one number in them is not."""
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    return norm
