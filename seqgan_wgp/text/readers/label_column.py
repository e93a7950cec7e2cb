"""Labels of lines: a column beside the strings, or the name of the file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from ...errors import CorpusError
from ...training.labels import MAX_LABELS
from .column_spec import Fields, listed
from .lines import Places
from .source import Source

FILE = "file"
"""The value of corpus.label that takes the name of each file."""


@final
class LabelNumbers:
    """Numbers of labels in the order in which a reader meets them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, label: str, source: Source) -> int:
        """Return the number of a label. Raises CorpusError for more than MAX_LABELS different ones."""
        number = self.numbers.setdefault(label, len(self.numbers))
        if number >= MAX_LABELS:
            raise CorpusError(
                f"{source.label}: more than {MAX_LABELS:,} different labels: {listed(list(self.numbers)[:3])}, ...",
                "name the column of the labels with --label, one of a few words",
            )
        return number


@final
class LabelColumn:
    """The labels of a source, beside its strings.

    Args:
        source: it has labels.
        numbers: of the labels so far.
        encoding: of a file that does not say it.
        errors: "skip" leaves strings without label out.
    """

    def __init__(self, source: Source, numbers: LabelNumbers, encoding: str, errors: str) -> None:
        self._source, self._numbers, self._skips = source, numbers, errors == "skip"
        self._same: int | None = None
        self._behind = 0
        if source.file_label is not None:
            self._same = numbers.number(source.file_label, source)
            return
        assert source.labels is not None
        found = source.labels(source.open, source.label, source.encoding or encoding, errors)
        self._labels: Iterator[str | None] = itertools.chain.from_iterable(found)

    def same(self, count: int) -> Places:
        """Return the numbers (N,) of so many lines of a source with one label."""
        assert self._same is not None
        return np.full(count, self._same, np.int64)

    def beside(self, strings: Sequence[str | None]) -> tuple[list[str | None], Places]:
        """Return the next strings, those without label as None, and the numbers (N,) of the labels of the others.

        Raises CorpusError for a string without label, unless such are to be skipped.
        """
        if self._same is not None:
            return list(strings), self.same(sum(string is not None for string in strings))
        labels = list(itertools.islice(self._labels, len(strings)))
        if len(labels) < len(strings):
            self._unequal()
        kept: list[str | None] = []
        numbers: list[int] = []
        for place, (string, label) in enumerate(zip(strings, labels, strict=True), self._behind + 1):
            if string and not label and not self._skips:
                raise CorpusError(
                    f"{self._source.label}: string {place:,} has no label",
                    "fill its cell in, or leave such strings out: --set corpus.errors=skip",
                )
            kept.append(string if label else None)
            if string is not None and label:
                numbers.append(self._numbers.number(label, self._source))
        self._behind += len(strings)
        return kept, np.array(numbers, np.int64)

    def check_end(self) -> None:
        """Raise CorpusError when there are more labels than strings."""
        if self._same is None and next(self._labels, self) is not self:
            self._unequal()

    def _unequal(self) -> None:
        raise CorpusError(
            f"{self._source.label}: the columns of the strings and of the labels have different numbers of rows",
            "give both by their names, or both by their numbers",
        )


def labelled(source: Source, column: Fields | None) -> Source:
    """Return a source with the labels of a column; None: with the name of its file as the label of all lines."""
    if column is None:
        return replace(source, file_label=source.name)
    return replace(source, labels=column)
