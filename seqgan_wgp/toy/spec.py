"""Store which toy distribution a run or a model was trained on: its name and parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.schema import ToySettings
from ..errors import CheckpointError, CorpusError, did_you_mean
from ..utils.file_schema import Finite, Name, SchemaError, from_json, read_json, write_schema
from .distributions import DISTRIBUTIONS, Distribution, parallel_lines

FACTS = "toy.json"


@dataclass(frozen=True, kw_only=True)
class ToyFacts:
    """Name and parameter of a distribution, stored in the run folder and in the model file."""

    name: Name
    theta: Finite

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> ToyFacts:
        """Read stored facts. Raises CheckpointError when they are incomplete or name an unknown distribution."""
        try:
            found = from_json(cls, facts, "toy")
        except SchemaError as error:
            raise CheckpointError(f"does not name its distribution: {error}") from None
        if found.name not in DISTRIBUTIONS:
            raise CheckpointError(f"there is no distribution {found.name!r}", "install a newer seqgan_wgp")
        return found

    @property
    def distribution(self) -> Distribution:
        """The distribution itself."""
        return parallel_lines(self.theta) if self.name == "parallel-lines" else DISTRIBUTIONS[self.name]

    def summary(self) -> str:
        """Describe it in one line."""
        return f"{self.name}: {self.distribution.description}; every batch is newly drawn"


def check_name(name: str) -> None:
    """Raise CorpusError for an unknown name."""
    if name not in DISTRIBUTIONS:
        raise CorpusError(
            f"toy:{name}: there is no such distribution{did_you_mean(name, DISTRIBUTIONS)}",
            f"choose one of: {', '.join(f'toy:{known}' for known in DISTRIBUTIONS)}; for such a file give ./toy:{name}",
        )


def chosen(settings: ToySettings) -> ToyFacts:
    """Return the facts of the distribution chosen in the settings."""
    return ToyFacts(name=settings.name, theta=settings.theta)


def write_distribution(facts: ToyFacts, folder: Path) -> None:
    """Write the facts to a run folder."""
    write_schema(facts, folder / FACTS)


def open_facts(folder: Path) -> ToyFacts:
    """Read the file of `write_distribution`. Raises CheckpointError when it is missing or damaged."""
    file, remedy = folder / FACTS, "restore the file, or start a new run"
    try:
        return ToyFacts.read(read_json(file, remedy))
    except CheckpointError as error:
        here = error.message if error.message.startswith(str(file)) else f"{file}: {error.message}"
        raise CheckpointError(here, error.remedy or remedy) from None
