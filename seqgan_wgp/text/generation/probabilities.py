"""Log probabilities, bits per character and guess numbers of given strings, for any generator of text.

Shape suffixes: S strings, N drawn strings, L length.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from ...errors import ConfigError
from ...utils.arrays import Floats, Ints
from ..causal_generator import CausalGenerator
from ..vocabulary import PAD, UNKNOWN
from .inversion import LatentGenerator
from .scoring import encoded_strings, flag_of
from .string_probability import (
    MAX_LATENTS,
    LatentModel,
    LogMean,
    counted,
    guess_numbers,
    importance_estimate,
    prior_estimate,
)

STRINGS_TOGETHER = 4_096
"""Number of strings whose probabilities are estimated by the same pass over latents."""

GUESSED = 2_000
"""Number of drawn strings that guess numbers are counted by."""


@final
@dataclass(frozen=True, kw_only=True)
class StringProbability:
    """The probability of a string, drawn with `decode="sample"` at temperature 1."""

    text: str
    log_probability: float
    """Natural log; minus infinity for a string that is too long or has unknown characters."""

    error: float
    """Standard error of the log, in nats; 0 where it is exact."""

    bits_per_character: float
    """-log2 p divided by the number of symbols, the end of the string included."""

    flag: str
    """As that of a score: "empty", "too_long", "unknown", "too_long+unknown", or ""."""

    guess_number: float | None = None
    """About how many strings are more probable, plus 1; None where it was not asked for."""


@final
@dataclass(frozen=True, kw_only=True)
class ProbabilityOptions:
    """How probabilities are estimated.

    Raises ConfigError for numbers out of bounds.
    """

    latents: int
    """Number of latents of the training distribution, the same for all strings. Unused with `importance`."""

    importance: int
    """Number of latents of importance sampling, for each string; 0: none."""

    seed: int

    def __post_init__(self) -> None:
        for name, least in (("latents", 2), ("importance", 0), ("seed", 0)):
            value = getattr(self, name)
            if not least <= value <= MAX_LATENTS:
                raise ConfigError(f"{name} is {value:,}, but it must be {least} to {MAX_LATENTS:,}")


def estimate(model: LatentGenerator, latent: int, ids_SL: Ints, options: ProbabilityOptions) -> LogMean:
    """Return the log probabilities of (S, L) ids.

    A causal network is a product of conditional probabilities, so its log p is exact; symbols below its `epsilon`,
    which it does not draw, have their probability nevertheless.
    """
    ids = torch.from_numpy(np.ascontiguousarray(ids_SL).astype(np.int64))
    if isinstance(model.generator, CausalGenerator):
        nats_S, _sizes = model.generator.network.log_likelihood(ids.to(model.device))
        return LogMean(log_mean_S=nats_S, error_S=torch.zeros_like(nats_S))
    source = LatentModel(model=model, latent=latent, seed=options.seed)
    counted_SX = counted(ids, model.spec.vocabulary.size)
    if options.importance:
        return importance_estimate(source, counted_SX, options.importance)
    return prior_estimate(source, counted_SX, options.latents)


def probabilities(
    model: LatentGenerator,
    latent: int,
    strings: Iterable[str],
    options: ProbabilityOptions,
    drawn_NL: Ints | None = None,
) -> Iterator[StringProbability]:
    """Yield all strings with their probabilities, in order and in constant memory.

    Args:
        model: the generator.
        latent: Z.
        strings: any number of strings, read in blocks.
        options: how they are estimated.
        drawn_NL: ids of strings that the model has drawn, by which guess numbers are counted; None: there are none.
    """
    drawn_N = None
    if drawn_NL is not None:
        # Those of drawn strings by the same latents for all: with importance sampling they would take minutes.
        plain = ProbabilityOptions(latents=options.latents, importance=0, seed=options.seed)
        drawn_N = estimate(model, latent, drawn_NL, plain).log_mean_S.numpy()
    strings, spec = iter(strings), model.spec
    while block := list(itertools.islice(strings, STRINGS_TOGETHER)):
        ids_SL, sizes_S = encoded_strings(spec.vocabulary, block, spec.length)
        found = estimate(model, latent, ids_SL, options)
        unknown_S = (ids_SL == UNKNOWN).any(axis=1)
        impossible_S = unknown_S | (sizes_S > spec.length)
        log_S: Floats = np.where(impossible_S, -math.inf, found.log_mean_S.numpy())
        error_S = np.where(impossible_S, 0.0, found.error_S.numpy())
        symbols_S = np.minimum((ids_SL != PAD).sum(axis=1) + 1, spec.length)
        guess_S = None if drawn_N is None else guess_numbers(log_S, drawn_N)
        for k, text in enumerate(block):
            yield StringProbability(
                text=text,
                log_probability=float(log_S[k]),
                error=float(error_S[k]),
                bits_per_character=float(-log_S[k] / math.log(2) / symbols_S[k]),
                flag=flag_of(int(sizes_S[k]), spec.length, unknown=bool(unknown_S[k])),
                guess_number=None if guess_S is None else float(guess_S[k]),
            )
