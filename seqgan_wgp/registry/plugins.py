"""Load plugin files, which register entries, and unload them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ..errors import ConfigError
from ..utils.plugin_files import read_source, run_file
from .tables import all_registries

_LOADED: dict[str, tuple[Path, str]] = {}
"""File name of a loaded plugin -> its path and the sha256 of its contents."""


def load_plugins(files: Iterable[str | Path]) -> None:
    """Run plugin files, so that settings can choose what they register. A file that is already loaded is not run again.

    A file that has changed replaces what it registered before. A plugin is identified by its file name: a model records
    the file names of the plugins that it needs.

    Raises:
        ConfigError: a missing file, code that fails (with file and line), a name that is taken, or two different files
            with the same name.
    """
    for file in files:
        _load_plugin(Path(file).expanduser().absolute())


def _load_plugin(path: Path) -> None:
    source = read_source(path)
    digest = hashlib.sha256(source).hexdigest()
    former = _LOADED.get(path.name)
    if former is not None and former[1] == digest:
        return
    if former is not None and former[0] != path:
        raise ConfigError(
            f"{path}: another plugin with this file name is already loaded: {former[0]}", "rename one of the two files"
        )
    kept = [(registry, registry.snapshot()) for registry in all_registries()]
    unload_plugin(path.name)
    try:
        run_file(path, source)
    except ConfigError:
        for registry, entries in kept:
            registry.restore(entries)
        raise
    _LOADED[path.name] = (path, digest)


def unload_plugin(name: str) -> None:
    """Remove everything that the plugin with this file name registered."""
    _LOADED.pop(name, None)
    for registry in all_registries():
        registry.remove_from(name)


def plugin_names() -> set[str]:
    """Return the file names of the loaded plugins and of other files that have registered something."""
    sources = {registry.source(name) for registry in all_registries() if registry.is_loaded for name in registry}
    return (sources | set(_LOADED)) - {""}


def plugin_paths(names: Iterable[str]) -> list[Path]:
    """Return the files of those of the named plugins that are loaded."""
    return [_LOADED[name][0] for name in names if name in _LOADED]
