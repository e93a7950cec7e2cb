"""checkpoint/: everything that a run needs to resume, and the previous checkpoint in case the last one is damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from torch import Tensor

from ..config import Config
from ..errors import CheckpointError
from ..utils.file_schema import Between, Count, SchemaError, Seconds, from_json
from ..utils.tensor_file import read_tensor_file, write_tensor_file
from .folder import RunFolder
from .metrics_log import look_through

BEST_LOADED = "best"
"""What `resume --from` takes: the weights of the best evaluation, and nothing else of a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class BestSoFar:
    """The best evaluation of a run."""

    value: float | None = None
    step: Annotated[int, Between(1, 1 << 53)] | None = None
    stale: Count = 0
    """Evaluations since then."""


@dataclass(frozen=True, kw_only=True)
class CheckpointFacts:
    """What a checkpoint has beside the tensors."""

    step: Count
    seconds: Seconds
    records_bytes: Count
    """Size of metrics.jsonl up to this step."""

    best: BestSoFar
    measures: dict[str, float]
    losses: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint that has been read."""

    tensors: Mapping[str, Tensor]
    facts: CheckpointFacts
    note: str | None = None
    """What is lost, where it is not the last one."""


def write_checkpoint(run: RunFolder, tensors: Mapping[str, Tensor], facts: CheckpointFacts) -> None:
    """Write a checkpoint, and keep the one before.

    Whenever this ends, there is a whole checkpoint under one of the two names. Raises OSError as `write_tensor_file`.
    """
    if run.checkpoint.is_file():
        _copy(run.checkpoint, run.previous)
    write_tensor_file(run.checkpoint, tensors, asdict(facts))


def read_checkpoint(
    run: RunFolder, accept: Callable[[Checkpoint], None] = lambda _found: None, *, from_best: bool = False
) -> Checkpoint | None:
    """Return the last checkpoint of a run that can be read; None: the run has not got to its first.

    Args:
        run: the run.
        accept: tries a checkpoint; raises CheckpointError where it cannot be used.
        from_best: take the weights of the best model instead, without the optimizers' state.

    Raises:
        CheckpointError: none can be read. The message says what else can be done.
    """
    if from_best:
        found = _from_best(run)
        accept(found)
        return found
    problem: CheckpointError | None = None
    for path in (run.checkpoint, run.previous):
        if not path.is_file():
            continue
        try:
            found = _read(path, problem)
            accept(found)
            return found
        except CheckpointError as error:
            problem = problem or error
    if problem is None:
        return None
    best = f"go on with the best model, of an earlier step: resume {run.path} --from {BEST_LOADED}; or "
    remedy = f"{best if run.best.is_file() else ''}restore the file, or start a new run"
    raise CheckpointError(problem.message, remedy)


def read_initial(run: RunFolder, config: Config) -> dict[str, Tensor] | None:
    """Return the weights that a run begins with; None: new ones. Raises CheckpointError when they cannot be read."""
    if not config.initial_model:
        return None
    if not run.initial.is_file():
        raise CheckpointError(
            f"{run.initial}: the weights that the run begins with are missing", "restore the file, or start a new run"
        )
    return read_tensor_file(run.initial)[0]


def numbers_saved(run: RunFolder) -> int | None:
    """Return how many numbers the checkpoints of a run can have at most; None where there is none yet."""
    sizes = [path.stat().st_size for path in (run.checkpoint, run.previous, run.best) if path.is_file()]
    return max(sizes, default=None)


def restore_previous(run: RunFolder) -> None:
    """Put the checkpoint before in the place of one that is damaged, so that it is not what the next one keeps."""
    _copy(run.previous, run.checkpoint)


def _copy(source: Path, target: Path) -> None:
    hidden = target.with_name(f".{target.name}.kept.new")
    hidden.unlink(missing_ok=True)
    try:
        os.link(source, hidden)
    except OSError:  # a file system without links
        shutil.copyfile(source, hidden)
    hidden.replace(target)


def saved_progress(run: RunFolder) -> CheckpointFacts | None:
    """Return how far a run had come when it was last saved; None where it never was."""
    found = read_checkpoint(run)
    return None if found is None else found.facts


def _facts_of(path: Path, facts: object) -> CheckpointFacts:
    """Return the facts of a checkpoint's file. Raises CheckpointError when they are not complete."""
    try:
        return from_json(CheckpointFacts, facts)
    except SchemaError as error:
        raise CheckpointError(f"{path}: damaged, or not a checkpoint ({error})") from None


def _read(path: Path, problem: CheckpointError | None) -> Checkpoint:
    tensors, tree = read_tensor_file(path)
    facts = _facts_of(path, tree)
    note = None
    if problem is not None:
        note = f"{problem.message}; training goes on from the checkpoint before, at step {facts.step:,}"
    return Checkpoint(tensors=tensors, facts=facts, note=note)


def _from_best(run: RunFolder) -> Checkpoint:
    """Return the best model as a checkpoint: its networks, and the records up to its step."""
    tensors, tree = read_tensor_file(run.best)
    try:
        head = from_json(_BestFacts, tree)
    except SchemaError as error:
        raise CheckpointError(f"{run.best}: damaged, or not a model ({error})", "start a new run") from None
    records = look_through(run.metrics, last_step=head.step) if run.metrics.is_file() else None
    facts = CheckpointFacts(
        step=head.step,
        seconds=head.seconds,
        records_bytes=0 if records is None else records.bytes,
        best=BestSoFar(step=head.step),
        measures=head.metrics.get("validation", {}),
        losses={},
    )
    note = f"training goes on from the best model, at step {head.step:,}; the optimizers begin anew"
    return Checkpoint(tensors=tensors, facts=facts, note=note)


@dataclass(frozen=True, kw_only=True)
class _BestFacts:
    step: Count
    seconds: Seconds
    metrics: dict[str, dict[str, float]]
