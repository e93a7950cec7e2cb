"""Find the cache folder for prepared corpora and downloads, and keep files in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs

from .atomic_files import new_file

ENVIRONMENT = "SEQGAN_WGP_CACHE"
"""Environment variable that names another folder."""


def root() -> Path:
    """Return the folder named by the variable; the user's cache folder if it is not set or empty."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_cache_dir("seqgan_wgp"))


def switched_off() -> bool:
    """Return whether caching is off: the variable is set and empty."""
    return os.environ.get(ENVIRONMENT) == ""


def keep_file(file: Path, content: bytes, *, most: int) -> None:
    """Write a file to the cache; a disk that is full or cannot be written is no error.

    Args:
        file: its folder is created if missing.
        content: what to write.
        most: of the files in the folder with the same ending, those used longest ago are removed beyond this number.
            A reader marks a file as used with `os.utime`.
    """
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with new_file(file) as written:
            written.write(content)
        by_use = sorted(file.parent.glob(f"*{file.suffix}"), key=lambda path: path.stat().st_mtime)
        for old in by_use[:-most]:
            old.unlink(missing_ok=True)
