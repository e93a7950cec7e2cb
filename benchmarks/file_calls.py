"""Watch the calls by which a command changes files: open, write, fsync, rename and the like.

`watched(root, observer)` passes each such call on a file or folder below `root` to the observer, before it is made and
after it has succeeded. An observer that raises OSError stands for a system call that fails.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock


@dataclass(frozen=True, kw_only=True)
class Call:
    """A system call on a file or folder."""

    kind: str
    """open, write, truncate, fsync, rename, link, unlink, mkdir or rmdir."""

    path: Path
    to: Path | None = None
    """The second path, of rename and link."""

    handle: int = -1
    """Of an open file: one number for all calls until it is closed. Handles of anonymous files are never opened."""

    place: int = 0
    """Of a write: where. Of truncate: the size."""

    data: bytes = b""
    creates: bool = False
    """Of open: whether the file may be created."""

    empties: bool = False
    """Of open: whether what it had is dropped."""


class Observer(Protocol):
    """What is told of calls."""

    def before(self, call: Call) -> None:
        """Take note of a call that is to be made; raise OSError to have it fail."""

    def after(self, call: Call) -> None:
        """Take note of a call that succeeded."""


class _Raw(io.FileIO):
    """An unbuffered file whose calls are watched."""

    def __init__(self, watch: _Watch, file: Any, mode: str, **options: Any) -> None:
        super().__init__(file, mode, **options)
        self._watch, self._path = watch, _path_of(self.fileno())

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        place = self._end() if "a" in self.mode else self.tell()
        call = Call(kind="write", path=self._path, handle=self.fileno(), place=place, data=bytes(view))
        return int(self._watch.made(call, lambda: _all_written(super(_Raw, self), view)))

    def truncate(self, size: int | None = None, /) -> int:
        size = self.tell() if size is None else size
        call = Call(kind="truncate", path=self._path, handle=self.fileno(), place=size)
        return int(self._watch.made(call, lambda: super(_Raw, self).truncate(size)))

    def _end(self) -> int:
        return os.fstat(self.fileno()).st_size


def _all_written(raw: Any, view: memoryview) -> int:
    done = 0
    while done < len(view):
        done += raw.write(view[done:]) or 0
    return done


class _Watch:
    """The watched functions, each in the place of the system's."""

    def __init__(self, root: Path, observer: Observer) -> None:
        self.root, self.observer = os.fspath(root), observer
        self.system = {name: getattr(os, name) for name in _REPLACED}
        self.open_file = io.open

    def made(self, call: Call, make: Callable[[], Any]) -> Any:
        """Make a call; the observer is told before and after, if it concerns files below the root."""
        if not os.fspath(call.path).startswith(self.root):
            return make()
        self.observer.before(call)
        found = make()
        self.observer.after(call)
        return found

    def open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        plain = mode.replace("b", "").replace("t", "")
        if isinstance(file, int) and plain == "r":
            return self.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if plain == "r":
            call = Call(kind="open", path=_full(file))
            return self.made(
                call, lambda: self.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener)
            )
        if isinstance(file, int) or opener is not None:  # the opener's own call is watched
            raw = _Raw(self, file, plain, closefd=closefd, opener=opener)
        else:
            raw = self._opened(file, plain)
        if buffering == 0:
            return raw
        kind: Any = io.BufferedRandom if "+" in plain else io.BufferedWriter
        buffer = kind(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        if "b" in mode:
            return buffer
        text = io.TextIOWrapper(buffer, encoding, errors, newline, line_buffering=buffering == 1)
        text.mode = mode  # type: ignore[misc]
        return text

    def _opened(self, file: Any, mode: str) -> _Raw:
        call = Call(kind="open", path=_full(file), creates=mode[0] != "r", empties=mode[0] == "w")
        if not os.fspath(call.path).startswith(self.root):
            return _Raw(self, file, mode)
        self.observer.before(call)
        raw = _Raw(self, file, mode)
        self.observer.after(_with_handle(call, raw.fileno()))
        return raw

    def open_descriptor(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        creates, empties = bool(flags & os.O_CREAT), bool(flags & os.O_TRUNC)
        call = Call(kind="open", path=_full(path, dir_fd), creates=creates, empties=empties)
        if not os.fspath(call.path).startswith(self.root):
            return int(self.system["open"](path, flags, mode, dir_fd=dir_fd))
        self.observer.before(call)
        descriptor = int(self.system["open"](path, flags, mode, dir_fd=dir_fd))
        self.observer.after(_with_handle(call, descriptor))
        return descriptor

    def fsync(self, file: Any) -> None:
        descriptor = file if isinstance(file, int) else file.fileno()
        call = Call(kind="fsync", path=_path_of(descriptor), handle=descriptor)
        self.made(call, lambda: self.system["fsync"](descriptor))

    def of_path(self, kind: str, name: str) -> Callable[..., Any]:
        """Return a watched function of one path."""

        def watched(path: Any, *rest: Any, **options: Any) -> Any:
            call = Call(kind=kind, path=_full(path, options.get("dir_fd")))
            return self.made(call, lambda: self.system[name](path, *rest, **options))

        return watched

    def of_two(self, kind: str, name: str) -> Callable[..., Any]:
        """Return a watched function of two paths."""

        def watched(path: Any, to: Any, **options: Any) -> Any:
            call = Call(kind=kind, path=_full(path), to=_full(to))
            return self.made(call, lambda: self.system[name](path, to, **options))

        return watched


_REPLACED = ("open", "fsync", "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir")


@contextlib.contextmanager
def watched(root: Path, observer: Observer) -> Iterator[None]:
    """Tell an observer of the calls of this process on files below a folder, in every thread."""
    watch = _Watch(root.resolve(), observer)
    functions: dict[str, Callable[..., Any]] = {
        "open": watch.open_descriptor,
        "fsync": watch.fsync,
        "rename": watch.of_two("rename", "rename"),
        "replace": watch.of_two("rename", "replace"),
        "link": watch.of_two("link", "link"),
        "unlink": watch.of_path("unlink", "unlink"),
        "remove": watch.of_path("unlink", "remove"),
        "mkdir": watch.of_path("mkdir", "mkdir"),
        "rmdir": watch.of_path("rmdir", "rmdir"),
    }
    with contextlib.ExitStack() as replaced:
        for name, function in functions.items():
            replaced.enter_context(mock.patch.object(os, name, function))
        replaced.enter_context(mock.patch.object(os, "sendfile", _no_sendfile))
        replaced.enter_context(mock.patch.object(io, "open", watch.open))
        replaced.enter_context(mock.patch.object(builtins, "open", watch.open))
        yield


def _no_sendfile(*_args: Any, **_options: Any) -> int:
    """Have `shutil` copy by reading and writing, which is watched."""
    raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))


def _full(path: Any, folder: int | None = None) -> Path:
    """Return an absolute path: of a link itself, not of what it leads to."""
    if isinstance(path, int):
        return _path_of(path)
    if folder is not None:
        return _path_of(folder) / os.fsdecode(path)
    return Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100


def _path_of(descriptor: int) -> Path:
    try:
        return Path(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115
    except OSError:
        return Path(f"/descriptor/{descriptor}")


def _with_handle(call: Call, handle: int) -> Call:
    return Call(kind=call.kind, path=call.path, handle=handle, creates=call.creates, empties=call.empties)
