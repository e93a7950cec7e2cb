"""Contract tests of registered losses, penalties, networks, optimizers and units: the package's own or a plugin's.

Each check raises AssertionError with a sentence that explains the problem.

Shape suffixes: B batch, Z latent; inputs of a critic have shape (B, ...).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .config import recipe
from .config.kinds import DATA_KINDS, NetworkTrial
from .config.schema import AlgorithmSettings, CriticSettings, GeneratorSettings
from .errors import ConfigError
from .nn.initialization import initialize
from .registry import CONSTRAINTS, CRITICS, GENERATORS, LOSSES, NORMALIZATIONS, OPTIMIZERS, UNITS
from .training.build import seeded_construction
from .training.critic_views import points_view
from .utils.token_symbols import FoundTokens, OpenTokens

ITEMS = 6
"""Number of items in a test batch."""


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


def check_loss(name: str) -> None:
    """Check a loss: finite scalars for all scores, with gradients, independent of the order of the batch."""
    loss, called = LOSSES[name], f"the loss {name!r}"
    generator = torch.Generator().manual_seed(0)
    real_B, fake_B = (torch.randn(ITEMS, generator=generator, dtype=torch.float64) for _ in range(2))
    parts: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "critic": loss.critic,
        "generator": loss.generator if loss.needs_real else lambda _real_B, fake_B: loss.generator(fake_B),
    }
    for part, function in parts.items():
        for scale in (1.0, 1e4):
            fake = (scale * fake_B).requires_grad_(True)
            value = function(scale * real_B, fake)
            _require(value.shape == (), f"{called}: {part} gives shape {tuple(value.shape)}, but a loss is a scalar")
            _require(math.isfinite(value.item()), f"{called}: {part} is {value.item()} for scores of about {scale:g}")
            if scale == 1:
                (pull_B,) = torch.autograd.grad(value, fake, allow_unused=True)
                _require(pull_B is not None and bool(pull_B.any()), f"{called}: {part} has no gradient in fake scores")
        alike = torch.allclose(function(real_B, fake_B), function(real_B.roll(1), fake_B.roll(1)))
        _require(alike, f"{called}: {part} changes when the pairs of a batch are put in another order")


class _Critic(nn.Module):
    """A small nonlinear critic that does not mix samples."""

    def __init__(self) -> None:
        super().__init__()
        with seeded_construction(0):
            self.hidden, self.output = nn.Linear(3, 16).double(), nn.Linear(16, 1).double()
        with torch.no_grad():
            self.output.weight.mul_(20)  # slopes below and above 1, so that a one-sided penalty has a gradient

    def forward(self, x: Tensor) -> Tensor:
        score_B: Tensor = self.output(torch.tanh(self.hidden(x))).squeeze(1)
        return score_B


def check_penalty(name: str) -> None:
    """Check a constraint: scores stay finite; its penalty is a finite scalar with gradients and has its traits."""
    constraint, called = CONSTRAINTS[name], f"the constraint {name!r}"
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(ITEMS, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    draws_BC = torch.rand(ITEMS, 8, generator=generator, dtype=torch.float64)
    slopes, critic = constraint.slopes, _Critic()
    if constraint.prepare is not None:
        constraint.prepare(critic, 0)
    if constraint.project is not None:
        constraint.project(critic, 0.01)
    _require(bool(critic(real).isfinite().all()), f"{called}: a critic that it has changed gives no finite scores")
    if slopes is None:
        return

    def values(count: int) -> Tensor:
        view = points_view(critic, real[:count], fake[:count])
        return slopes(view, lambda columns: draws_BC[:count, :columns])

    value_B = values(ITEMS)
    _require(
        value_B.shape == (ITEMS,),
        f"{called}: gives shape {tuple(value_B.shape)} for {ITEMS} items, but it is ({ITEMS},)",
    )
    penalty = constraint.cost(value_B)
    _require(penalty.shape == (), f"{called}: its cost has shape {tuple(penalty.shape)}, but it is a scalar")
    _require(math.isfinite(penalty.item()), f"{called}: its penalty is {penalty.item()}")
    pulls = torch.autograd.grad(penalty, tuple(critic.parameters()), allow_unused=True)
    _require(any(pull is not None and bool(pull.any()) for pull in pulls), f"{called}: no gradient in the weights")
    _require(torch.equal(value_B, values(ITEMS)), f"{called}: is another at the same draws; draw from `uniform` alone")
    alone = torch.allclose(values(ITEMS // 2), value_B[: ITEMS // 2])
    _require(
        alone or constraint.mixes_samples,
        f"{called}: its value at a sample depends on the other samples; register it with mixes_samples=True",
    )


def _trial(data: str) -> NetworkTrial:
    trial = DATA_KINDS[data].trial
    if trial is None:
        raise ConfigError(f"there is nothing to try networks of {data} on", f"give DATA_KINDS[{data!r}] a trial")
    return trial


def _settings(part: str, data: str, name: str, normalization: str) -> Any:
    config = recipe(_trial(data).recipe)
    section: GeneratorSettings | CriticSettings = getattr(config, part)
    change: dict[str, Any] = {"network": name, "normalization": normalization, "width": 16, "blocks": 2, "units": 8}
    if part == "generator" and GENERATORS[data][name].has_likelihood:
        change |= {
            "latent": _trial(data).item_shape[0],
            "latent_distribution": "uniform",
        }
    return dataclasses.replace(section, **change, initialization="constructor", residual_scale=1.0)


def _built(part: str, name: str, data: str, normalization: str, seed: int = 0) -> nn.Module:
    entry = (GENERATORS if part == "generator" else CRITICS)[data][name]
    settings = _settings(part, data, name, normalization)
    with seeded_construction(seed):
        network = entry.build(settings, *getattr(_trial(data), f"{part}_arguments"))
    _require(isinstance(network, nn.Module), f"the {part} {name!r}: is no torch.nn.Module")
    initialize(network, settings.initialization, seed=seed, first=0)
    return network


def _check_built(part: str, name: str, data: str, normalization: str) -> nn.Module:
    network, again = (_built(part, name, data, normalization) for _ in range(2))
    called = f"the {part} {name!r} with normalization {normalization!r}"
    parameters = dict(network.named_parameters())
    _require(bool(parameters), f"{called}: has no parameters to train")
    for key, value in again.named_parameters():
        _require(torch.equal(parameters[key], value), f"{called}: {key} differs between two builds with one seed")
    return network


def check_generator(name: str, *, data: str) -> None:
    """Check a generator: shape, finite output, reproducible by seed, a gradient for every parameter.

    Args:
        name: the registered name.
        data: its kind of data.
    """
    for normalization in GENERATORS[data][name].normalizations:
        network = _check_built("generator", name, data, normalization)
        called = f"the generator {name!r} with normalization {normalization!r}"
        size = _settings("generator", data, name, normalization).latent
        latent_BZ = torch.randn(ITEMS, size, generator=torch.Generator().manual_seed(0))
        made = network(latent_BZ)
        expected = (ITEMS, *_trial(data).item_shape)
        _require(made.shape == expected, f"{called}: gives shape {tuple(made.shape)}, but {data} items are {expected}")
        _require(bool(made.isfinite().all()), f"{called}: gives numbers that are not finite")
        if DATA_KINDS[data].is_discrete:
            total_BL = made.sum(dim=-1)
            _require(torch.allclose(total_BL, torch.ones_like(total_BL), atol=1e-5), f"{called}: rows do not sum to 1")
            _require(hasattr(network, "logits"), f"{called}: has no method logits(latent_BZ)")
        _check_gradients(called, network, (made * torch.randn_like(made)).sum())


def check_critic(name: str, *, data: str) -> None:
    """Check a critic: one finite score per item, reproducible by seed, no mixing of samples except by batch norm.

    Args:
        name: the registered name.
        data: its kind of data.
    """
    for normalization in CRITICS[data][name].normalizations:
        network = _check_built("critic", name, data, normalization)
        called = f"the critic {name!r} with normalization {normalization!r}"
        x = torch.rand(ITEMS, *_trial(data).item_shape, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
        score_B = network(x)
        _require(score_B.shape == (ITEMS,), f"{called}: gives shape {tuple(score_B.shape)}, but scores are ({ITEMS},)")
        _require(bool(score_B.isfinite().all()), f"{called}: gives scores that are not finite")
        (pull,) = torch.autograd.grad(score_B[0], x, create_graph=True)
        mixed = bool(pull[1:].any())
        mixes = NORMALIZATIONS[normalization].mixes_samples
        _require(not mixed or mixes, f"{called}: the score of a sample depends on other samples")
        slope_B = torch.linalg.vector_norm(pull.flatten(1), dim=1)
        _check_gradients(called, network, score_B.sum() + slope_B.sum())


def _check_gradients(called: str, network: nn.Module, value: Tensor) -> None:
    names, parameters = zip(*network.named_parameters(), strict=True)
    for name, pull in zip(names, torch.autograd.grad(value, parameters, allow_unused=True), strict=True):
        _require(pull is not None, f"{called}: {name} has no part in what comes out")


def check_optimizer(name: str) -> None:
    """Check an optimizer: it lowers a convex loss, uses its learning rate, and its state consists of tensors."""
    called = f"the optimizer {name!r}"
    needed: dict[str, Any] = dict.fromkeys(OPTIMIZERS[name].needs, 0.9)
    settings = AlgorithmSettings(name=name, learning_rate=0.01, **needed)
    weight = nn.Parameter(torch.tensor([2.0, -3.0]))
    algorithm = OPTIMIZERS[name].build(settings, [weight])
    _require(isinstance(algorithm, torch.optim.Optimizer), f"{called}: is no torch.optim.Optimizer")
    rates = [float(group["lr"]) for group in algorithm.param_groups]
    _require(all(math.isclose(rate, 0.01, rel_tol=1e-6) for rate in rates), f"{called}: lr is {rates}, not 0.01")
    before = (weight**2).sum().item()
    for _ in range(20):
        (weight.grad,) = torch.autograd.grad((weight**2).sum(), weight)
        algorithm.step()
    after = (weight**2).sum().item()
    _require(after < before, f"{called}: 20 steps took |w|^2 from {before:.3g} to {after:.3g}")
    for key, value in algorithm.state[weight].items():
        _require(
            isinstance(value, Tensor),
            f"{called}: its state {key} is a {type(value).__name__}, and a checkpoint holds tensors",
        )


def check_unit(name: str, lines: Sequence[str], pattern: str = "") -> None:
    """Check a unit of text: lines are restored exactly, and every token alone is one position.

    Args:
        name: the registered name.
        lines: sample lines of text for this unit.
        pattern: value of corpus.unit_pattern, for the unit `pattern`.
    """
    called, unit = f"the unit {name!r}", UNITS[name]
    tokens = unit.tokens if unit.pattern is None else FoundTokens(unit.pattern or pattern)
    _require(tokens is not None, f"{called}: has no tokens")
    assert tokens is not None
    if isinstance(tokens, FoundTokens):
        for line in lines:
            tokens.encode(line)
        tokens = OpenTokens(tokens.symbols, tokens.pattern)
    for token, symbol in tokens.symbols.items():
        _require(tokens.encode(token) == symbol, f"{called}: does not take the token {token!r} alone as one position")
    met = False
    for line in ["", *lines]:
        symbols = tokens.encode(line)  # raises ConfigError if the joined pieces differ from the line
        _require(tokens.decode(symbols) == line, f"{called}: {line!r} comes back as {tokens.decode(symbols)!r}")
        met = met or len(symbols) < len(line)
    _require(met, f"{called}: meets none of its tokens in the lines given")
