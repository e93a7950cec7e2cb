"""Find the model file in a path: a model file itself, or one of the two in a run folder."""

from __future__ import annotations

from pathlib import Path

from ..errors import CheckpointError, ConfigError

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
