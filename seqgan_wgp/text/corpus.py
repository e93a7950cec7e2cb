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
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, CorpusError
from .lines import LineReader, blocks
from .scan import Facts, Scan, fitting, hash_strings
from .vocabulary import PAD, Vocabulary

IDS, TOKENIZER, FACTS = "ids.npy", "tokenizer.json", "corpus.json"


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
        CorpusError: the file changed between the two passes.
    """
    facts = found.facts
    shape = (facts.kept, facts.length)
    ids_NL = np.lib.format.open_memmap(folder / IDS, mode="w+", dtype=found.vocabulary.dtype, shape=shape)
    held_out: tuple[list[npt.NDArray[Any]], ...] = ([], [])
    train = 0
    for part_NL, part_N in _encoded(found):
        rows_NL = part_NL[part_N == 0]
        if train + len(rows_NL) > len(ids_NL):
            raise CorpusError(f"{found.source.label}: the file changed while it was read")
        ids_NL[train : train + len(rows_NL)] = rows_NL
        train += len(rows_NL)
        for half in (1, 2):
            held_out[half - 1].append(part_NL[part_N == half])
    validation, test = (sum(map(len, parts)) for parts in held_out)
    if train + validation + test != len(ids_NL):
        raise CorpusError(f"{found.source.label}: the file changed while it was read")
    if validation + test:
        np.concatenate([*held_out[0], *held_out[1]], out=ids_NL[train:])
    ids_NL.flush()
    facts = dataclasses.replace(facts, train=train, validation=validation, test=test)
    (folder / TOKENIZER).write_text(found.vocabulary.to_json(facts.length), encoding="utf-8")
    (folder / FACTS).write_text(json.dumps(dataclasses.asdict(facts), indent=2) + "\n", encoding="utf-8")
    return open_corpus(folder)


def open_corpus(folder: Path) -> Corpus:
    """Open what `prepare` wrote; the ids are mapped from disk. Raises CheckpointError when a file is not right."""
    try:
        facts = Facts(**json.loads((folder / FACTS).read_text(encoding="utf-8")))
        vocabulary = Vocabulary.from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
        ids_NL = np.lib.format.open_memmap(folder / IDS, mode="r")
        shape = (facts.train + facts.validation + facts.test, facts.length)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: the prepared corpus cannot be read ({error})") from None
    if (ids_NL.shape, ids_NL.dtype) != (shape, vocabulary.dtype):
        raise CheckpointError(f"{folder / IDS}: is {ids_NL.dtype} {ids_NL.shape}, not {vocabulary.dtype} {shape}")
    return Corpus(facts=facts, vocabulary=vocabulary, ids_NL=ids_NL)


def _encoded(found: Scan) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.int64]]]:
    """Yield (N, L) ids and which part each row is for: 0 training, 1 validation, 2 test."""
    settings, length = found.settings, found.facts.length
    reader = LineReader(found.source.label, settings.encoding, settings.errors)
    for block in blocks(found.source):
        for rows_NL, filled_NL in fitting(reader.lines(block), settings, length).rows(length):
            ids_NL = found.vocabulary.table[rows_NL]
            ids_NL[~filled_NL] = PAD
            hash_N = hash_strings(rows_NL, filled_NL)
            held_out_N = (hash_N < found.test_below).astype(np.int64) * 2
            yield ids_NL, np.where(hash_N < found.validation_below, 1, held_out_N)
