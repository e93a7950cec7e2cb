"""Elastic restarts: a command that torchrun restarts continues its run from the last checkpoint.

torchrun restarts all processes with the same command when one has died (`--max-restarts`). So a run stores the name of
the launch that created it. A restarted command that finds its own launch in an existing run continues this run. A run
of any other launch is refused or overwritten as usual.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from ..errors import ConfigError
from .folder import RunFolder


def mark(run: RunFolder) -> None:
    """Store the name of the present torchrun launch, if any, in a run that is being prepared."""
    launch = _launch()
    if launch is not None:
        run.make_folders()
        _place(run).write_text(launch, encoding="utf-8")


def found_again(out: Path | None) -> RunFolder | None:
    """Return the run at `out` if this launch has created it and torchrun has restarted the processes since.

    Raises ConfigError when torchrun may restart the command but no run folder is named.
    """
    if out is None:
        if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0")):
            raise ConfigError("torchrun can restart this command only if it knows the run folder", "give --out RUN")
        return None
    run, launch = RunFolder(out), _launch()
    place = _place(run)
    return run if launch is not None and place.is_file() and place.read_text(encoding="utf-8") == launch else None


def _launch() -> str | None:
    """Return a name for the torchrun launch of this process, constant over restarts; None without torchrun.

    Launches may share a run id, so the process id of torchrun is part of the name.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID")
    return None if name is None else f"{name} {platform.node()} {os.getppid()}"


def _place(run: RunFolder) -> Path:
    return run.checkpoint.with_name("launch")
