"""Claim a folder before anything is read, and fill it all at once when everything is ready.

Two commands that are given the same folder never mix their files. A folder is claimed by creating it and locking the
file `.lock` in it. What is to lie in it is prepared in `.new` inside; whatever was there stays in use until then. It
is then moved to `.former`, the new files take its place, one key file last, and the former ones are deleted. Where a
process is killed in between, `settle` restores the former files or finishes the move.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ConfigError
from .atomic_files import sync_all, sync_folder
from .messages import warn

LOCK = ".lock"
_NEW, _READY, _FORMER = ".new", ".ready", ".former"
OWN_NAMES = frozenset({LOCK, _NEW, _READY, _FORMER})
"""What this module writes to a folder; a folder with nothing else in it is as good as empty."""


@dataclass(frozen=True)
class Claim:
    """A folder that belongs to this process until the claim ends."""

    path: Path
    key: str
    """The file by which others know that the folder is whole."""

    check: Callable[[], None]
    """Raises ConfigError where what is there may not be replaced."""

    @contextlib.contextmanager
    def filling(self) -> Iterator[Path]:
        """Give an empty folder to prepare the files in; they take the place of what is there when all went well."""
        new = self.path / _NEW
        _remove(new)
        new.mkdir()
        try:
            yield new
            sync_all(new)
            self.check()
            _exchange(self.path, self.key)
        except BaseException:
            with contextlib.suppress(OSError):  # else whoever opens the folder next does it
                settle(self.path, self.key)
            raise


@contextlib.contextmanager
def claimed(
    path: Path, key: str, check: Callable[[set[str]], None], option: str, *, must_create: bool = False
) -> Iterator[Claim]:
    """Hold a folder for this process, which is created where it is missing and goes again if it is not filled.

    Args:
        path: the folder; its parents are created too.
        key: the file that makes the folder whole.
        check: given the names of the files that are there, raises ConfigError unless they may be replaced. Called
            before anything is changed, and again when the folder is locked.
        option: what the user named the folder with.
        must_create: raise FileExistsError where it exists.

    Raises:
        ConfigError: the folder is in use, may not be replaced or cannot be created.
    """
    _check_place(path, option)
    if path.is_dir() and not must_create and not is_unsettled(path):
        check(_names(path, option))
    made = _created(path, option, must_create=must_create)
    try:
        with locked(path, f"wait for it, or choose another {option}"):
            try:
                settle(path, key)
                check(_names(path, option))
                yield Claim(path, key, lambda: check(_names(path, option)))
            finally:
                if not (path / key).is_file():
                    _forget(path)
    finally:
        if not (path / key).is_file():
            for folder in made:
                with contextlib.suppress(OSError):  # others have put something into it, and keep it
                    folder.rmdir()


@contextlib.contextmanager
def locked(folder: Path, remedy: str) -> Iterator[None]:
    """Hold a folder for this process. Raises ConfigError where another one has it.

    On a file system without locks the user is warned, and nothing is held.
    """
    lock = FileLock(folder / LOCK)
    busy = ConfigError(f"{folder}: another process is using this folder", remedy)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise busy from None
    except NotImplementedError:
        warn(f"{folder}: this file system has no locks, so no two commands may use the folder at a time")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        if lock.is_locked and not _is_same_file(lock, folder / LOCK):
            raise busy  # whoever had it has deleted the file, and somebody else may hold a new one
        yield
    finally:
        lock.release()


def settle(path: Path, key: str) -> None:
    """Finish or undo what a process that was killed was doing; to be called by whoever holds the folder."""
    ready, former = path / _READY, path / _FORMER
    if ready.is_dir():
        _put_in_place(path, key)
    elif former.is_dir() and not (path / key).exists():
        _move_all(former, path, last=key)
    _remove(former)
    _remove(path / _NEW)


def is_unsettled(path: Path) -> bool:
    """Say whether a process that was killed has left a folder between its former files and its new ones."""
    return any((path / name).is_dir() for name in (_READY, _FORMER))


def _exchange(path: Path, key: str) -> None:
    former = path / _FORMER
    _remove(former)
    old = _listed(path) - OWN_NAMES
    if old:
        former.mkdir()
        for name in sorted(old, key=lambda name: (name != key, name)):  # the key first: what is left is no whole folder
            (path / name).rename(former / name)
    (path / _NEW).rename(path / _READY)
    _put_in_place(path, key)
    _remove(former)


def _put_in_place(path: Path, key: str) -> None:
    _move_all(path / _READY, path, last=key)
    sync_folder(path)


def _move_all(source: Path, target: Path, *, last: str) -> None:
    for name in sorted(_listed(source), key=lambda name: (name == last, name)):
        (source / name).replace(target / name)
    source.rmdir()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _forget(path: Path) -> None:
    """Delete what this module has written to a folder that was not filled, but no files that are to be put in place."""
    if not path.is_dir() or is_unsettled(path) or _listed(path) - OWN_NAMES:
        return
    _remove(path / _NEW)
    with contextlib.suppress(OSError):
        (path / LOCK).unlink()


def _check_place(path: Path, option: str) -> None:
    try:
        for parent in path.parents:
            if parent.is_file():
                raise ConfigError(f"{path}: {parent} is a file, not a folder", f"choose another {option}")
        if path.exists() and not path.is_dir():
            raise ConfigError(f"{path}: is a file, but a folder is needed", f"choose another {option}")
    except (OSError, ValueError) as error:
        raise _unusable(path, error, option) from None


def _names(path: Path, option: str) -> set[str]:
    try:
        return _listed(path) - OWN_NAMES
    except OSError as error:
        raise _unusable(path, error, option) from None


def _listed(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def _created(path: Path, option: str, *, must_create: bool) -> list[Path]:
    """Create a folder and its parents; return those that were not there, the innermost first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=not must_create)
        for folder in missing:
            sync_folder(folder.parent)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        raise _unusable(path, error, option) from None
    return missing


def _unusable(path: Path, error: OSError | ValueError, option: str) -> ConfigError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ConfigError(f"{path}: cannot be written ({reason})", f"choose another {option}")


def _is_same_file(lock: FileLock, path: Path) -> bool:
    descriptor = getattr(getattr(lock, "_context", None), "lock_file_fd", None)
    try:
        return descriptor is None or os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
