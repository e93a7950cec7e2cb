"""Check that settings fit together: combinations that cannot train or have no effect are refused with the reason."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import ConfigError
from ..registry import (
    CONSTRAINTS,
    CONTEXTS,
    CRITICS,
    DISTRIBUTIONS,
    GENERATORS,
    LOSSES,
    NORMALIZATIONS,
    OPTIMIZERS,
    UNITS,
    Network,
)
from ..utils.token_symbols import pattern_split
from .fields import AUTO
from .kinds import DATA_KINDS
from .schema import Config, CorpusSettings, ObjectiveSettings

DECIDED = (
    "generator.latent",
    "generator.width",
    "critic.width",
    "critic.ngrams",
    "training.batch_size",
    "evaluation.every",
)
"""Settings that rules decide once the data is known."""


def check(config: Config) -> None:
    """Raise ConfigError, with the reason and a remedy, when settings contradict each other."""
    _check_left_open(config)
    _check_unit(config.corpus)
    _check_toy(config)
    _check_networks(config)
    _check_objective(config)
    _check_critic(config)
    _check_rhythm(config)
    _check_refinement(config)
    _check_labels(config)


def _check_unit(corpus: CorpusSettings) -> None:
    if corpus.unit == "char":  # the registry need not be loaded
        return
    takes_pattern = UNITS[corpus.unit].pattern == ""
    if corpus.unit_pattern and not takes_pattern:
        raise ConfigError(
            f"corpus.unit_pattern is set, but corpus.unit is {corpus.unit!r}",
            "leave corpus.unit out, or corpus.unit_pattern",
        )
    if takes_pattern:
        if not corpus.unit_pattern:
            raise ConfigError(
                f"corpus.unit is {corpus.unit!r}, but corpus.unit_pattern is empty",
                r"set it, e.g. --set 'corpus.unit_pattern=\p{L}+|.'",
            )
        pattern_split(corpus.unit_pattern)


def _check_labels(config: Config) -> None:
    """Raise ConfigError for labels with parts that cannot be told them, or that would mix those of a batch."""
    label = config.corpus.label
    if not label:
        return
    if not DATA_KINDS[config.domain].is_discrete:
        raise ConfigError(f"corpus.label is {label!r}, but it applies to text only", "leave it out")
    for part, registries in (("generator", GENERATORS), ("critic", CRITICS)):
        name, networks = getattr(config, part).network, registries[config.domain]
        if not networks[name].takes_labels:
            having = [other for other, entry in networks.items() if entry.takes_labels]
            raise ConfigError(
                f"corpus.label is {label!r}, but the {part} network {name} takes no labels",
                f"set {part}.network={_or(having)}, or leave the labels out",
            )
    objective = config.objective
    unfit = {
        f"objective.constraint is {objective.constraint!r}, which mixes the samples of a batch": (
            CONSTRAINTS[objective.constraint].mixes_samples
        ),
        f"objective.loss is {objective.loss!r}, which compares generated with real samples": (
            LOSSES[objective.loss].needs_real
        ),
        f"training.noise is {config.training.noise:g}, which would change the labels too": bool(config.training.noise),
        f"corpus.weights is {config.corpus.weights!r}, and counted strings have no labels": (
            config.corpus.weights not in ("", "none")
        ),
        "corpus.layout is 'windows', and windows of running text have no labels": config.corpus.layout == "windows",
    }
    for reason, is_so in unfit.items():
        if is_so:
            raise ConfigError(f"corpus.label is {label!r}, but {reason}", f"change {reason.split()[0]}")


def _check_refinement(config: Config) -> None:
    settings, network = config.refinement, config.generator.network
    asked = {"fuse": settings.fuse, "minutes": settings.minutes, "steps": settings.steps}
    given = [f"refinement.{name}" for name, value in asked.items() if value]
    if given and not DATA_KINDS[config.domain].is_discrete:
        raise ConfigError(f"{given[0]} is set, but it applies to text only", "leave it out")
    if settings.minutes is not None and settings.steps is not None:
        raise ConfigError("both refinement.minutes and refinement.steps are set", "set one of the two")
    if settings.fuse and GENERATORS[config.domain][network].has_likelihood:
        raise ConfigError(
            f"refinement.fuse is set, but the network {network} sees the previous characters already",
            "set refinement.fuse=false",
        )


def _check_toy(config: Config) -> None:
    if config.toy.theta and not DISTRIBUTIONS[config.toy.name].has_theta:
        having = [name for name, distribution in DISTRIBUTIONS.items() if distribution.has_theta]
        raise ConfigError(
            f"toy.theta is {config.toy.theta:g}, but toy.name is {config.toy.name!r}, which does not use it",
            f"set toy.name={having[0]}, or toy.theta=0",
        )


def _check_networks(config: Config) -> None:
    for part, registries in (("generator", GENERATORS), ("critic", CRITICS)):
        settings, networks = getattr(config, part), registries[config.domain]
        _choose(f"{part}.network", settings.network, networks, config.domain)
        network = networks[settings.network]
        _choose(
            f"{part}.normalization", settings.normalization, network.normalizations, f"the network {settings.network}"
        )
        if not network.chooses_activation and settings.activation != "softplus":
            raise ConfigError(
                f"{part}.activation is {settings.activation!r}, but {settings.network} has a fixed activation",
                f"leave {part}.activation out, or set {part}.network=convolution-dense",
            )
        _check_context(part, settings, network, networks)
        if network.needs_units and not settings.units:
            raise ConfigError(f"{part}.units is 0, but {settings.network} has a dense layer", f"set {part}.units")
        algorithm = getattr(config.optimizer, part)
        for name in OPTIMIZERS[algorithm.name].needs:
            if getattr(algorithm, name) is None:
                dotted = f"optimizer.{part}.{name}"
                raise ConfigError(f"{dotted} is not set, but {algorithm.name} needs it", f"e.g. --set {dotted}=0.9")

    if not DATA_KINDS[config.domain].is_discrete and config.generator.relaxation != "softmax":
        raise ConfigError(
            f"generator.relaxation is {config.generator.relaxation!r}, but it applies to text only",
            "set generator.relaxation=softmax, which has no effect here",
        )


def _check_context(part: str, settings: Any, network: Network, networks: Mapping[str, Network]) -> None:
    traits = {"context": "chooses_context", "dilation_growth": "chooses_context"}
    traits |= {"self_modulation": "chooses_modulation"} if part == "generator" else {"ngrams": "chooses_ngrams"}
    for name, trait in traits.items():
        value, neutral = getattr(settings, name), type(settings).__dataclass_fields__[name].default
        if value not in (neutral, AUTO) and not getattr(network, trait):
            having = [other for other, entry in networks.items() if getattr(entry, trait)]
            others = f"set {part}.network={having[0]}, or " if having else ""
            raise ConfigError(
                f"{part}.{name} is {_written(value)}, but the network {settings.network} has no such choice",
                f"{others}set {part}.{name}={_written(neutral)}",
            )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_left_open(config: Config) -> None:
    if DATA_KINDS[config.domain].has_rules:
        return  # there is a rule for each, once the corpus is known
    for dotted in DECIDED:
        if operator.attrgetter(dotted)(config) == AUTO:
            raise ConfigError(f"{dotted} is 'auto', which works for text only", "set it to a number")


def _choose(dotted: str, value: str, fitting: Collection[str], whose: str) -> None:
    if value not in fitting:
        raise ConfigError(f"{dotted} is {value!r}, which is not available for {whose}", f"choose {_or(fitting)}")


def _or(names: Collection[str]) -> str:
    return next(iter(names)) if len(names) == 1 else f"one of: {', '.join(names)}"


def _check_objective(config: Config) -> None:
    objective, constraint = config.objective, CONSTRAINTS[config.objective.constraint]
    if objective.targets != ObjectiveSettings.targets:
        objective.target_numbers()
    if not constraint.has_penalty and objective.penalty_weight:
        raise ConfigError(
            f"objective.penalty_weight is {objective.penalty_weight:g}, but objective.constraint is "
            f"{objective.constraint!r}, which has no penalty",
            f"choose a constraint with a penalty ({', '.join(_having('has_penalty'))}), or set the weight to 0",
        )
    if objective.penalty_every > 1 and not constraint.per_sample:
        raise ConfigError(
            f"objective.penalty_every is {objective.penalty_every}, but objective.constraint is "
            f"{objective.constraint!r}, which has no per-sample penalty",
            f"choose one of: {', '.join(_having('per_sample'))}; or set objective.penalty_every=1",
        )
    if 0 < config.training.batch_size < objective.penalty_every:
        raise ConfigError(
            f"objective.penalty_every is {objective.penalty_every}, but training.batch_size is only "
            f"{config.training.batch_size}",
            "set objective.penalty_every to at most training.batch_size",
        )
    if constraint.needs_clip and objective.clip is None:
        raise ConfigError(
            f"objective.constraint is {objective.constraint!r}, but objective.clip is not set",
            "set it, e.g. objective.clip=0.01",
        )
    if not constraint.needs_clip and objective.clip is not None:
        raise ConfigError(
            f"objective.clip is {objective.clip:g}, but objective.constraint is {objective.constraint!r}",
            f"set objective.constraint={_or(_having('needs_clip'))}, or objective.clip=none",
        )
    if LOSSES[objective.loss].needs_bounded_critic and not constraint.bounds_between:
        raise ConfigError(
            f"objective.loss is {objective.loss!r}, but the constraint {objective.constraint!r} does not bound the "
            "critic's slope between real and generated samples: the critic loss would fall without bound",
            f"choose another objective.constraint ({', '.join(_having('bounds_between'))}) or another loss",
        )


def _having(trait: str) -> list[str]:
    """Return the names of the constraints that have a trait."""
    return [name for name, constraint in CONSTRAINTS.items() if getattr(constraint, trait)]


def _check_critic(config: Config) -> None:
    normalization, constraint = config.critic.normalization, config.objective.constraint
    if NORMALIZATIONS[normalization].mixes_samples and CONSTRAINTS[constraint].has_penalty:
        raise ConfigError(
            f"critic.normalization is {normalization!r} and objective.constraint is {constraint!r}: the gradient "
            f"penalty needs per-sample gradients, but {normalization} norm makes each score depend on the whole batch",
            "set critic.normalization=layer, or none",
        )
    if not CONSTRAINTS[constraint].bounds_layers:
        return
    if normalization != "none":
        raise ConfigError(
            f"critic.normalization is {normalization!r} and objective.constraint is {constraint!r}: the normalization "
            "rescales each layer's input, which undoes the bound on the layer's slope",
            "set critic.normalization=none",
        )
    if CONTEXTS[config.critic.context].normalizes:
        raise ConfigError(
            f"critic.context is {config.critic.context!r} and objective.constraint is {constraint!r}: the layer "
            "normalizes its input, which undoes the bound on the layers' slopes",
            "set critic.context=none",
        )
    if config.critic.ngrams > 1:
        raise ConfigError(
            f"critic.ngrams is {config.critic.ngrams} and objective.constraint is {constraint!r}: a bound on the slope "
            "of each layer does not bound that of products of their outputs",
            "set critic.ngrams=1",
        )


def _check_rhythm(config: Config) -> None:
    training = config.training
    if NORMALIZATIONS[config.generator.normalization].mixes_samples and training.batch_size == 1:
        raise ConfigError(
            "training.batch_size is 1, and generator.normalization is "
            f"{config.generator.normalization!r}, which needs more than one sample per batch",
            "set training.batch_size to 2 or more",
        )
    if training.likelihood_steps and not GENERATORS[config.domain][config.generator.network].has_likelihood:
        raise ConfigError(
            f"training.likelihood_steps is {training.likelihood_steps}, but the network {config.generator.network} has "
            "no likelihood",
            "set generator.network=causal, or training.likelihood_steps=0",
        )
    if training.likelihood_steps and training.likelihood_rate is None:
        raise ConfigError(
            "training.likelihood_steps is set, but training.likelihood_rate is not",
            "e.g. training.likelihood_rate=5e-3",
        )
    if training.warm_up_until is not None and not training.warm_up:
        raise ConfigError("training.warm_up_until is set, but training.warm_up is 0", "set training.warm_up too")
    if training.noise_steps and not training.noise:
        raise ConfigError("training.noise_steps is set, but training.noise is 0", "set training.noise too")
    if training.steps is None and training.minutes is None and config.evaluation.patience is None:
        raise ConfigError("the run would never end", "set training.steps, training.minutes or evaluation.patience")
