"""DATA_KINDS: what settings need to know about each kind of data; the rest is in its adapter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """One kind of data, as far as settings depend on it."""

    data_settings: tuple[str, ...] = ()
    """Sections, ending in a dot, and settings that decide what is learnt from."""

    has_rules: bool = False
    """Whether rules decide the settings that are left "auto", once the data is known."""

    is_discrete: bool = False
    """Whether an item is a row of choices, which a generator can make softly or hard."""


DATA_KINDS: dict[str, DataKind] = {
    "text": DataKind(data_settings=("corpus.",), has_rules=True, is_discrete=True),
    "image": DataKind(data_settings=("images.limit",)),
    "toy": DataKind(data_settings=("toy.",)),
}
"""Name of a kind of data -> what settings need to know of it; `registry.GENERATORS` and `CRITICS` have its networks."""
