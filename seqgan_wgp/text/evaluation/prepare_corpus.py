"""Prepare any text for evaluation: rows of the model's ids, split like the training text."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...utils.progress import OnBytes
from ..corpus.dataset import Corpus, prepare
from ..corpus.scan import MAX_ALPHABET, scan
from ..domain import TextSpec
from ..generation.formats import printable
from ..hashing.row_hashes import BLOCK_IDS, row_blocks
from ..readers.column_spec import listed
from ..readers.label_column import FILE
from ..readers.open import Source
from ..readers.reader import Reader
from ..recognition.recognise import check_kind, recognised, saying
from ..vocabulary import PAD, UNKNOWN

CHARACTERS_NAMED = 40
"""Number of the model's characters shown in a message."""


def settings_for(source: Source, own: CorpusSettings, weights: str | None) -> CorpusSettings:
    """Return the settings of a model's corpus for another one, without its field where this one has no such field.

    Args:
        source: the other corpus.
        own: settings of the model's corpus.
        weights: column of the counts in the other corpus; None: as in the model's.
    """
    settings = own if weights is None else dataclasses.replace(own, weights=weights)
    if not (own.field or own.separator or own.weights or own.label):
        return settings
    try:
        told = recognised(source, settings)
        check_kind(told)
        next(iter(Reader(told, settings)), None)
    except CorpusError:
        return dataclasses.replace(settings, field="", separator="", weights=weights or "", label="")
    return settings


@contextlib.contextmanager
def encode_for_model(
    spec: TextSpec, settings: CorpusSettings, source: Source, on_bytes: OnBytes = lambda _bytes: None
) -> Iterator[Corpus]:
    """Yield a text as rows of a model's ids, in a temporary folder.

    The text is split by the same rule as the training text. So for the training text itself, the test split is the
    same.

    Args:
        spec: the model's vocabulary, length and corpus facts.
        settings: settings of the model's corpus.
        source: the text.
        on_bytes: called with the number of bytes read so far in each pass.

    Raises:
        CorpusError: the text cannot be read or split, or the model knows none of its characters.
    """
    layout = "lines" if spec.facts.get("windows", 1) == 1 else "windows"
    settings = dataclasses.replace(settings, length=spec.length, layout=layout, max_alphabet=MAX_ALPHABET)
    if settings.label == FILE and not {file.name for file in source.files} <= set(spec.label_names):
        settings = dataclasses.replace(settings, label="")
    # Characters that the model does not know become unknown.
    found = dataclasses.replace(scan(source, settings, on_bytes), vocabulary=spec.vocabulary)
    if found.labels:
        strange = sorted(set(found.labels).difference(spec.label_names))
        if strange:
            raise CorpusError(
                f"{source.label}: the model does not know the label {strange[0]!r}",
                f"it knows: {listed(spec.label_names)}",
            )
        found = dataclasses.replace(found, labels=tuple(spec.label_names))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        told = tuple(saying(told) for told in found.source.sayings)
        corpus = dataclasses.replace(prepare(found, Path(folder), on_bytes), told=told)
        if not any((block_NS > UNKNOWN).any() for block_NS in row_blocks(corpus.ids_NS, BLOCK_IDS)):
            known = "".join(spec.vocabulary.texts)
            more = " ..." if len(known) > CHARACTERS_NAMED else ""
            raise CorpusError(
                f"{source.label}: the model knows none of its characters",
                f"it was trained on {spec.facts['name']} and knows: {printable(known[:CHARACTERS_NAMED])}{more}",
            )
        yield corpus


def unknown_share(corpus: Corpus) -> float:
    """Return the share of unknown characters in the test split."""
    ids_NL = np.asarray(corpus.test_NL)
    return float((ids_NL == UNKNOWN).sum() / max(1, (ids_NL != PAD).sum()))
