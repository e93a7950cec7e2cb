"""DOMAINS: map the name of each kind of data to its adapter.

To add a kind of data, write a subclass of `DomainAdapter` and add it: `DOMAINS["mine"] = MyAdapter()`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .images.adapter import ImageAdapter
from .text.adapter import TextAdapter
from .toy.adapter import ToyAdapter
from .training.adapter import DomainAdapter as DomainAdapter

_TEXT = TextAdapter()

DOMAINS: dict[str, DomainAdapter] = {adapter.name: adapter for adapter in (ImageAdapter(), _TEXT, ToyAdapter())}


def adapter_claiming(inputs: Sequence[str]) -> DomainAdapter:
    """Return the adapter for the inputs on a command line: text, unless another adapter claims them.

    Raises ConfigError when inputs of several kinds of data are combined.
    """
    return next((adapter for adapter in DOMAINS.values() if adapter.claims(inputs)), _TEXT)
