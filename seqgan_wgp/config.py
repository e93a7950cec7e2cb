"""What a run is: a Config of sections; recipes that it starts from, overrides, and how it is written and read.

Order of precedence: neutral defaults < recipe < `--config FILE` < `--set a.b=c` and flags. A setting whose
default is written here is off or automatic there; numbers that shape results have no default and come from
a recipe. A key missing in an older file therefore means neutral.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ConfigError, did_you_mean
from .fitting import check
from .sections import (
    AveragingSettings,
    CorpusSettings,
    CriticSettings,
    EvaluationSettings,
    GeneratorSettings,
    ImageSettings,
    LogSettings,
    ModelSettings,
    ObjectiveSettings,
    OptimizerSettings,
    ToySettings,
    TrainingSettings,
)
from .settings import AUTO, build, list_settings, merged, nested, setting

FORMAT_VERSION = 1
"""Format of config.json, of checkpoints and of model files."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A whole run. Build it with `recipe`, change it with `override`."""

    domain: str = setting("kind of data", "text", choices=("text", "image", "toy"))
    recipe: str = setting("recipe that the settings started from", "")
    description: str = setting("what the recipe is, in one line", "")
    source: str = setting("where the recipe's numbers come from", "")
    corpus: CorpusSettings = dataclasses.field(default_factory=CorpusSettings)
    images: ImageSettings = dataclasses.field(default_factory=ImageSettings)
    toy: ToySettings = dataclasses.field(default_factory=ToySettings)
    generator: GeneratorSettings
    critic: CriticSettings
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    training: TrainingSettings
    averaging: AveragingSettings = dataclasses.field(default_factory=AveragingSettings)
    evaluation: EvaluationSettings
    model: ModelSettings = dataclasses.field(default_factory=ModelSettings)
    log: LogSettings


RECIPES = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_text(name: str) -> str:
    """Return a recipe as it is written, comments and all. Raises ConfigError for an unknown name."""
    if name not in recipe_names():
        raise ConfigError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())}", f"known: {', '.join(recipe_names())}"
        )
    return (RECIPES / f"{name}.toml").read_text(encoding="utf-8")


def recipe(name: str, overrides: Mapping[str, object] | None = None, *, file: Path | None = None) -> Config:
    """Return the config of a recipe, changed by a TOML file and then by `overrides`.

    Args:
        name: a recipe that comes with the package; see `recipe_names`.
        overrides: dotted setting -> value, e.g. `{"generator.width": 128}`; text is read as the setting's type.
        file: TOML with the same sections, applied between the two.

    Raises:
        ConfigError: unknown recipe or setting, wrong type, value out of range, unreadable file.
    """
    tree = tomllib.loads(recipe_text(name))
    tree["recipe"] = name
    if file is not None:
        tree = merged(tree, _read_toml(file))
        try:
            from_dict(tree)
        except ConfigError as error:
            raise ConfigError(f"{file}: {error.message}", error.remedy) from None
    for dotted, value in (overrides or {}).items():
        tree = merged(tree, nested(Config, dotted, value))
    return from_dict(tree)


def override(config: Config, overrides: Mapping[str, object]) -> Config:
    """Return `config` with dotted settings replaced, checked as in `recipe`."""
    tree = to_dict(config)
    for dotted, value in overrides.items():
        tree = merged(tree, nested(Config, dotted, value))
    return from_dict(tree)


def from_dict(tree: Mapping[str, Any]) -> Config:
    """Build a Config from nested dictionaries. Raises ConfigError that names the setting, value and bounds."""
    config: Config = build(Config, tree)
    check(config)
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """Return nested dictionaries with every setting; `from_dict` gives back an equal config."""
    tree = dataclasses.asdict(config)
    for dotted, field in list_settings(Config).items():
        *sections, name = dotted.split(".")
        section = functools.reduce(operator.getitem, sections, tree)
        if field.metadata["auto"] and section[name] == AUTO:
            section[name] = "auto"
    return tree


def changes(before: Config, after: Config) -> dict[str, object]:
    """Return the settings in which two configs differ, dotted name -> what it is afterwards."""
    get = {dotted: operator.attrgetter(dotted) for dotted in list_settings(Config)}
    return {dotted: of(after) for dotted, of in get.items() if of(before) != of(after)}


def to_toml(config: Config) -> str:
    """Return the config as TOML, each setting with what it means; fit for `--config`. None is the text "none"."""
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


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file", "name a TOML file with settings") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML ({error})", "see: seqgan-wgp recipes fast") from None
