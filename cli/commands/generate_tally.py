"""Count generated strings while they are written, and say on stderr what they cost and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, final

import typer
from rich.markup import escape

from ..ui.console import EXIT_FAILED, messages
from ..ui.progress_bar import Working

if TYPE_CHECKING:
    from seqgan_wgp.text.generation.filters import Acceptance, StringFilter
    from seqgan_wgp.text.generation.mask_stream import MaskPlan
    from seqgan_wgp.text.generation.request import Progress, StringBlock

    from .generate_text import Job

_MASKS_SHOWN = 20
"""Number of masks whose strings are told one by one."""


@final
class Tally:
    """Counts strings while they are written, and shows the number when they go to a file.

    Args:
        job: the job.
        begun: progress of an interrupted job that is continued.
        working: shows the progress; None for strings on stdout.
        sieve: the filter, if any.
        plan: what the masks of a file get, if there is one.

    Attributes:
        complete: whether all strings that satisfy the constraints have been tried.
    """

    def __init__(
        self,
        job: Job,
        begun: Progress,
        working: Working | None,
        sieve: StringFilter | None = None,
        plan: MaskPlan | None = None,
    ) -> None:
        self.job, self.at, self.new, self.complete = job, begun, 0, False
        self._cost, self._costs, self._costly = 0.0, 0, 0
        self._candidates = self._accepted = 0
        self._stages, self._masks = Counter[int](), Counter[int]()
        self._working, self._sieve, self._plan = working, sieve, plan

    def counted(self, found: Iterator[tuple[StringBlock, Progress]]) -> Iterator[tuple[StringBlock, Progress]]:
        """Yield the blocks unchanged, and count them."""
        import numpy as np

        from seqgan_wgp.text.generation.request import is_costly

        for block, at in found:
            self.at, self.new = at, self.new + len(block)
            self._stages[at.stage] += len(block)
            self._masks[self._mask_of(at.part)] += len(block)
            if block.given_up_N is not None:
                self._cost += float(np.nansum(block.given_up_N))
                self._costs += int(np.isfinite(block.given_up_N).sum())
                self._costly += int(is_costly(block).sum())
            if self._working is not None:
                self._working(f"{at.strings:,} strings{self._mask(at.part)}", self._share)
            yield block, at

    def refined(self, candidates: int, accepted: int) -> None:
        """Count candidates and accepted candidates of the refiner."""
        self._candidates, self._accepted = self._candidates + candidates, self._accepted + accepted

    def _mask(self, part: int) -> str:
        if self._plan is None:
            return ""
        mask = self._mask_of(part)
        return f", mask {mask + 1} of {len(self._plan.shares)} ({self._plan.shares[mask].mask.mask})"

    def _mask_of(self, part: int) -> int:
        """Return the index of the mask of a part of the stream; in a second pass they come once more."""
        return 0 if self._plan is None else part % len(self._plan.shares)

    @property
    def _wanted(self) -> int | None:
        """Number of strings asked for; None: endless."""
        n = self.job.request.n
        return n * len(self._plan.shares) if n and self._plan is not None and self.job.per_mask else n

    @property
    def _share(self) -> float:
        """Share of the job that is done; 0 for an endless job."""
        wanted = self._wanted
        done = self.at.strings if self.job.selective else self.at.next - self.job.request.start
        return done / wanted if wanted else 0.0

    def tell(self) -> None:
        """Print a summary on stderr at the end.

        Raises:
            typer.Exit: with code 1 when fewer strings than requested were found.
        """
        if self._costs:
            self._tell_cost()
        if self._plan is not None:
            self._tell_masks(self._plan)
        if any(self._stages[stage] for stage in self._stages if stage):
            self._tell_stages()
        if self._candidates:
            _say(f"the refiner accepted {self._accepted / self._candidates:.1%} of {self._candidates:,} candidates")
        if self._sieve is not None:
            _tell_acceptance(f"the validator {self.job.valid}", self._sieve.valid_of)
            _tell_acceptance("the program of --keep-if", self._sieve.kept_of)
        missing = self._missing()
        if missing is not None:
            _say(missing)
            raise typer.Exit(EXIT_FAILED)
        if self.complete:
            _say(f"these are all {self.at.strings:,} strings that satisfy the constraints" + self._filtered)
        if self.job.continued is not None and not self.new:
            _say(f"{self.job.continued} is already complete: {self.at.strings:,} strings")

    @property
    def _filtered(self) -> str:
        filtered = self.job.not_in or self.job.valid is not None or self.job.keep_if is not None
        return " and pass the filters" if filtered else ""

    def _missing(self) -> str | None:
        """Return what is to be said about strings that were asked for and not found; None if there are none."""
        from seqgan_wgp.text.generation.stream import is_exhausted

        at, n, job = self.at, self._wanted, self.job
        if not job.selective or (n is not None and at.strings >= n) or (n is None and self.complete):
            return None
        strings = f"{at.strings:,} strings" if n is None else f"{at.strings:,} strings of {n:,}"
        if self.complete:
            return f"found {strings}: no other satisfies the constraints" + self._filtered.replace("pass", "passes")
        if job.tries is not None and at.tries >= job.tries:
            return f"found {strings} among {at.tries:,} candidates, the most that --tries allows"
        if n is None and not is_exhausted(at):
            return None
        if self._plan is not None:
            return f"found {strings}: no more satisfy the masks" + self._filtered
        wanted = "new" if job.valid is None else "new and valid" if job.unique else "valid"
        rest = f"none of the last {at.idle:,} candidates was {wanted}"
        return f"the model seems exhausted: found {strings}, and {rest}"

    def _tell_cost(self) -> None:
        """Print what the constraints cost, and warn where they cost much."""
        _say(f"log probability lost to the constraints: {self._cost / self._costs:.4g} nats per string on average")
        if 2 * self._costly >= self._costs:
            share = f"{self._costly / self._costs:.0%} of the strings lost more than 2 nats per character"
            what = "the model hardly knows such strings and fills them with what is least unlikely"
            remedy = "relax the constraints, or see the column constraint_cost of --scores"
            messages().print(f"[yellow]warning:[/] {share}: {what}; {remedy}", soft_wrap=True)

    def _tell_stages(self) -> None:
        """Print how many strings each stage gave."""
        from seqgan_wgp.text.generation.stages import stage_name

        parts = (f"{self._stages[stage]:,} by {stage_name(self.job.request, stage)}" for stage in sorted(self._stages))
        _say(f"strings: {', '.join(parts)}")

    def _tell_masks(self, plan: MaskPlan) -> None:
        """Print how many strings the masks gave."""
        if plan.impossible:
            _say(f"{plan.impossible:,} masks were left out: no string of the model satisfies them")
        if len(plan.shares) <= _MASKS_SHOWN:
            for part, share in enumerate(plan.shares):
                lines = f", satisfied by {share.lines / plan.lines:.2%} of the lines" if plan.lines else ""
                _say(f"{share.mask.mask}: {self._masks[part]:,} strings of {share.strings:,}{lines}")
            return
        written = sum(count > 0 for count in self._masks.values())
        _say(f"strings of {written:,} masks of {len(plan.shares):,}")


def _tell_acceptance(what: str, acceptance: Acceptance) -> None:
    if acceptance.asked:
        share = f"{acceptance.accepted / acceptance.asked:.1%} of {acceptance.asked:,} strings"
        _say(f"{what} accepted {share}")


def _say(line: str) -> None:
    messages().print(escape(line), soft_wrap=True)
