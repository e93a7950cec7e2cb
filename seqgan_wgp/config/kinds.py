"""DATA_KINDS: what settings need to know about each kind of data; the rest is in its adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NetworkTrial:
    """Inputs with which `seqgan_wgp.testing` tests the networks of a kind of data."""

    item_shape: tuple[int, ...]
    """Shape of a small item."""

    recipe: str
    """Recipe with the settings of the networks."""

    generator_arguments: tuple[Any, ...] = ()
    """Further arguments of a generator's constructor."""

    critic_arguments: tuple[Any, ...] = ()
    """Further arguments of a critic's constructor."""


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """One kind of data, as far as settings depend on it."""

    data_settings: tuple[str, ...] = ()
    """Sections, ending in a dot, and settings that determine the training data."""

    has_rules: bool = False
    """Whether rules choose the settings that are "auto", once the data is known."""

    is_discrete: bool = False
    """Whether an item is a row of discrete symbols, which a generator can output as probabilities or one-hot."""

    trial: NetworkTrial | None = None
    """Test inputs for networks; None: `seqgan_wgp.testing` has no checks for them."""


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
    "image": DataKind(data_settings=("images.limit", "images.balanced"), trial=_IMAGE),
    "toy": DataKind(data_settings=("toy.",), trial=_TOY),
}
"""Name of a kind of data -> its properties; `registry.GENERATORS` and `CRITICS` have its networks."""
