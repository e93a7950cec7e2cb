"""Write generated strings to stdout or a file: the part of `generate` for text models."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, final

from ..ui.console import messages
from ..ui.output import in_background
from ..ui.progress_bar import Working
from ..ui.terminal_text import for_terminal
from .generate_tally import Tally

if TYPE_CHECKING:
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.constrained.mask_file import FileMask
    from seqgan_wgp.text.generation.filters import StringFilter
    from seqgan_wgp.text.generation.keep_if import Program
    from seqgan_wgp.text.generation.mask_stream import MaskPlan
    from seqgan_wgp.text.generation.request import Progress, Request, StringBlock
    from seqgan_wgp.text.generation.stream import TextModel

    Write = Callable[[bytes, Progress], object]

PROBABILITY = "probability"
ORDERS = ("index", PROBABILITY)
"""Orders of strings."""


@final
@dataclass(frozen=True, kw_only=True)
class Job:
    """What to generate, which strings to keep, and where to write them."""

    request: Request
    format_: str
    scores: bool
    """Whether scores are written. With `top`, the request computes them even when they are not written."""

    top: int | None
    unique: bool
    not_in: tuple[str, ...]
    valid: str | None
    """Name of the validator that strings must pass."""

    keep_if: Program | None
    """Program that decides which strings to keep."""

    tries: int | None
    """Largest number of candidates, if some are dropped."""

    order: str
    """One of ORDERS."""

    masks: tuple[FileMask, ...] | None
    """The masks of a file, which share the strings."""

    per_mask: bool
    """Whether each of them gets as many."""

    run: Path
    """The model's run folder or file."""

    memory_megabytes: int
    output: str | None
    continued: Path | None
    overwrite: bool

    @property
    def distinct(self) -> bool:
        """Whether each string is to be written once."""
        return self.unique or self.masks is not None or self.order == PROBABILITY

    @property
    def filters(self) -> bool:
        """Whether some strings may be dropped."""
        return self.distinct or bool(self.not_in) or self.valid is not None or self.keep_if is not None

    @property
    def selective(self) -> bool:
        """Whether the number of strings is that of those that are kept."""
        return self.filters or self.request.refine

    @property
    def is_plain(self) -> bool:
        """Whether every candidate is written to stdout as it is, so that there is nothing to count and to tell."""
        to_stdout = self.output is None and self.continued is None
        return to_stdout and not self.selective and self.request.constraints is None

    @property
    def is_one_block(self) -> bool:
        """Whether all candidates are generated at once, so that none are while strings are written."""
        from seqgan_wgp.training.latents import BLOCK

        return self.is_plain and self.request.n is not None and self.request.n <= BLOCK

    def check(self) -> None:
        """Raise ConfigError for invalid values and combinations."""
        from seqgan_wgp.errors import ConfigError

        endless, one = self.request.n is None, "leave one of the two out"
        if self.output is not None and self.continued is not None:
            raise ConfigError("-o and --continue cannot be used together", one)
        if self.output is not None and endless:
            raise ConfigError(
                "-n 0 streams forever, but -o writes FILE only once it is complete", "use --continue FILE instead"
            )
        if self.top is not None and endless:
            raise ConfigError("--top needs a finite number of strings, but -n 0 streams forever", "give -n N")
        if self.top is not None and self.continued is not None:
            raise ConfigError("--top and --continue cannot be used together: the top is known only at the end", one)
        if self.top is not None and self.top < 1:
            raise ConfigError(f"--top is {self.top}, but it must be at least 1")
        if self.memory_megabytes < 1:
            raise ConfigError(f"--memory is {self.memory_megabytes}, but it must be at least 1")
        if self.tries is not None and self.tries < 1:
            raise ConfigError(f"--tries is {self.tries}, but it must be at least 1")
        if self.tries is not None and not (self.filters or self.request.refine):
            reason = "--tries limits the search for strings that pass a filter, but there is no filter"
            raise ConfigError(reason, "add a filter, such as --unique, or leave --tries out")
        self._check_order()
        self._check_masks()

    def _check_order(self) -> None:
        """Raise ConfigError for an unknown order, and for what does not go with that of probability."""
        from seqgan_wgp.errors import ConfigError, did_you_mean

        if self.order not in ORDERS:
            choice = f"choose one of: {', '.join(ORDERS)}"
            raise ConfigError(f"--order is {self.order!r}{did_you_mean(self.order, ORDERS)}", choice)
        request = self.request
        others = {
            "--refine": request.refine,
            "--shard": request.shard != (1, 1),
            "--top": self.top is not None,
            "--mask-file": self.masks is not None,
            "--temperature": request.temperature != 1,
        }
        given = [name for name, there in others.items() if there]
        if self.order == PROBABILITY and given:
            raise ConfigError(f"--order probability cannot be used with {given[0]}", "leave one of the two out")

    def _check_masks(self) -> None:
        """Raise ConfigError for what does not go with a file of masks."""
        from seqgan_wgp.errors import ConfigError

        if self.masks is None:
            if self.per_mask:
                raise ConfigError("--per-mask is given, but there is no --mask-file", "leave it out")
            return
        if self.request.constraints is not None and self.request.constraints.mask is not None:
            raise ConfigError("--mask and --mask-file cannot be used together", "put the mask into the file")
        if self.request.n is None:
            raise ConfigError("--mask-file shares -n among its masks, but -n 0 streams forever", "give -n N")
        if self.request.shard != (1, 1):
            raise ConfigError("--mask-file and --shard cannot be used together", "split the file instead")


def write_strings(loaded: Model, job: Job) -> None:
    """Write the strings, and print further information on stderr.

    Raises:
        SeqganError: the request, its files or the model are invalid.
        typer.Exit: with code 1 when fewer strings than requested were found.
    """
    from seqgan_wgp.text.generation.request import best
    from seqgan_wgp.text.generation.stream import stream

    job.check()
    model = loaded.text_model(refine=job.request.refine, decode=job.request.decode)
    sieve, excluded = _sieve(loaded, model, job)
    plan = None if job.masks is None else _plan(loaded, model, job, job.masks)
    encode, header = _encoder(model, job)
    shown = nullcontext() if job.output is None and job.continued is None else Working(messages())
    request = partial(_described, job, excluded, plan)
    with _destination(model, job, sieve, request, header) as (write, begun), shown as working:
        tally = None if job.is_plain else Tally(job, begun, working, sieve, plan)
        found = stream(model, job.request) if tally is None else tally.counted(_strings(model, job, sieve, plan, tally))
        if job.continued is None:
            write(header, begun)
        if job.top is None:

            def work(item: tuple[StringBlock, Progress]) -> None:
                write(encode(item[0]), item[1])

            with nullcontext(work) if job.is_one_block else in_background(work) as give:
                for item in found:
                    give(item)
        elif chosen := best((block for block, _at in found), job.top):
            write(encode(chosen), begun)
    if tally is not None:
        tally.tell()


def _strings(
    model: TextModel, job: Job, sieve: StringFilter | None, plan: MaskPlan | None, tally: Tally
) -> Iterator[tuple[StringBlock, Progress]]:
    """Return the strings of a job, from where the tally is. Raises ConfigError at once if the model has none such."""
    from seqgan_wgp.text.generation.stream import Limits, stream

    request, limits, begun = job.request, Limits(tries=job.tries), tally.at
    if plan is not None:
        from seqgan_wgp.text.generation.mask_stream import mask_stream

        assert sieve is not None
        return mask_stream(model, request, plan, sieve, begun, limits)
    ordered = job.order == PROBABILITY
    if not ordered and request.constraints is None:
        return stream(model, request, sieve, begun, tally.refined, limits)
    from seqgan_wgp.text.generation.stages import OrderedStream, StagedStream, has_stages

    if not ordered and not has_stages(request, unique=job.unique):
        return stream(model, request, sieve, begun, tally.refined, limits)
    parts: OrderedStream | StagedStream
    if ordered:
        parts = OrderedStream(model, request, sieve, begun, limits)
    else:
        assert sieve is not None
        parts = StagedStream(model, request, sieve, begun, limits)

    def followed() -> Iterator[tuple[StringBlock, Progress]]:
        yield from parts
        tally.complete = parts.complete

    return followed()


def _sieve(loaded: Model, model: TextModel, job: Job) -> tuple[StringFilter | None, list[str]]:
    """Return the filter, if any, and the sha256 of the excluded files."""
    if not job.filters:
        return None, []
    from seqgan_wgp.text.generation.filters import Excluded, StringFilter, validity
    from seqgan_wgp.text.generation.keep_if import BATCH
    from seqgan_wgp.text.hashing.string_hashes import StringHashes
    from seqgan_wgp.training.latents import BLOCK

    hashes = StringHashes(model.spec.vocabulary, model.spec.length)
    sieve = StringFilter(
        hashes,
        unique=job.distinct,
        memory_bytes=job.memory_megabytes << 20,
        valid=None if job.valid is None else validity(job.valid, model.spec.vocabulary),
        keep_if=job.keep_if,
        blocks=1 if job.keep_if is None else job.keep_if.workers * BATCH // BLOCK,
    )
    files = [Excluded(file, loaded.config.corpus) for file in job.not_in]
    for file in files:
        sieve.exclude(file)
    return sieve, sorted(file.sha256 for file in files)


def _plan(loaded: Model, model: TextModel, job: Job, masks: tuple[FileMask, ...]) -> MaskPlan:
    """Return how many strings each mask of a file gets."""
    from seqgan_wgp.text.constrained.constraints import Constraints
    from seqgan_wgp.text.generation.mask_stream import DRAWN, plan_masks, training_lines

    n, constraints = job.request.n, job.request.constraints or Constraints()
    assert n is not None
    lines = None if job.per_mask else training_lines(job.run, model.spec)
    if lines is None and not job.per_mask:
        source = f"{DRAWN:,} strings of the model, since the training lines are not at hand"
        messages().print(f"the masks share by {source}; give the run's folder to go by these", soft_wrap=True)
    drawn = loaded.samples(0 if job.per_mask else DRAWN, seed=job.request.seed, label=dict(job.request.label) or None)
    return plan_masks(model, constraints, masks, drawn if lines is None else [lines], n, each=job.per_mask)


def _encoder(model: TextModel, job: Job) -> tuple[Callable[[StringBlock], bytes], bytes]:
    """Return the function from strings to lines, and the header of the file."""
    from seqgan_wgp.text.generation.formats import COST, LABEL, SCORES, LineEncoder, header, record_lines
    from seqgan_wgp.text.generation.request import column_values

    names = model.spec.label_names
    columns = [LABEL] if names and (job.scores or job.format_ != "txt") else []
    if job.scores:
        has_costs = bool(job.request.constraints or job.masks) and job.order != PROBABILITY
        columns += [*SCORES, *([COST] if has_costs else [])]
    if not columns:
        lines = LineEncoder(model.spec.vocabulary, job.format_)
        return lambda block: lines.lines(block.ids_NL), header(job.format_).encode()

    def encode(block: StringBlock) -> bytes:
        values = column_values(block, columns, names)
        return record_lines(model.spec.to_text(block.ids_NL), values, job.format_)

    return encode, header(job.format_, *columns).encode()


def _described(job: Job, excluded: list[str], plan: MaskPlan | None) -> dict[str, Any]:
    """Return the options that determine the strings, as JSON values by option name."""
    from seqgan_wgp.text.generation.request import request_options

    found = {
        **request_options(job.request),
        "--unique": job.unique,
        "--not-in": excluded,
        **({} if job.valid is None else {"--valid": job.valid}),
        **({} if job.keep_if is None else {"--keep-if": job.keep_if.command}),
        **({} if job.order == ORDERS[0] else {"--order": job.order}),
        "--format": job.format_,
    }
    if plan is not None:
        found |= {"--per-mask": job.per_mask, "-n": job.request.n, "--mask-file": plan.sha256()}
    return found


@contextmanager
def _destination(
    model: TextModel, job: Job, sieve: StringFilter | None, request_options: Callable[[], dict[str, Any]], header: bytes
) -> Iterator[tuple[Write, Progress]]:
    """Yield the function that writes lines, and the progress so far, whose strings the filter then knows."""
    from seqgan_wgp.text.generation.request import Progress

    first = Progress(next=job.request.start)
    if job.continued is None:
        with _opened(job.output, overwrite=job.overwrite) as write:
            yield (lambda lines, _at: write(lines)), first
        return
    from seqgan_wgp.text.generation.reread import check_rereadable, reread
    from seqgan_wgp.text.generation.resumable_file import ResumableFile

    request = {**request_options(), "--device": model.device.type, "MODEL": model.sha256()}
    if job.distinct:
        check_rereadable(model.spec.vocabulary, job.format_)
    with ResumableFile(job.continued, request, first, header=header, overwrite=job.overwrite) as file:
        if sieve is not None and job.distinct:
            unit, count = model.spec.vocabulary.unit, file.begun.strings
            sieve.exclude(reread(job.continued, job.format_, count, scores=job.scores, unit=unit))
        try:
            yield file.write, file.begun
        except KeyboardInterrupt:
            messages().print(f"run the same command again to continue {job.continued}", markup=False)
            raise


@contextmanager
def _opened(output: str | None, *, overwrite: bool) -> Iterator[Callable[[bytes], object]]:
    """Yield a function that writes bytes to stdout, or to a file that appears under its name only when it is complete.

    Raises ConfigError when the file cannot be written.
    """
    if output is None:
        sys.stdout.flush()
        # Unbuffered: a thread that blocks in a write would hold the buffer's lock, and the interpreter could not exit.
        buffer = sys.stdout.buffer
        write = partial(_write_all, getattr(buffer, "raw", buffer))
        yield partial(_write_escaped, write) if sys.stdout.isatty() else write
        return
    from seqgan_wgp.utils.atomic_files import check_file, new_file

    check_file(Path(output), overwrite=overwrite)
    with new_file(Path(output)) as file:
        yield file.write


def _write_escaped(write: Callable[[bytes], object], lines: bytes) -> None:
    write(for_terminal(lines.decode(errors="replace")).encode())


def _write_all(raw: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[raw.write(left) or 0 :]
