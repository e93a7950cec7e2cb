"""Named changes to a trainer that settings cannot express.

Ideas that are not in the library (rates that fall, smoothed one-hots, cheaper penalties) and two errors of published
ports, to show what each is worth. A variation registers a network, a penalty or an optimizer, as a user's plugin does,
and names it in the settings; or it gives the trainer another domain. It leaves the number and order of weights as they
are.

Shape suffixes: B batch, L length, V vocabulary, Z latent; points of critic space have shape (B, L, V).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config, override
from seqgan_wgp.nn.layers import relu
from seqgan_wgp.registry import CONSTRAINTS, CRITICS, GENERATORS, OPTIMIZERS, Network, Registry, register, unload_plugin
from seqgan_wgp.text import networks
from seqgan_wgp.training.domain import DataSpec, Domain, Items
from seqgan_wgp.training.penalties import Uniform, View, between, interpolate

Share = Callable[[], float]
"""() -> the share of the trial's time that has passed, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a trial's trainer is built from."""

    domain: Domain
    config: Config
    share: Share


Variation = Callable[[Setup], Setup]


def _with(setup: Setup, **changes: object) -> Setup:
    """Return a setup with settings changed; a name's two underscores stand for a dot."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return dataclasses.replace(setup, config=override(setup.config, dotted))


def _name(registry: Registry[Any], base: str) -> str:
    """Return a name that is free: the base's, with a number behind."""
    return next(name for k in itertools.count(1) if (name := f"{base}-varied-{k}") not in registry)


@final
class _Smoothed:
    """A domain whose training items are smoothed one-hot rows, (B, L, V) instead of (B, L) ids; all else as it was."""

    def __init__(self, domain: Domain, amount: Callable[[], float]) -> None:
        self.domain, self.amount = domain, amount

    @property
    def spec(self) -> DataSpec:
        return self.domain.spec

    @property
    def size(self) -> int:
        return self.domain.size

    @property
    def samples(self) -> int:
        return self.domain.samples

    @property
    def criterion(self) -> str:
        return self.domain.criterion

    @property
    def held_out_size(self) -> int:
        return self.domain.held_out_size

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        amount, one_hot_BLV = self.amount(), self.spec.embed(self.domain.batch(indices_B))
        return (1 - amount) * one_hot_BLV + amount / one_hot_BLV.shape[2]

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        return self.domain.held_out(indices_B)

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        return self.domain.score(samples, half=half)


def smooth(amount: float, setup: Setup, *, annealed: bool = False) -> Setup:
    """Show the critic (1 - a) e + a / V for a real one-hot e; annealed, a goes from `amount` to 0, linearly."""
    now = (lambda: amount * (1 - setup.share())) if annealed else (lambda: amount)
    return dataclasses.replace(setup, domain=_Smoothed(setup.domain, now))


@final
class _Generator(nn.Module):
    """A text generator whose numbers before the softmax, (B, L, V), are in training made points in another way."""

    def __init__(self, generator: nn.Module, points: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.generator, self.points = generator, points

    def forward(self, latent_BZ: Tensor) -> Tensor:
        logits_BLV: Tensor = cast(Any, self.generator).logits(latent_BZ)
        return self.points(logits_BLV) if self.training else logits_BLV.softmax(dim=-1)


def _made(setup: Setup, points: Callable[[Tensor], Tensor]) -> Setup:
    base = setup.config.generator.network
    entry, name = GENERATORS["text"][base], _name(GENERATORS["text"], base)

    @register.generator(name, data="text", normalizations=entry.normalizations)
    def build(*arguments: Any) -> nn.Module:
        return _Generator(entry.build(*arguments), points)

    return _with(setup, generator__network=name)


def temperature(first: float, last: float, setup: Setup) -> Setup:
    """Divide what goes into the generator's softmax by a temperature: `first` at the start, `last` at the end."""
    return _made(setup, lambda logits_BLV: (logits_BLV / (first + (last - first) * setup.share())).softmax(dim=-1))


def one_hot_forward(logits_BLV: Tensor, softness: float = 1.0) -> Tensor:
    """Return one-hot rows of the likeliest characters, with the gradient of softmax(logits / softness)."""
    return networks.straight_through(logits_BLV / softness)


def straight_through(softness: float, setup: Setup) -> Setup:
    """Show the critic one-hot rows of generated strings too: real and generated points then look alike."""
    return _made(setup, partial(one_hot_forward, softness=softness))


def gumbel(amount: float, setup: Setup) -> Setup:
    """Draw each character by Gumbel noise, and differentiate as Jang, Gu and Poole 2017, section 2.2, do.

    With the whole noise, `amount` 1, they are drawn from their probabilities; with less they are nearer the likeliest.
    """
    chance = torch.Generator().manual_seed(setup.config.training.seed)

    def drawn(logits_BLV: Tensor) -> Tensor:
        uniform_BLV = torch.rand(logits_BLV.shape, generator=chance).clamp(min=1e-9)
        return one_hot_forward(logits_BLV - amount * (-uniform_BLV.log()).log())

    return _made(setup, drawn)


def all_drawn(softness: float, setup: Setup) -> Setup:
    """Draw each character of all strings, not of half, with the gradient of softmax(logits / softness)."""
    chance = torch.Generator().manual_seed(setup.config.training.seed)

    def drawn(logits_BLV: Tensor) -> Tensor:
        chance_BL = torch.rand(logits_BLV.shape[:2], generator=chance)
        one_hot_BLV = networks.straight_through(logits_BLV.detach(), chance_BL)
        soft_BLV = (logits_BLV / softness).softmax(dim=-1)
        return one_hot_BLV + (soft_BLV - soft_BLV.detach())

    return _made(setup, drawn)


def _optimized(setup: Setup, change: Callable[[torch.optim.Optimizer], None]) -> Setup:
    """Change both optimizers once they are built; both are of one kind."""
    base = setup.config.optimizer.critic.name
    entry, name = OPTIMIZERS[base], _name(OPTIMIZERS, base)

    @register.optimizer(name, needs=entry.needs)
    def build(settings: Any, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        algorithm = entry.build(settings, parameters)
        change(algorithm)
        return algorithm

    return _with(setup, optimizer__generator__name=name, optimizer__critic__name=name)


def rates(factor: Callable[[float], float], setup: Setup) -> Setup:
    """Multiply both learning rates by a function of the share of the trial that has passed."""

    def fall(algorithm: torch.optim.Optimizer) -> None:
        first = [group["lr"] for group in algorithm.param_groups]

        def before_step(algorithm: torch.optim.Optimizer, *_: Any) -> None:
            for group, rate in zip(algorithm.param_groups, first, strict=True):
                group["lr"] = rate * factor(setup.share())

        algorithm.register_step_pre_hook(before_step)

    return _optimized(setup, fall)


def linear(share: float) -> float:
    """Return 1 at the start and 0 at the end."""
    return max(0.0, 1 - share)


def late_linear(share: float) -> float:
    """Return 1 for the first half, then down to 0."""
    return min(1.0, 2 * linear(share))


def cosine(share: float) -> float:
    """Return half a period of a cosine, from 1 down to 0. Loshchilov and Hutter 2017, eq. 5."""
    return (1 + math.cos(math.pi * min(1.0, share))) / 2


def beta1(value: float, setup: Setup) -> Setup:
    """Set both optimizers' beta1, also to a number below 0: Gidel et al. 2019, "Negative Momentum"."""

    def negate(algorithm: torch.optim.Optimizer) -> None:
        for group in algorithm.param_groups:
            group["betas"] = (value, group["betas"][1])

    return _optimized(setup, negate)


def penalty_at(slopes: Callable[[View, Uniform], Tensor], points: bool, setup: Setup) -> Setup:
    """Take the penalised slopes in another way; with `points` in critic space, not behind the first layer."""
    base = setup.config.objective.constraint
    entry, name = CONSTRAINTS[base], _name(CONSTRAINTS, base)

    @register.penalty(name, cost=entry.cost, needs_points=points, bounds_between=entry.bounds_between)
    def taken(view: View, uniform: Uniform) -> Tensor:
        return slopes(view, uniform)

    return _with(setup, objective__constraint=name)


def one_axis_slopes(view: View, uniform: Uniform) -> Tensor:
    """Return (B V,) norms over the axis behind the batch alone: the commonest error of ports, `grad.norm(2, dim=1)`."""
    x_BLV = interpolate(view.real, view.fake, uniform(1)[:, 0]).detach().requires_grad_(True)
    (gradient_BLV,) = torch.autograd.grad(view.score(x_BLV).sum(), x_BLV, create_graph=True)
    norm_BV: Tensor = torch.linalg.vector_norm(gradient_BLV, dim=1)
    return norm_BV.flatten()


def rare_penalty(every: int, setup: Setup) -> Setup:
    """Take the penalty at one critic step in `every`, weighing so many times more. Karras et al. 2020, appendix B."""
    steps = itertools.count()

    def rarely(view: View, uniform: Uniform) -> Tensor:
        # A slope of 1 costs nothing, and costs no time.
        return between(view, uniform) if next(steps) % every == 0 else view.real.new_ones(1)

    weight = every * setup.config.objective.penalty_weight
    return _with(penalty_at(rarely, False, setup), objective__penalty_weight=weight)


def relu_in_place(setup: Setup) -> Setup:
    """Let the first ReLU of each block overwrite what the skip connection carries, as an in-place one does in ports.

    So it does where no normalisation stands before it; behind one it overwrites only what that gave.
    """
    config = setup.config
    generator, critic = GENERATORS["text"][config.generator.network], CRITICS["text"][config.critic.network]
    names = _name(GENERATORS["text"], config.generator.network), _name(CRITICS["text"], config.critic.network)

    def overwriting(entry: Network) -> Callable[..., nn.Module]:
        def build(*arguments: Any) -> nn.Module:
            network = entry.build(*arguments)
            for block in cast(Any, network).blocks:
                if isinstance(block.norm1, nn.Identity):
                    block.register_forward_pre_hook(lambda _block, x: (relu(x[0]),))
            return network

        return build

    register.generator(names[0], data="text", normalizations=generator.normalizations)(overwriting(generator))
    register.critic(names[1], data="text", normalizations=critic.normalizations)(overwriting(critic))
    return _with(setup, generator__network=names[0], critic__network=names[1])


VARIATIONS: dict[str, Variation] = {
    "smoothed by .05": partial(smooth, 0.05),
    "smoothed by .2": partial(smooth, 0.2),
    "smoothed by .2, annealed": partial(smooth, 0.2, annealed=True),
    "temperature .5": partial(temperature, 0.5, 0.5),
    "temperature 2": partial(temperature, 2.0, 2.0),
    "temperature 1 to .3": partial(temperature, 1.0, 0.3),
    "straight-through, gradient at .5": partial(straight_through, 0.5),
    "straight-through, gradient at 2": partial(straight_through, 2.0),
    "drawn by Gumbel noise": partial(gumbel, 1.0),
    "half the Gumbel noise": partial(gumbel, 0.5),
    "all drawn": partial(all_drawn, 1.0),
    "all drawn, gradient at .5": partial(all_drawn, 0.5),
    "all drawn, gradient at 2": partial(all_drawn, 2.0),
    "rates to 0, linear": partial(rates, linear),
    "rates to 0, late": partial(rates, late_linear),
    "rates to 0, cosine": partial(rates, cosine),
    "beta1 -.3": partial(beta1, -0.3),
    "penalty every 2nd step": partial(rare_penalty, 2),
    "penalty every 4th step": partial(rare_penalty, 4),
    "penalty in critic space": partial(penalty_at, between, True),
    "bug: norm over one axis": partial(penalty_at, one_axis_slopes, True),
    "bug: ReLU in place": relu_in_place,
}
"""Name -> change; the plan (plans.py) names them beside settings."""

AND = " + "
"""Between the names of variations of which a trial has several."""


def vary(names: str, setup: Setup) -> Setup:
    """Return what a trainer with the named variations is built from, one after the other; empty text names none."""
    unload_plugin(Path(__file__).name)  # what the last trial registered
    for name in names.split(AND) if names else []:
        setup = VARIATIONS[name](setup)
    return setup
