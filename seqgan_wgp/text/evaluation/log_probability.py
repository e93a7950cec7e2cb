"""The log probability that a model gives to test lines, beside that of training lines.

Of a generator of latents it is an estimate by Monte Carlo, which is on average too low: the mean of the logs of
estimates is at most the log of p (Jensen). It is the probability of drawing a line, with `decode="sample"`, which is
not how strings are decoded by argmax; it tells models of one corpus apart, and a memorised corpus from a learnt one.

Shape suffixes: N lines, L length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np

from ...errors import ConfigError
from ...utils.arrays import Floats, Ints
from ...utils.counter_rng import Stream, sampled_indices
from ..corpus.dataset import Corpus, CorpusItems
from ..generation.probabilities import StringProbability
from ..vocabulary import PAD, mask_after_pad

LINES = 1_000
"""Number of lines of each kind, at most."""


@runtime_checkable
class GivesProbabilities(Protocol):
    """A model that says how probable given strings are: `Model.log_probability`."""

    def log_probability(self, strings: Iterable[str], *, seed: int = 0) -> Iterator[StringProbability]:
        """Yield the probability of each string, in order."""


@final
@dataclass(frozen=True, kw_only=True)
class LogProbability:
    """Means over lines that the model can draw, at most LINES of each kind."""

    test: float
    """Natural log of the probability of a test line."""

    train: float
    """The same of a training line; much higher where the model has memorised these."""

    bits_per_character: float
    """-log2 of the probability of all measured test lines, divided by their symbols; the end of a line is one."""

    error: float
    """Mean standard error of the log for a test line, in nats."""

    lines: int
    """Number of test lines measured."""

    impossible: float
    """Share of test lines that are left out: they have the probability 0."""


def log_probability_of_lines(model: GivesProbabilities, corpus: Corpus, test_RL: Ints, seed: int) -> LogProbability:
    """Return what a model says of test and training lines.

    Raises:
        ConfigError: the model can draw none of the test lines.
    """
    test_NL, train_NL = (_chosen(rows, seed) for rows in (test_RL, corpus.train))
    test_N, error_N = _measured(model, corpus, test_NL, seed)
    train_N, _error_N = _measured(model, corpus, train_NL, seed)
    possible_N = np.isfinite(test_N)
    if not possible_N.any():
        raise ConfigError("the model gives no test line a probability above 0", "leave --log-probability out")
    symbols_N = np.minimum((test_NL != PAD).sum(axis=1) + 1, test_NL.shape[1])  # the end is one
    return LogProbability(
        test=float(test_N[possible_N].mean()),
        train=float(train_N[np.isfinite(train_N)].mean()) if np.isfinite(train_N).any() else -math.inf,
        bits_per_character=float(-test_N[possible_N].sum() / math.log(2) / symbols_N[possible_N].sum()),
        error=float(error_N[possible_N].mean()),
        lines=int(possible_N.sum()),
        impossible=float(1 - possible_N.mean()),
    )


def _chosen(rows: Ints | CorpusItems, seed: int) -> Ints:
    """Return at most LINES of the rows, drawn at random, as (N, L) ids."""
    index_N = sampled_indices(seed, Stream.FLOOR, len(rows), LINES)
    return mask_after_pad(np.asarray(rows[np.sort(index_N)]))


def _measured(model: GivesProbabilities, corpus: Corpus, ids_NL: Ints, seed: int) -> tuple[Floats, Floats]:
    """Return the log probabilities of lines and their standard errors, (N,) each."""
    found = list(model.log_probability(corpus.vocabulary.decode(ids_NL), seed=seed))
    return np.array([one.log_probability for one in found]), np.array([one.error for one in found])
