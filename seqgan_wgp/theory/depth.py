"""Weight clipping in deep critics: exploding or vanishing gradients, and weights at the clipping bounds.

Critics of twelve hidden layers on the Swiss roll, the generator fixed at real points plus noise: Gulrajani et al. 2017,
section 3.2 and figure 1b. In double precision, for at c = 0.001 the gradient of the first layer is too small for the
mean of its square to be held in single precision, and such a critic never moves at all.
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
    finish,
    held_out,
    noised,
    perceptron,
    share_of,
    train_critic,
)

CLIPS = (0.1, 0.01, 0.001)
"""c of the clipped critics, as in the figure."""

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
    """Of the gradient of the critic's loss in what each hidden layer gives, from the first layer on."""

    at_bounds_before: float
    at_bounds: float
    """Share of weights and biases within 5 % of c; of an unclipped critic, of the largest of them."""

    weights: ValueHistogram
    """Of weights and biases, from -c to c, or as far as the largest reaches."""

    @property
    def steepness_before(self) -> float:
        """What `steepness` was at first."""
        return steepness(self.norms_before)

    @property
    def steepness(self) -> float:
        """Change of the log10 of the norm from one layer to the next; above 0 it vanishes towards the input."""
        return steepness(self.norms)

    @property
    def name(self) -> str:
        """The constraint and its number, for people."""
        return "gradient penalty" if self.clip is None else f"clipped to {self.clip:g}"


def steepness(norms: tuple[float, ...]) -> float:
    """Return the slope of the least-squares line through log10 of the norms; NaN where one of them is 0."""
    if not all(norms):
        return math.nan
    slope: float = np.polyfit(np.arange(len(norms)), np.log10(norms), 1)[0]
    return float(slope)


def measure_depth(clip: float | None, *, seed: int, steps: int = STEPS) -> Depth:
    """Train a deep critic, clipped to c or, with None, under the gradient penalty; return what became of it."""
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
    finish(train_critic(critic, pairs, how, seed=seed))
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
    """Return the critic with the penalty, then those of all CLIPS, after a share of the steps."""
    found = []
    for clip in (None, *CLIPS):
        progress("deep critic, " + ("gradient penalty" if clip is None else f"clipped to {clip:g}"))
        found.append(measure_depth(clip, seed=seed, steps=share_of(STEPS, share)))
    return tuple(found)


@torch.no_grad()
def spread_within(critic: PointPerceptronCritic, clip: float) -> None:
    """Spread first weights of scheme "torch", uniform within 1 / sqrt(fan_in), evenly over [-c, c]; biases to c.

    So 5 % of the weights begin within 5 % of the bounds, and what else lies there afterwards was pushed there by
    training: the usual first weights are larger than c, and clipping alone would put them there. With biases of c
    hardly a unit is off for every point; the weights of one that is could never move.
    """
    for layer in [*critic.layers.hidden, critic.layers.output]:
        assert isinstance(layer, torch.nn.Linear)
        layer.weight.mul_(clip * math.sqrt(layer.in_features))
        layer.bias.fill_(clip)


def _at_bounds(critic: PointPerceptronCritic, clip: float | None) -> float:
    return share_at_bounds(critic, clip or max(parameter.abs().max().item() for parameter in critic.parameters()))


def _rmsprop(clip: float | None) -> AlgorithmSettings:
    """Return RMSProp, as Arjovsky, Chintala and Bottou 2017 have it, with a step of a hundredth of c.

    The divisor is kept from 0 by next to nothing, or a gradient of 1e-20 would move no weight.
    """
    rate = 1e-3 if clip is None else clip / 100
    return AlgorithmSettings(name="rmsprop", learning_rate=rate, decay=0.9, epsilon=1e-30)


def _norms(critic: PointPerceptronCritic, pairs: Pairs) -> tuple[float, ...]:
    real_N2, fake_N2 = pairs(held_out(_JUDGED), 0)
    norms = activation_gradient_norms(critic, [real_N2.double(), fake_N2.double()], LOSSES["wgan"].critic)
    return tuple(norms.values())[:LAYERS]  # without the scores themselves
