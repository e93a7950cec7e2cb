"""How many processes torchrun has started; without torch, so that any command may ask at its start."""

from __future__ import annotations

import os

_ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun sets."""


def processes_started() -> int:
    """Return how many processes torchrun has started, this one among them; 1 where it has started none."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in _ENVIRONMENT) else 1
