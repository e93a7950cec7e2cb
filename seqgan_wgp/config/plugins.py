"""Find the plugins that a run's settings need, and check that they are loaded."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from ..errors import PluginError
from ..registry import CRITICS, GENERATORS, Registry, plugin_names
from .fields import list_settings

if TYPE_CHECKING:
    from .schema import Config


def needed_plugins(config: Config) -> tuple[str, ...]:
    """Return the file names of the plugins that the names in the settings come from, each once, in order."""
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
                f"give the file: --plugin {name}, or in Python plugins=[{str(name)!r}]",
            )
