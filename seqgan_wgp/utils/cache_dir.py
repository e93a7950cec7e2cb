"""Find the cache folder for prepared corpora and downloads."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

ENVIRONMENT = "SEQGAN_WGP_CACHE"
"""Variable that names another folder."""


def root() -> Path:
    """Return the folder that the variable names, the user's cache folder when it is not set or empty."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_cache_dir("seqgan_wgp"))


def switched_off() -> bool:
    """Say whether nothing is to be kept that could be had again: the variable is set, and empty."""
    return os.environ.get(ENVIRONMENT) == ""
