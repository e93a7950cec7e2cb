"""Strings of any file as rows of a corpus's ids, to be measured like those of a model.

Shape suffixes: M strings of the file, N measured strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt
import torch

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, shuffled
from ...utils.progress import OnBytes, ignore_bytes
from ..corpus.dataset import Corpus
from ..readers.open import Source
from ..readers.reader import Reader
from ..recognition.recognise import check_kind, for_lists, recognised
from ..vocabulary import PAD, UNKNOWN

MIN_CLASSIFIED = 100
"""Fewest strings of a file for which a classifier is trained."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StringsFile:
    """The strings of a file as ids of a corpus: longer ones cropped, characters that the corpus lacks unknown."""

    label: str
    """What the file is called."""

    ids_ML: Ints
    too_long: int
    """Number of strings longer than L."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the measures should know of the file, each one sentence."""
        count, length = self.ids_ML.shape
        unknown = float((self.ids_ML == UNKNOWN).sum() / max(1, (self.ids_ML != PAD).sum()))
        found = []
        if self.too_long:
            found.append(
                f"{self.label}: {self.too_long:,} of {count:,} strings are longer than {length}, the length of a row "
                "of the reference, and are cropped to it"
            )
        if unknown:
            found.append(f"{self.label}: {unknown:.2%} of the characters do not occur in the reference")
        return tuple(found)

    def sample(self, n: int, seed: int) -> Ints:
        """Return N of the strings, drawn without replacement and in the order of the file: a file may be sorted."""
        return self.ids_ML[np.sort(shuffled(seed, Stream.STRINGS_SAMPLE, np.arange(n), len(self.ids_ML)))]

    def split(self, tested: int, seed: int, device: torch.device) -> tuple[Ints, TrainingStrings]:
        """Return some strings to test a classifier with, and the others to train it with."""
        order_M = shuffled(seed, Stream.CLASSIFIER_SPLIT, np.arange(len(self.ids_ML)), len(self.ids_ML))
        others = TrainingStrings(ids_ML=self.ids_ML, index_N=order_M[tested:], device=device)
        return self.ids_ML[order_M[:tested]], others


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingStrings:
    """Strings that train a classifier: the first third once, which validates it, then the others over and over."""

    ids_ML: Ints
    index_N: npt.NDArray[np.int64]
    device: torch.device
    """Where the classifier is trained."""

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ints]:
        """Yield n (N, L) ids number `start` on."""
        del seed
        first = len(self.index_N) // 3
        k_N = np.arange(start, start + n)
        again_N = first + (k_N - first) % (len(self.index_N) - first)
        yield self.ids_ML[self.index_N[np.where(k_N < first, k_N, again_N)]]


def read_strings(
    source: Source, settings: CorpusSettings, corpus: Corpus, label: str, on_bytes: OnBytes = ignore_bytes
) -> StringsFile:
    """Read all lines of a source, an empty one as an empty string.

    Args:
        source: the strings.
        settings: of the corpus.
        corpus: gives vocabulary and length.
        label: what the file is called.
        on_bytes: called with the number of bytes read so far.

    Raises:
        CorpusError: the source cannot be read, or has no lines.
    """
    settings = replace(for_lists(settings), format="lines", limit=None)
    source = recognised(source, settings)
    check_kind(source)
    length, parts, too_long = corpus.facts.length, [], 0
    for lines in Reader(source, settings, on_bytes):
        whole = lines.whole()
        too_long += int((whole.sizes_N > length).sum())
        parts += list(whole.look_up(corpus.vocabulary.table).rows(length))
    if not sum(map(len, parts)):
        raise CorpusError(f"{source.label}: the file is empty", "give a text file with one string per line")
    return StringsFile(label=label, ids_ML=np.concatenate(parts), too_long=too_long)
