"""Go on where a way to decode finds no new strings: sample at rising temperatures, then enumerate.

With constraints and without repeats a model soon has no more to say: the most probable string that satisfies is the
same for most latents. Then strings are sampled, at temperatures 1, 2, 4 and 8, and at last all strings that satisfy are
listed by their probability, if there are few enough. So all of a small space is found, the likely strings first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import final

from ..constrained.space import MAX_ENUMERABLE, count_strings
from ..constrained.trellis import Trellis
from .by_probability import by_probability, check_enumerable, space_trellis
from .filters import StringFilter
from .request import Progress, Request, StringBlock
from .stream import Limits, TextModel, filtered, stream

TEMPERATURES = (1.0, 2.0, 4.0, 8.0)
"""Those that strings are sampled at, one after another."""

MAX_IDLE = 10_000
"""Number of consecutive candidates without a new string after which a stage ends."""


def has_stages(request: Request, *, unique: bool) -> bool:
    """Return whether a request goes through stages: one of distinct strings under constraints, whole, not refined."""
    return unique and bool(request.constraints) and not request.refine and request.shard == (1, 1)


def stages_of(request: Request) -> tuple[Request, ...]:
    """Return the request, and those that follow it where it finds nothing new; at last all strings are listed."""
    warmer = (at for at in TEMPERATURES if request.decode != "sample" or at > request.temperature)
    return (request, *(replace(request, decode="sample", temperature=at) for at in warmer))


def stage_name(request: Request, stage: int) -> str:
    """Return what a stage of a request is called."""
    stages = stages_of(request)
    if stage == len(stages):
        return "enumeration"
    at = stages[stage]
    return at.decode if at.decode != "sample" else f"sample at temperature {at.temperature:g}"


@final
class StagedStream:
    """The strings of a request in blocks, each with the progress after it, stage after stage; iterate once.

    Args:
        model: the model.
        request: with constraints.
        sieve: drops strings that were there before.
        begun: progress from which to continue the same request.
        limits: bound of all stages together; `idle` of each stage, None: MAX_IDLE.

    Attributes:
        size: number of id strings that satisfy the constraints.
        complete: whether all of them have been tried.

    Raises:
        ConfigError: the model cannot fulfil the constraints.
    """

    def __init__(
        self,
        model: TextModel,
        request: Request,
        sieve: StringFilter,
        begun: Progress | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._model, self._request, self._sieve = model, request, sieve
        self._at = begun or Progress(next=request.start)
        self._limits = limits or Limits()
        self._trellis = space_trellis(model, request.constraints)
        self.size = count_strings(self._trellis)
        self.complete = False
        self._most = self.size if request.n is None else min(request.n, self.size)
        self._stages = stages_of(request)

    @property
    def enumerates(self) -> bool:
        """Whether the last stage lists all strings."""
        return self.size <= MAX_ENUMERABLE

    def __iter__(self) -> Iterator[tuple[StringBlock, Progress]]:
        """Yield the blocks."""
        for stage in range(self._at.stage, len(self._stages)):
            yield from self._decoded(stage)
            if self._ends:
                break
        else:
            if self.enumerates:
                yield from self._enumerated()
        self.complete = self.complete or self._at.strings >= self.size

    @property
    def _ends(self) -> bool:
        return self._at.strings >= self._most or self._limits.tried_all(self._at)

    def _decoded(self, stage: int) -> Iterator[tuple[StringBlock, Progress]]:
        """Yield what decoding gives, until it gives nothing new."""
        self._enter(stage, self._request.start)
        is_last = stage == len(self._stages) - 1 and not self.enumerates
        limits = replace(self._limits, idle=None if is_last else self._limits.idle or MAX_IDLE)
        wanted = replace(self._stages[stage], n=self._most)
        for block, at in stream(self._model, wanted, self._sieve, self._at, limits=limits):
            self._at = at
            yield block, at

    def _enumerated(self) -> Iterator[tuple[StringBlock, Progress]]:
        """Yield the strings that are still missing, the most probable first."""
        self._enter(len(self._stages), 0)
        wanted = replace(self._request, n=self._most)
        rest = OrderedStream(self._model, wanted, self._sieve, self._at, self._limits, self._trellis)
        for block, at in rest:
            self._at = at
            yield block, at
        self.complete = rest.complete

    def _enter(self, stage: int, start: int) -> None:
        if self._at.stage != stage:
            self._at = replace(self._at, stage=stage, next=start, idle=0)


@final
class OrderedStream:
    """All strings that satisfy the constraints of a request, the most probable first, in blocks; iterate once.

    Args:
        model: the model.
        request: its constraints, number, seed and scores.
        sieve: drops strings; None: none.
        begun: progress from which to continue; `next` is a rank.
        limits: bound of the number of candidates.
        trellis: the strings that satisfy, if it is there already.

    Attributes:
        complete: whether all of them have been tried.

    Raises:
        ConfigError: the model cannot fulfil the constraints, or more than MAX_ENUMERABLE strings do.
    """

    def __init__(
        self,
        model: TextModel,
        request: Request,
        sieve: StringFilter | None,
        begun: Progress | None = None,
        limits: Limits | None = None,
        trellis: Trellis | None = None,
    ) -> None:
        self._model, self._request, self._sieve = model, request, sieve
        self._at, self._limits = begun or Progress(next=request.start), limits or Limits()
        self._trellis = trellis or space_trellis(model, request.constraints)
        self._size = count_strings(self._trellis)
        check_enumerable(self._size)
        self.complete = False

    def __iter__(self) -> Iterator[tuple[StringBlock, Progress]]:
        """Yield the blocks."""
        if not self._ends:
            for block in by_probability(self._model, self._request, self._trellis, self._at.next):
                if self._limits.tries is not None:
                    block = block.select(slice(self._limits.tries - self._at.tries))
                block, self._at = filtered(block, self._sieve, self._at, self._request.n)
                yield block, self._at
                if self._ends:
                    break
        self.complete = self._at.next >= self._size

    @property
    def _ends(self) -> bool:
        n = self._request.n
        return (n is not None and self._at.strings >= n) or self._limits.tried_all(self._at)
