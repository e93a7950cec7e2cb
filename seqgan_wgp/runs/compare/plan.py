"""Parse the recipes of a comparison and build the config of each, on the same data."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ... import config as configs
from ...config import Config
from ...config.kinds import DATA_KINDS
from ...config.serialization import list_settings, parse_assignments
from ...errors import ConfigError
from ...training.adapter import PreparedData
from ...utils.devices import pick_device

MAX_FOLDER = 80
"""Largest number of characters in the name of a run folder."""

_GRAMMAR = "write NAME or NAME:KEY=VALUE,KEY=VALUE, with commas between recipes, e.g. fast,paper:generator.width=64"

_SHARED = ("evaluation.samples", "evaluation.orders")


def is_shared(dotted: str) -> bool:
    """Return whether a setting affects the data or its evaluation, so that all recipes must share it."""
    data = tuple(setting for kind in DATA_KINDS.values() for setting in kind.data_settings)
    return dotted.startswith(data) or dotted in _SHARED


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One recipe of a comparison, with its overridden settings."""

    recipe: str
    changes: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the entry as on the command line."""
        return ":".join((self.recipe, *([",".join(self._assignments())] if self.changes else [])))

    @property
    def folder(self) -> str:
        """Name of the run folder: the same text in characters that every file system allows."""
        plain = "+".join((self.recipe, *self._assignments()))
        safe = re.sub(r"[^\w.=+-]", "-", plain, flags=re.ASCII)
        if safe == plain and len(safe) <= MAX_FOLDER:
            return safe
        return f"{safe[: MAX_FOLDER - 9]}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"

    def _assignments(self) -> list[str]:
        return [f"{key}={value}" for key, value in self.changes.items()]


def parse_entries(texts: Iterable[str]) -> list[Entry]:
    """Parse recipes NAME or NAME:KEY=VALUE,KEY=VALUE, separated by commas.

    The name of a recipe has no dot and no equals sign, and begins with a letter. So each part between commas starts the
    next recipe, is another setting of the same recipe, or continues the value of a setting, as in
    `objective.targets=0,1,1`.

    Raises:
        ConfigError: a part is none of these, a recipe occurs twice, or a setting must be shared by all recipes.
    """
    entries: list[Entry] = []
    for text in texts:
        entries += [_entry(name, assignments) for name, assignments in _split(text)]
    for number, entry in enumerate(entries):
        if any(entry.folder.casefold() == other.folder.casefold() for other in entries[:number]):
            raise ConfigError(f"--recipes has {entry} twice", "give it once, or change a setting in one of them")
    return entries


def _split(text: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for part in (part.strip() for part in text.split(",")):
        name, colon, assignment = (word.strip() for word in part.partition(":"))
        if re.fullmatch(r"[A-Za-z][\w-]*", name, flags=re.ASCII):
            found.append((name, [assignment] if colon else []))
        elif part and found and found[-1][1]:
            if "=" in part:
                found[-1][1].append(part)
            else:
                found[-1][1][-1] += f",{part}"
        else:
            raise ConfigError(f"--recipes {text!r}: {part!r} is not a recipe", _GRAMMAR)
    return found


def _entry(name: str, assignments: list[str]) -> Entry:
    changes = parse_assignments(assignments)
    for dotted in filter(is_shared, changes):
        raise ConfigError(
            f"{name}:{dotted}={changes[dotted]}: all recipes of a comparison use the same data and evaluation",
            f"set it once for all recipes: --set {dotted}={changes[dotted]}",
        )
    return Entry(recipe=name, changes=changes)


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions:
    """Recipes, and the options that apply to all of them."""

    entries: Sequence[Entry]
    domain: str
    """Kind of the data."""

    settings: Mapping[str, object] = field(default_factory=dict)
    file: Path | None = None
    steps: int | None = None
    minutes: float | None = None
    seed: int | None = None
    device: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the options as JSON values."""
        given = {name: getattr(self, name) for name in ("domain", "steps", "minutes", "seed", "device")}
        others = {"settings": dict(self.settings), "file": None if self.file is None else str(self.file)}
        return {"recipes": [str(entry) for entry in self.entries], **given, **others}

    def configs(self) -> list[Config]:
        """Return the config of each recipe before the data is known.

        Order of precedence: recipe < file < end < settings < flags < settings after the recipe's name.
        The end is given by `steps` and `minutes` when one of them is set, otherwise by each recipe. All recipes use the
        same criterion, so that their curves can be compared: JS-n, unless the settings choose another.

        Raises:
            ConfigError: unknown recipe or setting, another kind of data, or an unavailable device.
        """
        given: dict[str, object] = {"evaluation.criterion": "js"}
        if self.steps is not None or self.minutes is not None:
            given |= {"training.steps": None, "training.minutes": None, "evaluation.patience": None}
        given |= self.settings
        end = {"steps": self.steps, "minutes": self.minutes}
        given |= configs.given("training", **end, seed=self.seed, device=self.device)
        found = []
        for entry in self.entries:
            config = configs.recipe(entry.recipe, {**given, **entry.changes}, file=self.file)
            if config.domain != self.domain:
                raise ConfigError(
                    f"the recipe {entry.recipe!r} is for {config.domain} data, but the data is {self.domain}",
                    "list the recipes with: seqgan-wgp recipes; to compare on images: seqgan-wgp compare mnist",
                )
            pick_device(config.training.device)
            found.append(config)
        return found

    def on(self, data: PreparedData) -> list[Config]:
        """Return the config of each recipe for the data. Shared settings are those of the first recipe."""
        first, *others = self.configs()
        first = data.decide(first)
        common = {name: operator.attrgetter(name)(first) for name in list_settings(Config) if is_shared(name)}
        return [first, *(data.decide(configs.override(other, common)) for other in others)]


def overruled(own: Config, shared: Config) -> dict[str, tuple[object, object]]:
    """Return the settings of a recipe that the first recipe overrides: dotted name -> (old value, new value)."""
    neutral = {name: field.default for name, field in list_settings(Config).items()}
    found = {name: (operator.attrgetter(name)(own), now) for name, now in configs.changes(own, shared).items()}
    return {name: (was, now) for name, (was, now) in found.items() if is_shared(name) and was != neutral[name]}
