"""Show how training ended: quality, samples, files and what to do next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from seqgan_wgp.runs.progress import TrainingProgress, clock, measures_table

from .console import program

if TYPE_CHECKING:
    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.session import Outcome
    from seqgan_wgp.training.domain import Domain
    from seqgan_wgp.training.record import Record


class Progress(TrainingProgress):
    """Shows the progress of a run and how it ended.

    Args:
        console: the console on stderr.
        run: the run folder.
        config: its settings.
    """

    def __init__(self, console: Console, run: Path, config: Config) -> None:
        super().__init__(console, config)
        self.run = run
        self._named = False

    def show(self, record: Record, domain: Domain) -> None:
        """Show a record, the first with the name of the run above it."""
        if not self._named:
            self.console.print(f"run {self.run}", markup=False, soft_wrap=True)
            self._named = True
        super().show(record, domain)

    def close(self, outcome: Outcome) -> None:
        """Print how the run ended and its quality, with samples next to real items."""
        console = self.console
        console.print(f"\ndone at step {outcome.step:,} after {clock(outcome.seconds)} ({_REASONS[outcome.reason]})")
        console.print(measures_table({"validation split": outcome.validation, "test split": outcome.test}))
        console.print(samples_table(outcome.samples, outcome.real))
        for found in outcome.findings:
            if found.name not in self.warned:  # found at the end, or before this run was resumed
                self.warn(found.name, found.step, found.message, found.remedy)
        console.print(_files(self.run, self.config, outcome), markup=False, soft_wrap=True)


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
    plugins = _plugin_options(config)
    lines.append(f"generate  {program()} generate {run} {adapter.generate_hint}{plugins}")
    lines += [f"improve   {program()} {command}{plugins}" for command in adapter.improvements(config, run)]
    end = "--steps N" if config.training.likelihood_steps else "--minutes M"
    lines.append(f"resume    {program()} resume {run} {end}{plugins}")
    return "\n".join(lines)


def _plugin_options(config: Config) -> str:
    """Return the options that load the plugins of a run; without plugins an empty text."""
    from seqgan_wgp.registry import plugin_paths

    paths = [Path(os.path.relpath(path)) for path in plugin_paths(config.plugins)]
    return "".join(f" --plugin {shlex.quote(str(path))}" for path in paths)
