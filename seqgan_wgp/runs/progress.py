"""Show training progress: a live panel on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import importlib.util
import math
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .measures import value_text, wording

if TYPE_CHECKING:
    from ..config import Config
    from ..training.domain import Domain
    from ..training.record import Record

_WINDOW_SECONDS = 10.0
_REDRAW_SECONDS = 0.25
LIVE_SAMPLES = 3


def library_console() -> Console:
    """Return where the library shows progress when it is asked to: stderr, or the cell of a notebook."""
    return Console(stderr=True, highlight=False)


def can_redraw(console: Console) -> bool:
    """Return whether what has been shown can be replaced: on a terminal, and in a notebook that has ipywidgets."""
    return console.is_terminal or (console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None)


class TrainingProgress:
    """Shows the progress of a run.

    Args:
        console: where to.
        config: its settings, which determine when training ends.
    """

    def __init__(self, console: Console, config: Config) -> None:
        self.console, self.config = console, config
        self.measures: dict[str, float] = {}
        self.samples: list[str] = []
        self.warned: set[str] = set()
        self._times: deque[tuple[float, int]] = deque()
        self._live = Live(console=console, auto_refresh=False, transient=True) if can_redraw(console) else None
        self._drawn = 0.0
        self._last: Record | None = None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            if self._last is not None:  # a notebook keeps what was drawn last
                self._live.update(self._panel(self._last), refresh=True)
            self._live.stop()

    def show(self, record: Record, domain: Domain) -> None:
        """Show a record, or keep it until the next redraw."""
        from ..text.generation.formats import printable  # here, since it takes PyTorch, which `--help` does without

        self._last = record
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
            self.warn(found["name"], record.step, found["message"], found["remedy"])

    def warn(self, name: str, step: int, message: str, remedy: str) -> None:
        """Print a warning, above the panel if there is one."""
        self.warned.add(name)
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
        until = f"{clock(left)} left" if math.isfinite(left) else ""
        rate = f"{self._rate():.1f} steps/s  " if math.isfinite(self._rate()) else ""
        return f"step {record.step:,}  {rate}{clock(record.seconds)} elapsed  {until}".rstrip()

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


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours in front where there are any."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
