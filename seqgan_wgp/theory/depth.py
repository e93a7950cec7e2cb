"""Weight clipping in deep critics: exploding or vanishing gradients, and weights at the clipping bounds.

Critics with twelve hidden layers are trained on the Swiss roll against a fixed generator, real points plus noise:
Gulrajani et al. 2017, section 3.2 and figure 1b. Computation is in double precision: at c = 0.001 the squared gradient
of the first layer underflows in single precision, and the critic would not train at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..config.schema import AlgorithmSettings
from ..toy.distributions import DISTRIBUTIONS
from ..toy.networks import PointPerceptronCritic
from ..training.diagnostics.measures import ValueHistogram, activation_gradient_norms, share_at_bounds, weight_histogram
from ..training.losses import LOSSES
from .critics import (
    Pairs,
    ShowProgress,
    Training,
    critic_objective,
    exhaust,
    held_out,
    noised,
    perceptron,
    share_of,
    train_critic,
)

CLIPS = (0.1, 0.01, 0.001)
"""Clipping bounds c, as in the figure."""

LAYERS = 12
STEPS = 600
_WIDTH, _BATCH, _JUDGED = 64, 128, 1_024
_WEIGHT = 0.1
_BINS = 41


@dataclass(frozen=True, kw_only=True)
class Depth:
    """A deep critic before and after training."""

    constraint: str
    clip: float | None
    norms_before: tuple[float, ...]
    norms: tuple[float, ...]
    """Norm of the gradient of the critic's loss with respect to the output of each hidden layer, from the first on."""

    at_bounds_before: float
    at_bounds: float
    """Share of weights and biases within 5 % of c; for an unclipped critic, within 5 % of the largest."""

    weights: ValueHistogram
    """Histogram of weights and biases, from -c to c, or up to the largest."""

    @property
    def steepness_before(self) -> float:
        """`steepness` before training."""
        return steepness(self.norms_before)

    @property
    def steepness(self) -> float:
        """Change of log10 of the norm per layer. Above 0, the gradient vanishes towards the input."""
        return steepness(self.norms)

    @property
    def name(self) -> str:
        """Readable name: the constraint and its bound."""
        return "gradient penalty" if self.clip is None else f"clipped to {self.clip:g}"


def steepness(norms: tuple[float, ...]) -> float:
    """Return the slope of the least-squares line through log10 of the norms; NaN when one of them is 0."""
    if not all(norms):
        return math.nan
    slope: float = np.polyfit(np.arange(len(norms)), np.log10(norms), 1)[0]
    return float(slope)


def measure_depth(clip: float | None, *, seed: int, steps: int = STEPS) -> Depth:
    """Train a deep critic, clipped to c or, with None, with the gradient penalty; return its measurements."""
    constraint = "gp" if clip is None else "clip"
    critic = perceptron(_WIDTH, LAYERS, "he-normal" if clip is None else "torch", seed=seed).double()
    if clip is not None:
        spread_within(critic, clip)
    pairs = noised(DISTRIBUTIONS["swiss-roll"], seed)
    how = Training(
        objective=critic_objective("wgan", constraint, _WEIGHT),
        algorithm=_rmsprop(clip),
        batch=_BATCH,
        steps=steps,
        clip=clip,
    )
    norms_before, at_bounds_before = _norms(critic, pairs), _at_bounds(critic, clip)
    exhaust(train_critic(critic, pairs, how, seed=seed))
    return Depth(
        constraint=constraint,
        clip=clip,
        norms_before=norms_before,
        norms=_norms(critic, pairs),
        at_bounds_before=at_bounds_before,
        at_bounds=_at_bounds(critic, clip),
        weights=weight_histogram(critic, _BINS, clip),
    )


def run_depth(seed: int, share: float, progress: ShowProgress) -> tuple[Depth, ...]:
    """Measure the critic with the penalty, then those of all CLIPS, after a share of the steps."""
    found = []
    for clip in (None, *CLIPS):
        progress("deep critic, " + ("gradient penalty" if clip is None else f"clipped to {clip:g}"))
        found.append(measure_depth(clip, seed=seed, steps=share_of(STEPS, share)))
    return tuple(found)


@torch.no_grad()
def spread_within(critic: PointPerceptronCritic, clip: float) -> None:
    """Rescale weights initialised by scheme "torch" (uniform within 1 / sqrt(fan_in)) to [-c, c]; set biases to c.

    So 5 % of the weights begin within 5 % of the bounds, and training has pushed any others that end up there. The
    usual initial weights exceed c, so clipping alone would move them to the bounds. With biases of c, hardly any unit
    is inactive for all points; the weights of such a unit could never change.
    """
    for layer in [*critic.layers.hidden, critic.layers.output]:
        assert isinstance(layer, torch.nn.Linear)
        layer.weight.mul_(clip * math.sqrt(layer.in_features))
        layer.bias.fill_(clip)


def _at_bounds(critic: PointPerceptronCritic, clip: float | None) -> float:
    return share_at_bounds(critic, clip or max(parameter.abs().max().item() for parameter in critic.parameters()))


def _rmsprop(clip: float | None) -> AlgorithmSettings:
    """Return RMSProp, as in Arjovsky, Chintala and Bottou 2017, with a learning rate of a hundredth of c.

    epsilon is tiny, since otherwise a gradient of 1e-20 would not change any weight.
    """
    rate = 1e-3 if clip is None else clip / 100
    return AlgorithmSettings(name="rmsprop", learning_rate=rate, decay=0.9, epsilon=1e-30)


def _norms(critic: PointPerceptronCritic, pairs: Pairs) -> tuple[float, ...]:
    real_N2, fake_N2 = pairs(held_out(_JUDGED), 0)
    norms = activation_gradient_norms(critic, [real_N2.double(), fake_N2.double()], LOSSES["wgan"].critic)
    return tuple(norms.values())[:LAYERS]  # without the critic's output
