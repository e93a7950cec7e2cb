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
from ..constrained.constraints import WordFile
from ..hashing.hash_set import MEMORY_BYTES, HashSet
from ..hashing.row_hashes import Ids
from ..hashing.string_hashes import StringHashes
from ..readers.lines import Lines
from ..readers.open import open_source
from ..readers.reader import Reader
from ..vocabulary import Vocabulary
from .keep_if import KeepIf


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


@dataclasses.dataclass
class Acceptance:
    """How many strings a validator or a program was asked about, and how many it accepted."""

    asked: int = 0
    accepted: int = 0


@final
class StringFilter:
    """Keeps strings that are valid, not in an excluded file, with `unique` not seen before, and that a program accepts.

    Args:
        hashes: hash function of the model's strings.
        unique: keep each string only once.
        memory_bytes: see HashSet.
        valid: (N, L) ids -> mask (N,) of valid strings; None: all are valid.
        keep_if: strings -> whether each is to be kept; asked last, about what all others let through. None: all are.
        blocks: number of blocks of candidates to be passed together, which `keep_if` may want.

    Attributes:
        valid_of: acceptance of `valid`.
        kept_of: acceptance of `keep_if`.
    """

    def __init__(
        self,
        hashes: StringHashes,
        *,
        unique: bool,
        memory_bytes: int = MEMORY_BYTES,
        valid: Callable[[Ids], npt.NDArray[np.bool_]] | None = None,
        keep_if: KeepIf | None = None,
        blocks: int = 1,
    ) -> None:
        self._hashes, self._unique, self._valid, self._keep_if = hashes, unique, valid, keep_if
        self.blocks = blocks
        self.valid_of, self.kept_of = Acceptance(), Acceptance()
        self._known = HashSet(memory_bytes)

    def exclude(self, lines: Iterable[Lines]) -> None:
        """Exclude these lines. Raises OSError when they need the disk and it is full."""
        for block in lines:
            self._known.add(self._hashes.of_lines(block))

    def passes(self, ids_NL: Ids, most: int | None = None) -> npt.NDArray[np.bool_]:
        """Return the mask (N,) of strings to keep, the first `most` of them; None: all.

        What comes after the last one kept is not remembered as seen: a later request may still take it.

        Raises:
            OSError: as `exclude`; and what `valid` and `keep_if` raise.
        """
        passing_N = np.ones(len(ids_NL), np.bool_)
        if self._valid is not None:
            passing_N = self._valid(ids_NL)
            _count(self.valid_of, passing_N)
        place_M = np.flatnonzero(passing_N)
        hash_M = self._hashes.of_ids(ids_NL[place_M])
        cut = most is not None and len(place_M) > most
        new_M = self._known.add(hash_M) if self._unique and not cut else self._new(hash_M)
        if self._keep_if is not None and new_M.any():
            answer_K = self._keep_if(self._hashes.vocabulary.decode(ids_NL[place_M[new_M]]))
            _count(self.kept_of, answer_K)
            new_M[new_M] = answer_K
        if cut:
            assert most is not None
            kept_K = np.flatnonzero(new_M)
            end = len(new_M) if len(kept_K) < most else int(kept_K[most - 1]) + 1 if most else 0
            new_M[end:] = False
            if self._unique:
                self._known.add(hash_M[:end])
        passing_N[place_M] = new_M
        return passing_N

    def _new(self, hash_M: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return the mask (M,) of hashes that are not known, of equal ones the first with `unique`; none is added."""
        new_M = ~self._known.has(hash_M)
        if self._unique:
            first_M = np.zeros(len(hash_M), np.bool_)
            first_M[np.unique(hash_M, return_index=True)[1]] = True
            new_M &= first_M
        return new_M


def _count(acceptance: Acceptance, accepted_N: npt.NDArray[np.bool_]) -> None:
    acceptance.asked += len(accepted_N)
    acceptance.accepted += int(accepted_N.sum())


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


def word_file(file: str, settings: CorpusSettings) -> WordFile:
    """Read the words of `--without-file`: its lines that are not empty, read like the model's corpus.

    Raises:
        CorpusError: as `Excluded` does.
        ConfigError: it has no words.
    """
    lines = Excluded(file, dataclasses.replace(settings, unit="char"))
    words, begun = dict[str, None](), ""
    for block in lines:
        strings = block.strings()
        if strings and block.continued:
            strings[0] = begun + strings[0]
        begun = strings.pop() if block.goes_on else ""
        words |= dict.fromkeys(strings)
    words.pop("", None)
    if not words:
        raise ConfigError(f"--without-file {file}: has no words", "give a file with a word on each line")
    return WordFile(name=file, words=tuple(words), sha256=lines.sha256)
