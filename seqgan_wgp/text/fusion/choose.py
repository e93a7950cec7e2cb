"""Choose the n-gram model to fuse with a trained generator, and the weights of both.

All pairs of an order and two powers on a small grid are tried on the same latents. Those count whose strings are new
and different enough. Their distance to real lines is the mean of the JS-n of the composite (`text.criteria`), whose
other part, variety, is what must be kept here. Of those that are about as near as the nearest (`NEAR`), the one with
the fewest new strings is taken: its n-grams weigh most, so that more of its strings are right as a whole, which JS-n
hardly shows. All measures are of the validation half; the test half is not looked at.

Shape suffixes: N strings, B strings of a block, L length.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol, final

import numpy as np
from torch import Tensor

from ...errors import ConfigError
from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, sampled_indices, shuffled, uniform_numpy
from ..corpus.dataset import Corpus
from ..criteria import COMPOSITE_ORDERS
from ..metrics.ngrams import NgramReference, unique_fraction
from .decode import Powers, fused_strings
from .fusion import Fusion
from .ngram_model import MAX_CELLS, MAX_NGRAMS, NgramModel, order_most

ORDERS = 3, 4, 5, 6, 8, 10
"""n of the n-gram models that are tried; those too large for a model file are left out."""

GENERATOR_POWERS = 0.6, 0.8, 1.0
NGRAM_POWERS = 0.2, 0.35, 0.5, 0.6, 0.7, 0.85, 1.0

NEAR = 1.05
"""Up to so many times the least distance counts as about as near: on other latents it varies by 2 to 9 %."""

MAX_FITTED = 1 << 19
"""Training lines that n-grams are counted in, at most; of more, so many drawn at random."""

MAX_SAMPLES = 5_000
"""Strings that each pair is measured by, at most; no more than there are validation lines."""


class LogTables(Protocol):
    """Where logs of probabilities come from: `Model.tables`."""

    def __call__(self, n: int, *, seed: int, start: int = 0, logs: bool = True) -> Iterator[Tensor]:
        """Yield (B, L, V) tables of strings number `start` on, n in all."""


@final
@dataclass(frozen=True, kw_only=True)
class FusionOptions:
    """What a fusion must keep.

    Raises:
        ConfigError: a share that is none, or a seed out of bounds.
    """

    new: float = 0.8
    """Least share of strings that are not training lines."""

    different: float = 0.95
    """Least share of distinct strings."""

    order_most: int = ORDERS[-1]
    """Highest order that is tried; a lower one makes a smaller model file."""

    seed: int = 0

    def __post_init__(self) -> None:
        if self.order_most < ORDERS[0]:
            raise ConfigError(f"--order-most is {self.order_most}, but it must be at least {ORDERS[0]}")
        for name, value in (("--new", self.new), ("--different", self.different)):
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} is {value:g}, but it is a share, from 0 to 1")
        if not 0 <= self.seed < 1 << 63:
            raise ConfigError(f"--seed is {self.seed}, but it must be 0 to 2^63 - 1")


@final
@dataclass(frozen=True, kw_only=True)
class Measured:
    """How some strings do on the validation half."""

    divergence: float
    """Mean of JS-4, JS-6 and JS-8 in bits, above that of as many training lines; 0 where it is below."""

    different: float
    new: float


@final
class ValidationBench:
    """Measures strings against the validation half of a corpus.

    Args:
        corpus: in three parts.
        count: strings that are measured together.
        seed: of the training lines that make the floor.
    """

    def __init__(self, corpus: Corpus, count: int, seed: int) -> None:
        self._corpus, self._size = corpus, corpus.vocabulary.size
        self._orders = sorted({min(order, corpus.facts.length) for order in COMPOSITE_ORDERS})
        self._reference = NgramReference(np.asarray(corpus.validation_NL), self._size, self._orders[-1])
        real_NL = corpus.train[shuffled(seed, Stream.FLOOR, np.arange(count) % len(corpus.train), len(corpus.train))]
        self._floor = self._divergence(real_NL)

    def measure(self, ids_NL: Ints) -> Measured:
        """Return the measures of (N, L) ids."""
        return Measured(
            divergence=max(0.0, self._divergence(ids_NL) - self._floor),
            different=unique_fraction(ids_NL),
            new=self._corpus.novel(ids_NL),
        )

    def _divergence(self, ids_NL: Ints) -> float:
        found = self._reference.divergences(ids_NL)
        return sum(found[order - 1] for order in self._orders) / len(self._orders)


def choose_fusion(
    tables: LogTables,
    corpus: Corpus,
    options: FusionOptions,
    on_progress: Callable[[float], object] = lambda _share: None,
) -> tuple[Fusion | None, Measured]:
    """Return the best fusion, or None where none is better than decoding by argmax; and how argmax does.

    A model whose argmax strings are not as new or as different as is asked must not become worse in that.

    Args:
        tables: yields logs of the generator's probabilities by seed and number.
        corpus: what it learnt from.
        options: what must be kept.
        on_progress: told which share is done.

    Raises:
        ConfigError: the alphabet is too large for any of ORDERS.
    """
    models = [model for model in candidate_models(corpus, options.seed) if model.order <= options.order_most]
    count = min(MAX_SAMPLES, len(corpus.validation_NL))
    bench = ValidationBench(corpus, count, options.seed)
    grid = [Powers(generator=a, ngram=b) for a, b in itertools.product(GENERATOR_POWERS, NGRAM_POWERS)]
    tried = [(model, powers) for model in models for powers in grid]
    plain: list[Ints] = []
    drawn: list[list[Ints]] = [[] for _ in tried]
    kind, seed, start = corpus.vocabulary.dtype, options.seed, 0
    for table_BLV in tables(count, seed=seed, logs=True):
        log_BLV = table_BLV.cpu().numpy()
        plain.append(log_BLV.argmax(axis=2).astype(kind))
        index_B = np.arange(start, start + len(log_BLV))
        uniform_BL = uniform_numpy(seed, Stream.DECODE, index_B, log_BLV.shape[1])
        for parts, (model, powers) in zip(drawn, tried, strict=True):
            parts.append(fused_strings(log_BLV, model.table, powers, uniform_BL).astype(kind))
        start += len(log_BLV)
        on_progress(start / count / 2)
    before = bench.measure(np.concatenate(plain))
    better: list[tuple[Measured, NgramModel, Powers]] = []
    for place, ((model, powers), parts) in enumerate(zip(tried, drawn, strict=True)):
        found = bench.measure(np.concatenate(parts))
        if _allowed(found, before, options) and found.divergence < before.divergence:
            better.append((found, model, powers))
        on_progress(0.5 + (place + 1) / len(tried) / 2)
    if not better:
        return None, before
    least = min(found.divergence for found, _, _ in better)
    near = [each for each in better if each[0].divergence <= NEAR * least]
    measured, model, powers = min(near, key=lambda each: each[0].new)
    return Fusion(ngrams=model, powers=powers, facts=_facts(measured, model, before, options)), before


def candidate_models(corpus: Corpus, seed: int = 0) -> list[NgramModel]:
    """Return the n-gram models of the training lines that a model file may have, one for each of ORDERS.

    Raises ConfigError where there is none.
    """
    size, count = corpus.vocabulary.size, len(corpus.train)
    index_N = sampled_indices(seed, Stream.FLOOR, count, MAX_FITTED)
    lines_NL = corpus.train[np.sort(index_N)]
    models: list[NgramModel] = []
    for order in ORDERS:
        if order > order_most(size):
            break
        model = NgramModel.fit([lines_NL], size, order)
        if len(model.key_N) > MAX_NGRAMS or model.cells > MAX_CELLS:
            break
        models.append(model)
    if not models:
        raise ConfigError(
            f"fusion needs a table of {ORDERS[0]}-grams, and for {size:,} different characters it is too large",
            "use the model without it",
        )
    return models


def _allowed(found: Measured, before: Measured, options: FusionOptions) -> bool:
    return found.new >= min(options.new, before.new) and found.different >= min(options.different, before.different)


def _facts(found: Measured, model: NgramModel, before: Measured, options: FusionOptions) -> dict[str, Any]:
    return {
        "order": model.order,
        "ngrams": len(model.key_N),
        "validation": asdict(found),
        "argmax": asdict(before),
        "options": asdict(options),
    }
