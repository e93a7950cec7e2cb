"""What a run has recorded so far, read from its folder while another process trains it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SeqganError
from ..runs.folder import RunFolder
from ..runs.metrics_log import read_records

SAMPLES_SHOWN = 24
_MAX_LINE = 200
"""Largest number of characters of a sample that is shown."""


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """Progress of a run."""

    step: int = 0
    seconds: float = 0.0
    """Training time in seconds."""

    curve: tuple[tuple[int, float, float], ...] = ()
    """(step, JS-4, its floor) of each evaluation; of bits."""

    samples: tuple[str, ...] = ()
    """The first strings of the last evaluation."""

    health: tuple[tuple[str, str], ...] = ()
    """(message, remedy) of each warning, each once, the last one first."""


def run_progress(folder: Path) -> RunProgress:
    """Return what a run has recorded; nothing of a folder that is not yet a run or whose records cannot be read."""
    run = RunFolder(folder)
    records = _records(run.metrics)
    if not records:
        return RunProgress()
    curve = [(record["step"], record["js4"], record.get("js4_floor", 0.0)) for record in records if "js4" in record]
    warnings = [found for record in records for found in record.get("health", ())]
    said = dict.fromkeys((found["message"], found["remedy"]) for found in reversed(warnings))
    return RunProgress(
        step=records[-1]["step"],
        seconds=records[-1]["seconds"],
        curve=tuple(curve),
        samples=_last_samples(run),
        health=tuple(said),
    )


def _records(file: Path) -> list[dict[str, Any]]:
    try:
        return list(read_records(file))
    except (SeqganError, OSError):
        return []


def _last_samples(run: RunFolder) -> tuple[str, ...]:
    try:
        files = [file for file in run.sampled().values() if file.suffix == ".txt"]
        lines = files[-1].read_text(encoding="utf-8", errors="replace").splitlines() if files else []
    except OSError:
        return ()
    return tuple(line[:_MAX_LINE] for line in lines[:SAMPLES_SHOWN])
