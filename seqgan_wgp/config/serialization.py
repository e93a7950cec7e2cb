"""Read, check, change and write configs as nested dictionaries and TOML, and find the plugins that they need."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import operator
import types
import typing
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import MISSING
from typing import Any

from ..errors import ConfigError, PluginError, did_you_mean
from ..registry import CRITICS, GENERATORS, Registry, plugin_names
from .fields import AUTO, MAX_INTEGER
from .schema import Config
from .validation import DECIDED, check

_MAX_SHOWN = 100


def override(config: Config, overrides: Mapping[str, object]) -> Config:
    """Return `config` with dotted settings replaced, checked as in `recipe`."""
    tree = to_dict(config)
    for dotted, value in overrides.items():
        tree = merged(tree, nested(Config, dotted, value))
    return from_dict(tree)


def replace_end(config: Config, named: Container[str], *, begun: bool = False) -> Config:
    """Return `config` without the planned end that another end replaces.

    Minutes replace a planned number of steps, and a number of steps replaces planned minutes.

    Args:
        config: settings with the new end.
        named: dotted names of the settings that the user gave. If both ends are among them, both stay.
        begun: whether training has begun. Then minutes do not replace the number of steps of maximum likelihood, since
            the learning rate has been falling towards it.
    """
    limit, steps, minutes = config.training, "training.steps", "training.minutes"
    if limit.steps is None or limit.minutes is None:
        return config
    if steps in named and minutes not in named:
        return override(config, {minutes: None})
    if minutes in named and steps not in named and not (begun and limit.likelihood_steps):
        return override(config, {steps: None})
    return config


def from_dict(tree: Mapping[str, Any]) -> Config:
    """Build a Config from nested dictionaries; settings may have their former names.

    Raises:
        ConfigError: an unknown setting or an invalid value, or settings that do not fit together; the message names
            setting, value and bounds.
        PluginError: the settings need a plugin that is not loaded.
    """
    config = _each_checked(tree)
    if config.corpus.unit_pattern and config.corpus.unit == "char":
        config = dataclasses.replace(config, corpus=dataclasses.replace(config.corpus, unit="pattern"))
    check(config)
    return dataclasses.replace(config, plugins=needed_plugins(config))


def from_trained(tree: Mapping[str, Any]) -> Config:
    """Build the Config of a trained model, of which each setting is checked, as in `from_dict`, but not how they fit.

    They did when training began, and a later version may refuse to train with them.

    Raises:
        ConfigError: as `from_dict` and `check_decided` do.
        PluginError: the settings need a plugin that is not loaded.
    """
    config = _each_checked(tree)
    check_decided(config)
    return config


def check_decided(config: Config) -> None:
    """Raise ConfigError where a number is left to a rule, as none is once a run has been prepared."""
    for dotted in DECIDED:
        if operator.attrgetter(dotted)(config) == AUTO:
            raise ConfigError(f"{dotted} is 'auto', and in a run it must be decided", "restore the file")


def _each_checked(tree: Mapping[str, Any]) -> Config:
    if isinstance(tree, Mapping):
        tree, _ = renamed(Config, tree)
        check_plugins(tree.get("plugins", ()))
    config: Config = from_tree(Config, tree)
    return config


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


@functools.cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Return the types of a section's settings; cached, since resolving them is slow."""
    return types.MappingProxyType(typing.get_type_hints(cls))


def list_settings(cls: type, prefix: str = "") -> dict[str, dataclasses.Field[Any]]:
    """Return every setting, dotted name -> its dataclass field, in the order of the sections."""
    hints = _hints(cls)
    found: dict[str, dataclasses.Field[Any]] = {}
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            found |= list_settings(hints[field.name], f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = field
    return found


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """Parse `KEY=VALUE` texts, as in `--set`, to a dictionary. Raises ConfigError when one has no `=`."""
    pairs = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"{text!r} is not a setting", "write it as SECTION.NAME=VALUE, e.g. generator.width=128")
        pairs[key.strip()] = value.strip()
    return pairs


def given(section: str, **values: object) -> dict[str, object]:
    """Return the settings of a section that are given, that is not None, by dotted name: flags and arguments."""
    return {f"{section}.{name}": value for name, value in values.items() if value is not None}


def _setting_meant(name: str, known: Iterable[str]) -> str:
    """Return what `did_you_mean` does for a setting; one without its section may be that of several sections.

    For the name of a section it proposes one of its settings.
    """
    names = list(known)
    if "." not in name and name not in {each.partition(".")[0] for each in names}:
        last = {each: each.rpartition(".")[2] for each in names}
        close = difflib.get_close_matches(name, sorted(set(last.values())), n=1, cutoff=0.7)
        if found := [each for each in names if last[each] in close]:
            return f"; did you mean {' or '.join(map(repr, found[:3]))}?"
    return did_you_mean(name, names)


def nested(cls: type, dotted: str, value: object) -> dict[str, Any]:
    """Return `value` under its dotted name in nested dictionaries. Raises ConfigError for an unknown one."""
    dotted = former_names(cls).get(dotted, dotted)
    if dotted not in list_settings(cls):
        raise ConfigError(
            f"there is no setting {dotted!r}{_setting_meant(dotted, list_settings(cls))}",
            "list the settings of a recipe with: seqgan-wgp recipes NAME",
        )
    *sections, name = dotted.split(".")
    tree: dict[str, Any] = {name: value}
    for section in reversed(sections):
        tree = {section: tree}
    return tree


def former_names(cls: type) -> dict[str, str]:
    """Return former dotted name -> present dotted name of renamed settings."""
    return {
        ".".join([*dotted.split(".")[:-1], field.metadata["formerly"]]): dotted
        for dotted, field in list_settings(cls).items()
        if field.metadata["formerly"]
    }


def renamed(cls: type, tree: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return nested settings with present names, and the former names that were used, former -> present.

    Raises:
        ConfigError: a setting is given under both its names.
    """
    result, met = _without_former(tree, former_names(cls), "")
    return result, met


def _without_former(
    tree: Mapping[str, Any], former: Mapping[str, str], prefix: str
) -> tuple[dict[str, Any], dict[str, str]]:
    result: dict[str, Any] = {}
    met: dict[str, str] = {}
    for key, given in tree.items():
        dotted, value, name = prefix + str(key), given, key
        if isinstance(given, Mapping):
            value, inner = _without_former(given, former, dotted + ".")
            met |= inner
        elif dotted in former:
            name = former[dotted].rpartition(".")[2]
            met[dotted] = former[dotted]
            if name in tree:
                raise ConfigError(
                    f"{dotted} has been renamed to {former[dotted]}, but both are set", f"leave {dotted} out"
                )
        result[name] = value
    return result, met


def each_setting(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted name and value of each setting in nested dictionaries."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from each_setting(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` updated by `change`, section by section."""
    result = dict(base)
    for key, value in change.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def from_tree(cls: type[Any], tree: object, prefix: str = "") -> Any:
    """Build a dataclass from nested dictionaries and check all settings.

    Raises:
        ConfigError: unknown or missing setting, wrong type, value out of bounds; the message names the setting.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{prefix.rstrip('.') or 'the config'} is {tree!r}, but it must be a section of settings")
    section: type = cls
    hints = _hints(section)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in tree:
        if key not in fields:
            known = [*(prefix + name for name in fields)]
            raise ConfigError(f"there is no setting {prefix + key!r}{did_you_mean(prefix + key, known)}")
    values = {}
    for name, field in fields.items():
        dotted = prefix + name
        if dataclasses.is_dataclass(hints[name]):
            if name in tree or field.default_factory is MISSING:
                values[name] = from_tree(typing.cast(type[Any], hints[name]), tree.get(name, {}), dotted + ".")
        elif field.metadata["auto"] and str(tree.get(name)).lower() == "auto":
            values[name] = left_open(hints[name])
        elif name in tree:
            value = _typed(dotted, tree[name], hints[name], field.metadata)
            # The default is a valid choice, and reading a registry would import modules.
            values[name] = value if value == field.default else _checked(dotted, value, field.metadata)
        elif field.default is MISSING:
            raise ConfigError(f"{dotted} is not set", "start from a recipe, which sets all required settings")
    return cls(**values)


def left_open(hint: Any) -> int | None:
    """Return the value that represents "auto" for a setting of this type."""
    return None if isinstance(hint, types.UnionType) else AUTO


def _names(dotted: str, value: object, doc: str) -> tuple[str, ...]:
    """Return names from a list or from comma-separated text."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",") if name.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{dotted} is {value!r}, but it must be a list of names", f"{dotted}: {doc}")
    return tuple(value)


def _typed(dotted: str, value: object, hint: Any, rule: Mapping[str, Any]) -> Any:
    """Convert `value` to the type of the setting; text is parsed, since `--set` gives text."""
    if typing.get_origin(hint) is tuple:
        return _names(dotted, value, rule["doc"])
    optional = isinstance(hint, types.UnionType)
    kind = next(arm for arm in typing.get_args(hint) if arm is not types.NoneType) if optional else hint
    if optional and (value is None or (isinstance(value, str) and value.lower() == "none")):
        return None
    try:
        if kind is bool and isinstance(value, str):
            return {"true": True, "false": False}[value.lower()]
        if kind is int and isinstance(value, str):
            return int(value)
        if kind is float and isinstance(value, str):
            return float(value)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    except (KeyError, ValueError, OverflowError):
        pass
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        wanted = (
            words[kind] + (" or none" if optional and not rule["auto"] else "") + (" or auto" if rule["auto"] else "")
        )
        raise ConfigError(f"{dotted} is {_shown(value)}, but it must be {wanted}", f"{dotted}: {rule['doc']}")
    return value


def _shown(value: object) -> str:
    """Return a value as a message shows it: a number of thousands of digits in part."""
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return "a number of more than 64 bits"
    text = repr(value) if isinstance(value, str | list | tuple | dict) else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."


def _checked(dotted: str, value: Any, rule: Mapping[str, Any]) -> Any:
    choices = rule["choices"]
    if not isinstance(choices, tuple) or choices:
        if value not in choices:
            raise ConfigError(
                f"{dotted} is {value!r}{did_you_mean(str(value), choices)}",
                f"choose one of: {', '.join(choices)}",
            )
        return value
    if value is None or isinstance(value, str | bool | tuple):
        return value
    bounds = [
        (isinstance(value, int) or math.isfinite(value), "finite"),
        (not isinstance(value, int) or abs(value) <= MAX_INTEGER, "at most 2^63 - 1"),
        (value >= rule["ge"], f"at least {rule['ge']}"),
        (value > rule["gt"], f"above {rule['gt']}"),
        (value <= rule["le"], f"at most {rule['le']}"),
        (value < rule["lt"], f"below {rule['lt']}"),
        (not rule["odd"] or value % 2 == 1, "odd"),
    ]
    for holds, words in bounds:
        if not holds:
            raise ConfigError(f"{dotted} is {_shown(value)}, but it must be {words}", f"{dotted}: {rule['doc']}")
    return value
