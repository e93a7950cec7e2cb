"""Strings that satisfy constraints and pass filters, for Python: the part of `generate` without files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import final

from ...errors import ConfigError, SeqganWarning, did_you_mean
from ..hashing.string_hashes import StringHashes
from ..readers.lines import Lines
from .filters import StringFilter, validity
from .keep_if import each
from .request import Progress, Request, StringBlock
from .stages import OrderedStream, StagedStream, has_stages
from .stream import Limits, TextModel, stream

ORDERS = ("index", "probability")
"""Orders of strings: by number, or the most probable first."""


@final
@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which of the strings of a request to keep, and their order.

    Raises:
        ConfigError: an unknown order, or tries below 1.
    """

    unique: bool = False
    not_in: Iterable[str] = ()
    """Strings to drop."""

    valid: str | None = None
    """Name of a validator."""

    keep_if: Callable[[str], object] | None = None
    """String -> whether to keep it."""

    tries: int | None = None
    """Largest number of candidates."""

    order: str = ORDERS[0]

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            known = f"choose one of: {', '.join(ORDERS)}"
            raise ConfigError(f"order is {self.order!r}{did_you_mean(self.order, ORDERS)}", known)
        if self.tries is not None and self.tries < 1:
            raise ConfigError(f"tries is {self.tries}, but it must be at least 1")

    @property
    def selects(self) -> bool:
        """Whether some strings may be dropped."""
        return self._distinct or self.not_in != () or self.valid is not None or self.keep_if is not None

    @property
    def _distinct(self) -> bool:
        """Whether each string is there once; in the order of probability several rows of tokens can be one string."""
        return self.unique or self.order != ORDERS[0]

    def sieve(self, model: TextModel) -> StringFilter | None:
        """Return the filter, if any. Raises ConfigError for an unknown validator."""
        if not self.selects:
            return None
        vocabulary = model.spec.vocabulary
        sieve = StringFilter(
            StringHashes(vocabulary, model.spec.length),
            unique=self._distinct,
            valid=None if self.valid is None else validity(self.valid, vocabulary),
            keep_if=None if self.keep_if is None else each(self.keep_if),
        )
        known = list(self.not_in)
        if known:
            sieve.exclude([Lines.of(known, as_bytes=vocabulary.is_byte)])
        return sieve


def selected_strings(model: TextModel, request: Request, selection: Selection) -> Iterator[str]:
    """Return the strings of a request that a selection keeps, one by one.

    Where fewer than asked for are found, a SeqganWarning says so at the end.

    Raises:
        ConfigError: at once, constraints that the model cannot fulfil, or invalid combinations.
    """
    sieve, limits = selection.sieve(model), Limits(tries=selection.tries)
    found: Iterable[tuple[StringBlock, Progress]]
    if selection.order == ORDERS[1]:
        found = OrderedStream(model, request, sieve, None, limits)
    elif sieve is not None and has_stages(request, unique=selection.unique):
        found = StagedStream(model, request, sieve, None, limits)
    else:
        found = stream(model, request, sieve, limits=limits)
    return _strings(model, request, found)


def _strings(model: TextModel, request: Request, found: Iterable[tuple[StringBlock, Progress]]) -> Iterator[str]:
    count = tries = 0
    for block, at in found:
        count, tries = count + len(block), at.tries
        yield from model.spec.to_text(block.ids_NL)
    if request.n is not None and count < request.n:
        what = f"found {count:,} strings of {request.n:,} among {tries:,} candidates"
        warnings.warn(what, SeqganWarning, stacklevel=3)
