"""A registry of named entries, and collections of the names that a setting accepts."""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

from ..errors import ConfigError, did_you_mean

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class _Entry(Generic[T]):
    value: T
    source: str
    """File name of the plugin that registered it; empty for the package's own entries."""


@final
class Registry(Mapping[str, T]):
    """Maps names to entries, in the order of registration.

    Args:
        kind: what an entry is called in messages, e.g. "loss".
        modules: dotted names of the modules that register the package's own entries.
    """

    def __init__(self, kind: str, *modules: str) -> None:
        self.kind, self._modules = kind, modules
        self._loaded = False
        self._entries: dict[str, _Entry[T]] = {}

    def add(self, name: str, value: T, *, source: str = "") -> None:
        """Register an entry.

        Args:
            name: a letter or digit, followed by letters, digits and `_ . + -`.
            value: the entry.
            source: file name of the plugin that registers it; empty for the package's own entries.

        Raises:
            ConfigError: the name is invalid or already taken.
        """
        if source:
            self._load()  # otherwise a clash with one of the package's own names would be found too late
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == "auto":
            raise ConfigError(
                f"a {self.kind} cannot be named {name!r}",
                "use letters, digits, '-', '_', '.' and '+', and not the word auto",
            )
        if name in self._entries:
            owner = self._entries[name].source or "seqgan_wgp itself"
            raise ConfigError(f"the {self.kind} {name!r} is already registered by {owner}", "choose another name")
        self._entries[name] = _Entry(value, source)

    def source(self, name: str) -> str:
        """Return the file name of the plugin that registered an entry; empty for other names."""
        self._load()
        return self._entries[name].source if name in self._entries else ""

    @property
    def is_loaded(self) -> bool:
        """Whether the modules with the package's own entries have been imported."""
        return self._loaded

    def snapshot(self) -> Mapping[str, Any]:
        """Return the present entries, for `restore`."""
        return dict(self._entries)

    def restore(self, entries: Mapping[str, Any]) -> None:
        """Bring back the entries of a snapshot."""
        self._entries = dict(entries)

    def remove_from(self, source: str) -> None:
        """Remove all entries that a plugin registered."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.source != source}

    def __getitem__(self, name: str) -> T:
        """Return an entry. Raises ConfigError for an unknown name; the message lists the known ones."""
        self._load()
        if name not in self._entries:
            raise ConfigError(
                f"there is no {self.kind} {name!r}{did_you_mean(str(name), self._entries)}",
                f"choose one of: {', '.join(self._entries)}"
                if self._entries
                else "load a plugin that registers one: --plugin FILE",
            )
        return self._entries[name].value

    def __contains__(self, name: object) -> bool:
        """Return whether there is an entry with this name."""
        self._load()
        return name in self._entries

    def get(self, name: str, default: Any = None) -> Any:
        """Return an entry, or `default` for an unknown name."""
        self._load()
        return self._entries[name].value if name in self._entries else default

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        self._load()
        return iter(list(self._entries))

    def __len__(self) -> int:
        """Return the number of entries."""
        self._load()
        return len(self._entries)

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            for module in self._modules:
                importlib.import_module(module)


@final
class AnyOf(Collection[str]):
    """The names in several registries, without duplicates."""

    def __init__(self, registries: Mapping[str, Registry[Any]]) -> None:
        self.registries = registries

    def __contains__(self, name: object) -> bool:
        """Return whether one of the registries has the name."""
        return any(name in registry for registry in self.registries.values())

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter({name: None for registry in self.registries.values() for name in registry})

    def __len__(self) -> int:
        """Return the number of different names."""
        return len(list(iter(self)))


@final
class TableNames(Collection[str]):
    """The names in one of the package's own tables, to which users cannot add. Its module is imported on first use.

    Args:
        table: dotted name within the package, e.g. "nn.fast_conv.convolution.CONVOLUTIONS".
        others: further accepted names, such as "auto"; they are listed first.
    """

    def __init__(self, table: str, *others: str) -> None:
        self._module, _, self._table = f"{PACKAGE}.{table}".rpartition(".")
        self._others = others

    def _names(self) -> list[str]:
        return [*self._others, *getattr(importlib.import_module(self._module), self._table)]

    def __contains__(self, name: object) -> bool:
        """Return whether it is a name in the table or one of the others."""
        return name in self._others or name in self._names()

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names())

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._names())
