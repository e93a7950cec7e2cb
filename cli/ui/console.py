"""Print messages to stderr and turn errors into exit codes.

stdout carries only data, so it can be piped; all messages go to stderr.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import re
import shlex
import shutil
import signal
import stat
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from seqgan_wgp.errors import ConfigError, Diverged, ProcessGroupError, SeqganError
from seqgan_wgp.utils.messages import LOGGER

from .terminal_text import escaping

P = ParamSpec("P")
R = TypeVar("R")

_WIDTH = 160
"""Width of tables when the output is not a terminal."""

DEBUG = "SEQGAN_WGP_DEBUG"
"""Environment variable: if it is not empty, errors are shown with their traceback, as by --debug."""

EXIT_FAILED, EXIT_CHANGE, EXIT_INTERRUPTED = 1, 2, 130


def messages() -> Console:
    """Return a new console on the present stderr, which tests and pipes replace."""
    terminal = sys.stderr.isatty()
    width = None if terminal else _WIDTH
    return escaping(Console(stderr=True, highlight=False, soft_wrap=not terminal, width=width))


def tell(note: str) -> None:
    """Print a sentence to stderr."""
    messages().print(note, markup=False, soft_wrap=True)


def results() -> Console:
    """Return a new console on the present stdout, for tables."""
    return escaping(Console(highlight=False))


def program() -> str:
    """Return the name by which the user called this command, for commands that messages propose."""
    if shutil.which("seqgan-wgp"):
        return "seqgan-wgp"
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m cli"
    return sys.argv[0] if called.name == "seqgan-wgp" else "seqgan-wgp"


def fail(message: str, remedy: str = "", *, code: int = EXIT_CHANGE) -> NoReturn:
    """Print what is wrong and the remedy, and exit with a code."""
    console = messages()
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    if remedy:
        console.print(f"       {escape(remedy)}", soft_wrap=True)
    raise typer.Exit(code)


def show_warnings() -> None:
    """Show the library's warnings as one line on stderr, without the place in the code."""
    LOGGER.addHandler(_OneLine(logging.WARNING))


class _OneLine(logging.Handler):
    """Prints each message on the present stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        messages().print(f"[yellow]warning:[/] {escape(record.getMessage())}", soft_wrap=True)


def check_words(given: Mapping[str, object]) -> None:
    """Raise ConfigError for a word of the command line that nothing can be made of, before it is used.

    Args:
        given: parameter of the command -> value, or several.
    """
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            called = f"--{name.strip('_').replace('_', '-')}"
            if isinstance(one, int) and abs(one) >= 1 << 63:
                raise ConfigError(f"{called} is a number of more than 64 bits", "give a smaller one")
            if isinstance(one, str | Path) and (reason := _unusable(str(one))):
                raise ConfigError(f"{called} {reason}: {str(one)[:60]!a}", "correct it")


def _unusable(word: str) -> str | None:
    """Return what is wrong with a word; bytes that are not UTF-8, as in the name of a file, stand as surrogates."""
    if "\0" in word:
        return "has a NUL"
    try:
        word.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return None


def _with_path(remedy: str, given: Mapping[str, object]) -> str:
    """Return a remedy with the run or model of the command in place of RUN, so that it works as it is copied."""
    path = given.get("run") or given.get("model")
    return re.sub(r"\bRUN\b", lambda _: shlex.quote(str(path)), remedy) if path else remedy


def exit_code(error: BaseException) -> int:
    """Return the exit code of a command that ends with this error."""
    if isinstance(error, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    change = isinstance(error, SeqganError) and not isinstance(error, Diverged | ProcessGroupError)
    return EXIT_CHANGE if change else EXIT_FAILED


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command so that user errors and I/O errors end it with one clear line instead of a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            check_words(kwargs)
            return command(*args, **kwargs)
        except SeqganError as error:
            _show_traceback()
            fail(error.message, _with_path(error.remedy, kwargs), code=exit_code(error))
        except KeyboardInterrupt:
            messages().print("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except OSError as error:
            if error.errno == errno.EPIPE:
                _abandon_stdout()
                raise typer.Exit(0) from None
            _show_traceback()
            where = f"{error.filename}: " if error.filename else ""
            room = f"free some disk space and try again; resume a run with: {program()} resume RUN"
            remedy = room if error.errno == errno.ENOSPC else ""
            fail(where + (error.strerror or str(error)), remedy, code=EXIT_FAILED)

    return run


@contextmanager
def debugging() -> Iterator[None]:
    """Show the traceback of every error within, also in processes that are started there."""
    before = os.environ.get(DEBUG)
    os.environ[DEBUG] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[DEBUG]
        else:
            os.environ[DEBUG] = before


def _show_traceback() -> None:
    """Print the traceback of the error that is handled, if asked to."""
    if os.environ.get(DEBUG):
        traceback.print_exc()


def _abandon_stdout() -> None:
    """Redirect stdout to nothing. Its reader has gone, and the interpreter's last flush must not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask a command to stop: Ctrl-C, the end of a terminal, and what job schedulers send.

    Without those that whoever started the command has had ignored, as `nohup` does.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    known = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    return tuple(number for number in known if signal.getsignal(number) is not signal.SIG_IGN)


def interrupt_on_signals() -> None:
    """Let all that asks a command to stop have the cleaning up of Ctrl-C."""

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        _leave_terminal(number)
        raise KeyboardInterrupt

    for number in stop_signals():
        if number != signal.SIGINT:
            signal.signal(number, interrupt)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a signal to stop was received; a second Ctrl-C stops at once."""
    asked = False

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        _leave_terminal(number)
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    former = {number: signal.signal(number, ask) for number in stop_signals()}
    try:
        yield lambda: asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave_terminal(number: int) -> None:
    """When the terminal has gone, write what would go there to nowhere, so that saving is not stopped by it."""
    if number != getattr(signal, "SIGHUP", None):
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.dup2(nowhere, descriptor)
    os.close(nowhere)
