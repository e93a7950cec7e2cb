"""Tables of recipes for ablations: factors and their values, combinations, and published settings.

Beside settings by their dotted names an entry may have `recipe`, what it starts from (else `fast`), and `variation`, a
key of VARIATIONS (variations.py), or several with AND between, for what settings cannot say.

FACTORS are tried on top of `fast` as it is and on top of FIRST, which is what it was before the ablation.
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
    return {value: {"variation": prefix + value} for value in values}


def _objective(loss: str, constraint: str, weight: float) -> Entry:
    return {"objective.loss": loss, "objective.constraint": constraint, "objective.penalty_weight": weight}


def _adam(name: str, value: float) -> Entry:
    return {f"optimizer.generator.{name}": value, f"optimizer.critic.{name}": value}


FIRST: Entry = {
    "generator.relaxation": "softmax",
    **both("blocks", 3),
    "objective.penalty_every": 1,
    "critic.ngrams": 1,
    "averaging.decay": 0.995,
    **_adam("lr_decay_steps", 0),
}
"""Settings with which `fast` is what first trials made of it."""

FAST: Entry = {
    "generator.relaxation": "sampled",
    **both("blocks", 2),
    "objective.penalty_every": 2,
    "critic.ngrams": 3,
    "averaging.decay": 0.999,
    **_adam("lr_decay_steps", 500),
}
"""The same settings as `fast` has them on a small alphabet."""

CONTEXT: dict[str, Entry] = {
    "base": {},
    "D without n-grams": {"critic.ngrams": 1},
    "D 3-grams": {"critic.ngrams": 3},
    "D attention": {"critic.context": "attention"},
    "D attention, full rate": {"critic.context": "attention", "critic.context_rate": 1.0},
    "D mixing": {"critic.context": "mixing"},
    "D dilated": {"critic.dilation_growth": 2},
    "D dilated, attention": {"critic.dilation_growth": 2, "critic.context": "attention"},
    "G, D attention": both("context", "attention"),
    "G, D mixing": both("context", "mixing"),
    "G, D dilated": both("dilation_growth", 2),
    "G self-modulation": {"generator.self_modulation": True},
    **{f"soft share {share:g}": {"generator.soft_share": share} for share in (0.0, 0.5)},
    "rpgan": {"objective.loss": "rpgan"},
    "rpgan + r1r2, 1": _objective("rpgan", "r1r2", 1.0),
    "D attention, G self-modulation, rpgan": {
        "critic.context": "attention",
        "generator.self_modulation": True,
        "objective.loss": "rpgan",
    },
    "G, D mixing, rpgan": {**both("context", "mixing"), "objective.loss": "rpgan"},
    "D attention, 3 blocks": {"critic.context": "attention", "critic.blocks": 3},
    "D attention, batch 128": {"critic.context": "attention", "training.batch_size": 128},
    "D attention, 2 critic steps": {"critic.context": "attention", "training.critic_steps": 2},
    "D attention, kernel 5": {"critic.context": "attention", **both("kernel", 5)},
}
"""What lets the networks see whole strings, on top of `fast`."""

FACTORS: dict[str, dict[str, Entry]] = {
    "shown to the critic": {
        **_each("generator.relaxation", ("softmax", "straight-through", "sampled")),
        **_varied("", "all drawn", "all drawn, gradient at 2", "drawn by Gumbel noise"),
    },
    "rates that fall": {
        "not": _adam("lr_decay_steps", 0),
        "over 125 rounds": _adam("lr_decay_steps", 125),
        "over 2,000 rounds": _adam("lr_decay_steps", 2_000),
        "to 0, linear": {"variation": "rates to 0, linear", **_adam("lr_decay_steps", 0)},
        "to 0, late": {"variation": "rates to 0, late", **_adam("lr_decay_steps", 0)},
    },
    "blocks": {
        "1": both("blocks", 1),
        "2": both("blocks", 2),
        "3": both("blocks", 3),
        "5": both("blocks", 5),
        "G 3, D 2": {"generator.blocks": 3, "critic.blocks": 2},
        "G 2, D 3": {"generator.blocks": 2, "critic.blocks": 3},
    },
    "penalty taken": {
        "at each item": {"objective.penalty_every": 1},
        "at half the batch": {"objective.penalty_every": 2},
        "at a quarter of the batch": {"objective.penalty_every": 4},
        "every 2nd step": {"variation": "penalty every 2nd step", "objective.penalty_every": 1},
    },
    "n-grams of D": _each("critic.ngrams", (1, 2, 4)),
    "averaging": {"none": {"averaging.decay": 0.0, "model.weights": "latest"}}
    | _each("averaging.decay", (0.99, 0.995, 0.999)),
    "critic steps": _each("training.critic_steps", (2, 4)),
    "rates G, D": {
        "1e-3, 2e-3": _rates(1e-3, 2e-3),
        "4e-3, 8e-3": _rates(4e-3, 8e-3),
        "4e-3, 4e-3": _rates(4e-3, 4e-3),
        "2e-3, 2e-3": _rates(2e-3, 2e-3),
        "1e-3, 4e-3": _rates(1e-3, 4e-3),
    },
    "kernel": {"5": both("kernel", 5), "G 5, D 3": {"generator.kernel": 5}, "G 3, D 5": {"critic.kernel": 5}},
    "width": {
        "32": both("width", 32),
        "96": both("width", 96),
        "G 96, D 48": {"generator.width": 96, "critic.width": 48},
        "G 48, D 96": {"generator.width": 48, "critic.width": 96},
    },
    "norm of G": _each("generator.normalization", ("none", "layer-channels", "instance", "batch", "weight")),
    "norm of D": _each("critic.normalization", ("layer", "layer-channels", "weight")),
    "initialisation": {name: both("initialization", name) for name in ("torch", "he-normal", "xavier")},
    "residual scale": {".1": both("residual_scale", 0.1), "1": both("residual_scale", 1.0)},
    "Adam": {
        "beta1 .5": _adam("beta1", 0.5),
        "beta1 -.3": {"variation": "beta1 -.3"},
        "beta2 .99": _adam("beta2", 0.99),
        "beta2 .999": _adam("beta2", 0.999),
    },
    "penalty": {
        "gp, 10": {"objective.constraint": "gp"},
        "lp, 3": {"objective.penalty_weight": 3.0},
        "lp, 30": {"objective.penalty_weight": 30.0},
    },
    "batch": _each("training.batch_size", (16, 32, 128)),
    "errors of ports": {
        "none, but penalty in critic space": {"variation": "penalty in critic space"},
        "norm over one axis": {"variation": "bug: norm over one axis"},
        "ReLU in place": {"variation": "bug: ReLU in place"},
    },
    "latent": {
        "32": {"generator.latent": 32},
        "512": {"generator.latent": 512},
        "uniform": {"generator.latent_distribution": "uniform"},
    },
    "real one-hots": _varied("", "smoothed by .05", "smoothed by .2", "smoothed by .2, annealed"),
    "softmax, temperature": _varied("temperature ", ".5", "2", "1 to .3"),
    "instance noise": {
        ".1": {"training.noise": 0.1},
        ".1, over 1,000 rounds": {"training.noise": 0.1, "training.noise_steps": 1_000},
    },
    "objective": {
        "gan-ns + r1, 1": _objective("gan-ns", "r1", 1.0),
        "gan-ns + lp, 10": _objective("gan-ns", "lp", 10.0),
        "hinge + lp, 10": _objective("hinge", "lp", 10.0),
    },
    "further": {
        **_varied(
            "",
            "all drawn, gradient at .5",
            "half the Gumbel noise",
            "straight-through, gradient at .5",
            "straight-through, gradient at 2",
        ),
        "penalty every 4th step": {"variation": "penalty every 4th step", "objective.penalty_every": 1},
        "rates to 0, cosine": {"variation": "rates to 0, cosine", **_adam("lr_decay_steps", 0)},
        "2 generator steps": {"training.generator_steps": 2},
        "50 steps of the critic alone at first": {"training.warm_up": 50},
    },
}
"""Factor -> value -> what differs from the base; the factors that were thought to matter most come first."""

_ST: Entry = {"generator.relaxation": "straight-through"}
_TWO = both("blocks", 2)

WINNERS: dict[str, Entry] = {
    "straight-through": _ST,
    "straight-through, 2 blocks": {**_ST, **_TWO},
    "straight-through, 2 blocks, penalty at half the batch": {**_ST, **_TWO, "objective.penalty_every": 2},
    "all of `fast`": FAST,
}
"""Name -> what gained put together, on top of FIRST: run with more seeds and on all corpora beside it."""
