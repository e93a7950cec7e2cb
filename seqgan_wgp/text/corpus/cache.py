"""Cache prepared corpora between runs, so that a large file is read and encoded only once.

A cached corpus is found by the hash of its content and the settings that affect its rows, not by its file name. Small
corpora are not cached, since preparing them takes less than a second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from ...config.schema import CorpusSettings
from ...errors import CheckpointError, CorpusError
from ...registry import UNITS
from ...utils import cache_dir
from ...utils.atomic_files import sync_all
from ..readers.open import Source
from .dataset import FINGERPRINTS, IDS, LABELS, TOKENIZER, open_corpus, write_facts
from .stats import Facts

MIN_BYTES = 64 << 20
"""Smaller corpora are not cached."""

MAX_BYTES = 20 << 30
"""Largest size of the cache; the least recently used corpora are removed first."""

_VERSION = 3
"""Version of the preparation; corpora cached by another version are not used."""


def corpora_folder() -> Path | None:
    """Return the folder of cached corpora; None when caching is off."""
    return None if cache_dir.switched_off() else cache_dir.root() / "corpora"


def key(source: Source, settings: CorpusSettings) -> str | None:
    """Return the cache key of a corpus; None when it is not to be cached.

    A corpus is not cached if it is small, not read only from files, or in a plugin's unit.

    Args:
        source: the source of the corpus.
        settings: the user's settings, before automatic settings are decided.

    Raises:
        CorpusError: a file cannot be read.
    """
    paths = [file.path for file in source.files if file.path is not None]
    if (
        corpora_folder() is None
        or UNITS.source(settings.unit)
        or len(paths) < len(source.files)
        or sum(map(_size, paths)) < MIN_BYTES
    ):
        return None
    files = [
        (_content(path), path.suffixes, file.field, file.file_label)
        for path, file in zip(paths, source.files, strict=True)
    ]
    shape = {"version": _VERSION, "files": files, **dataclasses.asdict(settings)}
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:48]


def stamp(source: Source) -> tuple[tuple[int, ...], ...]:
    """Return which files a source is, and when each was last written; others than before: another text."""
    found = []
    for file in source.files:
        with contextlib.suppress(OSError):
            at = file.path.stat() if file.path is not None else None
            found.append(() if at is None else (at.st_ino, at.st_size, at.st_mtime_ns))
    return tuple(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from None


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from None


def find(key: str | None) -> Path | None:
    """Return the folder of a corpus cached by an earlier run, or None."""
    place = corpora_folder()
    if key is None or place is None:
        return None
    try:
        open_corpus(place / key)
        os.utime(place / key)
    except (CheckpointError, OSError):
        return None
    return place / key


def facts(kept: Path, source: Source) -> Facts:
    """Return the facts of a cached corpus, with its present name."""
    return dataclasses.replace(open_corpus(kept).facts, name=source.name)


def keep(key: str | None, prepared: Path) -> None:
    """Cache the corpus that `prepare` wrote to a folder. Write errors, such as a full disk, are ignored."""
    place = corpora_folder()
    if key is None or place is None or (place / key).exists():
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
        try:
            copy(prepared, scratch, open_corpus(prepared).facts)
            sync_all(scratch)
            scratch.rename(place / key)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        _make_room(place)
    except OSError:
        return


def copy(prepared: Path, to: Path, facts: Facts) -> None:
    """Copy a prepared corpus to another folder, the ids as a hard link if possible, and write `facts`."""
    for name in (IDS, TOKENIZER, FINGERPRINTS, LABELS):
        if not (prepared / name).exists() and name in (FINGERPRINTS, LABELS):
            continue
        try:
            os.link(prepared / name, to / name)
        except OSError:
            shutil.copyfile(prepared / name, to / name)
    write_facts(facts, to)


def _make_room(place: Path) -> None:
    entries = sorted((entry for entry in place.iterdir() if entry.is_dir()), key=lambda entry: entry.stat().st_mtime)
    sizes = [sum(file.stat().st_size for file in entry.iterdir()) for entry in entries]
    for number, entry in enumerate(entries[:-1]):
        if sum(sizes[number:]) > MAX_BYTES:
            shutil.rmtree(entry, ignore_errors=True)
