"""Detect memorisation: copies of training lines compared with chance, and distances to the nearest lines.

Shape suffixes: N generated strings, R rows of held-out or training lines, L positions, D distinct strings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, sampled_indices
from ..corpus.dataset import CorpusItems
from ..hashing.distinct_counter import DistinctCounter
from ..hashing.fingerprints import Fingerprints
from ..hashing.row_hashes import BLOCK_IDS, as_bytes, counting_hashes, row_blocks
from ..hashing.row_set import RowSet
from ..vocabulary import mask_after_pad
from .edit_distance import COMPARED, Distances, nearest_lines

SAMPLED = 1_000
"""Number of generated strings, and of held-out lines, whose nearest training line is searched."""

MAX_TRAIN = 50_000
"""Number of training lines that are searched."""

PAIRS = 10
"""Number of closest pairs."""

Rows: TypeAlias = Ints | CorpusItems


@final
@dataclass(frozen=True, kw_only=True)
class Copies:
    """Share of the distinct generated strings that are training lines, and the share expected by chance."""

    share: float
    """Share of the distinct strings that are training lines."""

    held_out_share: float
    """Share of the distinct strings that are held-out lines, which were not used in training."""

    odds: float
    """Number of distinct training lines per distinct held-out line."""

    expected: float
    """odds * held_out_share: the expected `share` if training lines were as likely as unseen lines."""

    expected_error: float
    """Standard deviation of share - expected under that hypothesis."""

    of_source: float
    """Probability that a new sample of the source is a training line, if the corpus consists of independent samples."""


def copies(ids_NL: Ints, train_blocks: Iterable[Ints] | Fingerprints, held_out_RL: Ints) -> Copies:
    """Count the distinct strings that are training lines, exactly, and estimate the number expected by chance.

    Not every copy is memorised: any good model of names generates "anna". The split is by a hash, so it is random. A
    model that knows the source but not the split is therefore as likely to generate a held-out line as a training line.
    So the expected number of training lines is that of held-out lines times the ratio of distinct training lines to
    distinct held-out lines. Any excess is due to training. Let U of the D distinct generated strings be in the corpus.
    Under the random split, share - expected has mean 0 and variance odds * U / D^2. Each string counts once, however
    often it is generated, since it is assigned once.

    `of_source` does not depend on the model; compare it with 1 - novel, in which repeats count. The share of held-out
    lines that occur again among held-out lines estimates the probability that a new sample of the source is in the
    corpus (leave-one-out: Good 1953, "The population frequencies of species"), of which odds / (1 + odds) is training
    data. For a list without repeats it is 0 and meaningless, since such a list is not a sample.

    Args:
        ids_NL: the generated strings.
        train_blocks: the training lines, arrays of (R, L) ids, memory-mapped or not, read once and in blocks; or their
            fingerprints.
        held_out_RL: held-out lines: validation, test or, for less noise, both.

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
    """Return the mask of the D distinct strings that are training lines, and the number of distinct training lines."""
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
    """A generated string that is not a copy, and its nearest training line."""

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
    """Number of training lines compared with."""

    copies: int
    """Number of generated strings at distance 0 from these training lines; `copies` counts all."""

    pairs: list[Pair]
    """The closest pairs, nearest first, each generated string at most once, without copies."""

    @property
    def margin(self) -> float:
        """Median distance of the generated strings minus that of the held-out lines, both without copies.

        Near 0: as far from the training lines as unseen text. Well below 0: near copies. Above 0: less realistic than
        text, a matter of quality rather than memorisation. No held-out line is a training line, because of the split,
        so copies would make any good model look too close; they are counted separately.
        """
        return self.generated.median - self.held_out.median


def nearest(
    ids_NL: Ints,
    train: Rows,
    held_out: Rows,
    *,
    sample: int = SAMPLED,
    most: int = MAX_TRAIN,
    pairs: int = PAIRS,
    seed: int = 0,
    workers: int = -1,
) -> Nearest:
    """Search the nearest training lines of some generated strings and, for comparison, of some held-out lines.

    This takes at most 2 * sample * most edit distances: 10 to 20 seconds on one core with the defaults and 64
    positions, less for shorter rows. For longer rows the first COMPARED positions are compared.

    Args:
        ids_NL: generated strings.
        train: training lines, rows or the items of a corpus.
        held_out: held-out lines, likewise.
        sample: number of strings, sampled without replacement, and of held-out lines, at most all.
        most: number of training lines, sampled likewise.
        pairs: largest number of closest pairs.
        seed: random seed of the samples, combined with the number of rows.
        workers: number of threads; -1 for one per core. Affects only speed.

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
    """Return all rows, or `most` sampled without replacement, in order, masked after the pad, cropped to COMPARED."""
    if not len(rows):
        raise ValueError("there must be generated strings, training lines and held-out lines, one or more of each")
    chosen = np.sort(sampled_indices(seed, Stream.AUDIT, len(rows), most))
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
