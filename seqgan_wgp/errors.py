"""What can go wrong in a user's hands: each error is one message and one remedy.

The command line prints both, and exits with 2 where the user must change something
(`ConfigError`, `CorpusError`, `CheckpointError`) or with 1 where the run itself failed (`Diverged`,
`ProcessGroupError`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SeqganWarning(UserWarning):
    """Something that the user should know, and that is no error; one line."""


class SeqganError(Exception):
    """The base of every error that this package raises on purpose; abstract, never raised itself.

    Args:
        message: what went wrong and where, with the numbers or names concerned.
        remedy: what the user can do about it; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message if not remedy else f"{message}\n{remedy}")
        self.message = message
        self.remedy = remedy


class ConfigError(SeqganError):
    """A setting, a recipe, an option or a run folder that cannot be used as asked."""


class PluginError(ConfigError):
    """Settings or a model that need a plugin which is not loaded."""


class CorpusError(SeqganError):
    """A corpus that cannot be read, or that cannot be learnt from."""


class CheckpointError(SeqganError):
    """A model or checkpoint file that is missing, damaged, or of another format."""


class Diverged(SeqganError):
    """Training met a loss or a gradient that is not finite; the last good checkpoint stays as it was."""


class ProcessGroupError(SeqganError):
    """The processes of one run cannot go on together; the last good checkpoint stays as it was."""


def one_line(error: Exception) -> str:
    """Return what another library's error says, on one line; torch tells some of its own on several."""
    return " ".join(str(error).split())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name closest to `name`, or an empty string when none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
