"""Any lines of text -> (N, L) ids on disk, in three parts: training, validation and test.

`scan` reads the corpus a first time; `prepare` reads it again and writes `ids.npy`, `tokenizer.json` and `corpus.json`.

Shape suffixes: N lines, L length.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, CorpusError
from .lines import blocks
from .scan import Facts, Scan, fitting, hash_strings, open_reader
from .vocabulary import PAD, Vocabulary

IDS, TOKENIZER, FACTS = "ids.npy", "tokenizer.json", "corpus.json"

_AS_IT_WAS = "the run needs its files as they were; a new run takes the corpus anew"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus on disk: rows of ids, training first, then validation, then test."""

    facts: Facts
    vocabulary: Vocabulary
    ids_NL: npt.NDArray[np.integer]

    @property
    def train_NL(self) -> npt.NDArray[np.integer]:
        """The training rows, mapped from disk."""
        return self.ids_NL[: self.facts.train]

    @property
    def validation_NL(self) -> npt.NDArray[np.integer]:
        """The held-out rows that choose the best model."""
        return self.ids_NL[self.facts.train : self.facts.train + self.facts.validation]

    @property
    def test_NL(self) -> npt.NDArray[np.integer]:
        """The held-out rows that are reported and choose nothing."""
        return self.ids_NL[self.facts.train + self.facts.validation :]


def prepare(found: Scan, folder: Path) -> Corpus:
    """Read a scanned corpus again and write it to `folder` as ids, tokenizer and facts. Returns it opened.

    Raises:
        CorpusError: the file changed between the two passes, or a part has no lines.
    """
    with (folder / IDS).open("wb") as file:
        train, validation, test = _write_ids(found, file)
    if train + validation + test != found.facts.kept:
        raise CorpusError(f"{found.source.label}: the file changed while it was read")
    if not (train and validation and test):
        raise CorpusError(
            f"{found.source.label}: {train:,} lines would be trained on, {validation:,} held out for validation and "
            f"{test:,} for the test, and none of these may be 0",
            "change corpus.held_out or corpus.held_out_most",
        )
    facts = dataclasses.replace(found.facts, train=train, validation=validation, test=test)
    (folder / TOKENIZER).write_text(found.vocabulary.to_json(facts.length), encoding="utf-8")
    (folder / FACTS).write_text(json.dumps(dataclasses.asdict(facts), indent=2) + "\n", encoding="utf-8")
    return open_corpus(folder)


def _write_ids(found: Scan, file: BinaryIO) -> tuple[int, int, int]:
    """Write the rows as .npy, training first, and return the size of each part; the held-out ones wait in memory.

    Written, not mapped: a full disk is then an error, where a mapped file would end the process.
    """
    dtype, facts = found.vocabulary.dtype, found.facts
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (facts.kept, facts.length)}
    np.lib.format.write_array_header_1_0(file, header)
    parts: tuple[list[npt.NDArray[np.integer]], ...] = ([], [])
    train = 0
    for rows_NL, part_N in _encoded(found):
        train += int((part_N == 0).sum())
        file.write(rows_NL[part_N == 0].tobytes())
        for half in (1, 2):
            parts[half - 1].append(rows_NL[part_N == half])
    for rows_NL in (*parts[0], *parts[1]):
        file.write(rows_NL.tobytes())
    validation, test = (sum(map(len, part)) for part in parts)
    return train, validation, test


def open_corpus(folder: Path) -> Corpus:
    """Open what `prepare` wrote; the ids are mapped from disk. Raises CheckpointError when a file is not right."""
    try:
        facts = _read_facts(folder / FACTS)
        vocabulary = _read_vocabulary(folder / TOKENIZER)
        ids_NL = np.lib.format.open_memmap(folder / IDS, mode="r")
        shape = (facts.train + facts.validation + facts.test, facts.length)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: the prepared corpus cannot be read ({error})", _AS_IT_WAS) from None
    if (ids_NL.shape, ids_NL.dtype) != (shape, vocabulary.dtype):
        raise CheckpointError(
            f"{folder / IDS}: is {ids_NL.dtype} {ids_NL.shape}, not {vocabulary.dtype} {shape}", _AS_IT_WAS
        )
    return Corpus(facts=facts, vocabulary=vocabulary, ids_NL=ids_NL)


def _read_facts(file: Path) -> Facts:
    try:
        return Facts(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise CheckpointError(f"{file}: is not what was written there", _AS_IT_WAS) from None


def _read_vocabulary(file: Path) -> Vocabulary:
    try:
        return Vocabulary.from_json(file.read_text(encoding="utf-8"))
    except (ValueError, CheckpointError):
        raise CheckpointError(f"{file}: is not what was written there", _AS_IT_WAS) from None


def _encoded(found: Scan) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.int64]]]:
    """Yield (N, L) ids and which part each row is for: 0 training, 1 validation, 2 test."""
    settings, length = found.settings, found.facts.length
    reader = open_reader(found.source, settings)
    for block in blocks(found.source):
        for rows_NL, filled_NL in fitting(reader.lines(block), settings, length).rows(length):
            ids_NL = found.vocabulary.table[rows_NL]
            ids_NL[~filled_NL] = PAD
            hash_N = hash_strings(rows_NL, filled_NL)
            held_out_N = (hash_N < found.test_below).astype(np.int64) * 2
            yield ids_NL, np.where(hash_N < found.validation_below, 1, held_out_N)
