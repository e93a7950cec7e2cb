"""Tables of recipes: factors, each value a few settings on top of the base, combinations, and what was published.

Beside settings by their dotted names an entry may have `recipe`, what it starts from (else `fast`), and `variation`, a
key of VARIATIONS (variations.py), or several with AND between, for what settings cannot say.

Most were tried on top of FIRST, which is what `fast` was then; the last ones on `fast` as it is.
"""

from __future__ import annotations

from typing import Any

Entry = dict[str, Any]


def both(setting: str, value: object) -> Entry:
    """Return a setting of the generator with the critic's of the same name."""
    return {f"generator.{setting}": value, f"critic.{setting}": value}


def _rates(generator: float, critic: float) -> Entry:
    return {"optimizer.generator.learning_rate": generator, "optimizer.critic.learning_rate": critic}


def _each(setting: str, values: tuple[object, ...]) -> dict[str, Entry]:
    return {str(value): {setting: value} for value in values}


def _varied(prefix: str, *values: str) -> dict[str, Entry]:
    return {value: {"variation": f"{prefix} {value}"} for value in values}


def _objective(loss: str, constraint: str, weight: float) -> Entry:
    return {"objective.loss": loss, "objective.constraint": constraint, "objective.weight": weight}


def _adam(name: str, value: float) -> Entry:
    return {f"optimizer.generator.{name}": value, f"optimizer.critic.{name}": value}


FIRST: Entry = {
    "generator.output": "softmax",
    **both("blocks", 3),
    "objective.thinning": 1,
    "averaging.decay": 0.995,
    **_adam("fall_steps", 0),
}
"""Settings with which `fast` is what first trials made of it: the base of FACTORS."""

STRAIGHT = (
    "straight-through, gradient at .5",
    "straight-through, gradient at 2",
    "straight-through, characters drawn",
)

FACTORS: dict[str, dict[str, Entry]] = {
    "rates G, D": {
        "1e-3, 2e-3": _rates(1e-3, 2e-3),
        "4e-3, 8e-3": _rates(4e-3, 8e-3),
        "4e-3, 4e-3": _rates(4e-3, 4e-3),
        "1e-3, 4e-3": _rates(1e-3, 4e-3),
        "2e-3, 2e-3": _rates(2e-3, 2e-3),
    },
    "rates": _varied("rates", "to 0, linear", "to 0, late", "to 0, cosine"),
    "penalty taken": {
        "at half the batch": {"objective.thinning": 2},
        "at a quarter of the batch": {"objective.thinning": 4},
        **_varied("penalty", "every 2nd step"),
    },
    "critic steps": _each("training.critic_steps", (2, 4)),
    "blocks": {
        "1": both("blocks", 1),
        "2": both("blocks", 2),
        "5": both("blocks", 5),
        "G 4, D 2": {"generator.blocks": 4, "critic.blocks": 2},
        "G 2, D 4": {"generator.blocks": 2, "critic.blocks": 4},
    },
    "kernel": {"5": both("kernel", 5), "G 5, D 3": {"generator.kernel": 5}, "G 3, D 5": {"critic.kernel": 5}},
    "width": {
        "32": both("width", 32),
        "96": both("width", 96),
        "G 96, D 48": {"generator.width": 96, "critic.width": 48},
        "G 48, D 96": {"generator.width": 48, "critic.width": 96},
    },
    "batch": _each("training.batch_size", (16, 32, 128)),
    "softmax": {
        **_varied("temperature", ".5", "2", "1 to .3"),
        "straight-through": {"generator.output": "straight-through"},
        "sampled": {"generator.output": "sampled"},
        **{name: {"variation": name} for name in STRAIGHT},
    },
    "Adam": {
        "beta1 .5": _adam("beta1", 0.5),
        "beta1 -.3": {"variation": "beta1 -.3"},
        "beta2 .99": _adam("beta2", 0.99),
        "beta2 .999": _adam("beta2", 0.999),
    },
    "residual scale": {".1": both("residual_scale", 0.1), "1": both("residual_scale", 1.0)},
    "penalty": {
        "gp, 10": {"objective.constraint": "gp"},
        "lp, 1": {"objective.weight": 1.0},
        "lp, 3": {"objective.weight": 3.0},
        "lp, 30": {"objective.weight": 30.0},
    },
    "averaging": _each("averaging.decay", (0.0, 0.99, 0.998)),
    "norm of G": _each("generator.normalization", ("none", "layer-channels", "instance", "batch", "weight")),
    "norm of D": _each("critic.normalization", ("layer", "layer-channels", "weight")),
    "objective": {
        "gan-ns + r1, 1": _objective("gan-ns", "r1", 1.0),
        "gan-ns + lp, 10": _objective("gan-ns", "lp", 10.0),
        "hinge + lp, 10": _objective("hinge", "lp", 10.0),
    },
    "initialisation": {name: both("initialization", name) for name in ("torch", "he-normal", "xavier")},
    "real one-hots": _varied("smoothed", "by .05", "by .2", "by .2, annealed"),
    "instance noise": {
        ".1": {"training.noise": 0.1},
        ".1, over 1,000 rounds": {"training.noise": 0.1, "training.noise_steps": 1_000},
    },
    "latent": {
        "32": {"generator.latent": 32},
        "512": {"generator.latent": 512},
        "uniform": {"generator.latent_distribution": "uniform"},
    },
    "errors of ports": {
        "none, but penalty in critic space": {"variation": "penalty in critic space"},
        "norm over one axis": {"variation": "bug: norm over one axis"},
        "ReLU in place": {"variation": "bug: ReLU in place"},
    },
    "generator steps": _each("training.generator_steps", (2,)),
    "penalty, rarer": _varied("penalty", "every 4th step"),
    "warm-up of the critic": {"50 steps": {"training.warm_up": 50}},
    "wider and larger": {
        "width 128": both("width", 128),
        "batch 256": {"training.batch_size": 256},
        "lp, 100": {"objective.weight": 100.0},
        "epsilon 1e-4": _adam("epsilon", 1e-4),
        "averaging .98": {"averaging.decay": 0.98},
        "width 48": both("width", 48),
    },
}
"""Factor -> value -> what differs from FIRST; the factors that were thought to matter most come first."""

_ST: Entry = {"generator.output": "straight-through"}
_TWO = both("blocks", 2)
_SAMPLED: Entry = {"generator.output": "sampled", **_TWO}

COMBINED: dict[str, Entry] = {
    "straight-through": _ST,
    "straight-through, 2 blocks": {**_ST, **_TWO},
    "straight-through, 2 blocks, penalty at half the batch": {**_ST, **_TWO, "objective.thinning": 2},
    "straight-through, 2 blocks, averaging .998": {**_ST, **_TWO, "averaging.decay": 0.998},
    "straight-through, 1 block": {**_ST, **both("blocks", 1)},
    "sampled, 2 blocks": _SAMPLED,
    "sampled, 2 blocks, penalty at half the batch": {**_SAMPLED, "objective.thinning": 2},
}
"""Name -> what gained on its own put together, on top of FIRST."""

WINNERS: dict[str, Entry] = {
    name: COMBINED[name]
    for name in (
        "straight-through",
        "straight-through, 2 blocks",
        "straight-through, 2 blocks, penalty at half the batch",
        "sampled, 2 blocks, penalty at half the batch",
    )
}
"""Name -> what is run with more seeds and on all corpora beside FIRST."""

AROUND: dict[str, Entry] = {
    "fast": {},
    "straight-through": _ST,
    "penalty at the whole batch": {"objective.thinning": 1},
    "3 blocks": both("blocks", 3),
    "1 block": both("blocks", 1),
    "width 96": both("width", 96),
    "G 128, D 64": {"generator.width": 128, "critic.width": 64},
    "rates 1e-3, 2e-3": _rates(1e-3, 2e-3),
    "2 critic steps": {"training.critic_steps": 2},
    "batch 128": {"training.batch_size": 128},
    "latent 512": {"generator.latent": 512},
    "averaging .995": {"averaging.decay": 0.995},
    "rates that stay": _adam("fall_steps", 0),
    "gp": {"objective.constraint": "gp"},
    "all drawn": {"variation": "all drawn"},
    "all drawn, gradient at .5": {"variation": "all drawn, gradient at .5"},
    "all drawn, gradient at 2": {"variation": "all drawn, gradient at 2"},
    "Gumbel noise": {"variation": "straight-through, characters drawn"},
    "half the Gumbel noise": {"variation": "straight-through, half the noise"},
}
"""Name -> one change to `fast` as it is, for runs long enough to come to an end of what it can do."""

_NARROW = {**both("width", 64), "training.convolution": "auto"}

PAPER: dict[str, Entry] = {
    "fast": {},
    "paper": {"recipe": "paper"},
    "paper, width 64": {"recipe": "paper", **_NARROW},
    "paper, width 64, n_critic 5": {"recipe": "paper", **_NARROW, "training.critic_steps": 5},
    "paper, width 64, rates 1e-3": {"recipe": "paper", **_NARROW, **_rates(1e-3, 1e-3)},
    "paper, width 64, norm of G": {"recipe": "paper", **_NARROW, "generator.normalization": "layer"},
    "paper, width 64, averaged": {
        "recipe": "paper",
        **_NARROW,
        "averaging.decay": 0.995,
        "model.weights": "average",
    },
    "paper, width 64, norm over one axis": {"recipe": "paper", **_NARROW, "variation": "bug: norm over one axis"},
    "paper, width 64, ReLU in place": {"recipe": "paper", **_NARROW, "variation": "bug: ReLU in place"},
}
"""Name -> what was published, and it with one change each; the errors of ports among them."""
