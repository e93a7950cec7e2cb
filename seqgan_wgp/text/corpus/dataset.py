"""Prepare text as rows of ids on disk, split into training, validation and test.

`scan` reads the corpus a first time; `prepare` reads it again and writes `ids.npy`, `tokenizer.json` and `corpus.json`.
For a large corpus it also writes `fingerprints.bin`, hashes of the training strings. If lines have labels, it also
writes `labels.npy`, the number of the label of each row.

Shape suffixes: B batch, N rows or items, L length of an item, S span of a row (L for lines, more for running text).
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

import numpy as np
import numpy.typing as npt

from ...errors import CheckpointError, CorpusError
from ...utils.arrays import open_array
from ...utils.file_schema import read_json, read_schema, write_schema
from ...utils.progress import OnBytes
from ..hashing.fingerprints import Fingerprints, FingerprintWriter
from ..hashing.novelty import novel_fraction
from ..readers.reader import Reader
from ..vocabulary import Vocabulary
from .id_file import IdFile, can_be_read, check_ids
from .layout import Layout, rows
from .scan import Scan, hashed_units, split_keys
from .stats import Facts

IDS, TOKENIZER, FACTS, FINGERPRINTS = "ids.npy", "tokenizer.json", "corpus.json", "fingerprints.bin"
LABELS = "labels.npy"
DATA_FILES = frozenset({IDS, TOKENIZER, FACTS, FINGERPRINTS, LABELS})
"""The files that `prepare` writes."""

LOOKED_THROUGH = 1 << 18
"""Number of ids searched at a time, so that intermediate results fit into the processor's cache."""

LARGE_BYTES = 1 << 27
"""Larger id arrays are not fully searched at each evaluation and not read by memory mapping."""

_AS_IT_WAS = "restore the file, or start a new run, which prepares the corpus again"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class CorpusItems:
    """Indexed items of L ids each: the rows of an array, or the windows that begin at every position of its rows."""

    rows_NS: npt.NDArray[np.integer]
    """Rows on disk; S = L for lines."""

    length: int

    file: IdFile | None = None
    """File from which items are read by index; None: the array."""

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.rows_NS) * self.windows

    @property
    def windows(self) -> int:
        """Number of items in a row."""
        return int(self.rows_NS.shape[1]) - self.length + 1

    def __getitem__(self, index_B: npt.NDArray[np.int64]) -> npt.NDArray[np.integer]:
        """Return the items with the indices `index_B` as (B, L) ids."""
        row_B, place_B = np.divmod(index_B, self.windows)
        if self.file is not None:
            return self.file.read(row_B * self.rows_NS.shape[1] + place_B, self.length)
        if self.windows == 1:
            return np.asarray(self.rows_NS[row_B])
        return np.asarray(self.rows_NS[row_B[:, None], place_B[:, None] + np.arange(self.length)])

    def blocks(self) -> Iterator[npt.NDArray[np.integer]]:
        """Yield all items as arrays of (N, L) ids."""
        for place in range(self.windows):
            yield self.rows_NS[:, place : place + self.length]

    def read(self) -> Iterator[npt.NDArray[np.integer]]:
        """Yield all rows as arrays of (N, S) ids; from a file in parts, without mapping it."""
        count, span = self.rows_NS.shape
        together = count if self.file is None else max(1, LOOKED_THROUGH // span)
        for first in range(0, count, together):
            rows_NS = self.rows_NS[first : first + together]
            if self.file is not None:
                rows_NS = self.file.read(np.array([first * span]), rows_NS.size).reshape(-1, span)
            yield rows_NS

    def apart(self) -> npt.NDArray[np.integer]:
        """Return non-overlapping items as one array of (N, L) ids."""
        whole = self.rows_NS.shape[1] // self.length
        return self.rows_NS[:, : whole * self.length].reshape(-1, self.length)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus on disk: rows of ids, training first, then validation, then test."""

    facts: Facts
    vocabulary: Vocabulary
    ids_NS: npt.NDArray[np.integer]

    file: IdFile | None = None
    """The file of the ids if they are large, to be read in parts."""

    fingerprints: Fingerprints | None = None
    """Hashes of the training strings, if there are too many to search."""

    told: tuple[str, ...] = ()
    """What kinds of files it was read from, where they are not plain lists, in sentences."""

    labels_N: npt.NDArray[np.uint16] | None = None
    """Number of the label of each row, on disk; None: the lines have no labels."""

    @property
    def train(self) -> CorpusItems:
        """The training items, on disk."""
        return CorpusItems(rows_NS=self.ids_NS[: self.facts.train], length=self.facts.length, file=self.file)

    def novel(self, ids_NL: npt.NDArray[np.integer]) -> float:
        """Return the share of rows of (N, L) ids that are not training items."""
        if self.fingerprints is None:
            return novel_fraction(ids_NL, self.train.read(), block_ids=LOOKED_THROUGH)
        return float((~self.fingerprints.has(ids_NL)).mean())

    @property
    def validation_NL(self) -> npt.NDArray[np.integer]:
        """The validation items, which select the best model."""
        return self._held_out(self.facts.train, self.facts.train + self.facts.validation)

    @property
    def test_NL(self) -> npt.NDArray[np.integer]:
        """The test items, which are used only to report results."""
        return self._held_out(self.facts.train + self.facts.validation, len(self.ids_NS))

    @property
    def label_parts(self) -> dict[str, npt.NDArray[np.uint16]]:
        """The labels of the training, validation and test items by part; empty: the lines have no labels."""
        if self.labels_N is None:
            return {}
        train, validation = self.facts.train, self.facts.train + self.facts.validation
        parts = {"train": (0, train), "validation": (train, validation), "test": (validation, len(self.labels_N))}
        return {part: self.labels_N[first:last] for part, (first, last) in parts.items()}

    def _held_out(self, first: int, last: int) -> npt.NDArray[np.integer]:
        rows_NS = self.ids_NS[first:last]
        if self.file is not None:
            check_ids(self.file.path, rows_NS, self.vocabulary.size)
        return CorpusItems(rows_NS=rows_NS, length=self.facts.length).apart()


def prepare(found: Scan, folder: Path, on_bytes: OnBytes = lambda _bytes: None) -> Corpus:
    """Read a scanned corpus again, write ids, tokenizer and facts to `folder`, and open the result.

    Raises:
        CorpusError: the file changed between the two passes, or a part of the split has no lines.
    """
    train, validation, test = _write(found, folder, on_bytes)
    if train + validation + test != found.facts.rows:
        raise _changed(found)
    if not (train and validation and test):
        raise CorpusError(
            f"{found.source.label}: the split has {train:,} training, {validation:,} validation and {test:,} test "
            "lines, but none of these may be 0",
            "change corpus.held_out or corpus.held_out_max",
        )
    facts = dataclasses.replace(found.facts, train=train, validation=validation, test=test)
    if found.labels:
        facts = dataclasses.replace(facts, labels=_training_labels(found, folder, train))
    (folder / TOKENIZER).write_text(found.vocabulary.to_json(facts.length), encoding="utf-8")
    write_facts(facts, folder)
    return open_corpus(folder)


def write_facts(facts: Facts, folder: Path) -> None:
    """Write the facts about a corpus next to its ids."""
    write_schema(facts, folder / FACTS)


def _training_labels(found: Scan, folder: Path, train: int) -> dict[str, int]:
    """Return label -> number of its training rows. Raises CorpusError for a label that has none."""
    counts_K = np.bincount(np.load(folder / LABELS, mmap_mode="r")[:train], minlength=len(found.labels))
    for name, count in zip(found.labels, counts_K.tolist(), strict=True):
        if not count and name in found.facts.labels:
            raise CorpusError(
                f"{found.source.label}: all lines with the label {name!r} are held out or left out",
                "lower corpus.held_out, or leave such lines out",
            )
    return dict(zip(found.labels, counts_K.tolist(), strict=True))


def _write(found: Scan, folder: Path, on_bytes: OnBytes) -> tuple[int, int, int]:
    """Write the rows and, if they are many, their fingerprints; return the size of each part.

    The file is written, not mapped, so that a full disk raises an error. A mapped file would kill the process.
    """
    facts = found.facts
    large = facts.windows == 1 and facts.rows * facts.span * found.vocabulary.dtype.itemsize > LARGE_BYTES
    with (folder / IDS).open("wb") as file, contextlib.ExitStack() as held:
        prints = held.enter_context(FingerprintWriter(folder)) if large else None
        sizes = _write_ids(found, file, folder, prints, on_bytes)
        if prints is not None:
            prints.write(folder / FINGERPRINTS)
    return sizes


def _write_ids(
    found: Scan, file: BinaryIO, folder: Path, prints: FingerprintWriter | None, on_bytes: OnBytes
) -> tuple[int, int, int]:
    """Write the rows as .npy, training rows first. Held-out rows, of which there may be many, wait in a file."""
    facts = found.facts
    descr = np.lib.format.dtype_to_descr(found.vocabulary.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": (facts.rows, facts.span)}
    np.lib.format.write_array_header_1_0(file, header)
    sizes = np.zeros(3, np.int64)
    labels: list[list[npt.NDArray[np.uint16]]] = [[], [], []]
    with tempfile.TemporaryFile(dir=folder) as validation, tempfile.TemporaryFile(dir=folder) as test:
        for rows_NS, part_N, labels_N in encoded_rows(found, on_bytes):
            sizes += np.bincount(part_N, minlength=3)
            for part, out in enumerate((file, validation, test)):
                out.write(rows_NS[part_N == part].data)
                if labels_N is not None:
                    labels[part].append(labels_N[part_N == part])
            if prints is not None:
                prints.add(rows_NS[part_N == 0])
        for held_out in (validation, test):
            held_out.seek(0)
            shutil.copyfileobj(held_out, file)
    if found.labels:
        np.save(folder / LABELS, np.concatenate([*labels[0], *labels[1], *labels[2]]))
    return int(sizes[0]), int(sizes[1]), int(sizes[2])


def encoded_rows(
    found: Scan, on_bytes: OnBytes = lambda _bytes: None
) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.int8], npt.NDArray[np.uint16] | None]]:
    """Yield a scanned corpus as (N, S) ids, the part of each row: 0 training, 1 validation, 2 test, and its label.

    Raises CorpusError, at the end, when the text is not the one that was scanned.
    """
    layout = Layout(length=found.facts.length, windows=found.facts.windows)
    reader = Reader(found.source, found.settings, on_bytes, found.tokens)
    table_U, key_U = found.vocabulary.table_for(found.tokens), split_keys(found.tokens)
    for lines in rows(reader, layout, found.settings.overflow):
        hash_N = hashed_units(lines, key_U).hashes(layout.span)
        part_N = np.where(hash_N < found.test_below, np.int8(2), np.int8(0))
        part_N[hash_N < found.validation_below] = 1
        first = 0
        for ids_NS in lines.look_up(table_U).rows(layout.span):
            last = first + len(ids_NS)
            labels_N = None if lines.labels_N is None else _numbers(found, reader, lines.labels_N[first:last])
            yield ids_NS, part_N[first:last], labels_N
            first = last
    if reader.sha256 != found.facts.sha256 or not set(found.labels).issuperset(reader.labels.numbers):
        raise _changed(found)


def _numbers(found: Scan, reader: Reader, labels_N: npt.NDArray[np.int64]) -> npt.NDArray[np.uint16]:
    """Return labels by their numbers in the corpus, given those in the order in which the reader met them."""
    known = {name: number for number, name in enumerate(found.labels)}
    met_K = np.array([known.get(name, 0) for name in reader.labels.numbers], np.uint16)
    return met_K[labels_N]


def _changed(found: Scan) -> CorpusError:
    what = f"{found.source.label}: the file changed while it was read"
    return CorpusError(what, "wait until nothing writes to it, and try again")


def open_corpus(folder: Path) -> Corpus:
    """Open the files of `prepare`, ids memory-mapped. Raises CheckpointError when a file is missing or damaged."""
    facts = read_schema(Facts, folder / FACTS, _AS_IT_WAS)
    vocabulary = _read_vocabulary(folder / TOKENIZER, facts.unit)
    shape = (facts.train + facts.validation + facts.test, facts.span)
    ids_NS = open_array(folder / IDS, shape, vocabulary.dtype, _AS_IT_WAS)
    file = prints = None
    try:
        if ids_NS.nbytes > LARGE_BYTES and can_be_read():
            file = IdFile(folder / IDS, ids_NS.offset, ids_NS.dtype, vocabulary.size)
            if (folder / FINGERPRINTS).is_file():
                prints = Fingerprints(folder / FINGERPRINTS, ids_NS.dtype)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: the prepared corpus cannot be read ({error})", _AS_IT_WAS) from None
    if file is None:
        check_ids(folder / IDS, ids_NS, vocabulary.size)
    labels_N = None
    if facts.labels:
        labels_N = open_array(folder / LABELS, shape[:1], np.dtype(np.uint16), _AS_IT_WAS)
        check_ids(folder / LABELS, labels_N, len(facts.labels), of="list of labels")
    return Corpus(facts=facts, vocabulary=vocabulary, ids_NS=ids_NS, file=file, fingerprints=prints, labels_N=labels_N)


def _read_vocabulary(file: Path, unit: str) -> Vocabulary:
    tree = read_json(file, _AS_IT_WAS)
    try:
        return Vocabulary.from_tree(tree, unit)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: is damaged: {error.message}", _AS_IT_WAS) from None
