"""The folder of a new run: claimed, and filled with what the run learns from."""

from __future__ import annotations

from pathlib import Path

from ..config import Config
from ..training.adapter import DataFiles
from ..utils.progress import OnBytes, ignore_bytes
from .elastic import mark
from .folder import RunFolder, building, write_config
from .tensorboard import check_tensorboard


def create(
    found: DataFiles, config: Config, out: Path, *, overwrite: bool = False, on_bytes: OnBytes = ignore_bytes
) -> RunFolder:
    """Prepare a run's folder: config and data. Nothing of it is there unless all of it is.

    Args:
        found: data that an adapter has scanned.
        config: with all decided that depends on the data.
        out: the folder.
        overwrite: replace a run at `out`.
        on_bytes: told how much of the data has been written.

    Raises:
        ConfigError: `out` is not empty (and not a run to overwrite), in use, or cannot be written; or what the config
            asks for is not installed.
        CorpusError: the data changed since it was scanned.
    """
    check_tensorboard(config)
    with building(out, overwrite=overwrite) as folder:
        found.write(folder, on_bytes)
        write_config(RunFolder(folder), config)
        mark(RunFolder(folder))
    return RunFolder(out)
