"""Create the folder of a new run, with its config and data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ..config import Config
from ..training.adapter import DataFiles
from ..utils.claimed_folder import Claim
from ..utils.progress import OnBytes, ignore_bytes
from ..utils.tensor_file import write_tensor_file
from .elastic import mark
from .folder import RunFolder, claimed_run, write_config
from .trackers import check_log_packages


def create(
    found: DataFiles, config: Config, out: Path, *, overwrite: bool = False, on_bytes: OnBytes = ignore_bytes
) -> RunFolder:
    """Claim a folder and create a run in it, with config and data, completely or not at all.

    Args:
        found: the data, scanned by an adapter.
        config: the final config, with all settings that depend on the data.
        out: the folder.
        overwrite: replace a run at `out`.
        on_bytes: called with the number of bytes written so far.

    Raises:
        ConfigError: `out` is not empty (and not a run to overwrite), in use, or cannot be written; or a package that
            the config needs is not installed.
        CorpusError: the data changed since it was scanned.
    """
    with claimed_run(out, overwrite=overwrite) as claim:
        prepare_run(claim, found, config, on_bytes)
    return RunFolder(out)


def prepare_run(
    claim: Claim,
    found: DataFiles,
    config: Config,
    on_bytes: OnBytes = ignore_bytes,
    *,
    initial: Mapping[str, Tensor] | None = None,
) -> RunFolder:
    """Prepare a run in a folder that is claimed already, and return it as held. See `create`.

    `initial` has the weights that it begins with, PART.NAME; None: new ones.
    """
    check_log_packages(config)
    with claim.filling() as folder:
        found.write(folder, on_bytes)
        write_config(RunFolder(folder), config)
        if initial is not None:
            write_tensor_file(RunFolder(folder).initial, initial, {})
        mark(RunFolder(folder))
    return RunFolder(claim.path, held=True)
