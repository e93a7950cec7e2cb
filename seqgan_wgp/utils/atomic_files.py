"""Write files and folders atomically: prepare them under a hidden name, then rename."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.ENOSYS)
"""What file systems say that cannot sync a folder, and a folder in which one may write but not read."""


def check_file(path: Path, *, overwrite: bool) -> None:
    """Raise ConfigError unless a file can be written at `path`; tries it, before work is spent on the contents."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: is a folder or a device, not a file", "choose another -o, or redirect stdout")
        if path.exists() and not overwrite:
            raise ConfigError(f"{path}: exists already", "choose another -o, or give --overwrite to replace it")
        hidden = _hidden(path)
        hidden.touch(exist_ok=False)
        hidden.unlink()
    except FileNotFoundError:
        remedy = f"make it first: mkdir -p {shlex.quote(str(path.parent))}; or choose another -o"
        raise ConfigError(f"{path}: cannot be written: there is no folder {path.parent}", remedy) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})", "choose another -o") from None
    except ValueError:  # the path has a NUL, or is not text
        raise ConfigError(f"{str(path)!a} is not a valid path", "choose another -o") from None


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that replaces `path` on success, on disk under its name, and is removed otherwise."""
    hidden = _hidden(path)
    try:
        with hidden.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
        sync_folder(path.parent)
    finally:
        hidden.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: Path, option: str) -> Iterator[Path]:
    """Yield a hidden folder next to `path`, and move it to `path` on success.

    On failure the hidden folder is removed and `path` stays as it was. On success an existing folder is deleted with
    its contents.

    Args:
        path: the folder; missing parents are created.
        option: the option by which the user named it.

    Raises:
        ConfigError: the folder cannot be created.
    """
    made = [parent for parent in (path.parent, *path.parent.parents) if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})", f"choose another {option}") from None
    try:
        yield hidden
        hidden.chmod(0o755)  # mkdtemp makes the folder private
        _move_into_place(hidden, path)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _move_into_place(new: Path, path: Path) -> None:
    """Rename `new` to `path`; an existing folder is deleted only after the new one is in place."""
    if not path.is_dir():
        new.rename(path)
        return
    former = new.with_name(f"{new.name}.former")
    path.rename(former)
    try:
        new.rename(path)
    except OSError:
        former.rename(path)
        raise
    shutil.rmtree(former)


def sync_folder(folder: Path) -> None:
    """Force a folder's names to disk, where the system and the file system can, and the folder can be read."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def sync_all(folder: Path) -> None:
    """Force all files below a folder to disk, so that no crash leaves a whole folder of torn files."""
    for place, _folders, files in os.walk(folder):
        for name in files:
            with open(os.path.join(place, name), "r+b") as file:  # noqa: PTH123, PTH118  (os.walk gives texts)
                os.fsync(file.fileno())
        sync_folder(Path(place))
