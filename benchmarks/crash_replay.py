"""What a disk may hold after a crash, at every moment of a recorded sequence of calls.

A model of a file system without promises: what a file holds is on disk when the file was fsynced, and the names in a
folder are on disk when the folder was. Everything else may be there or not. Three states are made of each moment:

* `kept`: all calls so far are on disk, as after a kill of the process.
* `data lost`: names and sizes that shrank are on disk, but of each file only what was fsynced; a new file is empty.
* `names lost`: of each folder only the names at its last fsync, and of each file only what was fsynced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from .file_calls import Call

STATES = ("kept", "data lost", "names lost")


@dataclass(eq=False)
class _File:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


@dataclass(eq=False)
class _Folder:
    names: dict[str, _Node] = field(default_factory=dict)
    synced: dict[str, _Node] = field(default_factory=dict)


_Node: TypeAlias = _File | _Folder


class Recorder:
    """An observer that keeps all calls that change something."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def before(self, call: Call) -> None:
        """Do nothing."""

    def after(self, call: Call) -> None:
        """Keep the call."""
        self.calls.append(call)


class Disk:
    """A folder as it was, and what calls make of it.

    Args:
        root: the folder; all that it has is on disk.
    """

    def __init__(self, root: Path) -> None:
        self._root_path, self._root = root, _read(root)
        self._handles: dict[int, _Node] = {}

    def make(self, call: Call) -> None:
        """Do what a call did."""
        place, name = self._find(call.path)
        match call.kind:
            case "open":
                self._open(call, place, name)
            case "write" | "truncate" | "fsync":
                self._change(call)
            case "rename" | "link" if call.to is not None:
                to, new = self._find(call.to)
                if place is not None and to is not None:
                    to.names[new] = place.names[name] if call.kind == "link" else place.names.pop(name)
            case "unlink" | "rmdir" if place is not None:
                place.names.pop(name, None)
            case "mkdir" if place is not None:
                place.names[name] = _Folder()

    def digest(self, state: str) -> bytes:
        """Return a hash of what is on disk in one of the STATES."""
        digest = hashlib.blake2b(digest_size=16)
        _feed(self._root, state, digest)
        return digest.digest()

    def write(self, target: Path, state: str) -> None:
        """Write what is on disk in one of the STATES to a new folder."""
        _write(self._root, target, state)

    def _find(self, path: Path) -> tuple[_Folder | None, str]:
        """Return the folder that a path lies in, and the name there; no folder: it is not one that is modelled."""
        if path == self._root_path:
            return _Folder(names={"": self._root}), ""
        folder: _Node = self._root
        if not path.is_relative_to(self._root_path):
            return None, path.name
        for part in path.relative_to(self._root_path).parts[:-1]:
            inner = folder.names.get(part) if isinstance(folder, _Folder) else None
            if inner is None:
                return None, path.name
            folder = inner
        return (folder, path.name) if isinstance(folder, _Folder) else (None, path.name)

    def _open(self, call: Call, place: _Folder | None, name: str) -> None:
        node = None if place is None else place.names.get(name)
        if node is None and place is not None and call.creates:
            node = place.names[name] = _File()
        if isinstance(node, _File) and call.empties:
            node.data.clear()
            node.synced = b""
        self._handles[call.handle] = _File() if node is None else node

    def _change(self, call: Call) -> None:
        node = self._handles.get(call.handle)
        if isinstance(node, _Folder):
            node.synced = dict(node.names)
        elif node is None:
            return  # an anonymous file
        elif call.kind == "write":
            node.data.extend(bytes(max(0, call.place - len(node.data))))
            node.data[call.place : call.place + len(call.data)] = call.data
        elif call.kind == "truncate":
            node.data.extend(bytes(max(0, call.place - len(node.data))))
            del node.data[call.place :]
            node.synced = node.synced[: call.place]
        else:
            node.synced = bytes(node.data)


def crashes(disk: Disk, calls: Sequence[Call]) -> Iterator[tuple[int, str]]:
    """Make recorded calls one after the other, and yield each moment: how many were made, and a state of the disk.

    Moments at which the disk holds what it held at an earlier one are left out.

    Args:
        disk: the folder as it was before the first call; `disk.write` gives what it holds at the moment.
        calls: what was recorded.
    """
    seen = set[bytes]()
    for number, call in enumerate(calls, 1):
        disk.make(call)
        for state in STATES:
            if (digest := disk.digest(state)) not in seen:
                seen.add(digest)
                yield number, state


def _feed(node: _Node, state: str, digest: hashlib.blake2b) -> None:
    if isinstance(node, _File):
        data = bytes(node.data) if state == "kept" else node.synced
        digest.update(b"file %d " % len(data) + data)
        return
    names = node.synced if state == "names lost" else node.names
    digest.update(b"folder %d " % len(names))
    for name, inner in sorted(names.items()):
        digest.update(name.encode() + b"\0")
        _feed(inner, state, digest)


def _read(path: Path) -> _Node:
    if path.is_file():
        return _File(bytearray(path.read_bytes()), path.read_bytes())
    names = {entry.name: _read(entry) for entry in sorted(path.iterdir())}
    return _Folder(names, dict(names))


def _write(node: _Node, target: Path, state: str) -> None:
    if isinstance(node, _File):
        target.write_bytes(node.data if state == "kept" else node.synced)
        return
    target.mkdir()
    for name, inner in (node.synced if state == "names lost" else node.names).items():
        _write(inner, target / name, state)
