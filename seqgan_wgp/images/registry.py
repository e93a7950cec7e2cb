"""GENERATORS and CRITICS: the image networks by name.

Shape suffixes: C channels, H height, W width.
"""

from __future__ import annotations

from ..registry import CRITICS as _CRITICS
from ..registry import GENERATORS as _GENERATORS

GENERATORS = _GENERATORS["image"]
"""Name -> network, given settings, shape (C, H, W) and range."""

CRITICS = _CRITICS["image"]
"""Name -> network, given settings and shape (C, H, W)."""
