"""Errors that the package raises on purpose: each has a message and a remedy.

The command line prints both, and exits with 2 if the user must change something
(`ConfigError`, `CorpusError`, `CheckpointError`) or with 1 if the run itself failed (`Diverged`,
`ProcessGroupError`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

_MEANT = {"gpu": "cuda"}
"""Words whose letters are closest to the opposite of what they mean: cpu."""

_MAX_ENTRIES = 1_000
"""A larger folder is searched in part for the file that was meant, so that an error comes at once."""


class SeqganWarning(UserWarning):
    """A one-line warning to the user."""


class SeqganError(Exception):
    """Base class of all errors that this package raises on purpose; never raised itself.

    Args:
        message: what went wrong and where, with the numbers or names concerned.
        remedy: what the user can do about it; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message if not remedy else f"{message}\n{remedy}")
        self.message = message
        self.remedy = remedy


class ConfigError(SeqganError):
    """A setting, recipe, option or run folder is invalid."""


class PluginError(ConfigError):
    """The settings or the model need a plugin that is not loaded."""


class CorpusError(SeqganError):
    """The training data cannot be read or is not suitable for training."""


class CheckpointError(SeqganError):
    """A model or checkpoint file is missing, damaged or of another format."""


class Diverged(SeqganError):
    """Training diverged: a loss or gradient is not finite. The last good checkpoint is kept."""


class ProcessGroupError(SeqganError):
    """Distributed training failed: the processes cannot continue together. The last good checkpoint is kept."""


def one_line(error: Exception) -> str:
    """Return another library's error message on one line; some of torch's have several."""
    return " ".join(str(error).split())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name closest to `name`, or an empty string when none is close."""
    names = list(known)
    meant = _MEANT.get(name.lower())
    close = [meant] if meant in names else difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def did_you_mean_path(path: Path, known: Iterable[str] = ()) -> str:
    """Return what `did_you_mean` does for a path that does not exist: the closest known name, or file in its folder."""
    if close := did_you_mean(str(path), known):
        return close
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), _MAX_ENTRIES) if entry.name[0] != "."]
    except (OSError, ValueError):
        return ""
    close_names = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return f"; did you mean {str(path.parent / close_names[0])!r}?" if close_names else ""
