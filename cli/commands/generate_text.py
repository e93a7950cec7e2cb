"""Write generated strings to stdout or a file: the part of `generate` for text models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import typer

from ..ui.console import EXIT_FAILED, messages
from ..ui.output import in_background, opened_bytes
from ..ui.progress_bar import Working

if TYPE_CHECKING:
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.generation.filters import StringFilter
    from seqgan_wgp.text.generation.request import Progress, Request
    from seqgan_wgp.text.generation.stream import StringBlock, TextModel

    Write = Callable[[bytes, Progress], object]


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

    memory_megabytes: int
    output: str | None
    continued: Path | None
    overwrite: bool

    @property
    def filters(self) -> bool:
        """Whether some strings may be dropped."""
        return self.unique or bool(self.not_in) or self.valid is not None

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


def write_strings(loaded: Model, job: Job) -> None:
    """Write the strings, and print further information on stderr.

    Raises:
        SeqganError: the request, its files or the model are invalid.
        typer.Exit: with code 1 when fewer strings than requested were found.
    """
    from seqgan_wgp.text.generation.stream import best, stream

    job.check()
    model = loaded.text_model(refine=job.request.refine, decode=job.request.decode)
    sieve, excluded = _sieve(loaded, model, job)
    encode, header = _encoder(model, job)
    shown = nullcontext() if job.output is None and job.continued is None else Working(messages())
    with _destination(model, job, sieve, excluded, header) as (write, begun), shown as working:
        tally = Tally(job, begun, working)
        found = tally.counted(stream(model, job.request, sieve, begun, tally.refined))
        if job.continued is None:
            write(header, begun)
        if job.top is None:

            def work(item: tuple[StringBlock, Progress]) -> None:
                write(encode(item[0]), item[1])

            with in_background(work) as give:
                for item in found:
                    give(item)
        elif chosen := best((block for block, _at in found), job.top):
            write(encode(chosen), tally.at)
    tally.tell()


@final
class Tally:
    """Counts strings while they are written, and shows the number when they go to a file.

    Args:
        job: the job.
        begun: progress of an interrupted job that is continued.
        working: shows the progress; None for strings on stdout.
    """

    def __init__(self, job: Job, begun: Progress, working: Working | None) -> None:
        self.job, self.at, self.new, self._given_up = job, begun, 0, 0.0
        self._candidates = self._accepted = 0
        self._working = working

    def counted(self, found: Iterator[tuple[StringBlock, Progress]]) -> Iterator[tuple[StringBlock, Progress]]:
        """Yield the blocks unchanged, and count them."""
        for block, at in found:
            self.at, self.new = at, self.new + len(block)
            if block.given_up_N is not None:
                self._given_up += float(block.given_up_N.sum())
            if self._working is not None:
                self._working(f"{at.strings:,} strings", self._share)
            yield block, at

    def refined(self, candidates: int, accepted: int) -> None:
        """Count candidates and accepted candidates of the refiner."""
        self._candidates, self._accepted = self._candidates + candidates, self._accepted + accepted

    @property
    def _share(self) -> float:
        """Share of the job that is done; 0 for an endless job."""
        selective = self.job.filters or self.job.request.refine
        done = self.at.strings if selective else self.at.next - self.job.request.start
        return 0.0 if self.job.request.n is None else done / self.job.request.n

    def tell(self) -> None:
        """Print a summary on stderr at the end."""
        from seqgan_wgp.text.generation.stream import is_exhausted

        console, n, strings = messages(), self.job.request.n, f"{self.at.strings:,} strings"
        if self.job.request.constraints and self.new:
            mean = f"{self._given_up / self.new:.4g} nats per string on average"
            console.print(f"log probability lost to the constraints: {mean}", soft_wrap=True)
        if self._candidates:
            share = f"{self._accepted / self._candidates:.1%} of {self._candidates:,} candidates"
            console.print(f"the refiner accepted {share}", soft_wrap=True)
        if is_exhausted(self.at):
            found = strings if n is None else f"{strings} of {n:,}"
            wanted = "new" if self.job.valid is None else "new and valid" if self.job.unique else "valid"
            rest = f"none of the last {self.at.idle:,} candidates was {wanted}"
            console.print(f"the model seems exhausted: found {found}, and {rest}", soft_wrap=True)
            raise typer.Exit(EXIT_FAILED)
        if self.job.continued is not None and not self.new:
            done = f"{self.job.continued} is already complete: {strings}"
            console.print(done, markup=False, soft_wrap=True)


def _sieve(loaded: Model, model: TextModel, job: Job) -> tuple[StringFilter | None, list[str]]:
    """Return the filter, if any, and the sha256 of the excluded files."""
    if not job.filters:
        return None, []
    from seqgan_wgp.text.generation.filters import Excluded, StringFilter, validity
    from seqgan_wgp.text.hashing.string_hashes import StringHashes

    hashes = StringHashes(model.spec.vocabulary, model.spec.length)
    valid = None if job.valid is None else validity(job.valid, model.spec.vocabulary)
    sieve = StringFilter(hashes, unique=job.unique, memory_bytes=job.memory_megabytes << 20, valid=valid)
    files = [Excluded(file, loaded.config.corpus) for file in job.not_in]
    for file in files:
        sieve.exclude(file)
    return sieve, sorted(file.sha256 for file in files)


def _encoder(model: TextModel, job: Job) -> tuple[Callable[[StringBlock], bytes], bytes]:
    """Return the function from strings to lines, and the header of the file."""
    from seqgan_wgp.text.generation.formats import SCORES, LineEncoder, header, scored_lines

    if not job.scores:
        lines = LineEncoder(model.spec.vocabulary, job.format_)
        return lambda block: lines.lines(block.ids_NL), header(job.format_).encode()

    def encode(block: StringBlock) -> bytes:
        assert block.score_N is not None and block.log_probability_N is not None
        return scored_lines(model.spec.to_text(block.ids_NL), block.score_N, block.log_probability_N, job.format_)

    return encode, header(job.format_, *SCORES).encode()


@contextmanager
def _destination(
    model: TextModel, job: Job, sieve: StringFilter | None, excluded: list[str], header: bytes
) -> Iterator[tuple[Write, Progress]]:
    """Yield the function that writes lines, and the progress so far, whose strings the filter then knows."""
    from seqgan_wgp.text.generation.request import Progress, described

    first = Progress(next=job.request.start)
    if job.continued is None:
        with opened_bytes(job.output, overwrite=job.overwrite) as write:
            yield (lambda lines, _at: write(lines)), first
        return
    from seqgan_wgp.text.generation.reread import check_rereadable, reread
    from seqgan_wgp.text.generation.resumable_file import Continued

    request = {
        **described(job.request),
        "--unique": job.unique,
        "--not-in": excluded,
        **({} if job.valid is None else {"--valid": job.valid}),
        "--format": job.format_,
        "--device": model.device.type,
        "MODEL": model.sha256(),
    }
    if job.unique:
        check_rereadable(model.spec.vocabulary, job.format_)
    with Continued(job.continued, request, first, header=header, overwrite=job.overwrite) as file:
        if sieve is not None and job.unique:
            unit, count = model.spec.vocabulary.unit, file.begun.strings
            sieve.exclude(reread(job.continued, job.format_, count, scores=job.scores, unit=unit))
        try:
            yield file.write, file.begun
        except KeyboardInterrupt:
            messages().print(f"run the same command again to continue {job.continued}", markup=False)
            raise
