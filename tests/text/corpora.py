"""Corpora for tests: lines and texts without pattern, and the ways from data to a scan and to a corpus."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import Scan, scan
from seqgan_wgp.text.readers import file_reader
from seqgan_wgp.text.readers.open import Source, open_source

Data = str | Path | list[str] | bytes


def source_of(data: Data) -> Source:
    if isinstance(data, bytes):
        return Source(name="test", label="test.txt", open=lambda: io.BytesIO(data))
    return open_source(data)


def batches_of(batches: list[list[str]]) -> Source:
    """A source of strings that come some at a time."""
    pieces = [list[str | None](batch) for batch in batches]
    return Source(name="test", label="test.csv", open=io.BytesIO, fields=lambda *_how: iter(pieces))


def scanned(data: Data | Source, **changes: Any) -> Scan:
    return scan(data if isinstance(data, Source) else source_of(data), CorpusSettings(**changes))


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Read blocks of so many bytes, and a line of twice as many in parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_reader, "BLOCK_BYTES", size)
        patch.setattr(file_reader, "LINE_BYTES", 2 * size)
        yield


def made_lines(number: int, alphabet: str = "abcdefghijklmnop") -> list[str]:
    """Different strings of 5 characters, always the same, in an order without pattern."""
    lines = ["".join(letters) for letters in itertools.islice(itertools.product(alphabet, repeat=5), number)]
    random.Random(number).shuffle(lines)
    return lines


def made_text(number: int) -> str:
    """So many letters and spaces without pattern."""
    return "".join(random.Random(number).choices("abcdefgh ", k=number))


def plain_rows(lines: list[str], length: int, long: str) -> list[str]:
    """The contract, written plainly."""
    filled = [line for line in lines if line]
    if long == "drop":
        return [line for line in filled if len(line) <= length]
    if long == "crop":
        return [line[:length] for line in filled]
    return [line[first : first + length] for line in filled for first in range(0, len(line), length)]


def prepared(lines: list[str], config: Config, folder: Path) -> Corpus:
    """Return the corpus of lines, its ids in a folder."""
    return prepare(scan(open_source(lines), config.corpus), folder)
