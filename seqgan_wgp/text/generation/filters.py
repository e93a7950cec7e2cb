"""Filter generated strings: drop duplicates, lines of given files and invalid strings.

Strings are compared by 64-bit hashes. Among n strings, including those of files, a collision loses a string with
probability below n^2 / 2^65: one in 37 million for a million strings, one in 37 for a billion.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import final

import numpy as np
import numpy.typing as npt

from ...config.schema import CorpusSettings
from ...errors import ConfigError, CorpusError, one_line
from ...registry import VALIDATORS
from ..hashing.hash_set import MEMORY_BYTES, HashSet
from ..hashing.row_hashes import Ids
from ..hashing.string_hashes import StringHashes
from ..readers.lines import Lines
from ..readers.open import open_source
from ..readers.reader import Reader
from ..vocabulary import Vocabulary


def validity(name: str, vocabulary: Vocabulary) -> Callable[[Ids], npt.NDArray[np.bool_]]:
    """Return a function from (N, L) ids to a mask (N,) of the strings that a registered validator accepts.

    Raises:
        ConfigError: there is no such validator, or the package that it needs is missing. The function raises it when
            the validator fails on a string.
    """
    chosen = VALIDATORS[name]
    chosen.check(name)

    def asked(string: str) -> bool:
        try:
            return bool(chosen.is_valid(string))
        except Exception as error:
            what = f"{type(error).__name__}: {one_line(error)}"
            remedy = "correct the plugin file: the validator must return True or False for every string"
            raise ConfigError(f"the validator {name!r} fails on {string!r} ({what})", remedy) from error

    return lambda ids_NL: np.array([asked(string) for string in vocabulary.decode(ids_NL)], np.bool_)


@final
class StringFilter:
    """Keeps strings that are valid, not in an excluded file and, with `unique`, not seen before.

    Args:
        hashes: hash function of the model's strings.
        unique: keep each string only once.
        memory_bytes: see HashSet.
        valid: (N, L) ids -> mask (N,) of valid strings; None: all are valid.
    """

    def __init__(
        self,
        hashes: StringHashes,
        *,
        unique: bool,
        memory_bytes: int = MEMORY_BYTES,
        valid: Callable[[Ids], npt.NDArray[np.bool_]] | None = None,
    ) -> None:
        self._hashes, self._unique, self._valid = hashes, unique, valid
        self._known = HashSet(memory_bytes)

    def exclude(self, lines: Iterable[Lines]) -> None:
        """Exclude these lines. Raises OSError when they need the disk and it is full."""
        for block in lines:
            self._known.add(self._hashes.of_lines(block))

    def passes(self, ids_NL: Ids) -> npt.NDArray[np.bool_]:
        """Return the mask (N,) of strings to keep; raises OSError as above."""
        passing_N = np.ones(len(ids_NL), np.bool_) if self._valid is None else self._valid(ids_NL)
        hash_M = self._hashes.of_ids(ids_NL[passing_N])
        passing_N[passing_N] = self._known.add(hash_M) if self._unique else ~self._known.has(hash_M)
        return passing_N


@final
class Excluded:
    """The lines of a file to exclude, read like the model's corpus.

    Args:
        file: as for `open_source`; each line, or each field of a named column, is one string of any length.
        settings: settings of the model's corpus; `limit` is ignored.

    Raises:
        CorpusError: no such file, or one of a kind that is refused.
    """

    def __init__(self, file: str, settings: CorpusSettings) -> None:
        self.file = file
        # Not above: only this option needs it, and generate enters as few files as possible.
        from ..recognition.recognise import check_list_kind, for_lists, recognised

        settings = for_lists(dataclasses.replace(settings, limit=None))
        source = recognised(open_source(file), settings)
        check_list_kind(source)
        self._reader = Reader(source, settings)

    def __iter__(self) -> Iterator[Lines]:
        """Yield the lines; works once. Raises CorpusError when the file cannot be read."""
        try:
            yield from self._reader
        except CorpusError as error:
            how = self._reader.settings
            read = f"the file is read like the model's corpus, as {how.encoding} with errors = {how.errors}"
            # Other remedies mention corpus settings, which cannot be changed after training.
            raise CorpusError(
                error.message, f"{read}: convert the file" if "--set" in error.remedy else error.remedy
            ) from None

    @property
    def sha256(self) -> str:
        """SHA-256 of what has been read."""
        return self._reader.sha256
