"""Runs that torchrun starts again: the same command, given once more, goes on where the last checkpoint is.

torchrun restarts all processes when one has died (`--max-restarts`), with the command that they were first started
with. So a run that a launch prepares has the launch's name in it, and a restarted command that finds its own name there
knows the run for its own. A run of any other launch is refused, or overwritten, as ever.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from ..errors import ConfigError
from .folder import RunFolder


def mark(run: RunFolder) -> None:
    """Write to a run that is being prepared which launch prepares it; nothing where torchrun has launched nothing."""
    launch = _launch()
    if launch is not None:
        run.make_folders()
        _place(run).write_text(launch, encoding="utf-8")


def found_again(out: Path | None) -> RunFolder | None:
    """Return the run at `out` if this launch has prepared it, and torchrun has started the processes again since.

    Raises ConfigError where torchrun may restart and nothing is named that could be found again.
    """
    if out is None:
        if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0")):
            raise ConfigError("torchrun can restart this command only if it knows the run folder", "give --out RUN")
        return None
    run, launch = RunFolder(out), _launch()
    place = _place(run)
    return run if launch is not None and place.is_file() and place.read_text(encoding="utf-8") == launch else None


def _launch() -> str | None:
    """Return a name of the torchrun that has started this process, the same after each restart; None without one.

    The id that it is given may be that of an earlier launch too, so the process of torchrun is part of the name.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID")
    return None if name is None else f"{name} {platform.node()} {os.getppid()}"


def _place(run: RunFolder) -> Path:
    return run.checkpoint.with_name("launch")
