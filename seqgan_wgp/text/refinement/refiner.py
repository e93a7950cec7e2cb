"""A refiner: the trained classifiers of a model, and the rule by which they accept its strings.

With several stages, each classifier was trained on strings accepted by the previous ones. If these accept x with
probability a(x), accepted strings have a density proportional to q(x) a(x). So the weight of a string is a(x) times the
ratio of the next classifier.

Shape suffixes: B strings of a block, N strings, K proposals of a group, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...errors import CheckpointError, ConfigError, did_you_mean, one_line
from ...utils.arrays import Floats
from ..hashing.row_hashes import Ids
from .acceptance import (
    accepted,
    drs_acceptance,
    drs_statistic,
    log_density_ratio,
    metropolis_hastings,
    ratio_acceptance,
)
from .classifier import BLOCK, ClassifierConfig, StringClassifier, logits
from .thinning import LEAST, Thinning, thinning_from

RULES = ("ratio", "drs", "mh")
"""Acceptance rules: rejection sampling with a bound, discriminator rejection sampling, Metropolis-Hastings."""

PART = "refiner"
"""Prefix of a refiner's tensors in a model file, and the name of its facts there."""

LINES = f"{PART}.lines"
"""Name of the hashes of training lines in a model file."""


@final
@dataclass(frozen=True, kw_only=True)
class AcceptanceConfig:
    """The acceptance rule and its parameters.

    Raises:
        ConfigError: an unknown rule, or a number out of bounds.
    """

    rule: str = "ratio"
    quantile: float = 0.95
    """The bound M is this quantile of the ratios of generated strings; above 0, at most 1. Ignored by "mh"."""

    rate: float = 0.5
    """For "drs": gamma is chosen so that this share of generated strings is accepted with a probability above one
    half."""

    proposals: int = 32
    """For "mh": proposals per accepted string; a power of two up to 512."""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ConfigError(
                f"acceptance is {self.rule!r}{did_you_mean(self.rule, RULES)}", f"choose one of: {', '.join(RULES)}"
            )
        if not 0 < self.quantile <= 1:
            raise ConfigError(f"quantile is {self.quantile:g}, but it must be above 0 and at most 1")
        if not 0 < self.rate < 1:
            raise ConfigError(f"rate is {self.rate:g}, but it must be between 0 and 1")
        if self.proposals < 2 or BLOCK % self.proposals:
            raise ConfigError(f"proposals is {self.proposals}, but it must be a power of two from 2 to {BLOCK}")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """One classifier, with the parameters of its acceptance rule."""

    classifier: StringClassifier
    temperature: float
    log_bound: float
    """log M for the weights up to this stage."""

    gamma: float
    """gamma of "drs"."""

    facts: Mapping[str, Any]
    """Facts about its training, as JSON values."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Refiner:
    """Accepts or rejects generated strings. Make one with `seqgan_wgp.refine`, or read it with `from_tensors`."""

    stages: tuple[Stage, ...]
    config: AcceptanceConfig
    decode: str = "argmax"
    """How the strings were decoded that it learnt from, one of `generation.sampling.DECODERS`; only such it judges."""

    thinning: Thinning | None = None
    """Accepts training lines more rarely, if set. It is no part of the weights."""

    def log_weights(self, ids_NL: Ids) -> Floats:
        """Return the log of the density of real strings over that of generated ones (N,), up to a constant."""
        let_through_N = weight_N = np.zeros(len(ids_NL))
        for stage in self.stages:
            weight_N = let_through_N + log_density_ratio(logits(stage.classifier, ids_NL), stage.temperature)
            if self.config.rule == "mh":
                let_through_N = weight_N
            else:
                let_through_N = np.log(np.maximum(self._probabilities(weight_N, stage), LEAST))
        return weight_N

    def probabilities(self, log_weight_N: Floats) -> Floats:
        """Return the acceptance probability (N,) by the rule "ratio" or "drs"."""
        return self._probabilities(log_weight_N, self.stages[-1])

    def _probabilities(self, log_weight_N: Floats, stage: Stage) -> Floats:
        if self.config.rule == "drs":
            return drs_acceptance(log_weight_N, stage.log_bound, stage.gamma)
        return ratio_acceptance(log_weight_N, stage.log_bound)

    def accepts(self, seed: int, first: int, ids_BL: Ids) -> npt.NDArray[np.bool_]:
        """Return the mask (B,) of accepted strings of an aligned block; depends only on (seed, indices, ids).

        Args:
            seed: seed of the strings.
            first: index of the block's first string.
            ids_BL: the strings. For "mh", B is a multiple of the number of proposals.
        """
        weight_B = self.log_weights(ids_BL)
        log_factor_B = np.zeros(len(ids_BL)) if self.thinning is None else self.thinning.log_factors(ids_BL)
        index_B = np.arange(first, first + len(ids_BL))
        if self.config.rule != "mh":
            return accepted(seed, index_B, self.probabilities(weight_B) * np.exp(log_factor_B))
        weight_B = weight_B + log_factor_B
        weight_GK = weight_B.reshape(-1, self.config.proposals)
        place_G = metropolis_hastings(seed, index_B[:: self.config.proposals], weight_GK)
        mask_GK = np.arange(self.config.proposals) == place_G[:, None]
        mask_B: npt.NDArray[np.bool_] = mask_GK.reshape(-1)
        return mask_B

    @property
    def expected_acceptance(self) -> float:
        """Share of strings accepted in the calibration of the last stage, and after thinning if there is one."""
        share = float(self.stages[-1].facts["acceptance"])
        return share if self.thinning is None else share * float(self.thinning.facts["acceptance"])

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the weights, and the hashes of training lines, to store in a model file, by name."""
        lines = {} if self.thinning is None else {LINES: self.thinning.to_tensor()}
        return lines | {
            f"{PART}.{place}.{name}": tensor
            for place, stage in enumerate(self.stages)
            for name, tensor in stage.classifier.state_dict().items()
        }

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to store in a model file next to the tensors."""
        stages = [
            {
                "classifier": asdict(stage.classifier.config),
                "temperature": stage.temperature,
                "log_bound": stage.log_bound,
                "gamma": stage.gamma,
                "facts": dict(stage.facts),
            }
            for stage in self.stages
        ]
        thinning = {} if self.thinning is None else {"thinning": self.thinning.to_facts()}
        return {"acceptance": asdict(self.config), "decode": self.decode, "stages": stages, **thinning}

    def to(self, device: torch.device) -> Refiner:
        """Return the refiner with its classifiers on a device."""
        stages = tuple(replace(stage, classifier=stage.classifier.to(device)) for stage in self.stages)
        return replace(self, stages=stages)


def from_tensors(facts: Mapping[str, Any], tensors: Mapping[str, Tensor], vocabulary_size: int, length: int) -> Refiner:
    """Return the refiner stored in a model file, from its facts and tensors.

    Raises:
        CheckpointError: the facts or tensors are invalid.
    """
    try:
        stages = [_stage(found, place, tensors, vocabulary_size, length) for place, found in enumerate(facts["stages"])]
        if not stages:
            raise KeyError("stages")
        # Files of before there was another way to decode do not say which.
        decode = str(facts.get("decode", "argmax"))
        config = AcceptanceConfig(**facts["acceptance"])
        thinning = thinning_from(facts["thinning"], tensors[LINES]) if "thinning" in facts else None
        return Refiner(stages=tuple(stages), config=config, decode=decode, thinning=thinning)
    except (KeyError, TypeError, ValueError, RuntimeError, ConfigError) as error:
        reason = error.message if isinstance(error, ConfigError) else one_line(error)
        raise CheckpointError(f"the refiner's part of the model file is not readable ({reason})") from None


def _stage(
    found: Mapping[str, Any], place: int, tensors: Mapping[str, Tensor], vocabulary_size: int, length: int
) -> Stage:
    settings = dict(found["classifier"])
    settings["blocks"] = tuple(settings["blocks"])
    classifier = StringClassifier(vocabulary_size, length, ClassifierConfig(**settings))
    before = f"{PART}.{place}."
    own = {name.removeprefix(before): value for name, value in tensors.items() if name.startswith(before)}
    classifier.load_state_dict(own)
    numbers = [float(found[name]) for name in ("temperature", "log_bound", "gamma")]
    if not all(map(math.isfinite, numbers)) or numbers[0] <= 0:
        raise ValueError("its calibration is out of bounds")
    temperature, log_bound, gamma = numbers
    return Stage(
        classifier=classifier.eval().requires_grad_(False),
        temperature=temperature,
        log_bound=log_bound,
        gamma=gamma,
        facts=found["facts"],
    )


def calibrated(
    stages: Sequence[Stage],
    fitted: tuple[StringClassifier, float],
    ids_NL: Ids,
    config: AcceptanceConfig,
    facts: Mapping[str, Any],
) -> Refiner:
    """Return a refiner with one more stage, with bound and gamma calibrated on generated strings.

    Args:
        stages: the previous stages.
        fitted: the new stage's classifier and temperature.
        ids_NL: generated strings that were not used in training.
        config: the acceptance rule.
        facts: facts about the classifier's training.
    """
    classifier, temperature = fitted
    open_stage = Stage(classifier=classifier, temperature=temperature, log_bound=0.0, gamma=0.0, facts=facts)
    weight_N = Refiner(stages=(*stages, open_stage), config=config).log_weights(ids_NL)
    log_bound = float(np.quantile(weight_N, config.quantile))
    gamma = float(np.quantile(drs_statistic(weight_N, log_bound), 1 - config.rate))
    stage = replace(open_stage, log_bound=log_bound, gamma=gamma)
    refiner = Refiner(stages=(*stages, stage), config=config)
    share = 1 / config.proposals if config.rule == "mh" else float(refiner.probabilities(weight_N).mean())
    stage = replace(stage, facts={**facts, "acceptance": share})
    return Refiner(stages=(*stages, stage), config=config)
