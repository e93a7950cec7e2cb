"""Which file a model is in, and how its tensors become networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from ..errors import CheckpointError, ConfigError, one_line
from .folder import BEST, MODEL


def model_file(path: Path, *, best: bool = False) -> Path:
    """Return the file of a model, given a run's folder or the file itself; of a folder with `best` the best one.

    Raises:
        CheckpointError: the folder has no such file.
        ConfigError: the best is wanted of what is no folder.
    """
    if best and path.is_file():
        raise ConfigError(f"{path}: is one model, not a run with several", f"name the run's folder, or its {BEST}")
    if not path.is_dir():
        return path
    name = BEST if best else MODEL
    if not (path / name).is_file():
        raise CheckpointError(f"{path}: there is no {name} in this folder", "name a run's folder or a model file")
    return path / name


def loaded(network: nn.Module, tensors: Mapping[str, Tensor], part: str) -> nn.Module:
    """Return a network with the weights of a part of a model file, fixed and in evaluation.

    Raises CheckpointError when they do not fit it.
    """
    own = {name.removeprefix(part + "."): value for name, value in tensors.items() if name.startswith(part + ".")}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise CheckpointError(f"the {part}'s weights do not fit the settings ({one_line(error)})") from None
    return network.eval().requires_grad_(False)
