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
    """The folder of one run, and where each thing lies in it."""

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
        """Everything to go on from."""
        return self.path / CHECKPOINT

    def samples(self, step: int) -> Path:
        """The samples of an evaluation; the mode adds the ending."""
        return self.path / SAMPLES / f"{step:08d}"

    @property
    def film(self) -> Path:
        """The samples' pictures one after the other, where they are pictures."""
        return self.path / FILM

    @property
    def report(self) -> Path:
        """All that a run found, for people, in one page."""
        return self.path / REPORT

    def sampled(self) -> dict[int, Path]:
        """Return the files of samples that are there: step -> file, in the order of the steps."""
        files = {int(file.stem): file for file in (self.path / SAMPLES).glob("[0-9]*.*") if file.stem.isdecimal()}
        return dict(sorted(files.items()))

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files, where they were asked for."""
        return self.path / TENSORBOARD

    def make_folders(self) -> None:
        """Make the folders inside, where they are not there."""
        for file in (self.samples(0), self.checkpoint):
            file.parent.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process. Raises ConfigError when another has it."""
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
    """Raise CheckpointError when a JSON file of ours is of a newer format than this version reads."""
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format {version}, which is newer than this version of seqgan_wgp supports",
            "install a newer seqgan_wgp",
        )


def read_config(run: RunFolder) -> Config:
    """Return the config of a run. Raises CheckpointError when it cannot be read or is of a newer format."""
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
    """Write the config of a run, at once or not at all."""
    text = json.dumps({"format_version": FORMAT_VERSION, **configs.to_dict(config)}, indent=2) + "\n"
    with new_file(run.config) as file:
        file.write(text.encode())


def open_run(path: Path) -> RunFolder:
    """Return the folder of a run that is there. Raises CheckpointError when it is none of ours."""
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such run folder", _A_RUN)
    if not (path / CONFIG).is_file():
        raise CheckpointError(f"{path}: is not a run folder ({CONFIG} is missing)", _A_RUN)
    return RunFolder(path)


def numbered(parent: Path, name: str) -> Path:
    """Return the first of NAME-001, NAME-002, ... that is not there."""
    taken = {path.name for path in parent.glob(f"{name}-*")} if parent.is_dir() else set()
    return next(path for k in range(1, len(taken) + 2) if (path := parent / f"{name}-{k:03d}").name not in taken)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise ConfigError unless a run may be made at `path`: nothing there, an empty folder, or a run to overwrite."""
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
    """Raise ConfigError unless a folder is a run with nothing in it that a run did not write."""
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
    """Give a hidden folder beside `path` to prepare a run in, and move it into place when all went well.

    When anything goes wrong inside, the hidden folder is removed and what was at `path` stays as it was.
    Raises ConfigError when `path` may not be used; see `check_free`.
    """
    check_free(path, overwrite=overwrite)
    with new_folder(path, "--out") as hidden:
        yield hidden
