"""Decode under constraints that are compiled for one vocabulary and length.

Shape suffixes: N strings, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...errors import ConfigError
from ...utils.arrays import Floats
from ..vocabulary import Vocabulary
from .compile import automata_of, impossible, trellis_of
from .constraints import Constraints
from .log_probs import best_score, score, table_of
from .sampling import sampled_strings, tempered
from .trellis import Trellis, everything
from .viterbi import best_strings

ROWS_MOST, CELLS_MOST = 512, 2**23
"""Strings, and numbers of 8 bytes, that are worked on at a time: they bound the memory and change no result."""

TEMPERATURE_LEAST = 1e-6
"""Lower ones only overflow: at this one all but equally likely strings have left long since."""


@final
@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Strings, and how likely the table finds them."""

    ids_NL: npt.NDArray[np.integer]
    """Of the vocabulary's dtype."""

    log_probability_N: Floats
    """Natural log of the string's probability, its first pad counted; see `table` for its rounding."""

    given_up_N: Floats
    """The price of the constraints, 0 or more: how much higher the log probability of the best string is among all that
    are not empty and have no unknown (of bytes: UTF-8 or not). 0 where there are no constraints."""


@final
class Decoder:
    """Decodes tables of probabilities under constraints. Make one with `compile_constraints`.

    Attributes:
        constraints: what every string fulfils.
    """

    def __init__(self, constraints: Constraints, vocabulary: Vocabulary, trellis: Trellis) -> None:
        self.constraints, self._vocabulary, self._trellis = constraints, vocabulary, trellis
        self._constrained = bool(constraints)

    @property
    def trellis(self) -> Trellis:
        """All allowed strings."""
        return self._trellis

    def decode(self, probabilities_NLV: Tensor, *, logs: bool = False) -> Decoded:
        """Return the best allowed string under each table; of equally good ones that with the lowest first ids.

        Without any constraint that is the likeliest id at each position, as ever: empty strings and unknowns may
        occur, and what stands behind the first pad stays.

        Args:
            probabilities_NLV: float32, on any device.
            logs: whether these are natural logs instead, as a log-softmax gives them. Probabilities below 1e-45 are
                0 in float32; only logs still tell which of them is the larger.

        Raises:
            CheckpointError: some are not numbers.
        """
        if not self._constrained:
            return self._in_blocks(probabilities_NLV, logs, lambda table_NLV, _rows: table_NLV.argmax(axis=2))
        return self._in_blocks(probabilities_NLV, logs, lambda table_NLV, _rows: best_strings(self._trellis, table_NLV))

    def sample(
        self, probabilities_NLV: Tensor, uniform_NL: npt.NDArray[Any], temperature: float = 1.0, *, logs: bool = False
    ) -> Decoded:
        """Return one string drawn from each table, given that it is allowed: s with probability ~ p(s).

        Without any constraint all strings are allowed, the empty one and unknowns too.

        Args:
            probabilities_NLV: float32, on any device.
            uniform_NL: floating point in [0, 1), one number for each position.
            temperature: T. Drawn is from p**(1/T), normalised at each position; the log probabilities that come
                with the strings are those under p itself.
            logs: as for `decode`.

        Raises:
            ConfigError: a temperature below TEMPERATURE_LEAST.
            CheckpointError: some probabilities are not numbers.
        """
        if not temperature >= TEMPERATURE_LEAST:
            raise ConfigError(f"the temperature is {temperature}, but it must be {TEMPERATURE_LEAST} or more")

        def draw(table_NLV: Floats, rows: slice) -> npt.NDArray[np.int64]:
            return sampled_strings(self._trellis, tempered(table_NLV, temperature), uniform_NL[rows])

        return self._in_blocks(probabilities_NLV, logs, draw)

    def _in_blocks(
        self, values_NLV: Tensor, logs: bool, strings: Callable[[Floats, slice], npt.NDArray[np.int64]]
    ) -> Decoded:
        """Return what a function from tables to ids gives, a bounded number of tables at a time."""
        wanted = (self._trellis.length, self._vocabulary.size)
        if values_NLV.shape[1:] != wanted:
            raise ValueError(f"tables must be of shape {wanted}; got {tuple(values_NLV.shape[1:])}")
        ids_NL = np.zeros(values_NLV.shape[:2], self._vocabulary.dtype)
        log_probability_N, given_up_N = np.zeros((2, len(values_NLV)))
        for rows in self._blocks(len(values_NLV)):
            table_NLV = table_of(values_NLV[rows], logs=logs)
            ids_NL[rows] = strings(table_NLV, rows)
            log_probability_N[rows] = score(table_NLV, ids_NL[rows])
            if self._constrained:
                given_up_N[rows] = best_score(table_NLV) - log_probability_N[rows]
        return Decoded(ids_NL=ids_NL, log_probability_N=log_probability_N, given_up_N=given_up_N)

    def _blocks(self, count: int) -> Iterator[slice]:
        shapes = [layer.target_SC.shape for layer in self._trellis.layers]
        states, widest = sum(states for states, _ in shapes), max(states * classes for states, classes in shapes)
        cells = states + 2 * widest + 3 * self._trellis.length * self._vocabulary.size
        rows = max(1, min(ROWS_MOST, CELLS_MOST // cells))
        return (slice(start, start + rows) for start in range(0, count, rows))


def compile_constraints(constraints: Constraints, vocabulary: Vocabulary, length: int) -> Decoder:
    """Return the decoder of strings that fulfil all constraints.

    Args:
        constraints: what is asked.
        vocabulary: the model's. Of one of bytes all strings are well-formed UTF-8, and lengths count characters.
        length: L, the model's positions.

    Raises:
        ConfigError: nothing fulfils them, and why: a character that the alphabet lacks, or which of them contradict
            each other; or their automata are too large.
    """
    if not constraints:
        return Decoder(constraints, vocabulary, everything(vocabulary.size, length))
    expressions = constraints.expressions()
    automata = automata_of(expressions, vocabulary, length)
    trellis = trellis_of(automata, vocabulary, length)
    if trellis is None:
        raise impossible(expressions, automata, vocabulary, length)
    return Decoder(constraints, vocabulary, trellis)
