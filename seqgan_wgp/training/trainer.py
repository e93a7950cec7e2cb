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

from ..config import Config
from ..errors import Diverged, one_line
from ..nn.build import build_networks
from ..utils.counter_rng import Stream
from . import schedule
from .batches import Batches
from .diagnostics.collect import diagnose
from .distributed.process_group import ALONE, ProcessGroup
from .domain import Domain, Items
from .engines.compute import ENGINES, lowering, set_precision
from .engines.cuda_graph import GraphedRound, unsupported_reason
from .latents import BLOCK, generate, recalibrate_batchnorm, run_latents, training_latents
from .loop import ROUND_METRICS, average_decay, critic_step, one_round, update_average
from .losses import loss_of
from .optimizers import optimizer, set_rate
from .penalties import CONSTRAINTS
from .record import Losses, Record
from .state import load_tensors, tensors_of
from .steps import CriticObjective


class Trainer:
    """Two networks, two optimizers, a moving average and a step number.

    Args:
        domain: what is learnt.
        config: how.
        device: where; the domain's tensors must live there too.
        world: the processes that train together, each with a trainer of its own.
    """

    def __init__(self, domain: Domain, config: Config, device: torch.device, world: ProcessGroup = ALONE) -> None:
        self.domain, self.config, self.device, self.world = domain, config, device, world
        self.draws = Batches(domain, config, device, world)
        generator, critic = build_networks(domain.spec, config)
        self.generator, self.critic = generator.to(device), critic.to(device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.generator_optimizer = optimizer(config.optimizer.generator, self.generator)
        self.critic_optimizer = optimizer(config.optimizer.critic, self.critic)
        self.rule = CriticObjective(
            loss=loss_of(config.objective),
            constraint=CONSTRAINTS[config.objective.constraint],
            weight=config.objective.penalty_weight,
            thinning=schedule.thinning(config.objective, config.training.batch_size),
            first=world.slice_of(config.training.batch_size).start,
            size=config.training.batch_size,
            apart=config.critic.normalization == "batch",
        )
        set_precision(config.training.precision, device)
        engine = config.training.engine
        self.engine = ENGINES["eager" if engine in ("auto", "graph") else engine](
            self.generator, self.critic, self.rule, config
        )
        self.lower = lowering(config, self.critic)
        self.notes: list[str] = []
        self._told = False
        self.step = 0
        self.seconds = 0.0
        self._settled_step: int | None = None
        self._graphable = True
        self._graph: GraphedRound | None = None
        self._last = Losses((), torch.zeros(0))

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
        self.world.sync_initial(self.step, self.state)
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
                notes=self._news(),
            )

    def finished(self) -> bool:
        """Say whether the configured steps or minutes are reached."""
        limit = self.config.training
        return self._steps_done() or (limit.minutes is not None and self.seconds >= 60 * limit.minutes)

    def round(self) -> Losses:
        """Do one step: n_critic critic steps, then generator steps. Return the losses.

        The first round begins with the warm-up, if there is one.
        """
        self.set_rates()
        if self.step == 0:
            self._warm_up()
        graph = self._recorded()
        if graph is not None:
            measured = graph()
            self.step += 1
        else:
            measured = one_round(self, self.step)
            self.step += 1
            update_average(self, average_decay(self, self.step))
        self._last = Losses(ROUND_METRICS, measured)
        # The host waits for the device nowhere in a round, and looks at what it measured only where it is to be shown.
        if self.device.type == "cpu" or self.step % self.config.log.every == 0 or self._evaluates():
            self._check_finite()
        return self._last

    def samples(self) -> Items:
        """Return the compact items that an evaluation measures: always from the same latents, in every process."""
        self._settle()
        count = self.domain.samples
        blocks = self.world.slice_of(math.ceil(count / BLOCK))
        start, stop = blocks.start * BLOCK, min(blocks.stop * BLOCK, count)
        source = generate(
            self.sampler.eval(),
            lambda index_B: run_latents(self.config, Stream.SAMPLE_LATENT, index_B),
            start,
            stop - start,
            self.device,
        )
        parts = self.world.gather(lambda: [self.domain.spec.decode(fake) for fake in source])
        self.generator.train()
        return np.concatenate(parts)

    @torch.no_grad()
    def fakes(self, stream: Stream, index_B: Tensor) -> Tensor:
        """Return what the latest generator makes of a stream's latents at `index_B`, points of critic space."""
        fake: Tensor = self.generator(training_latents(self.generator, self.config, stream, index_B))
        return fake

    def real(self, critic_step_number: int) -> Tensor:
        """Return the real batch of a critic step, counted over the whole run: compact items on the device."""
        return self.draws.real(critic_step_number)

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that the run needs to go on, by name; with `step` and `seconds` that is everything."""
        self._settle()
        self._check_finite()
        return tensors_of(self._modules(), self._optimizers())

    def load_state(self, tensors: dict[str, Tensor], *, step: int, seconds: float) -> None:
        """Take over what `state` gave. Raises CheckpointError when a tensor is missing or of another shape."""
        load_tensors(self._modules(), self._optimizers(), tensors, self.device)
        self.step, self.seconds, self._settled_step = step, seconds, None
        self._graph = None  # it was recorded over other tensors
        self._last = Losses((), torch.zeros(0))

    def _over(self, should_stop: Callable[[], bool]) -> bool:
        """Say whether to stop, in all processes the same. The first one's clock counts."""
        if self._steps_done():
            return True
        # After an evaluation all wait for the first one, which measures; else words travel with the gradients.
        asked = should_stop() or (self.world.first and self.finished())
        return self.world.any_rank(asked, at_once=self._evaluates())

    def _steps_done(self) -> bool:
        limit = self.config.training.steps
        return limit is not None and self.step >= limit

    def _evaluates(self) -> bool:
        return self.step % self.config.evaluation.every == 0

    def _warm_up(self) -> None:
        """Train the critic alone: `warm_up` steps, or until its loss is as low as `warm_up_until`."""
        settings = self.config.training
        for k in range(settings.warm_up):
            loss = critic_step(self, schedule.warm_up_number(k))[0]
            if settings.warm_up_until is not None and loss.item() < settings.warm_up_until:
                return

    def critic_step(self, number: int) -> Tensor:
        """Change the critic once, with batch `number` of the whole run; return CRITIC_LOSSES of the whole batch."""
        return critic_step(self, number)

    def set_rates(self) -> None:
        """Give both optimizers the step sizes of the next round."""
        settings = self.config.optimizer
        set_rate(self.generator_optimizer, schedule.learning_rate(settings.generator, self.step))
        set_rate(self.critic_optimizer, schedule.learning_rate(settings.critic, self.step))

    def noise_deviation(self) -> float:
        """Return the standard deviation of this round's instance noise."""
        return schedule.noise_deviation(self.config.training, self.step)

    def _recorded(self) -> GraphedRound | None:
        """Return the round as a graph; None where it is done eagerly. Where a graph was asked for, note why not."""
        asked = self.config.training.engine
        if self._graph is None and self._graphable and asked in ("auto", "graph"):
            why = unsupported_reason(self)
            if why is None:
                try:
                    self._graph = GraphedRound(self)
                except RuntimeError as error:
                    why, asked = f"it cannot be recorded here ({one_line(error)[:200]})", "graph"
            self._graphable = why is None
            if why is not None and asked == "graph":
                self.notes.append(
                    f"training.engine is {self.config.training.engine}, but {why}: rounds are done eagerly"
                )
        return self._graph

    def _check_finite(self) -> None:
        for name, value in self._last.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} is {value} at step {self.step}",
                    "lower the learning rates of optimizer.critic and optimizer.generator, or constrain the critic",
                )

    def _news(self) -> tuple[str, ...]:
        """Return what has been noted since it was last asked for."""
        if self.engine.fell_back is not None and not self._told:
            self._told = True
            self.notes.append(
                f"training.engine is {self.config.training.engine}, but {self.engine.fell_back}; steps are eager ones"
            )
        news, self.notes = tuple(self.notes), []
        return news

    def _settle(self) -> None:
        """Give the averaged generator running statistics of its own; it does not matter when or how often."""
        if self._settled_step != self.step:
            recalibrate_batchnorm(self.average, self.config, self.device)
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
