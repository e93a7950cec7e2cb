"""Result of an inspection, as dataclasses. Their field names are the keys of its JSON and keep their meaning.

A count is of all that was read. A "line" is a string of the corpus: a line of a file, or a cell of a column.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .characters import Character, Script, Suspect
from .counter import Ends
from .file_type import Shape
from .preview import Outlook


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """One of several inputs."""

    label: str
    lines: int
    """Lines read."""


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """Where the text comes from, byte by byte."""

    label: str
    name: str
    files: tuple[FileReport, ...]
    """The inputs, in their order."""

    kind: str
    """text, fasta, strings, or the ending of a table or of records: csv, jsonl, parquet, ...; of inputs of several
    kinds all of them, with commas between, and so of columns and compressions."""

    column: str
    """The column or field; empty where there is none."""

    compression: str
    """gz, zst, bz2 or xz; empty where there is none."""

    fallback: str
    """How it is counted here, where it cannot be read as asked: in another "encoding", as "bytes", or, of a table, its
    "lines"; else empty."""

    bytes: int
    """After decompression; of a column, those of its strings as UTF-8, a line feed behind each."""

    sha256: str
    """Of the text, without its byte order mark; of several inputs one behind the other, a line feed behind each."""

    def where(self, line: int) -> str:
        """Return which line of which input a line of the whole is, as messages say it."""
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
    """The one that all counts are made in: another where the file says so itself."""

    byte_order_mark: bool
    errors: str
    """corpus.errors: strict, replace or skip."""

    bad_lines: int
    first_bad_line: int | None
    first_bad_byte: str | None
    """As 0xF1."""

    guess: str | None
    """Encoding that the bad lines are in; None where it is not known."""

    sound_lines: int
    """Where there are bad lines, those others that are not ASCII; else 0."""


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """A line that comes more than once."""

    text: str
    """Its first hundred characters."""

    count: int


@dataclass(frozen=True, kw_only=True)
class LinesReport:
    """The lines."""

    read: int
    missing: int
    """Cells of a column that hold nothing."""

    empty: int
    blank: int
    """Lines of white space alone."""

    leading_blanks: int
    """Lines that begin with white space, and have more."""

    trailing_blanks: int
    filled: int
    """Lines that are not empty."""

    distinct: int
    """Different ones of these."""

    distinct_is_exact: bool
    """Else it is an estimate, about a thousandth off."""

    repeated: int
    """Those that came before."""

    most_frequent: tuple[Repeated, ...]
    """Known where `distinct` is exact."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Lines of some lengths."""

    least: int
    most: int
    lines: int


@dataclass(frozen=True, kw_only=True)
class LengthsReport:
    """Lengths of lines, empty ones not counted."""

    unit: str
    """characters or bytes."""

    min: int
    median: int
    mean: float
    p90: int
    """So many or fewer have 90 % of the lines."""

    p99: int
    p99_9: int
    max: int
    histogram: tuple[Bucket, ...]


@dataclass(frozen=True, kw_only=True)
class CharactersReport:
    """The characters."""

    total: int
    alphabet: int
    """Different ones."""

    scripts: dict[str, Script]
    """By name, the most frequent first."""

    most_common: tuple[Character, ...]
    rare: tuple[Character, ...]
    """Those that are there once or twice; the first few."""

    once: int
    under_three: int
    upper: int
    """Occurrences of capitals."""

    lower: int
    both_cases: int
    """Letters that are there as capital and as small letter."""

    beyond_bmp: Script
    """Above U+FFFF: emoji, rare ideographs, ..."""

    suspects: tuple[Suspect, ...]
    """The first few; `suspects_in_all` says how many there are."""

    suspects_in_all: int
    twice_encoded: dict[str, int]
    """Pairs of characters that look like one that was encoded in UTF-8 twice -> occurrences."""


@dataclass(frozen=True, kw_only=True)
class FormsReport:
    """Normal forms of Unicode."""

    not_nfc: int
    """Lines that NFC changes."""

    not_nfkc: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to know about a corpus."""

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
    """All that is known of a corpus before training."""

    source: SourceReport
    encoding: EncodingReport
    line_ends: Ends | None
    """None where strings come from a column."""

    lines: LinesReport
    lengths: LengthsReport | None
    """None where all lines are empty."""

    characters: CharactersReport
    normal_form: FormsReport | None
    """None of bytes."""

    shape: Shape | None
    outlook: Outlook | None
    """None where training would refuse the corpus."""

    findings: tuple[Finding, ...] = ()
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values: nested dictionaries whose keys are the names of the fields."""
        return dataclasses.asdict(self)
