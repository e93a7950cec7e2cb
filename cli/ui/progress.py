"""Show training progress: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seqgan_wgp.runs.measures import value_text, wording

from .console import program

if TYPE_CHECKING:
    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.session import Outcome
    from seqgan_wgp.training.domain import Domain
    from seqgan_wgp.training.record import Record

_WINDOW_SECONDS = 10.0
_REDRAW_SECONDS = 0.25
LIVE_SAMPLES = 3


class Progress:
    """Shows the progress of a run.

    Args:
        console: the console on stderr.
        run: the run folder.
        config: its settings, which determine when training ends.
    """

    def __init__(self, console: Console, run: Path, config: Config) -> None:
        self.console, self.run, self.config = console, run, config
        self.measures: dict[str, float] = {}
        self.samples: list[str] = []
        self._warned: set[str] = set()
        self._times: deque[tuple[float, int]] = deque()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._drawn = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, record: Record, domain: Domain) -> None:
        """Show a record, or keep it until the next redraw."""
        from seqgan_wgp.text.generation.formats import printable

        if not self._times:
            self.console.print(f"run {self.run}", markup=False, soft_wrap=True)
        now = time.monotonic()
        self._times.append((now, record.step))
        while now - self._times[0][0] > _WINDOW_SECONDS and len(self._times) > 2:
            self._times.popleft()
        if record.samples is not None:
            self.measures = record.measures
            self.samples = [printable(text) for text in domain.spec.to_text(record.samples[:LIVE_SAMPLES])]
        if self._live is not None:
            if now - self._drawn > _REDRAW_SECONDS or record.samples is not None:
                self._live.update(self._panel(record), refresh=True)
                self._drawn = now
        elif record.due(self.config.log.every):
            self.console.print(self._line(record), markup=False, soft_wrap=True)
        for note in record.notes:
            self.console.print(Text(f"note: {note}"), soft_wrap=True)
        for found in record.health:
            self._warn(found["name"], record.step, found["message"], found["remedy"])

    def close(self, outcome: Outcome) -> None:
        """Print how the run ended and its quality, with samples next to real items."""
        console = self.console
        console.print(f"\ndone at step {outcome.step:,} after {_clock(outcome.seconds)} ({_REASONS[outcome.reason]})")
        console.print(measures_table({"validation split": outcome.validation, "test split": outcome.test}))
        console.print(samples_table(outcome.samples, outcome.real))
        for found in outcome.findings:
            if found.name not in self._warned:  # found at the end, or before this run was resumed
                self._warn(found.name, found.step, found.message, found.remedy)
        console.print(_files(self.run, self.config, outcome), markup=False, soft_wrap=True)

    def _warn(self, name: str, step: int, message: str, remedy: str) -> None:
        """Print a warning, above the panel if there is one."""
        self._warned.add(name)
        self.console.print(Text(f"warning: {message} (step {step:,})\n         {remedy}", "yellow"), soft_wrap=True)

    def _rate(self) -> float:
        (t0, s0), (t1, s1) = self._times[0], self._times[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 else math.nan

    def _progress(self, record: Record) -> tuple[float, float]:
        """Return the share done and the seconds left, by the limit that is reached first."""
        limit, ends = self.config.training, []
        if limit.steps is not None:
            ends.append((record.step / limit.steps, (limit.steps - record.step) / self._rate()))
        if limit.minutes is not None:
            ends.append((record.seconds / (60 * limit.minutes), 60 * limit.minutes - record.seconds))
        return max(ends, default=(0.0, math.nan))

    def _head(self, record: Record) -> str:
        left = self._progress(record)[1]
        until = f"{_clock(left)} left" if math.isfinite(left) else ""
        rate = f"{self._rate():.1f} steps/s  " if math.isfinite(self._rate()) else ""
        return f"step {record.step:,}  {rate}{_clock(record.seconds)} elapsed  {until}".rstrip()

    def _line(self, record: Record) -> str:
        parts = [self._head(record), _losses(record)]
        if record.samples is not None:
            parts += [_measures_line(self.measures), "  ".join(self.samples)]
        return " | ".join(parts)

    def _panel(self, record: Record) -> Group:
        share = self._progress(record)[0]
        bar = Table.grid(padding=(0, 2))
        bar.add_row(ProgressBar(total=1.0, completed=share, width=60), f"{share:.0%}")
        parts: list[RenderableType] = [Text(self._head(record)), bar, Text(_losses(record))]
        if self.measures:
            parts.append(measures_table({"now": self.measures}))
            parts.append(Text("   ".join(self.samples), style="cyan"))
        return Group(*parts)


def measures_table(rows: dict[str, dict[str, float]]) -> Table:
    """Return a table of measures, each with its floor, if any, below it."""
    names = measures_shown(next(iter(rows.values())))
    table = Table("", *(wording(name).title for name in names), box=None, pad_edge=False)
    for title, measures in rows.items():
        table.add_row(title, *(value_text(name, measures[name]) for name in names))
        floors = [f"{name}_floor" for name in names]
        if any(floor in measures for floor in floors):
            cells = [value_text(floor, measures[floor]) if floor in measures else "" for floor in floors]
            table.add_row("  its floor", *cells, style="dim")
    return table


def samples_table(generated: list[str], real: list[str]) -> Table:
    """Return a table of generated items next to real ones."""
    from seqgan_wgp.text.generation.formats import printable

    table = Table(box=None, pad_edge=False, padding=(0, 4, 0, 0))
    for title in ("generated", "real"):
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for ours, theirs in zip(generated, real, strict=False):
        table.add_row(Text(printable(ours)), Text(printable(theirs)))
    return table


_REASONS = {
    "steps": "all steps done",
    "minutes": "time limit reached",
    "patience": "early stopping: no improvement for evaluation.patience evaluations",
}


def _files(run: Path, config: Config, outcome: Outcome) -> str:
    from seqgan_wgp.domains import DOMAINS

    lines = [f"\nmodel     {run / 'model.safetensors'}"]
    if outcome.best_step is not None:
        lines.append(f"best      {run / 'best.safetensors'}  (step {outcome.best_step:,})")
    lines += [f"records   {run / 'metrics.jsonl'}", f"samples   {run / 'samples'}"]
    if (run / "training.gif").is_file():
        lines.append(f"animation {run / 'training.gif'}")
    adapter = DOMAINS[config.domain]
    lines.append(f"generate  {program()} generate {run} {adapter.generate_hint}")
    lines += [f"improve   {program()} {command}" for command in adapter.improvements(config, run)]
    lines.append(f"resume    {program()} resume {run} --minutes M")
    return "\n".join(lines)


def measures_shown(measures: dict[str, float]) -> list[str]:
    """Return the names of the measures, without the floors."""
    return [name for name in measures if not name.endswith("_floor")]


def _losses(record: Record) -> str:
    names = {"likelihood_loss": "nats", "wasserstein": "Wasserstein", "penalty": "penalty", "slope_mean": "slope"}
    return "  ".join(f"{label} {record.losses[name]:.3f}" for name, label in names.items() if name in record.losses)


def _measures_line(measures: dict[str, float]) -> str:
    parts = []
    for name in measures_shown(measures):
        floor = measures.get(f"{name}_floor")
        beside = "" if floor is None else f" (floor {value_text(name, floor, 3)})"
        parts.append(f"{wording(name).title} {value_text(name, measures[name], 3)}{beside}")
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
