"""Manage run folders: file names, locking, and what may be overwritten."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .. import config as configs
from ..config import FORMAT_VERSION, Config
from ..domains import DOMAINS
from ..errors import CheckpointError, ConfigError, PluginError
from ..utils.atomic_files import new_file, new_folder
from ..utils.model_file import BEST as BEST
from ..utils.model_file import MODEL as MODEL

CONFIG, METRICS, SAMPLES, FILM, REPORT = "config.json", "metrics.jsonl", "samples", "training.gif", "report.html"
TENSORBOARD = "tensorboard"
CHECKPOINT = "checkpoint/state.safetensors"
_LOCK = ".lock"
_WRITTEN = {CONFIG, MODEL, BEST, METRICS, SAMPLES, FILM, REPORT, TENSORBOARD, _LOCK, "checkpoint"}
_A_RUN = "give the run folder that train printed"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, and the paths of its files."""

    path: Path

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
    def metrics(self) -> Path:
        """The records."""
        return self.path / METRICS

    @property
    def checkpoint(self) -> Path:
        """The folder with everything needed to resume."""
        return self.path / CHECKPOINT

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
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.path / TENSORBOARD

    def make_folders(self) -> None:
        """Create missing subfolders."""
        for file in (self.samples(0), self.checkpoint):
            file.parent.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this process. Raises ConfigError when another process has locked it."""
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(
                f"{self.path}: another process is using this run", "wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written ({error.strerror})") from None
        try:
            yield
        finally:
            lock.release()


def check_version(path: Path, version: int) -> None:
    """Raise CheckpointError when a JSON file has a newer format than this version reads."""
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format {version}, which is newer than this version of seqgan_wgp supports",
            "install a newer seqgan_wgp",
        )


def read_config(run: RunFolder) -> Config:
    """Return the config of a run. Raises CheckpointError when it cannot be read or has a newer format."""
    try:
        tree = json.loads(run.config.read_text(encoding="utf-8"))
        version = int(tree.pop("format_version"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{run.config}: cannot be read ({error})", "restore the file, or start a new run"
        ) from None
    check_version(run.config, version)
    try:
        return configs.from_dict(tree)
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
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such run folder", _A_RUN)
    if not (path / CONFIG).is_file():
        raise CheckpointError(f"{path}: is not a run folder ({CONFIG} is missing)", _A_RUN)
    return RunFolder(path)


def numbered(parent: Path, name: str) -> Path:
    """Return the first of NAME-001, NAME-002, ... that does not exist."""
    taken = {path.name for path in parent.glob(f"{name}-*")} if parent.is_dir() else set()
    return next(path for k in range(1, len(taken) + 2) if (path := parent / f"{name}-{k:03d}").name not in taken)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise ConfigError unless a run can be created at `path`: nothing, an empty folder, or a run to overwrite."""
    for parent in path.parents:
        if parent.is_file():
            raise ConfigError(f"{path}: {parent} is a file, not a folder", "choose another --out")
    try:
        if path.is_dir():
            names = {entry.name for entry in path.iterdir()}
        elif path.exists():
            raise ConfigError(f"{path}: is a file, but a run needs a folder", "choose another --out")
        else:
            return
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})", "choose another --out") from None
    if names and not overwrite:
        raise ConfigError(
            f"{path}: is not empty", "choose another --out, resume it, or give --overwrite to replace a run"
        )
    if names:
        _check_ours(path, names)
        with RunFolder(path).locked():
            pass


def _check_ours(path: Path, names: set[str]) -> None:
    """Raise ConfigError unless the folder is a run without foreign files."""
    try:
        run = "format_version" in json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
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


@contextlib.contextmanager
def building(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a hidden folder next to `path` in which to prepare a run, and move it to `path` on success.

    On failure the hidden folder is removed and `path` stays as it was.
    Raises ConfigError when `path` cannot be used; see `check_free`.
    """
    check_free(path, overwrite=overwrite)
    with new_folder(path, "--out") as hidden:
        yield hidden
