"""Find the cache folder for prepared corpora and downloads."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

ENVIRONMENT = "SEQGAN_WGP_CACHE"
"""Environment variable that names another folder."""


def root() -> Path:
    """Return the folder named by the variable; the user's cache folder if it is not set or empty."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_cache_dir("seqgan_wgp"))


def switched_off() -> bool:
    """Return whether caching is off: the variable is set and empty."""
    return os.environ.get(ENVIRONMENT) == ""
