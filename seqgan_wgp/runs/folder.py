"""Manage run folders: file names, claims and locks, and what may be overwritten."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .. import config as configs
from ..config import FORMAT_VERSION, Config
from ..domains import DOMAINS
from ..errors import CheckpointError, ConfigError, PluginError, did_you_mean_path
from ..utils.atomic_files import new_file
from ..utils.bundled_models import named_model
from ..utils.claimed_folder import LOCK, OWN_NAMES, Claim, claimed, is_unsettled, locked, settle
from ..utils.file_schema import read_json
from ..utils.tensor_file import BEST as BEST
from ..utils.tensor_file import MODEL as MODEL

CONFIG, METRICS, SAMPLES, FILM, REPORT = "config.json", "metrics.jsonl", "samples", "training.gif", "report.html"
TENSORBOARD, TRACKING, INITIAL = "tensorboard", "tracking.json", "initial.safetensors"
CHECKPOINT, PREVIOUS = "checkpoint/state.safetensors", "checkpoint/previous.safetensors"
_WRITTEN = {CONFIG, MODEL, BEST, METRICS, SAMPLES, FILM, REPORT, TENSORBOARD, TRACKING, INITIAL, "wandb", "checkpoint"}
_RESTORE = "restore the file, or start a new run"
_A_RUN = "give the run folder that train printed"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, and the paths of its files."""

    path: Path
    held: bool = field(default=False, compare=False)
    """Whether this process has claimed or locked the folder already."""

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / CONFIG

    @property
    def model(self) -> Path:
        """The latest model."""
        return self.path / MODEL

    @property
    def best(self) -> Path:
        """The model of the best evaluation."""
        return self.path / BEST

    @property
    def initial(self) -> Path:
        """The weights that the run began with, where it was not with new ones."""
        return self.path / INITIAL

    @property
    def metrics(self) -> Path:
        """The records."""
        return self.path / METRICS

    @property
    def checkpoint(self) -> Path:
        """The folder with everything needed to resume."""
        return self.path / CHECKPOINT

    @property
    def previous(self) -> Path:
        """The checkpoint before."""
        return self.path / PREVIOUS

    def samples(self, step: int) -> Path:
        """Path of an evaluation's samples, without the extension, which depends on the kind of data."""
        return self.path / SAMPLES / f"{step:08d}"

    @property
    def film(self) -> Path:
        """The animation of the samples, if they are pictures."""
        return self.path / FILM

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    def sampled(self) -> dict[int, Path]:
        """Return the existing files of samples: step -> file, in the order of the steps."""
        files = {int(file.stem): file for file in (self.path / SAMPLES).glob("[0-9]*.*") if file.stem.isdecimal()}
        return dict(sorted(files.items()))

    @property
    def tracking(self) -> Path:
        """The names that the run has at experiment trackers."""
        return self.path / TRACKING

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.path / TENSORBOARD

    def make_folders(self) -> None:
        """Create missing subfolders."""
        for file in (self.samples(0), self.checkpoint):
            file.parent.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this process. Raises ConfigError when another process has locked it.

        What a process that was killed has left between former files and new ones is settled.
        """
        if self.held:
            yield
            return
        with locked(self.path, "wait for it, or choose another --out"):
            if is_unsettled(self.path):
                settle(self.path, CONFIG)
            yield


def check_version(path: Path, version: int) -> None:
    """Raise CheckpointError when a JSON file has a newer format than this version reads."""
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format {version}, which is newer than this version of seqgan_wgp supports",
            "install a newer seqgan_wgp",
        )


def read_config(run: RunFolder) -> Config:
    """Return the config of a run. Raises CheckpointError when it cannot be read or has a newer format."""
    tree = read_json(run.config, _RESTORE)
    version = tree.pop("format_version", None) if isinstance(tree, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise CheckpointError(f"{run.config}: cannot be read (it has no format_version)", _RESTORE)
    check_version(run.config, version)
    try:
        config = configs.from_dict(tree)
        configs.check_decided(config)
        return config
    except PluginError as error:
        raise PluginError(f"{run.config}: {error.message}", error.remedy) from None
    except ConfigError as error:
        raise CheckpointError(f"{run.config}: {error.message}", error.remedy) from None


def write_config(run: RunFolder, config: Config) -> None:
    """Write the config of a run atomically."""
    text = json.dumps({"format_version": FORMAT_VERSION, **configs.to_dict(config)}, indent=2) + "\n"
    with new_file(run.config) as file:
        file.write(text.encode())


def open_run(path: Path) -> RunFolder:
    """Return the folder of an existing run. Raises CheckpointError when it is not a run."""
    if named_model(path) is not None:
        raise CheckpointError(f"{path}: is a bundled model, not a run folder", _A_RUN)
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such run folder{did_you_mean_path(path)}", _A_RUN)
    if not (path / CONFIG).is_file() and is_unsettled(path):
        with RunFolder(path).locked():
            pass  # which settles it
    if not (path / CONFIG).is_file():
        begun = {entry.name for entry in path.iterdir()} <= OWN_NAMES
        if begun and (path / LOCK).is_file():
            raise CheckpointError(
                f"{path}: the run has not been prepared yet", "wait until it is, or give the command train once more"
            )
        raise CheckpointError(f"{path}: is not a run folder ({CONFIG} is missing)", _A_RUN)
    return RunFolder(path)


@contextlib.contextmanager
def claimed_run(path: Path, *, overwrite: bool = False, must_create: bool = False) -> Iterator[Claim]:
    """Claim the folder of a new run; see `claimed`. Raises ConfigError when it cannot be used.

    Args:
        path: the folder.
        overwrite: allow a run there, which is replaced when the new one is ready.
        must_create: raise FileExistsError where the folder exists.
    """

    def check(names: set[str]) -> None:
        if names and not overwrite:
            raise ConfigError(
                f"{path}: is not empty", "choose another --out, resume it, or give --overwrite to replace a run"
            )
        if names:
            _check_ours(path, names)

    with claimed(path, CONFIG, check, "--out", must_create=must_create) as claim:
        yield claim


@contextlib.contextmanager
def claimed_number(parent: Path, name: str) -> Iterator[Claim]:
    """Create and claim the first of NAME-001, NAME-002, ... that does not exist. See `claimed_run`."""
    with contextlib.ExitStack() as held:
        for k in itertools.count(1):
            with contextlib.suppress(FileExistsError):
                claim = held.enter_context(claimed_run(parent / f"{name}-{k:03d}", must_create=True))
                break
        yield claim


def _check_ours(path: Path, names: set[str]) -> None:
    """Raise ConfigError unless the folder is a run without foreign files."""
    try:
        run = "format_version" in read_json(path / CONFIG, "")
    except (CheckpointError, TypeError):
        run = False
    if not run:
        raise ConfigError(f"{path}: is not a run, so it is not overwritten", "choose another --out")
    data = {name for adapter in DOMAINS.values() for name in adapter.files}
    foreign = sorted(name for name in names - _WRITTEN - data if not name.endswith(".new"))
    if foreign:
        raise ConfigError(
            f"{path}: contains {foreign[0]}, which is not part of a run, so it is not overwritten",
            "move it away, or choose another --out",
        )
