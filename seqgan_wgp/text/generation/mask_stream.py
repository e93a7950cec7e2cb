"""Share a number of strings among the masks of a file, and generate them mask after mask.

Shares are in proportion to the training lines that satisfy each mask, or to strings of the model where the lines are
not at hand. A mask gets no more strings than satisfy it; what it cannot take goes to the others.

Shape suffixes: M masks, N strings, L length.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from ...errors import ConfigError
from ..constrained.constraints import Constraints
from ..constrained.mask_file import FileMask
from ..constrained.space import count_strings
from ..constrained.trellis import allows
from ..corpus.dataset import IDS, open_corpus
from ..domain import TextSpec
from ..hashing.row_hashes import Ids
from ..vocabulary import mask_after_pad
from .by_probability import space_trellis
from .filters import StringFilter
from .request import Progress, Request, StringBlock
from .stages import StagedStream, has_stages
from .stream import Limits, TextModel, stream

MAX_LINES = 200_000
"""Largest number of training lines that are looked at, evenly chosen."""

DRAWN = 20_480
"""Number of strings of the model that are looked at where there are no training lines."""


@final
@dataclass(frozen=True, kw_only=True)
class MaskShare:
    """A mask that some string satisfies, and how many strings it gets."""

    mask: FileMask
    constraints: Constraints
    lines: int
    """Number of the lines looked at that satisfy it."""

    size: int
    """Number of strings that satisfy it."""

    strings: int


@final
@dataclass(frozen=True, kw_only=True)
class MaskPlan:
    """What is generated for a mask file."""

    shares: tuple[MaskShare, ...]
    impossible: int
    """Number of masks that no string of the model satisfies."""

    lines: int
    """Number of lines looked at."""

    each: bool
    """Whether each mask was to get a number of its own."""

    @property
    def strings(self) -> int:
        """Number of strings of all masks."""
        return sum(share.strings for share in self.shares)

    def sha256(self) -> str:
        """Return a hash of the masks and their shares."""
        rows = [[share.mask.mask, share.mask.sets, share.strings] for share in self.shares]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def training_lines(run: Path, spec: TextSpec) -> Ids | None:
    """Return training lines of a run as (N, L) ids, at most MAX_LINES, evenly chosen; None where they are missing.

    They are missing for a bare model file, in a run whose lines were deleted, and where they are of another vocabulary.

    Raises:
        CheckpointError: they are damaged.
    """
    if not (run / IDS).is_file():
        return None
    corpus = open_corpus(run)
    if corpus.vocabulary.to_json(corpus.facts.length) != spec.vocabulary.to_json(spec.length):
        return None
    lines_NL = corpus.train.apart()
    chosen = np.arange(min(len(lines_NL), MAX_LINES)) * len(lines_NL) // min(len(lines_NL), MAX_LINES)
    return np.asarray(lines_NL[chosen])


def plan_masks(
    model: TextModel, constraints: Constraints, masks: Sequence[FileMask], lines: Iterable[Ids], n: int, *, each: bool
) -> MaskPlan:
    """Return how many strings each mask gets.

    Args:
        model: the model.
        constraints: those that hold besides each mask.
        masks: the masks.
        lines: blocks of (N, L) ids of the lines that decide the shares; not read with `each`.
        n: number of strings in all, or with `each` of each mask.
        each: whether it is that of each mask.

    Raises:
        ConfigError: no string of the model satisfies any mask.
    """
    found, refused = [], None
    for mask in masks:
        wanted = mask.applied_to(constraints)
        try:
            found.append((mask, wanted, space_trellis(model, wanted)))
        except ConfigError as error:
            refused = refused or ConfigError(f"line {mask.line}: {error.message}", error.remedy)
    if not found:
        assert refused is not None
        raise ConfigError(
            f"no string of the model satisfies any of the {len(masks)} masks; {refused.message}", refused.remedy
        )
    sizes, total = [count_strings(trellis) for *_, trellis in found], 0
    counts = [0] * len(found)
    for ids_NL in () if each else lines:
        total += len(ids_NL)
        ended_NL = mask_after_pad(ids_NL)
        counts = [
            count + int(allows(trellis, ended_NL).sum()) for count, (*_, trellis) in zip(counts, found, strict=True)
        ]
    shares = [min(n, size) for size in sizes] if each else shared(n, counts, sizes)
    return MaskPlan(
        shares=tuple(
            MaskShare(mask=mask, constraints=wanted, lines=count, size=size, strings=share)
            for (mask, wanted, _trellis), count, size, share in zip(found, counts, sizes, shares, strict=True)
        ),
        impossible=len(masks) - len(found),
        lines=total,
        each=each,
    )


def shared(n: int, weights: Sequence[int], most: Sequence[int]) -> list[int]:
    """Return n as a sum of whole numbers in proportion to weights, none above its bound (largest remainders first).

    What bounds cut off is shared among the others in the same way, and among those of weight 0 at last. The sum is less
    than n only if the bounds are. With no weight above 0 all are equal.
    """
    shares = [0] * len(weights)
    left = n
    for chosen in ([k for k, weight in enumerate(weights) if weight], list(range(len(weights)))):
        open_ = [k for k in chosen if shares[k] < most[k]]
        while left and open_:
            weight = {k: weights[k] or 1 for k in open_}
            total = sum(weight.values())
            quota = {k: left * weight[k] for k in open_}
            given = {k: quota[k] // total for k in open_}
            for k in sorted(open_, key=lambda k: (-(quota[k] % total), k))[: left - sum(given.values())]:
                given[k] += 1
            for k in open_:
                taken = min(given[k], most[k] - shares[k])
                shares[k] += taken
                left -= taken
            open_ = [k for k in open_ if shares[k] < most[k]]
    return shares


def mask_stream(
    model: TextModel,
    request: Request,
    plan: MaskPlan,
    sieve: StringFilter,
    begun: Progress | None = None,
    limits: Limits | None = None,
    on_mask: Callable[[int], object] = lambda _part: None,
) -> Iterator[tuple[StringBlock, Progress]]:
    """Yield the strings of a plan in blocks, mask after mask, each with the progress after it.

    Where masks have strings in common, a later one may find too few that are new. What is then missing of the number in
    all comes from a second pass over the masks, whose parts have the indices M to 2 M - 1.

    Args:
        model: the model.
        request: what holds for all masks; its constraints and number do not count.
        plan: the plan.
        sieve: drops strings that were there before, also of other masks.
        begun: progress from which to continue.
        limits: bound of all masks together.
        on_mask: called with the index of a mask before its strings.
    """
    total, limits = begun or Progress(next=request.start), limits or Limits()
    at = replace(total, strings=total.part_strings)
    before = total.strings - total.part_strings
    masks = len(plan.shares)
    for part in range(at.part, masks if plan.each else 2 * masks):
        share = plan.shares[part % masks]
        n = share.strings if part < masks else plan.strings - before
        if not n:
            continue
        if at.part != part:
            at = Progress(next=request.start, tries=at.tries, part=part)
        on_mask(part % masks)
        wanted = replace(request, n=n, constraints=share.constraints)
        if has_stages(wanted, unique=True):
            found: Iterable[tuple[StringBlock, Progress]] = StagedStream(model, wanted, sieve, at, limits)
        else:
            found = stream(model, wanted, sieve, at, limits=limits)
        for block, at in found:
            yield block, replace(at, strings=before + at.strings, part_strings=at.strings)
        before += at.strings if at.part == part else 0
        if limits.tried_all(at):
            return
