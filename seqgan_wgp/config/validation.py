"""Which settings go together: whatever cannot train, or would not mean what it says, is refused with the reason."""

from __future__ import annotations

import operator

from ..errors import ConfigError
from .fields import AUTO
from .kinds import DATA_KINDS
from .schema import Config

_CONVOLUTIONS = ("none", "layer", "layer-channels", "instance", "weight", "batch")
_NORMALIZATIONS: dict[str, tuple[str, ...]] = {
    "perceptron": ("none", "layer", "weight", "batch"),
    "convolution-dense": (*_CONVOLUTIONS, "batch-nonaffine"),
}
"""Architecture -> its normalizations, where they are not those of convolutions."""

BATCH_NORMALIZATIONS = ("batch", "batch-nonaffine")
"""The normalizations by statistics of a batch: they mix its samples."""

_NEEDS: dict[str, tuple[str, ...]] = {
    "adam": ("beta1", "beta2"),
    "rmsprop": ("decay",),
    "rmsprop-tf": ("decay",),
    "sgd": (),
}
"""Optimizer -> the settings that it cannot be without and that have no default."""

PENALTIES = ("gp", "lp", "dragan", "dragan-notebook", "gp-difference", "gp-segment", "r1")
"""The constraints that add lambda times a penalty to the critic's loss."""

_ON_PATHS = ("gp", "lp", "gp-difference", "gp-segment")
"""The penalties that look between real and generated points, and so bound what a critic can gain between them."""

_AT_EACH_ITEM = ("gp", "lp", "gp-segment", "r1")
"""The penalties at an item that ask nothing of the other items of a batch."""


def check(config: Config) -> None:
    """Raise ConfigError when settings do not go together, with the reason and a remedy."""
    _check_decided(config)
    _check_toy(config)
    _check_networks(config)
    _check_objective(config)
    _check_critic(config)
    _check_rhythm(config)


def _check_toy(config: Config) -> None:
    if config.toy.theta and config.toy.name != "parallel-lines":
        raise ConfigError(
            f"toy.theta is {config.toy.theta:g}, but toy.name is {config.toy.name!r}, which has none",
            "set toy.name=parallel-lines, or toy.theta=0",
        )


def _check_networks(config: Config) -> None:
    for part, networks in DATA_KINDS[config.domain].networks.items():
        settings = getattr(config, part)
        _choose(f"{part}.network", settings.network, networks, config.domain)
        normalizations = _NORMALIZATIONS.get(settings.network, _CONVOLUTIONS)
        _choose(f"{part}.normalization", settings.normalization, normalizations, f"the network {settings.network}")
        if settings.network != "convolution-dense" and settings.activation != "softplus":
            raise ConfigError(
                f"{part}.activation is {settings.activation!r}, and {settings.network} has an activation of its own",
                f"leave {part}.activation out, or set {part}.network=convolution-dense",
            )
        if settings.network == "convolution-dense" and not settings.units:
            raise ConfigError(f"{part}.units is 0, and {settings.network} has a dense layer", f"set {part}.units")
        algorithm = getattr(config.optimizer, part)
        for name in _NEEDS[algorithm.name]:
            if getattr(algorithm, name) is None:
                dotted = f"optimizer.{part}.{name}"
                raise ConfigError(f"{dotted} is not set, and {algorithm.name} needs it", f"e.g. --set {dotted}=0.9")

    if not DATA_KINDS[config.domain].is_discrete and config.generator.output != "softmax":
        raise ConfigError(
            f"generator.output is {config.generator.output!r}, which there is for text only",
            "set generator.output=softmax; it changes nothing here",
        )


def _check_decided(config: Config) -> None:
    if DATA_KINDS[config.domain].has_rules:
        return  # there is a rule for each, once the corpus is known
    for dotted in ("generator.width", "critic.width", "training.batch_size", "evaluation.every"):
        if operator.attrgetter(dotted)(config) == AUTO:
            raise ConfigError(f"{dotted} is 'auto', and a rule decides it for text only", "set it to a number")


def _choose(dotted: str, value: str, fitting: tuple[str, ...], whose: str) -> None:
    if value not in fitting:
        raise ConfigError(f"{dotted} is {value!r}, which there is not for {whose}", f"it is {_or(fitting)}")


def _or(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"one of: {', '.join(names)}"


def _check_objective(config: Config) -> None:
    objective = config.objective
    objective.target_numbers()
    if objective.constraint not in PENALTIES and objective.weight:
        raise ConfigError(
            f"objective.weight is {objective.weight:g}, but objective.constraint is {objective.constraint!r}, "
            "which has no penalty to weigh",
            f"choose one that has ({', '.join(PENALTIES)}), or set the weight to 0",
        )
    if objective.thinning > 1 and objective.constraint not in _AT_EACH_ITEM:
        raise ConfigError(
            f"objective.thinning is {objective.thinning}, but objective.constraint is {objective.constraint!r}, "
            "which has no penalty of each item's own",
            f"take one of: {', '.join(_AT_EACH_ITEM)}; or objective.thinning=1",
        )
    if 0 < config.training.batch_size < objective.thinning:
        raise ConfigError(
            f"objective.thinning is {objective.thinning}, and a batch has {config.training.batch_size} items",
            "set it to no more than training.batch_size",
        )
    if objective.constraint == "clip" and objective.clip is None:
        raise ConfigError("objective.constraint is 'clip', but objective.clip is not set", "e.g. objective.clip=0.01")
    if objective.constraint != "clip" and objective.clip is not None:
        raise ConfigError(
            f"objective.clip is {objective.clip:g}, but objective.constraint is {objective.constraint!r}",
            "set objective.constraint=clip, or objective.clip=none",
        )
    if objective.loss == "wgan" and objective.constraint not in (*_ON_PATHS, "clip", "spectral"):
        raise ConfigError(
            f"objective.loss is 'wgan' and objective.constraint is {objective.constraint!r}, which does not bound the "
            "critic between real and generated points: its loss falls without end",
            f"take one of: {', '.join((*_ON_PATHS, 'clip', 'spectral'))}; or another loss",
        )


def _check_critic(config: Config) -> None:
    normalization, constraint = config.critic.normalization, config.objective.constraint
    if normalization in BATCH_NORMALIZATIONS and constraint in PENALTIES:
        raise ConfigError(
            f"critic.normalization is {normalization!r} and objective.constraint is {constraint!r}: a penalty "
            "is on the slope at each sample, and batch norm makes every score depend on all of them",
            "take critic.normalization=layer, or none",
        )
    if normalization != "none" and constraint == "spectral":
        raise ConfigError(
            f"critic.normalization is {normalization!r} and objective.constraint is 'spectral': what bounds each "
            "layer's slope is undone by a layer that scales its input anew",
            "take critic.normalization=none",
        )


def _check_rhythm(config: Config) -> None:
    training = config.training
    normalization = config.generator.normalization
    if normalization in BATCH_NORMALIZATIONS and training.batch_size == 1:
        raise ConfigError(
            f"training.batch_size is 1, and generator.normalization is {normalization!r}: one item has no spread",
            "set training.batch_size to 2 or more",
        )
    if training.warm_up_until is not None and not training.warm_up:
        raise ConfigError("training.warm_up_until is set, but training.warm_up is 0", "set training.warm_up too")
    if training.noise_steps and not training.noise:
        raise ConfigError("training.noise_steps is set, but training.noise is 0", "set training.noise too")
    if training.steps is None and training.minutes is None and config.evaluation.patience is None:
        raise ConfigError("the run has no end", "set training.steps, training.minutes or evaluation.patience")
