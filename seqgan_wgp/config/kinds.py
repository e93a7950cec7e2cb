"""DATA_KINDS: what settings need to know about each kind of data; the rest is in its adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NetworkTrial:
    """What `seqgan_wgp.testing` tries the networks of a kind of data on."""

    item_shape: tuple[int, ...]
    """Of a small item."""

    recipe: str
    """Whose settings they start from."""

    generator_arguments: tuple[Any, ...] = ()
    """What a generator is built with, beside the settings."""

    critic_arguments: tuple[Any, ...] = ()
    """What a critic is built with, beside the settings."""


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """One kind of data, as far as settings depend on it."""

    data_settings: tuple[str, ...] = ()
    """Sections, ending in a dot, and settings that decide what is learnt from."""

    has_rules: bool = False
    """Whether rules decide the settings that are left "auto", once the data is known."""

    is_discrete: bool = False
    """Whether an item is a row of choices, which a generator can make softly or hard."""

    trial: NetworkTrial | None = None
    """What networks are tried on; None: `seqgan_wgp.testing` has no checks for them."""


_TEXT = NetworkTrial(item_shape=(8, 5), recipe="paper", generator_arguments=(8, 5), critic_arguments=(8, 5))
_IMAGE = NetworkTrial(
    item_shape=(1, 12, 12),
    recipe="mnist-wgan-gp",
    generator_arguments=((1, 12, 12), "unit"),
    critic_arguments=((1, 12, 12),),
)
_TOY = NetworkTrial(item_shape=(2,), recipe="toy-wgan-gp")

DATA_KINDS: dict[str, DataKind] = {
    "text": DataKind(data_settings=("corpus.",), has_rules=True, is_discrete=True, trial=_TEXT),
    "image": DataKind(data_settings=("images.limit",), trial=_IMAGE),
    "toy": DataKind(data_settings=("toy.",), trial=_TOY),
}
"""Name of a kind of data -> what settings need to know of it; `registry.GENERATORS` and `CRITICS` have its networks."""
