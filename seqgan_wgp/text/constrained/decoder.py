"""Decode under constraints compiled for one vocabulary and length.

Shape suffixes: N strings, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

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
from .trellis import Trellis, allows, by_position, everything
from .viterbi import best_by_position, best_strings

FusedStrings: TypeAlias = Callable[[Floats, npt.NDArray[Any], float, Trellis | None], npt.NDArray[np.int64]]
"""(logs (N, L, V), uniforms (N, L), temperature, allowed strings) -> ids (N, L): `Fusion.strings`."""

MAX_ROWS, MAX_CELLS = 512, 2**23
"""Number of strings, and of 8-byte numbers, processed at a time; limit memory and change no result."""

MIN_TEMPERATURE = 1e-6
"""Least temperature. Lower ones would overflow, and only the most likely strings are left at this one."""


@final
@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Strings and their log probabilities."""

    ids_NL: npt.NDArray[np.integer]
    """Ids in the vocabulary's dtype."""

    log_probability_N: Floats
    """Natural log probability of the string, including its first pad; for rounding see `log_probs`."""

    given_up_N: Floats
    """Log probability lost to the constraints, 0 or more: the difference to the best of all non-empty strings without
    unknown symbols (for bytes, also invalid UTF-8). 0 without constraints."""


@final
class Decoder:
    """Decodes tables of probabilities under constraints. Make one with `compile_constraints`.

    Attributes:
        constraints: constraints that every string satisfies.
    """

    def __init__(self, constraints: Constraints, vocabulary: Vocabulary, trellis: Trellis) -> None:
        self.constraints, self._vocabulary, self._trellis = constraints, vocabulary, trellis
        self._constrained = bool(constraints)
        self._by_position = by_position(trellis)
        self._is_by_position = all(layer.target_SC.shape == (1, 1) for layer in trellis.layers)

    @property
    def trellis(self) -> Trellis:
        """All allowed strings."""
        return self._trellis

    def decode(self, probabilities_NLV: Tensor, *, logs: bool = False) -> Decoded:
        """Return the best allowed string under each table; ties go to the lowest first ids.

        Without constraints this is the most likely id at each position: empty strings and unknown symbols can occur,
        and ids after the first pad are kept.

        Args:
            probabilities_NLV: float32, on any device.
            logs: whether these are natural logs instead, as from a log-softmax. Probabilities below 1e-45 are 0 in
                float32; only logs can distinguish them.

        Raises:
            CheckpointError: some are not numbers.
        """
        if not self._constrained:
            return self._in_blocks(probabilities_NLV, logs, lambda table_NLV, _rows: table_NLV.argmax(axis=2))
        return self._in_blocks(
            probabilities_NLV, logs, lambda table_NLV, _rows: self._best(table_NLV), self._by_position
        )

    def _best(self, table_NLV: Floats) -> npt.NDArray[np.int64]:
        """Return the best string under each table.

        The best of the strings that satisfy position by position is found fast. Where it is allowed, it is the best of
        those that are allowed too, since these are some of them. Only the others need all states.
        """
        ids_NL = best_by_position(self._by_position, table_NLV)
        if self._is_by_position:
            return ids_NL
        wrong_M = np.flatnonzero(~allows(self._trellis, ids_NL))
        for rows in self._blocks(len(wrong_M), self._trellis):
            ids_NL[wrong_M[rows]] = best_strings(self._trellis, table_NLV[wrong_M[rows]])
        return ids_NL

    def sample(
        self, probabilities_NLV: Tensor, uniform_NL: npt.NDArray[Any], temperature: float = 1.0, *, logs: bool = False
    ) -> Decoded:
        """Draw one string from each table, conditional on being allowed: s with probability proportional to p(s).

        Without constraints all strings are allowed, including empty ones and unknown symbols.

        Args:
            probabilities_NLV: float32, on any device.
            uniform_NL: floating point in [0, 1), one number for each position.
            temperature: T. Strings are drawn from p**(1/T), normalised at each position; the returned log probabilities
                are those under p.
            logs: as for `decode`.

        Raises:
            ConfigError: a temperature below MIN_TEMPERATURE.
            CheckpointError: some probabilities are not numbers.
        """
        _check_temperature(temperature)

        def draw(table_NLV: Floats, rows: slice) -> npt.NDArray[np.int64]:
            return sampled_strings(self._trellis, tempered(table_NLV, temperature), uniform_NL[rows])

        return self._in_blocks(probabilities_NLV, logs, draw)

    def fuse(
        self, log_NLV: Tensor, uniform_NL: npt.NDArray[Any], strings: FusedStrings, temperature: float = 1.0
    ) -> Decoded:
        """Return one allowed string for each table, drawn by an n-gram model too; see `text.fusion.decode`.

        Args:
            log_NLV: natural logs of probabilities, float32, on any device.
            uniform_NL: as for `sample`.
            strings: what draws them.
            temperature: T, at least MIN_TEMPERATURE.

        Raises:
            ConfigError: a temperature below MIN_TEMPERATURE.
            CheckpointError: some logs are not numbers.
        """
        _check_temperature(temperature)
        allowed = self._trellis if self._constrained else None
        return self._in_blocks(
            log_NLV, True, lambda table_NLV, rows: strings(table_NLV, uniform_NL[rows], temperature, allowed)
        )

    def _in_blocks(
        self,
        values_NLV: Tensor,
        logs: bool,
        strings: Callable[[Floats, slice], npt.NDArray[np.int64]],
        trellis: Trellis | None = None,
    ) -> Decoded:
        """Apply a function from tables to ids, a number of tables at a time that the trellis which it uses limits."""
        wanted = (self._trellis.length, self._vocabulary.size)
        if values_NLV.shape[1:] != wanted:
            raise ValueError(f"tables must be of shape {wanted}; got {tuple(values_NLV.shape[1:])}")
        ids_NL = np.zeros(values_NLV.shape[:2], self._vocabulary.dtype)
        log_probability_N, given_up_N = np.zeros((2, len(values_NLV)))
        for rows in self._blocks(len(values_NLV), trellis or self._trellis):
            table_NLV = table_of(values_NLV[rows], logs=logs)
            ids_NL[rows] = strings(table_NLV, rows)
            log_probability_N[rows] = score(table_NLV, ids_NL[rows])
            if self._constrained:
                given_up_N[rows] = best_score(table_NLV) - log_probability_N[rows]
        return Decoded(ids_NL=ids_NL, log_probability_N=log_probability_N, given_up_N=given_up_N)

    def _blocks(self, count: int, trellis: Trellis) -> Iterator[slice]:
        shapes = [layer.target_SC.shape for layer in trellis.layers]
        states, widest = sum(states for states, _ in shapes), max(states * classes for states, classes in shapes)
        cells = states + 2 * widest + 3 * self._trellis.length * self._vocabulary.size
        rows = max(1, min(MAX_ROWS, MAX_CELLS // cells))
        return (slice(start, start + rows) for start in range(0, count, rows))


def _check_temperature(temperature: float) -> None:
    if not temperature >= MIN_TEMPERATURE:
        raise ConfigError(f"the temperature is {temperature}, but it must be {MIN_TEMPERATURE} or more")


def compile_constraints(constraints: Constraints, vocabulary: Vocabulary, length: int) -> Decoder:
    """Return the decoder of strings that satisfy all constraints.

    Args:
        constraints: the constraints.
        vocabulary: the model's vocabulary. For bytes all strings are well-formed UTF-8, and lengths count characters.
        length: L, the number of positions of the model.

    Raises:
        ConfigError: no string satisfies them, because the alphabet lacks a character or constraints contradict each
            other, which the message explains; or their automata are too large.
    """
    if not constraints:
        return Decoder(constraints, vocabulary, everything(vocabulary.size, length))
    languages = constraints.languages()
    automata = automata_of(languages, vocabulary, length)
    trellis = trellis_of(automata, vocabulary, length)
    if trellis is None:
        raise impossible(languages, automata, vocabulary, length)
    return Decoder(constraints, vocabulary, trellis)
