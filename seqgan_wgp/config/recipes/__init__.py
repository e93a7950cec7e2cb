"""Recipes: load the named sets of settings that come with the package, one TOML file each.

All numbers that shape results are in the recipes, with their source. Precedence, lowest first: schema defaults,
recipe, `--config FILE`, `--set a.b=c` and flags.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import ConfigError, did_you_mean, one_line
from ..schema import Config
from ..serialization import each_setting, from_dict, merged, nested, renamed, replace_end

RECIPES = Path(__file__).parent
"""Folder of the recipes' TOML files."""


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_text(name: str) -> str:
    """Return the text of a recipe's TOML file, with comments. Raises ConfigError for an unknown name."""
    if name not in recipe_names():
        raise ConfigError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())}",
            f"choose one of: {', '.join(recipe_names())}",
        )
    return (RECIPES / f"{name}.toml").read_text(encoding="utf-8")


def recipe(name: str, overrides: Mapping[str, object] | None = None, *, file: Path | None = None) -> Config:
    """Return the config of a recipe, changed by a TOML file and then by `overrides`.

    If they set the minutes of training and no number of steps, the recipe's number does not apply: see `replace_end`.

    Args:
        name: a recipe that comes with the package; see `recipe_names`.
        overrides: dotted setting -> value, e.g. `{"generator.width": 128}`; text is read as the setting's type.
        file: TOML with the same sections, applied between the two.

    Raises:
        ConfigError: unknown recipe or setting, wrong type, value out of range, unreadable file.
    """
    tree = tomllib.loads(recipe_text(name))
    tree["recipe"] = name
    named = set(overrides or {})
    if file is not None:
        settings, _ = read_settings(file)
        named |= dict(each_setting(settings)).keys()
        tree = merged(tree, settings)
        try:
            from_dict(tree)
        except ConfigError as error:
            raise ConfigError(f"{file}: {error.message}", error.remedy) from None
    for dotted, value in (overrides or {}).items():
        tree = merged(tree, nested(Config, dotted, value))
    return replace_end(from_dict(tree), named)


def read_settings(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings in a TOML file under their present names, and its former names: former -> present.

    Raises ConfigError when the file cannot be read, or sets a setting under both its names.
    """
    tree = _read_toml(file)
    try:
        return renamed(Config, tree)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error.message}", error.remedy) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file", "give a TOML file with settings") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # also bad UTF-8, a number of thousands of digits, deep nesting
        raise ConfigError(
            f"{file}: not valid TOML ({one_line(error)})", "for an example see: seqgan-wgp recipes fast"
        ) from None
