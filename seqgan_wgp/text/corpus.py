"""Any text -> rows of ids on disk, in three parts: training, validation and test.

`scan` reads the corpus a first time; `prepare` reads it again and writes `ids.npy`, `tokenizer.json` and `corpus.json`.

Shape suffixes: B batch, N rows or items, L length of an item, S span of a row (L for lines, more for running text).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, CorpusError
from .facts import Facts
from .reading.reader import OnBytes, Reader
from .rows import Layout, rows
from .scan import Scan
from .vocabulary import Vocabulary

IDS, TOKENIZER, FACTS = "ids.npy", "tokenizer.json", "corpus.json"

_AS_IT_WAS = "the run needs its files as they were; a new run takes the corpus anew"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Items:
    """Items of L ids each, numbered: the rows of an array, or the windows that begin at every place of its rows."""

    rows_NS: npt.NDArray[np.integer]
    """Rows on disk; S = L for lines."""

    length: int

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.rows_NS) * self.windows

    @property
    def windows(self) -> int:
        """Items in a row."""
        return int(self.rows_NS.shape[1]) - self.length + 1

    def __getitem__(self, index_B: npt.NDArray[np.int64]) -> npt.NDArray[np.integer]:
        """Return items number `index_B` as (B, L) ids."""
        row_B, place_B = np.divmod(index_B, self.windows)
        if self.windows == 1:
            return np.asarray(self.rows_NS[row_B])
        return np.asarray(self.rows_NS[row_B[:, None], place_B[:, None] + np.arange(self.length)])

    def blocks(self) -> Iterator[npt.NDArray[np.integer]]:
        """Yield all items as arrays of (N, L) ids."""
        for place in range(self.windows):
            yield self.rows_NS[:, place : place + self.length]

    def apart(self) -> npt.NDArray[np.integer]:
        """Return the items that lie side by side, no id in two of them, as one array of (N, L) ids."""
        whole = self.rows_NS.shape[1] // self.length
        return self.rows_NS[:, : whole * self.length].reshape(-1, self.length)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus on disk: rows of ids, training first, then validation, then test."""

    facts: Facts
    vocabulary: Vocabulary
    ids_NS: npt.NDArray[np.integer]

    @property
    def train(self) -> Items:
        """What is trained on, mapped from disk."""
        return Items(rows_NS=self.ids_NS[: self.facts.train], length=self.facts.length)

    @property
    def validation_NL(self) -> npt.NDArray[np.integer]:
        """The held-out items that choose the best model."""
        return self._held_out(self.facts.train, self.facts.train + self.facts.validation)

    @property
    def test_NL(self) -> npt.NDArray[np.integer]:
        """The held-out items that are reported and choose nothing."""
        return self._held_out(self.facts.train + self.facts.validation, len(self.ids_NS))

    def _held_out(self, first: int, last: int) -> npt.NDArray[np.integer]:
        return Items(rows_NS=self.ids_NS[first:last], length=self.facts.length).apart()


def prepare(found: Scan, folder: Path, on_bytes: OnBytes = lambda _bytes: None) -> Corpus:
    """Read a scanned corpus again and write it to `folder` as ids, tokenizer and facts. Returns it opened.

    Raises:
        CorpusError: the file changed between the two passes, or a part has no lines.
    """
    with (folder / IDS).open("wb") as file:
        train, validation, test = _write_ids(found, file, on_bytes)
    if train + validation + test != found.facts.rows:
        raise CorpusError(f"{found.source.label}: the file changed while it was read")
    if not (train and validation and test):
        raise CorpusError(
            f"{found.source.label}: {train:,} lines would be trained on, {validation:,} held out for validation and "
            f"{test:,} for the test, and none of these may be 0",
            "change corpus.held_out or corpus.held_out_most",
        )
    facts = dataclasses.replace(found.facts, train=train, validation=validation, test=test)
    (folder / TOKENIZER).write_text(found.vocabulary.to_json(facts.length), encoding="utf-8")
    write_facts(facts, folder)
    return open_corpus(folder)


def write_facts(facts: Facts, folder: Path) -> None:
    """Write what is known of a corpus beside its ids."""
    (folder / FACTS).write_text(json.dumps(dataclasses.asdict(facts), indent=2) + "\n", encoding="utf-8")


def _write_ids(found: Scan, file: BinaryIO, on_bytes: OnBytes) -> tuple[int, int, int]:
    """Write the rows as .npy, training first, and return the size of each part; the held-out ones wait in memory.

    Written, not mapped: a full disk is then an error, where a mapped file would end the process.
    """
    dtype, facts = found.vocabulary.dtype, found.facts
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (facts.rows, facts.span)}
    np.lib.format.write_array_header_1_0(file, header)
    parts: tuple[list[npt.NDArray[np.integer]], ...] = ([], [])
    train = 0
    for rows_NS, part_N in encoded(found, on_bytes):
        train += int((part_N == 0).sum())
        file.write(rows_NS[part_N == 0].data)
        for half in (1, 2):
            parts[half - 1].append(rows_NS[part_N == half])
    for rows_NS in (*parts[0], *parts[1]):
        file.write(rows_NS.data)
    validation, test = (sum(map(len, part)) for part in parts)
    return train, validation, test


def encoded(
    found: Scan, on_bytes: OnBytes = lambda _bytes: None
) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.int8]]]:
    """Yield a scanned corpus as (N, S) ids, and which part each row is for: 0 training, 1 validation, 2 test."""
    layout = Layout(length=found.facts.length, windows=found.facts.windows)
    reader = Reader(found.source, found.settings, on_bytes)
    for lines in rows(reader, layout, found.settings.long):
        hash_N = lines.hashes(layout.span)
        part_N = np.where(hash_N < found.test_below, np.int8(2), np.int8(0))
        part_N[hash_N < found.validation_below] = 1
        first = 0
        for ids_NS in lines.look_up(found.vocabulary.table).rows(layout.span):
            yield ids_NS, part_N[first : first + len(ids_NS)]
            first += len(ids_NS)


def open_corpus(folder: Path) -> Corpus:
    """Open what `prepare` wrote; the ids are mapped from disk. Raises CheckpointError when a file is not right."""
    try:
        facts = _read_facts(folder / FACTS)
        vocabulary = _read_vocabulary(folder / TOKENIZER)
        ids_NS = np.lib.format.open_memmap(folder / IDS, mode="r")
        shape = (facts.train + facts.validation + facts.test, facts.span)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: the prepared corpus cannot be read ({error})", _AS_IT_WAS) from None
    if (ids_NS.shape, ids_NS.dtype) != (shape, vocabulary.dtype):
        raise CheckpointError(
            f"{folder / IDS}: is {ids_NS.dtype} {ids_NS.shape}, not {vocabulary.dtype} {shape}", _AS_IT_WAS
        )
    return Corpus(facts=facts, vocabulary=vocabulary, ids_NS=ids_NS)


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
