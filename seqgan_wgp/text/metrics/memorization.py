"""Detect memorisation: copies of training lines against chance, and distances to the nearest ones.

Shape suffixes: N generated strings, R rows of held-out or training lines, L positions, D different strings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, shuffled
from ..corpus.dataset import CorpusItems
from ..hashing.distinct_counter import DistinctCounter
from ..hashing.fingerprints import Fingerprints
from ..hashing.row_hashes import BLOCK_IDS, as_bytes, counting_hashes, row_blocks
from ..hashing.row_set import RowSet
from ..vocabulary import mask_after_pad
from .edit_distance import COMPARED, Distances, nearest_lines

SAMPLED = 1_000
"""Generated strings, and held-out lines, whose nearest training line is searched."""

TRAIN_MOST = 50_000
"""Training lines among which it is searched."""

PAIRS = 10
"""Closest pairs that are shown."""

Rows: TypeAlias = Ints | CorpusItems


@final
@dataclass(frozen=True, kw_only=True)
class Copies:
    """How many of the different generated strings are training lines, and how many would be by chance."""

    share: float
    """Of the different strings, those that stand among the training lines."""

    held_out_share: float
    """Of the different strings, those that stand among the held-out lines, which nothing was trained on."""

    odds: float
    """Different training lines to each different held-out one."""

    expected: float
    """odds * held_out_share: what `share` would be if training lines were as likely as lines that were never seen."""

    expected_error: float
    """Standard deviation of share - expected under that hypothesis."""

    of_source: float
    """How likely a fresh draw of the source is a training line, if the corpus is independent draws of it."""


def copies(ids_NL: Ints, train_blocks: Iterable[Ints] | Fingerprints, held_out_RL: Ints) -> Copies:
    """Count the different strings that are training lines, exactly, and estimate how many would be by chance.

    Not every copy was learnt by heart: whoever has understood names says "anna". Which strings are trained on was
    decided by a hash, by lot as it were. A model that knows the source but not the lot is therefore as likely to say a
    held-out line as a training line, each for each: the held-out lines that it says, times the different training lines
    to a different held-out one, are the training lines that it would say. What is above them is due to training. Of the
    D different generated strings let the corpus have U; the lot alone being random, share - expected has mean 0 and
    variance odds * U / D^2. Each string counts once, however often it is generated: it took part in one lot.

    `of_source` knows nothing of the model, and is to be held against 1 - novel, where repeats count. Does a held-out
    line stand there once more? The share of those that do estimates how likely a fresh draw of the source is one of
    the strings of the corpus (leave one out: Good 1953, "The population frequencies of species"), of which
    odds / (1 + odds) are trained on. Of a list that has each line once it is 0 and means nothing: such are no draws.

    Args:
        ids_NL: the generated strings.
        train_blocks: the training lines, arrays of (R, L) ids, memory-mapped or not, read once and in blocks; or their
            fingerprints.
        held_out_RL: held-out lines, of one half or, for less noise, of both.

    Raises:
        ValueError: no rows of a kind, or rows of different L.
    """
    generated, held_out = RowSet.of(ids_NL), RowSet.of(held_out_RL)
    unseen_D = generated.found_in(held_out_RL)
    trained_D, different = _trained(generated, train_blocks)
    odds, held_out_share = different / len(held_out), float(unseen_D.mean())
    repeated = held_out.counts_D[held_out.counts_D > 1].sum() / len(held_out_RL)
    return Copies(
        share=float(trained_D.mean()),
        held_out_share=held_out_share,
        odds=odds,
        expected=odds * held_out_share,
        expected_error=math.sqrt(odds * int((trained_D | unseen_D).sum())) / len(generated),
        of_source=float(repeated) * odds / (1 + odds),
    )


def _trained(generated: RowSet, train_blocks: Iterable[Ints] | Fingerprints) -> tuple[NDArray[np.bool_], int]:
    """Return which of the D different strings are training lines, and how many different training lines there are."""
    if isinstance(train_blocks, Fingerprints):
        return train_blocks.has(generated.ids_DL), len(train_blocks)
    trained_D, different = np.zeros(len(generated), np.bool_), DistinctCounter()
    for block_RL in (block_RL for train_RL in train_blocks for block_RL in row_blocks(train_RL, BLOCK_IDS)):
        trained_D |= generated.found_in(block_RL)
        different.add(counting_hashes(mask_after_pad(block_RL)))
    return trained_D, different.count()


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """A generated string that is no copy, and the training line next to it."""

    string_L: Ints
    line_L: Ints
    edits: int
    normalised: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Nearest:
    """Nearest training lines of generated strings and of held-out lines."""

    generated: Distances
    held_out: Distances
    train: int
    """Training lines compared with."""

    copies: int
    """Generated strings at distance 0, among the training lines compared with; `copies` knows all."""

    pairs: list[Pair]
    """The closest pairs, nearest first, no generated string twice; copies are left out."""

    @property
    def margin(self) -> float:
        """Median distance of the generated strings less that of the held-out lines, copies left out on both sides.

        Near 0: as far from the training lines as text that was never seen. Well below 0: nearly copied. Above 0:
        stranger than text, which is a matter of quality, not of memory. By the way a corpus is split no held-out line
        is a training line, so copies would make any honest model look too near; they are counted on their own.
        """
        return self.generated.median - self.held_out.median


def nearest(
    ids_NL: Ints,
    train: Rows,
    held_out: Rows,
    *,
    sample: int = SAMPLED,
    most: int = TRAIN_MOST,
    pairs: int = PAIRS,
    seed: int = 0,
    workers: int = -1,
) -> Nearest:
    """Search the training line nearest to each of some generated strings and, for comparison, of some held-out lines.

    At most 2 * sample * most edit distances: 10 to 20 seconds of one core at the defaults and 64 positions, less in
    shorter rows. Of longer rows the first COMPARED positions are compared.

    Args:
        ids_NL: generated strings.
        train: training lines, rows or the items of a corpus.
        held_out: held-out lines, likewise.
        sample: strings compared, drawn without repetition; so many of the held-out lines too, or all there are.
        most: training lines compared with, drawn likewise.
        pairs: closest pairs to return, at most.
        seed: of the draws, together with the number of rows.
        workers: threads; -1 for one on each core. Changes speed only.

    Raises:
        ValueError: no rows of a kind, sample or most below 1.
    """
    if sample < 1 or most < 1:
        raise ValueError(f"sample (={sample}) and most (={most}) must be 1 or more")
    strings_NL, lines_RL = _drawn(ids_NL, sample, seed), _drawn(train, most, seed)
    generated, line_N = nearest_lines(strings_NL, lines_RL, workers)
    held_out_distances, _ = nearest_lines(_drawn(held_out, sample, seed), lines_RL, workers)
    return Nearest(
        generated=generated,
        held_out=held_out_distances,
        train=len(lines_RL),
        copies=int((generated.edits_N == 0).sum()),
        pairs=_closest(strings_NL, lines_RL[line_N], generated, pairs),
    )


def _drawn(rows: Rows, most: int, seed: int) -> Ints:
    """Return all rows, or `most` of them in their order, drawn without repetition; settled, cut to COMPARED."""
    if not len(rows):
        raise ValueError("there must be generated strings, training lines and held-out lines, one or more of each")
    chosen = np.sort(shuffled(seed, Stream.AUDIT, np.arange(min(most, len(rows))), len(rows)))
    return mask_after_pad(rows[chosen])[:, :COMPARED]


def _closest(strings_NL: Ints, lines_NL: Ints, distances: Distances, pairs: int) -> list[Pair]:
    _, first_D = np.unique(as_bytes(strings_NL), return_index=True)
    first_D = first_D[distances.edits_N[first_D] > 0]
    by_distance_D = first_D[np.lexsort((first_D, distances.normalised_N[first_D]))]
    return [
        Pair(
            string_L=strings_NL[place],
            line_L=lines_NL[place],
            edits=int(distances.edits_N[place]),
            normalised=float(distances.normalised_N[place]),
        )
        for place in by_distance_D[:pairs].tolist()
    ]
