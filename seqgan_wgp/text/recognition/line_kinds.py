"""LINE_KINDS: the kinds that are told by the first lines of a text, with what is done about each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from . import credentials, decorations, documents, json_kinds, sequences, table_kinds
from .line_patterns import LINE_PATTERNS
from .sample import Sample, Sighting

Does = Literal["read", "refuse", "offer"]

LEVELS: dict[Does, str] = {"read": "note", "refuse": "problem", "offer": "warning"}
"""What is done -> the level at which it is told."""


@dataclass(frozen=True, kw_only=True)
class LineKind:
    """A kind of text."""

    name: str
    does: Does
    """read: its strings are taken out of it; refuse: learning its lines is seldom meant; offer: it is read as it is,
    and the other way is named."""

    tell: Callable[[Sample], Sighting | None]
    """Sample -> what was seen; None where it is not of this kind."""

    goes_below_comments: bool = False
    """Whether what stands below comments is told as this kind too: it is read, or its remedy goes by lines."""


def _document(name: str, sample: Sample) -> Sighting | None:
    found = documents.document(sample)
    return found[1] if found and found[0] == name else None


def line_kinds(*, once: bool) -> tuple[LineKind, ...]:
    """Return the kinds in the order in which a text is tried for them; `once` leaves counts out."""
    return (
        *(LineKind(name=kind.name, does=kind.does, tell=partial(_document, kind.name)) for kind in documents.DOCUMENTS),
        LineKind(name="fastq", does="read", tell=sequences.fastq, goes_below_comments=True),
        LineKind(name="fasta", does="read", tell=sequences.fasta),
        LineKind(name="json-rows", does="refuse", tell=json_kinds.json_rows),
        LineKind(name="json-strings", does="read", tell=json_kinds.json_line_strings),
        LineKind(name="json-lines", does="refuse", tell=json_kinds.json_lines),
        LineKind(name="json-strings", does="read", tell=partial(_array, refused=False)),
        LineKind(name="json-array", does="refuse", tell=partial(_array, refused=True)),
        LineKind(name="json-sequence", does="refuse", tell=json_kinds.json_sequence),
        LineKind(name="json-object", does="refuse", tell=json_kinds.json_object),
        LineKind(name="hash-counts", does="refuse", tell=credentials.hash_counts),
        LineKind(name="pot", does="refuse", tell=credentials.pot),
        LineKind(name="checksums", does="refuse", tell=credentials.checksums),
        LineKind(name="hashes", does="refuse", tell=credentials.hashes),
        LineKind(name="user-hashes", does="refuse", tell=credentials.user_hashes),
        LineKind(name="dumped-accounts", does="refuse", tell=credentials.dumped_accounts),
        LineKind(name="accounts", does="refuse", tell=credentials.accounts),
        LineKind(name="logins", does="refuse", tell=credentials.logins),
        LineKind(name="smiles", does="read", tell=sequences.smiles, goes_below_comments=True),
        LineKind(name="vectors", does="refuse", tell=table_kinds.vectors),
        LineKind(name="printed-table", does="refuse", tell=table_kinds.printed_table),
        LineKind(name="markdown", does="refuse", tell=table_kinds.markdown_table),
        LineKind(name="dictionary", does="read", tell=decorations.dictionary, goes_below_comments=True),
        LineKind(
            name="counts", does="read", tell=partial(table_kinds.ranked_counts, once=once), goes_below_comments=True
        ),
        LineKind(name="numbered", does="read", tell=decorations.numbered_list, goes_below_comments=True),
        LineKind(name="counts", does="read", tell=partial(table_kinds.counts, once=once), goes_below_comments=True),
        LineKind(name="yaml-records", does="refuse", tell=decorations.yaml_records),
        LineKind(name="bullets", does="read", tell=decorations.bulleted_list, goes_below_comments=True),
        LineKind(name="quoted", does="read", tell=decorations.quoted_list, goes_below_comments=True),
        LineKind(name="one-line", does="refuse", tell=decorations.one_line_list),
        *(LineKind(name=kind.name, does=kind.does, tell=kind.tell, goes_below_comments=True) for kind in LINE_PATTERNS),
        LineKind(name="tab-columns", does="refuse", tell=table_kinds.tab_columns),
        LineKind(name="columns", does="offer", tell=table_kinds.other_columns),
        LineKind(name="comments", does="read", tell=decorations.comments),
    )


def _array(sample: Sample, *, refused: bool) -> Sighting | None:
    found = json_kinds.json_array(sample)
    return found if found is not None and (found.fields is None) == refused else None
