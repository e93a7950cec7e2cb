"""Why the original GAN losses fail: the gradient of a fixed generator while its critic is trained.

Arjovsky and Bottou 2017, "Towards Principled Methods for Training Generative Adversarial Networks": with log(1 - D)
it vanishes (theorem 2.4, figure 2), with -log D its variance grows (theorem 2.6, figure 3), and noise on the
discriminator's inputs prevents both while it is present (section 3).

Shape suffixes: B batch, W weights of the generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config.schema import GeneratorSettings, TrainingSettings
from ..nn.initialization import initialize
from ..toy.distributions import DISTRIBUTIONS, Indices
from ..toy.networks import PointPerceptronGenerator
from ..training.losses import LOSSES
from ..training.schedule import noise_std
from ..training.steps import generator_gradients
from ..utils.counter_rng import Stream, normal, uniform
from . import js_identity
from .critics import (
    HELD_OUT,
    Pairs,
    ShowProgress,
    Training,
    adam,
    critic_objective,
    perceptron,
    share_of,
    train_critic,
)
from .js_identity import Identity

STEPS = 2_000
NOISE = 0.5
"""Standard deviation of the instance noise per coordinate; the modes are 0.77 apart."""

_BATCH, _BATCHES = 128, 16
_LATENT = 1
"""Latent dimension. With 1, generated points lie on a curve, a set of measure 0 (lemma 1)."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A critic, and the noise added to its inputs."""

    loss: str
    constraint: str = "none"
    weight: float = 0.0
    noise: float = 0.0
    anneals: bool = False
    """Whether the noise falls to 0 during training."""


CASES: dict[str, Case] = {
    "discriminator": Case(loss="gan"),
    "with noise": Case(loss="gan", noise=NOISE),
    "with fading noise": Case(loss="gan", noise=NOISE, anneals=True),
    "WGAN-GP critic": Case(loss="wgan", constraint="gp", weight=1.0),
}
OBJECTIVES = {"gan": ("gan", "gan-ns"), "wgan": ("wgan",)}
"""The critic's loss -> the generator losses that go with it."""


@dataclass(frozen=True, kw_only=True)
class GradientCourse:
    """The generator's gradient under one objective while its critic is trained."""

    case: str
    objective: str
    steps: tuple[int, ...]
    """Critic steps before each measurement."""

    norm: tuple[float, ...]
    """Norm of the gradient over all measured points."""

    variance: tuple[float, ...]
    """Variance of the gradient of one batch: the trace of its covariance over batches."""


@dataclass(frozen=True, kw_only=True)
class GradientResults:
    """All curves, and the identities that explain them."""

    courses: tuple[GradientCourse, ...]
    identities: tuple[Identity, ...]

    def course(self, case: str, objective: str) -> GradientCourse:
        """Return one of the curves by case and objective."""
        return next(one for one in self.courses if (one.case, one.objective) == (case, objective))


def marks(steps: int) -> tuple[int, ...]:
    """Return the steps after which to measure: 0, about four per factor of ten, and the last."""
    spaced = {round(10 ** (k / 4)) for k in range(4 * len(str(steps)))}
    return tuple(sorted({0, steps, *(step for step in spaced if step < 0.8 * steps)}))


def measure_gradients(name: str, *, seed: int, steps: int = STEPS) -> tuple[GradientCourse, ...]:
    """Train a critic of one of the CASES; return one curve for each of its generator losses."""
    case = CASES[name]
    generator = PointPerceptronGenerator(GeneratorSettings(network="perceptron", latent=_LATENT, width=64, blocks=2))
    initialize(generator, "torch", seed=seed, first=1_000_000)
    critic = perceptron(64, 3, "he-normal", seed=seed)
    how = Training(
        objective=critic_objective(case.loss, case.constraint, case.weight),
        algorithm=adam(1e-3),
        batch=_BATCH,
        steps=steps,
    )
    schedule = TrainingSettings(
        batch_size=_BATCH, critic_steps=1, noise=case.noise, noise_steps=steps if case.anneals else 0
    )
    found: dict[str, list[tuple[float, float]]] = {objective: [] for objective in OBJECTIVES[case.loss]}
    for step in train_critic(critic, _pairs(generator, schedule, seed), how, seed=seed):
        if step not in marks(steps):
            continue
        for objective, measured in found.items():
            measured.append(_measured(generator, critic, objective, noise_std(schedule, step), seed))
    return tuple(
        GradientCourse(case=name, objective=objective, steps=marks(steps), norm=norm, variance=variance)
        for objective, measured in found.items()
        for norm, variance in [tuple(zip(*measured, strict=True))]
    )


def run_gradients(seed: int, share: float, progress: ShowProgress) -> GradientResults:
    """Return the curves of all CASES after a share of the steps, and the identities."""
    courses: list[GradientCourse] = []
    for name in CASES:
        progress(f"the generator's gradient against a {name}" if name == "discriminator" else f"... {name}")
        courses += measure_gradients(name, seed=seed, steps=share_of(STEPS, share))
    identities = tuple(one for place in js_identity.GENERATORS for one in js_identity.measure_identity(*place))
    return GradientResults(courses=tuple(courses), identities=identities)


def _latents(seed: int, stream: Stream, index_N: Tensor) -> Tensor:
    """Return latents in [-1, 1): bounded, so that the curve of an untrained generator stays away from all modes."""
    return 2 * uniform(seed, stream, index_N, _LATENT) - 1


def _pairs(generator: PointPerceptronGenerator, schedule: TrainingSettings, seed: int) -> Pairs:
    real = DISTRIBUTIONS["8-gaussians"]

    def draw(index_N: Indices, step: int) -> tuple[Tensor, Tensor]:
        deviation, counter_N = noise_std(schedule, step), torch.from_numpy(index_N)
        real_N2 = torch.from_numpy(real.sample(seed, Stream.TOY, index_N))
        with torch.no_grad():
            fake_N2 = generator(_latents(seed, Stream.CRITIC_LATENT, counter_N))
        return (
            real_N2 + deviation * normal(seed, Stream.REAL_NOISE, counter_N, 2),
            fake_N2 + deviation * normal(seed, Stream.FAKE_NOISE, counter_N, 2),
        )

    return draw


def _measured(
    generator: PointPerceptronGenerator, critic: torch.nn.Module, objective: str, deviation: float, seed: int
) -> tuple[float, float]:
    """Return norm and variance of the generator's gradient. Every call uses the same batches."""
    batches = []
    for number in range(_BATCHES):
        index_B = torch.from_numpy(np.arange(_BATCH)) + HELD_OUT + number * _BATCH
        gradients, _ = generator_gradients(
            generator,
            critic,
            _latents(seed, Stream.GENERATOR_LATENT, index_B),
            loss=LOSSES[objective],
            noise=deviation * normal(seed, Stream.GENERATOR_NOISE, index_B, 2),
        )
        batches.append(torch.cat([gradient.flatten() for gradient in gradients]).double())
    gradient_NW = torch.stack(batches)
    return gradient_NW.mean(dim=0).norm().item(), gradient_NW.var(dim=0).sum().item()
