"""The options of `Model.generate`, and the strings that satisfy its constraints and pass its filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from ...errors import ConfigError, did_you_mean
from ...utils.messages import warn
from ..constrained.constraints import Constraints
from ..constrained.mask_file import masks_from, read_mask_file
from ..constrained.options import ConstraintOptions
from ..domain import TextSpec
from ..hashing.row_hashes import Ids
from ..hashing.string_hashes import StringHashes
from ..readers.lines import Lines
from .filters import StringFilter, validity
from .formats import COST, LABEL, SCORES
from .keep_if import each
from .label_mix import Label
from .mask_stream import DRAWN, MaskPlan, mask_stream, plan_masks
from .request import Progress, Request, StringBlock, column_values
from .stages import OrderedStream, StagedStream, has_stages
from .stream import Limits, TextModel, stream

ORDERS = ("index", "probability")
"""Orders of strings: by number, or the most probable first."""


class GenerateOptions(ConstraintOptions, total=False):
    """Keyword arguments of `Model.generate`, `stream` and `records`, which describes them, with their defaults."""

    seed: int
    start: int
    decode: str
    temperature: float
    label: Label
    refine: bool
    unique: bool
    not_in: Iterable[str]
    valid: str | None
    keep_if: Callable[[str], object] | None
    tries: int | None
    order: str
    masks: Path | Iterable[str] | None
    per_mask: bool


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ConfigError for a keyword argument that `Model.generate` does not have."""
    known = GenerateOptions.__annotations__
    for name in options:
        if name not in known:
            choice = f"the arguments are {', '.join(known)}"
            raise ConfigError(f"there is no argument {name!r}{did_you_mean(name, known)}", choice)


@final
@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which strings of a request to keep, and their order; `Model.generate` describes the fields.

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

    masks: Path | Iterable[str] | None = None
    """A mask file, or its lines: every string satisfies one of the masks, and comes once."""

    per_mask: bool = False
    """Whether the number of strings is that of each mask."""

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            known = f"choose one of: {', '.join(ORDERS)}"
            raise ConfigError(f"order is {self.order!r}{did_you_mean(self.order, ORDERS)}", known)
        if self.tries is not None and self.tries < 1:
            raise ConfigError(f"tries is {self.tries}, but it must be at least 1")
        if self.masks is None and self.per_mask:
            raise ConfigError("per_mask is given without masks", "give masks, or leave it out")
        if self.masks is not None and self.order != ORDERS[0]:
            raise ConfigError("masks cannot be combined with order=probability", "give one of the two")

    @property
    def selects(self) -> bool:
        """Whether some strings may be dropped."""
        return self._distinct or self.not_in != () or self.valid is not None or self.keep_if is not None

    @property
    def _distinct(self) -> bool:
        """Whether each string is there once; in the order of probability several rows of tokens can be one string."""
        return self.unique or self.order != ORDERS[0] or self.masks is not None

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


def selected_strings(
    model: TextModel, request: Request, selection: Selection, drawn: Callable[[int], Iterable[Ids]] | None = None
) -> Iterator[str]:
    """Return the strings of `selected_blocks` one by one."""
    blocks = selected_blocks(model, request, selection, drawn)
    return (string for block in blocks for string in model.spec.to_text(block.ids_NL))


def selected_records(
    model: TextModel, request: Request, selection: Selection, drawn: Callable[[int], Iterable[Ids]] | None = None
) -> Iterator[dict[str, Any]]:
    """Return the strings of `selected_blocks` as the records of `generate --scores --format jsonl`, one by one."""
    costs = bool(request.constraints or selection.masks is not None) and selection.order == ORDERS[0]
    blocks = selected_blocks(model, replace(request, scores=True), selection, drawn)
    return (record for block in blocks for record in records_of(model.spec, block, costs=costs))


def records_of(spec: TextSpec, block: StringBlock, *, costs: bool) -> Iterator[dict[str, Any]]:
    """Yield the strings of a block that has scores with these, and their labels where the model has labels.

    Args:
        spec: of the model.
        block: strings with critic scores and log probabilities.
        costs: whether they have a constraint cost.
    """
    has_costs = costs and block.given_up_N is not None
    columns = [*SCORES, *([COST] if has_costs else []), *([LABEL] if block.label_N is not None else [])]
    values = column_values(block, columns, spec.label_names)
    for text, *row in zip(spec.to_text(block.ids_NL), *values.values(), strict=True):
        yield {"text": text, **dict(zip(values, row, strict=True))}


def selected_blocks(
    model: TextModel, request: Request, selection: Selection, drawn: Callable[[int], Iterable[Ids]] | None = None
) -> Iterator[StringBlock]:
    """Return the strings of a request that a selection keeps, in blocks.

    Where fewer than asked for are found, a warning says so at the end.

    Args:
        model: the model.
        request: the strings.
        selection: which of them to keep.
        drawn: number -> so many strings of the model; masks get shares in proportion to those that satisfy them.

    Raises:
        ConfigError: at once, constraints that the model cannot fulfil, or invalid combinations.
    """
    sieve, limits = selection.sieve(model), Limits(tries=selection.tries)
    found: Iterable[tuple[StringBlock, Progress]]
    if selection.masks is not None:
        assert sieve is not None
        plan = _plan(model, request, selection, drawn)
        return _counted(plan.strings, mask_stream(model, request, plan, sieve, None, limits))
    if selection.order == ORDERS[1]:
        found = OrderedStream(model, request, sieve, None, limits)
    elif sieve is not None and has_stages(request, unique=selection.unique):
        found = StagedStream(model, request, sieve, None, limits)
    else:
        found = stream(model, request, sieve, limits=limits)
    return _counted(request.n, found)


def _plan(
    model: TextModel, request: Request, selection: Selection, drawn: Callable[[int], Iterable[Ids]] | None
) -> MaskPlan:
    """Return how many strings each mask gets."""
    asked = [name for name in ("mask", "sets") if getattr(request.constraints, name, None)]
    if request.refine or request.n is None or asked:
        what = "refine" if request.refine else "mask" if asked else "an endless stream"
        raise ConfigError(f"masks cannot be combined with {what}", "give one of the two")
    given = selection.masks
    masks = read_mask_file(given) if isinstance(given, Path) else masks_from([] if given is None else given)
    lines = () if drawn is None or selection.per_mask else drawn(DRAWN)
    return plan_masks(model, request.constraints or Constraints(), masks, lines, request.n, each=selection.per_mask)


def _counted(n: int | None, found: Iterable[tuple[StringBlock, Progress]]) -> Iterator[StringBlock]:
    """Yield the blocks, and warn at the end if they have fewer than n strings."""
    count = tries = 0
    for block, at in found:
        count, tries = count + len(block), at.tries
        yield block
    if n is not None and count < n:
        warn(f"found {count:,} strings of {n:,} among {tries:,} candidates", stacklevel=3)
