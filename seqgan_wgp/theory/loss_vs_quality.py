"""Compare the critic loss with the exact Wasserstein distance of the samples during training.

Gulrajani et al. 2017, section 5.6: the negative critic loss falls as samples get better. The original GAN loss does not
follow quality like this (Arjovsky, Chintala and Bottou 2017, figures 3 and 4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..config import Config, from_dict
from ..toy.domain import ToyDomain
from ..toy.spec import chosen
from ..training.diagnostics.measures import spearman
from ..training.trainer import Trainer
from .critics import ShowProgress, share_of

NAME = "8-gaussians"
MEASURES = 40
"""Number of measurements during a training; every round is measured when there are fewer rounds."""

SAMPLES = 500
"""Number of points for W1."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A training method."""

    loss: str
    constraint: str
    weight: float
    critic_rate: float
    critic_steps: int
    rounds: int
    estimate: str
    """What the critic's loss estimates."""


METHODS: dict[str, Method] = {
    "wgan-gp": Method(
        loss="wgan",
        constraint="gp",
        weight=1.0,
        critic_rate=2e-3,
        critic_steps=5,
        rounds=1_000,
        estimate="estimate of W1",
    ),
    # With these rates it also learns all modes. With those of wgan-gp the discriminator wins, and modes are lost.
    "gan-ns": Method(
        loss="gan-ns",
        constraint="none",
        weight=0.0,
        critic_rate=5e-4,
        critic_steps=1,
        rounds=2_000,
        estimate="estimate of JS, nats",
    ),
}


@dataclass(frozen=True, kw_only=True)
class QualityCourse:
    """A training, measured at regular intervals."""

    method: str
    rounds: tuple[int, ...]
    estimates: tuple[float, ...]
    """The estimate from the critic's loss, averaged over the rounds since the last measurement. wgan-gp: the negative
    loss without the penalty. gan-ns: log 2 minus half the loss."""

    w1: tuple[float, ...]
    """Exact distance between SAMPLES points of the averaged generator and as many real ones."""

    floor: float
    """The same distance between two sets of real points."""

    @property
    def correlation(self) -> float | None:
        """Rank correlation of the estimates and W1; 1: the estimate falls exactly when the samples get better."""
        return spearman(self.estimates, self.w1)


def configuration(name: str, *, seed: int, rounds: int) -> Config:
    """Return the config of one of the METHODS: perceptrons with three hidden layers of 64 units.

    The critic of wgan-gp must be near its optimum from the first rounds on; otherwise its loss reflects how well the
    critic is trained rather than the distance.
    """
    method = METHODS[name]

    def adam(learning_rate: float) -> dict[str, object]:
        return {"name": "adam", "learning_rate": learning_rate, "beta1": 0.5, "beta2": 0.9}

    layers = {"network": "perceptron", "width": 64, "blocks": 3}
    return from_dict(
        {
            "domain": "toy",
            "toy": {"name": NAME},
            "generator": {**layers, "latent": 2, "initialization": "he-normal"},
            "critic": {**layers, "initialization": "torch"},
            "objective": {"loss": method.loss, "constraint": method.constraint, "penalty_weight": method.weight},
            "optimizer": {"generator": adam(3e-4), "critic": adam(method.critic_rate)},
            "training": {"batch_size": 128, "critic_steps": method.critic_steps, "steps": rounds, "seed": seed},
            "averaging": {"decay": 0.9},
            "evaluation": {"every": max(1, rounds // MEASURES), "samples": SAMPLES},
            "log": {"every": rounds},
        }
    )


def measure_training(name: str, *, seed: int, rounds: int) -> QualityCourse:
    """Train by one of the METHODS with the ordinary trainer; return its course."""
    config = configuration(name, seed=seed, rounds=rounds)
    device = torch.device("cpu")
    trainer = Trainer.from_config(ToyDomain(chosen(config.toy), config, device), config, device)
    at: list[int] = []
    estimates, w1, since = [], [], []
    floor = math.nan
    for record in trainer.run():
        since.append(_estimate(name, record.losses))
        if record.measures:
            at.append(record.step)
            estimates.append(sum(since) / len(since))
            w1.append(record.measures["w1"])
            floor = record.measures["w1_floor"]
            since = []
    return QualityCourse(method=name, rounds=tuple(at), estimates=tuple(estimates), w1=tuple(w1), floor=floor)


def run_meaning(seed: int, share: float, progress: ShowProgress) -> tuple[QualityCourse, ...]:
    """Return the courses of all METHODS, after a share of the rounds."""
    found = []
    for name, method in METHODS.items():
        progress(f"training by {name}")
        found.append(measure_training(name, seed=seed, rounds=max(2, share_of(method.rounds, share))))
    return tuple(found)


def _estimate(name: str, losses: Mapping[str, float]) -> float:
    return losses["wasserstein"] if name == "wgan-gp" else math.log(2) - losses["critic_loss"] / 2
