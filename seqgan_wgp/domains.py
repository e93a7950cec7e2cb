"""DOMAINS: map the name of each kind of data to its adapter.

Another kind of data is a subclass of `DomainAdapter` and a line: `DOMAINS["mine"] = MyAdapter()`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .config import Config
from .images.adapter import ImageAdapter
from .text.adapter import TextAdapter
from .toy.adapter import ToyAdapter
from .training.adapter import DomainAdapter as DomainAdapter

_TEXT = TextAdapter()

DOMAINS: dict[str, DomainAdapter] = {adapter.name: adapter for adapter in (ImageAdapter(), _TEXT, ToyAdapter())}


def adapter_for(config: Config) -> DomainAdapter:
    """Return the adapter of the kind of data that a config is for."""
    return DOMAINS[config.domain]


def adapter_claiming(inputs: Sequence[str]) -> DomainAdapter:
    """Return the adapter of the data that the words of a command line name: text unless another one claims them.

    Raises ConfigError where words of several kinds of data stand together.
    """
    return next((adapter for adapter in DOMAINS.values() if adapter.claims(inputs)), _TEXT)
