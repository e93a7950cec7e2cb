"""Event files for TensorBoard: metrics.jsonl and samples as curves, histograms and pictures.

They contain nothing that is not in the run's other files.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..config import Config
from ..utils.installed import check_installed
from .folder import RunFolder
from .metrics_log import read_records

_PREFIX = "events.out.tfevents."

LINES_SHOWN = 20
"""Number of sample lines per evaluation."""


def check_tensorboard(config: Config) -> None:
    """Raise ConfigError when log.tensorboard is set and tensorboard is not installed."""
    if config.log.tensorboard:
        check_installed("log.tensorboard = true", "tensorboard", extra="tensorboard")


class Board:
    """The event files of a run; writes nothing unless log.tensorboard is set.

    Events of an earlier process from `step` on are marked as void, and the record of that step is written again. So a
    resumed run continues its curves, without the final record, which metrics.jsonl drops too.

    Args:
        run: the run, with records up to `step`.
        config: of the run.
        step: the step from which the run is resumed; 0 for a new run.
    """

    def __init__(self, run: RunFolder, config: Config, step: int) -> None:
        self.run, self._writer, self._step = run, None, step
        self._written: set[str] = set()
        if not config.log.tensorboard:
            return
        check_tensorboard(config)
        # Imported here because the import takes seconds.
        _await_a_new_second(run.tensorboard)
        writer: Any = importlib.import_module("torch.utils.tensorboard")
        self._writer = writer.SummaryWriter(run.tensorboard, purge_step=step)
        for entry in read_records(run.metrics)[-1:]:
            if entry["step"] == step:
                self.write(entry, sampled=step % config.evaluation.every == 0)

    def write(self, entry: Mapping[str, Any], *, sampled: bool) -> None:
        """Write a record of metrics.jsonl, and the samples of its step, if any.

        A number that the step already has is not written twice: the final record repeats those of the last one.
        """
        if self._writer is None:
            return
        if entry["step"] != self._step:
            self._step, self._written = entry["step"], set()
        for tag, value in flattened(entry).items():
            if isinstance(value, dict):
                self._once(tag, _write_histogram, value)
            else:
                self._once(tag, _write_number, value)
        file = self.run.sampled().get(self._step) if sampled else None
        if file is not None and file.suffix in _SAMPLES:
            self._once("samples", _SAMPLES[file.suffix], file)

    def flush(self) -> None:
        """Flush to disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _once(self, tag: str, write: Callable[[Any, str, Any, int], None], value: Any) -> None:
        if tag not in self._written:
            self._written.add(tag)
            write(self._writer, tag, value, self._step)


def _await_a_new_second(folder: Path) -> None:
    """Wait until new event files sort after those in `folder`.

    Files are read in the order of their names, which start with the second of creation. Only a later file can void
    events of an earlier one.
    """
    seconds = {file.name.removeprefix(_PREFIX).partition(".")[0] for file in folder.glob(f"{_PREFIX}*")}
    while f"{int(time.time()):010d}" in seconds:
        time.sleep(0.02)


def flattened(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the numbers and histograms of a record by tag; nested keys are joined by a slash."""
    found: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, dict) and "counts" not in value:
            found |= flattened(value, f"{prefix}{name}/")
        elif isinstance(value, dict | int | float) and prefix + name not in ("step", "final"):
            found[prefix + name] = value
    return found


def _write_number(writer: Any, tag: str, value: float, step: int) -> None:
    writer.add_scalar(tag, value, step)


def _write_histogram(writer: Any, tag: str, value: Mapping[str, Any], step: int) -> None:
    counts = np.array(value["counts"])
    edges = np.linspace(value["low"], value["high"], len(counts) + 1)
    middles = np.array([(left + right) / 2 for left, right in pairwise(edges)])
    writer.add_histogram_raw(
        tag,
        min=value["low"],
        max=value["high"],
        num=int(counts.sum()),
        sum=float(counts @ middles),
        sum_squares=float(counts @ middles**2),
        bucket_limits=edges[1:].tolist(),
        bucket_counts=counts.tolist(),
        global_step=step,
    )


def _write_lines(writer: Any, tag: str, file: Path, step: int) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")[:LINES_SHOWN]
    # Markdown shows lines indented by four unchanged.
    writer.add_text(tag, "".join(f"    {line}\n" for line in lines), step)


def _write_picture(writer: Any, tag: str, file: Path, step: int) -> None:
    with Image.open(file) as picture:
        writer.add_image(tag, np.asarray(picture.convert("RGB")), step, dataformats="HWC")


_SAMPLES: dict[str, Callable[[Any, str, Path, int], None]] = {".txt": _write_lines, ".png": _write_picture}
"""Extension of a sample file -> function that writes it."""
