"""Model files: find one by its path or name, and check what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, ConfigError, did_you_mean
from .bundled_models import bundled_models, named_model
from .file_schema import Count, Seconds, from_json

MODEL, BEST = "model.safetensors", "best.safetensors"
"""File names in a run folder: the latest model, and the model of the best evaluation."""


def find_model_file(path: Path, *, best: bool = False) -> Path:
    """Return the model file, given a run folder, the file itself, or the name of a bundled model.

    A file or folder that exists goes before a bundled model of its name. With `best`, return the best model of
    a folder.

    Raises:
        CheckpointError: there is neither a file nor a bundled model of that name, or the folder has no such file.
        ConfigError: `best` is given with a file or a bundled model.
    """
    if path.is_dir():
        name = BEST if best else MODEL
        if not (path / name).is_file():
            raise CheckpointError(f"{path}: there is no {name} in this folder", _remedy(path))
        return path / name
    bundled = None if path.exists() else named_model(path)
    if best and (path.is_file() or bundled is not None):
        kind = "a bundled model" if bundled else "a model file"
        raise ConfigError(f"{path}: is {kind}, not a run folder", f"give the run folder, or its {BEST}")
    if bundled is not None:
        return bundled.path
    if not path.exists():
        raise CheckpointError(
            f"{path}: no such model: neither a run folder nor a file{did_you_mean(str(path), bundled_models())}",
            f"bundled models: {', '.join(bundled_models())}",
        )
    return path


def _remedy(folder: Path) -> str:
    hidden = bundled_models().get(str(folder))
    if hidden is None:
        return "give a run folder or a model file"
    return f"this folder hides the bundled model {folder}: rename it, or run the command in another folder"


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
