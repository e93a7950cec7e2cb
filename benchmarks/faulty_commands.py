"""The commands that the drills of fault_injection.py give faults, and what they come to without."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from unittest import mock

import numpy as np
from typer.testing import CliRunner

from cli.app import app
from seqgan_wgp.runs import session
from seqgan_wgp.runs.checkpoint import read_checkpoint
from seqgan_wgp.runs.compare import comparison as comparisons
from seqgan_wgp.runs.folder import CONFIG, RunFolder, open_run
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.report import page
from seqgan_wgp.text.generation import resumable_file
from seqgan_wgp.utils.atomic_files import new_file
from seqgan_wgp.utils.claimed_folder import is_unsettled
from seqgan_wgp.utils.tensor_file import read_tensor_file

from .small_runs import TINY

STEPS = 4
_LINES = "".join(f"line{k * 7919 % 10007}\n" for k in range(300))
_SETTINGS = {**TINY, "evaluation.every": 2, "training.threads": 1}
_SET = [word for key, value in _SETTINGS.items() for word in ("--set", f"{key}={value}")]

Words: TypeAlias = list[str | Path]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    told: str
    error: str | None = None
    """An exception that no user should see."""

    printed: str = ""
    """What it wrote to stdout."""


def called(*words: str | Path) -> Ended:
    """Call the command in this process."""
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    strange = result.exception is not None and not isinstance(result.exception, SystemExit)
    return Ended(result.exit_code, result.stderr, repr(result.exception)[:200] if strange else None, result.stdout)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command that is given a fault."""

    name: str
    prepare: Callable[[Path], object]
    """Puts into an empty folder what the command is given."""

    command: Callable[[Path], Words]
    kept: Callable[[Path], bool]
    """Says whether nothing that was in the folder before is lost."""

    again: Callable[[Path], Words]
    """The command that comes to the same result after the fault."""

    result: Callable[[Path], Any]


def jobs(base: Path) -> list[Job]:
    """Return the commands. Args: base: an empty folder, for what they are given."""
    corpus = base / "lines.txt"
    corpus.write_text(_LINES, encoding="utf-8")
    train: Words = ["train", corpus, *_SET, "--set", f"training.steps={STEPS}"]
    must(called(*train, "--out", base / "begun"))
    must(called("train", corpus, *_SET, "--set", "training.steps=3", "--out", base / "former"))
    return [*_trainings(base, train), continuing(base / "begun"), _writing(base / "begun"), comparing(base)]


def killed_only(base: Path) -> list[Job]:
    """Return more commands, for drills by kills alone. Args: base: the folder that `jobs` was given."""
    found = [
        _training("train --from", ["train", base / "lines.txt", "--from", base / "begun", "--steps", "3"]),
        _training("train toy:", training_points()),
        _training("mnist", training_images(base)),
    ]
    for name, words in (("fuse", ["--new", "0", "--different", "0"]), ("refine", ["--steps", "2"])):
        found.append(_rewriting(name, base / "begun", words))
    return found


def _training(name: str, words: Words) -> Job:
    """Return a training in a new folder."""

    def trained(folder: Path) -> Words:
        return [*words, "--out", folder / "run"]

    return Job(
        name=name,
        prepare=_nothing,
        command=trained,
        kept=lambda _folder: True,
        again=lambda folder: ["resume", folder / "run"] if _is_begun(folder) else trained(folder),
        result=_run_there,
    )


def training_points() -> Words:
    """Return a short training on points in the plane."""
    return [
        *("train", "toy:8-gaussians", "--steps", str(STEPS), "--device", "cpu", "--set", "generator.width=8"),
        *("--set", "critic.width=8", "--set", "evaluation.every=2", "--set", "log.every=1"),
        *("--set", "training.threads=1"),
    ]


def training_images(base: Path) -> Words:
    """Return a short training on images of squares. Args: base: a folder, which the images are written to."""
    file = base / "squares.npy"
    if not file.is_file():
        chance = np.random.default_rng(0)
        images_NHW = chance.integers(0, 40, (120, 12, 12), dtype=np.uint8)
        for image_HW, (row, column) in zip(images_NHW, chance.integers(1, 7, (120, 2)), strict=True):
            image_HW[row : row + 4, column : column + 4] = 220
        np.save(file, images_NHW)
    return [
        *("mnist", "--data", file, "--recipe", "mnist-fast", "--steps", str(STEPS), "--device", "cpu"),
        *("--set", "evaluation.samples=20", "--set", "generator.width=2", "--set", "critic.width=2"),
        *("--set", "evaluation.every=2", "--set", "log.every=1", "--set", "training.threads=1"),
    ]


def _rewriting(name: str, run: Path, words: list[str]) -> Job:
    """Return a command that writes the model of a run anew."""

    def command(folder: Path) -> Words:
        return [name, folder / "run", *words, "--device", "cpu"]

    def model(folder: Path) -> Any:
        tensors = read_tensor_file(RunFolder(folder / "run").model)[0]
        return {key: tensor.numpy().tobytes() for key, tensor in tensors.items()}

    return Job(
        name=name,
        prepare=_copies(run),
        command=command,
        kept=lambda folder: bool(model(folder)),
        again=command,
        result=model,
    )


def _trainings(base: Path, train: Words) -> list[Job]:
    former = run_result(base / "former")

    def replaced(folder: Path) -> Words:
        return [*train, "--out", folder / "run", "--overwrite"]

    def resumed(folder: Path) -> Words:
        return ["resume", folder / "run", "--steps", str(STEPS + 2)]

    return [
        _training("train", train),
        Job(
            name="train --overwrite",
            prepare=_copies(base / "former"),
            command=replaced,
            kept=lambda folder: _settled_steps(folder) == STEPS or _run_there(folder) == former,
            again=lambda folder: ["resume", folder / "run"] if _steps(folder) == STEPS else replaced(folder),
            result=_run_there,
        ),
        Job(
            name="resume",
            prepare=_copies(base / "begun"),
            command=resumed,
            kept=lambda folder: _saved_step(folder) >= STEPS,
            again=resumed,
            result=_run_there,
        ),
    ]


def continuing(model: Path) -> Job:
    """Return the command that goes on with a file of strings."""

    def continued(folder: Path) -> Words:
        return ["generate", model, "-n", "3000", "--continue", folder / "out.txt", "--device", "cpu"]

    return Job(
        name="generate --continue",
        prepare=_nothing,
        command=continued,
        kept=lambda _folder: True,
        again=continued,
        result=_output,
    )


def _writing(model: Path) -> Job:
    def written(folder: Path) -> Words:
        return ["generate", model, "-n", "50", "-o", folder / "out.txt", "--overwrite"]

    return Job(
        name="generate -o",
        prepare=lambda folder: (folder / "out.txt").write_bytes(b"mine\n"),
        command=written,
        kept=lambda folder: _output(folder).count(b"\n") in (1, 50),
        again=written,
        result=_output,
    )


def _output(folder: Path) -> bytes:
    return (folder / "out.txt").read_bytes()


def comparing(base: Path) -> Job:
    """Return a comparison of two recipes. Args: base: a folder, which the corpus is written to."""
    corpus = base / "lines.txt"
    corpus.write_text(_LINES, encoding="utf-8")

    def compared(folder: Path) -> Words:
        entries = "fast,fast:objective.penalty_weight=5"
        return ["compare", corpus, "--recipes", entries, *_SET, "--steps", "2", "--out", folder / "both"]

    return Job(
        name="compare",
        prepare=_nothing,
        command=compared,
        kept=lambda _folder: True,
        again=compared,
        result=lambda folder: [run_result(run) for run in sorted((folder / "both").iterdir()) if run.is_dir()],
    )


def _nothing(folder: Path) -> None:
    del folder


def _copies(run: Path) -> Callable[[Path], object]:
    return lambda folder: shutil.copytree(run, folder / "run")


def _run_there(folder: Path) -> Any:
    return run_result(folder / "run")


def run_result(path: Path) -> Any:
    """Return all of a run that a fault must not change."""
    run = open_run(path)
    tensors = [read_tensor_file(file)[0] for file in (run.checkpoint, run.model, run.best) if file.is_file()]
    numbers = [{name: tensor.numpy().tobytes() for name, tensor in found.items()} for found in tensors]
    records = [{**record, "seconds": 0} for record in read_records(run.metrics)]
    return numbers, records, {step: file.read_bytes() for step, file in run.sampled().items()}


def _is_begun(folder: Path) -> bool:
    return (folder / "run" / CONFIG).is_file() or is_unsettled(folder / "run")


def _steps(folder: Path) -> int:
    """Return how many steps a run is to have, 0 where there is none."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return int(json.loads((folder / "run" / CONFIG).read_text(encoding="utf-8"))["training"]["steps"])
    return 0


def _settled_steps(folder: Path) -> int:
    """Return `_steps` after a command has looked at the run, which finishes or undoes a replacement."""
    open_run(folder / "run")
    return _steps(folder)


def _saved_step(folder: Path) -> int:
    found = read_checkpoint(RunFolder(folder / "run"))
    return 0 if found is None else found.facts.step


def must(ended: Ended) -> None:
    """Raise SystemExit if a command failed to which no fault was given."""
    if ended.code:
        raise SystemExit(f"a command failed without a fault: {ended}")


@contextlib.contextmanager
def eager_saving() -> Iterator[None]:
    """Save after every step and block, and leave pictures and pages out, which take longer than all else."""
    with contextlib.ExitStack() as replaced:
        for module, name, value in (
            (session, "FIRST_CHECKPOINT_SECONDS", 0.0),
            (session, "CHECKPOINT_SECONDS", 0.0),
            (resumable_file, "EVERY_SECONDS", 0.0),
            (page, "render", lambda _found: "<html></html>\n"),
            (comparisons.Comparison, "draw", _drawn),
        ):
            replaced.enter_context(mock.patch.object(module, name, value))
        yield


def _drawn(comparison: Any) -> None:
    with new_file(comparison.plot) as file:
        file.write(b"drawn")
