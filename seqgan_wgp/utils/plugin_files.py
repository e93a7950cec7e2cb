"""Run a user's Python file as a module, and report errors in it with file and line."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

from ..errors import ConfigError, SeqganError, one_line

_CURRENT: ContextVar[str] = ContextVar("seqgan_wgp_plugin", default="")


def current_plugin() -> str:
    """Return the file name of the plugin that is being run; empty when none is."""
    return _CURRENT.get()


@contextlib.contextmanager
def _running(name: str) -> Iterator[None]:
    token = _CURRENT.set(name)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def read_source(path: Path) -> bytes:
    """Return the contents of a plugin file. Raises ConfigError when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such plugin file", "give a Python file: --plugin FILE") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})", "give a Python file: --plugin FILE") from None


def run_file(path: Path, source: bytes) -> None:
    """Run a plugin file as a module of its own, without reading or writing cached bytecode.

    Args:
        path: the file, named in tracebacks and pickles.
        source: its contents.

    Raises:
        ConfigError: the file is not Python or its code failed; the message has the file and the line.
    """
    module = ModuleType(f"seqgan_wgp_plugin_{hashlib.sha256(bytes(path)).hexdigest()[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and pickle look up a class's module there
    try:
        with _running(path.name):
            exec(compile(source, str(path), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[module.__name__]
        raise ConfigError(_place(path, error), _remedy(error)) from error


def _place(path: Path, error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}, line {error.lineno}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    if isinstance(error, SeqganError):
        return f"{where}: {error.message}"
    return f"{where}: {type(error).__name__}: {one_line(error)}"


def _remedy(error: Exception) -> str:
    if isinstance(error, SeqganError):
        return error.remedy
    if isinstance(error, ModuleNotFoundError):
        return f"install {error.name}, or correct the plugin file"
    return "correct the plugin file"
