"""Read, check, change and write configs as nested dictionaries and TOML, and find the plugins that they need."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
from collections.abc import Mapping
from typing import Any

from ..errors import PluginError
from ..registry import CRITICS, GENERATORS, Registry, plugin_names
from .fields import AUTO, from_tree, list_settings, merged, nested, renamed
from .schema import Config
from .validation import check


def override(config: Config, overrides: Mapping[str, object]) -> Config:
    """Return `config` with dotted settings replaced, checked as in `recipe`."""
    tree = to_dict(config)
    for dotted, value in overrides.items():
        tree = merged(tree, nested(Config, dotted, value))
    return from_dict(tree)


def from_dict(tree: Mapping[str, Any]) -> Config:
    """Build a Config from nested dictionaries; settings may have their former names.

    Raises:
        ConfigError: an unknown setting or an invalid value; the message names setting, value and bounds.
        PluginError: the settings need a plugin that is not loaded.
    """
    if isinstance(tree, Mapping):
        tree, _ = renamed(Config, tree)
        check_plugins(tree.get("plugins", ()))
    config: Config = from_tree(Config, tree)
    check(config)
    return dataclasses.replace(config, plugins=needed_plugins(config))


def to_dict(config: Config) -> dict[str, Any]:
    """Return nested dictionaries with every setting; `from_dict` is the inverse."""
    tree = dataclasses.asdict(config)
    tree["plugins"] = list(config.plugins)
    for dotted, field in list_settings(Config).items():
        *sections, name = dotted.split(".")
        section = functools.reduce(operator.getitem, sections, tree)
        if field.metadata["auto"] and section[name] in (AUTO, None):
            section[name] = "auto"
    return tree


def changes(before: Config, after: Config) -> dict[str, object]:
    """Return the settings in which two configs differ: dotted name -> new value."""
    get = {dotted: operator.attrgetter(dotted) for dotted in list_settings(Config)}
    return {dotted: of(after) for dotted, of in get.items() if of(before) != of(after)}


def to_toml(config: Config) -> str:
    """Return the config as TOML for `--config`, each setting with its meaning. None is written as "none"."""
    tree = to_dict(config)
    text, section = [], ""
    for dotted, field in list_settings(Config).items():
        *sections, name = dotted.split(".")
        if ".".join(sections) != section:
            section = ".".join(sections)
            text.append(f"\n[{section}]")
        value: Any = functools.reduce(operator.getitem, dotted.split("."), tree)
        written = json.dumps("none" if value is None else value, ensure_ascii=False).replace("\x7f", r"\u007f")
        line = f"{name} = {written}"
        text.append(f"{line:<38} # {field.metadata['doc']}")
    return "\n".join(text) + "\n"


def needed_plugins(config: Config) -> tuple[str, ...]:
    """Return the file names of the plugins that the settings need, without duplicates, in order."""
    sources = [
        registry.source(config.generator.network if registries is GENERATORS else config.critic.network)
        for registries in (GENERATORS, CRITICS)
        for registry in (registries[config.domain],)
    ]
    for dotted, field in list_settings(type(config)).items():
        choices = field.metadata["choices"]
        if isinstance(choices, Registry):
            sources.append(choices.source(operator.attrgetter(dotted)(config)))
    return tuple(dict.fromkeys(filter(None, sources)))


def check_plugins(names: object) -> None:
    """Raise PluginError unless all these plugins are loaded."""
    for name in names.split(",") if isinstance(names, str) else names if isinstance(names, list | tuple) else ():
        if str(name).strip() not in {"", *plugin_names()}:
            raise PluginError(
                f"the settings need the plugin {name}, which is not loaded",
                f"name the file: --plugin {name}, or in Python plugins=[{str(name)!r}]",
            )
