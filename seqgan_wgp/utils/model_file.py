"""Model files: find one in a path, which is the file itself or a run folder, and check what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, ConfigError
from .file_schema import Count, Seconds, from_json

MODEL, BEST = "model.safetensors", "best.safetensors"
"""File names in a run folder: the latest model, and the model of the best evaluation."""


def find_model_file(path: Path, *, best: bool = False) -> Path:
    """Return the model file, given a run folder or the file itself. With `best`, return the best model of a folder.

    Raises:
        CheckpointError: the folder has no such file.
        ConfigError: `best` is given with a file.
    """
    if best and path.is_file():
        raise ConfigError(f"{path}: is a model file, not a run folder", f"give the run folder, or its {BEST}")
    if not path.is_dir():
        return path
    name = BEST if best else MODEL
    if not (path / name).is_file():
        raise CheckpointError(f"{path}: there is no {name} in this folder", "give a run folder or a model file")
    return path / name


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What every model file has beside its config, its tensors and what its kind of data adds."""

    step: Count
    seconds: Seconds = 0.0
    metrics: dict[str, dict[str, float | None]] | None = None
    """Half of the held-out data -> measures."""


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raise SchemaError unless a model file says as it should how it was trained."""
    from_json(ModelFacts, facts)
