"""Hash strings, with equal results for a model's ids and for lines of a file.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from ..readers.lines import Lines
from ..vocabulary import PAD, REPLACEMENT, UNKNOWN, Vocabulary, mask_after_pad
from .hash_set import Hashes
from .row_hashes import Ids, row_hashes

_MAX_UTF8 = 4
"""Largest number of bytes of a character; an invalid byte is shown as four characters."""


@final
class StringHashes:
    r"""Hashes strings, given as ids or as lines of a file. Strings that print alike have the same hash.

    So an unknown symbol equals a U+FFFD of the alphabet, and an invalid byte equals the text \xNN.

    Args:
        vocabulary: vocabulary of the ids.
        length: L.

    Attributes:
        vocabulary: the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, length: int) -> None:
        self.vocabulary = self._vocabulary = vocabulary
        self._length = length
        self._bytes = vocabulary.is_byte
        self._columns = length * _MAX_UTF8 if self._bytes else length
        self._shown_as_unknown = vocabulary.table[ord(REPLACEMENT)]

    def of_ids(self, ids_NL: Ids) -> Hashes:
        """Return the hashes (N,) of the strings of (N, L) ids."""
        if self._vocabulary.tokens is not None:
            return self._of_texts(self._vocabulary.decode(ids_NL))
        return self._of_rows(mask_after_pad(ids_NL.astype(self._vocabulary.dtype, copy=False)))

    def of_lines(self, lines: Lines) -> Hashes:
        """Return the hashes of those lines, in characters or bytes, that the model could generate; empty ones too."""
        whole = lines.whole()
        if self._vocabulary.tokens is not None:
            return self._of_texts(whole.strings())
        whole = whole.select(whole.sizes_N <= self._columns)
        hashes = [np.zeros(0, np.uint64)]
        first = 0
        for units_NL in whole.rows(self._columns):
            behind_NL = np.arange(self._columns) >= whole.sizes_N[first : first + len(units_NL), None]
            first += len(units_NL)
            ids_NL = np.where(behind_NL, PAD, self._vocabulary.table[units_NL]).astype(self._vocabulary.dtype)
            foreign_NL = (ids_NL == UNKNOWN) & (units_NL != ord(REPLACEMENT))
            hashes.append(self._of_rows(ids_NL[~foreign_NL.any(axis=1)]))
        return np.concatenate(hashes)

    def _of_texts(self, strings: Sequence[str]) -> Hashes:
        """Return hashes of text, since several rows of tokens can represent one string."""
        return Lines.of(strings, as_bytes=False).hashes(max(map(len, strings), default=0))

    def _of_rows(self, ids_NL: Ids) -> Hashes:
        if self._bytes:
            ids_NL = self._vocabulary.encode(self._vocabulary.decode(ids_NL), self._columns)
        elif self._shown_as_unknown != UNKNOWN:
            ids_NL = np.where(ids_NL == self._shown_as_unknown, ids_NL.dtype.type(UNKNOWN), ids_NL)
        return row_hashes(ids_NL)
