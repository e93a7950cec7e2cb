"""Result of an inspection, as dataclasses. Their field names are the keys of its JSON and keep their meaning.

Counts are over everything that was read. A "line" is a string of the corpus: a line of a file or a cell of a column.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..readers.source import Told
from .characters import Character, Script, Suspect
from .counter import Ends
from .file_type import Shape
from .preview import Outlook


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """One of several inputs."""

    label: str
    lines: int
    """Number of lines read."""


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """Source of the text."""

    label: str
    name: str
    files: tuple[FileReport, ...]
    """The inputs, in order."""

    kind: str
    """text, strings, the extension of a table or record file (csv, jsonl, parquet, ...), or the kind recognised by
    content (fasta, fastq, pot, counts, ...). Several kinds, columns or compressions are separated by commas."""

    column: str
    """The column or field, or empty."""

    compression: str
    """gz, zst, bz2 or xz, or empty."""

    fallback: str
    """How it was read if it cannot be read as requested: in another "encoding", as "bytes", or a table as "lines";
    otherwise empty."""

    told: tuple[Told, ...]
    """Notes on the kind of each input, recognised by its content."""

    bytes: int
    """Size after decompression; for a column, that of its strings as UTF-8, each with a line feed."""

    sha256: str
    """SHA-256 of the text without byte order mark; for several inputs, of their concatenation, each with a line
    feed."""

    def where(self, line: int) -> str:
        """Return the position of a line for messages: number and input."""
        if len(self.files) == 1:
            return f"line {line:,}"
        for file in self.files:
            if line <= file.lines:
                break
            line -= file.lines
        return f"line {line:,} of {file.label}"


@dataclass(frozen=True, kw_only=True)
class EncodingReport:
    """How bytes become characters."""

    asked: str
    """The encoding of the settings."""

    used: str
    """The encoding used here; differs if the file itself indicates another."""

    byte_order_mark: bool
    errors: str
    """corpus.errors: strict, replace or skip."""

    bad_lines: int
    first_bad_line: int | None
    first_bad_byte: str | None
    """For example 0xF1."""

    guess: str | None
    """Guessed encoding of the bad lines, or None."""

    sound_lines: int
    """If there are bad lines, the number of valid lines that are not ASCII; otherwise 0."""


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """A repeated line."""

    text: str
    """Its first hundred characters."""

    count: int


@dataclass(frozen=True, kw_only=True)
class LinesReport:
    """The lines."""

    read: int
    missing: int
    """Number of empty cells of a column."""

    hex_decoded: int
    """Number of strings written as $HEX[...] and decoded."""

    hex_kept: int
    """Number of strings written as $HEX[...] and not decoded."""

    empty: int
    blank: int
    """Number of lines with white space only."""

    leading_blanks: int
    """Number of other lines that begin with white space."""

    trailing_blanks: int
    filled: int
    """Number of non-empty lines."""

    distinct: int
    """Number of distinct non-empty lines."""

    distinct_is_exact: bool
    """Whether `distinct` is exact; otherwise it is an estimate with an error of about a thousandth."""

    repeated: int
    """Number of lines that occurred before."""

    most_frequent: tuple[Repeated, ...]
    """The most frequent lines; known if `distinct` is exact."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Number of lines in a range of lengths."""

    least: int
    most: int
    lines: int


@dataclass(frozen=True, kw_only=True)
class LengthsReport:
    """Lengths of non-empty lines."""

    unit: str
    """characters or bytes."""

    min: int
    median: int
    mean: float
    p90: int
    """90th percentile of the length."""

    p99: int
    p99_9: int
    max: int
    histogram: tuple[Bucket, ...]


@dataclass(frozen=True, kw_only=True)
class CharactersReport:
    """The characters."""

    total: int
    alphabet: int
    """Number of distinct characters."""

    scripts: dict[str, Script]
    """Scripts by name, most frequent first."""

    most_common: tuple[Character, ...]
    rare: tuple[Character, ...]
    """The first few characters that occur once or twice."""

    once: int
    under_three: int
    upper: int
    """Number of occurrences of capital letters."""

    lower: int
    both_cases: int
    """Number of letters that occur as capital and as small letter."""

    beyond_bmp: Script
    """Characters above U+FFFF: emoji, rare ideographs, ..."""

    suspects: tuple[Suspect, ...]
    """The first few suspicious characters; `suspects_in_all` is their number."""

    suspects_in_all: int
    twice_encoded: dict[str, int]
    """Pair of characters that looks like doubly encoded UTF-8 -> number of occurrences."""

    clusters: int
    """Number of different graphemes of several code points in the first lines; 0 if the unit is another."""

    cluster: str | None
    """One of them."""


@dataclass(frozen=True, kw_only=True)
class FormsReport:
    """Normal forms of Unicode."""

    not_nfc: int
    """Number of lines that NFC would change."""

    not_nfkc: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding about a corpus."""

    level: str
    """problem, warning, note or ok."""

    what: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the corpus can be trained on."""

    trains: bool
    what: str
    """ready to train; can be trained on, but see the warnings; or train would reject this corpus: and why."""

    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Result of the inspection of a corpus."""

    source: SourceReport
    encoding: EncodingReport
    line_ends: Ends | None
    """Line endings; None for a column."""

    lines: LinesReport
    lengths: LengthsReport | None
    """Lengths; None if all lines are empty."""

    characters: CharactersReport
    normal_form: FormsReport | None
    """Normal forms; None for bytes."""

    shape: Shape | None
    outlook: Outlook | None
    """Preview of training; None if training would refuse the corpus."""

    findings: tuple[Finding, ...] = ()
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: nested dictionaries with the names of the fields as keys."""
        return dataclasses.asdict(self)
