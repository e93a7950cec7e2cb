"""Compare recipes: train them one after the other on the same data in one folder. A comparison can be resumed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Annotated, Any

from ... import config as configs
from ...config import FORMAT_VERSION, Config
from ...errors import CheckpointError, Diverged
from ...training.domain import Domain
from ...training.record import Record
from ...utils.atomic_files import new_file
from ...utils.file_schema import Between, Name, SchemaError, checked_value, from_json, read_json
from ...utils.tensor_file import read_facts
from ..checkpoint import saved_progress
from ..folder import RunFolder, check_version, read_config
from ..session import OnRecord
from ..train import run_training
from . import curves
from .curves import Curve
from .plan import Entry

FILE, PLOT = "compare.json", "compare.png"

_RESTORE = "restore the file, or start a new comparison"

_REMARKS = ("recipe", "description", "source")
"""Settings that only describe the recipe."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of training one recipe; the fields are its keys in JSON."""

    ended: str
    """"steps", "minutes", "patience" or "diverged"."""

    rounds: int
    seconds: float
    """Training time, including evaluations and the time before interruptions."""

    rounds_per_second: float | None = None
    test: dict[str, float] = field(default_factory=dict)
    """Measures of the final generator on the test split, criterion and floor first; empty if training diverged."""

    best: float | None = None
    """The lowest value of the criterion on the validation split during training."""

    best_step: int | None = None
    spread: float | None = None
    """Standard deviation of the criterion over the second half of the evaluations, a measure of instability."""

    evaluations: int = 0
    diverged_step: int | None = None
    message: str = ""
    """The error message if training diverged."""


@dataclass(kw_only=True)
class Candidate:
    """A recipe in a comparison."""

    entry: Entry
    config: Config
    run: RunFolder
    result: Result | None = None


class Comparison:
    """The folder of a comparison: a run for each recipe, and a file with the results.

    Args:
        path: the folder.
        entrants: the recipes, in the order in which they are trained.
        facts: other entries of the file: the data, the criterion, the options.
    """

    def __init__(self, path: Path, entrants: Sequence[Candidate], facts: Mapping[str, Any]) -> None:
        self.path, self.entrants, self.facts = path, list(entrants), dict(facts)

    @property
    def criterion(self) -> str:
        """Name of the measure by which recipes are compared; lower is better."""
        return str(self.facts["criterion"])

    def done(self, entrant: Candidate) -> bool:
        """Return whether training is done: the requested end is reached, or it diverged."""
        if entrant.result is None or not entrant.run.config.is_file():
            return False
        if entrant.result.diverged_step is not None:
            return True
        same = not differences(read_config(entrant.run), entrant.config)
        facts = read_facts(entrant.run.model) if same else {}
        return bool(same and facts["step"] == entrant.result.rounds and "test" in facts["metrics"])

    def train(
        self,
        entrant: Candidate,
        on_record: OnRecord | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Result | None:
        """Train a recipe to its end and return the result; None when it was interrupted and saved.

        A run that diverges also has a result. Other errors are those of `run_training`.
        """
        last = _Last(entrant.run, on_record)
        if entrant.result is not None:
            entrant.result = None
            self.save()
        try:
            overrides = differences(read_config(entrant.run), entrant.config)
            outcome = run_training(entrant.run, overrides, on_record=last, should_stop=should_stop)
        except Diverged as error:
            result = Result(
                ended="diverged",
                rounds=last.step,
                seconds=last.seconds,
                diverged_step=last.step + 1,
                message=error.message,
            )
        else:
            if outcome.reason == "interrupted":
                return None
            test = self._criterion_first(outcome.test)
            result = Result(ended=outcome.reason, rounds=outcome.step, seconds=outcome.seconds, test=test)
        entrant.result = result = self._with_curve(entrant, result)
        self.save()
        return result

    def curves(self) -> list[Curve]:
        """Return the curves of the criterion for the runs that have a result."""
        return [
            curves.read_curve(
                entrant.run.metrics,
                self.criterion,
                title=str(entrant.entry),
                diverged_step=entrant.result.diverged_step,
            )
            for entrant in self.entrants
            if entrant.result is not None
        ]

    @property
    def plot(self) -> Path:
        """Path of the plot."""
        return self.path / PLOT

    def draw(self) -> None:
        """Plot the curves of the runs that have a result."""
        title = f"{PurePath(str(self.facts['data'])).name} (lower is better)"
        curves.save_figure(curves.draw(self.curves(), criterion=self.criterion, title=title), self.plot)

    def to_json(self) -> dict[str, Any]:
        """Return the contents of the comparison's file as JSON values."""
        rows = [
            {"recipe": str(entrant.entry), "folder": entrant.entry.folder}
            | ({"ended": None} if entrant.result is None else dataclasses.asdict(entrant.result))
            for entrant in self.entrants
        ]
        return {"format_version": FORMAT_VERSION, **self.facts, "recipes": rows}

    def save(self) -> None:
        """Write the comparison's file atomically."""
        with new_file(self.path / FILE) as file:
            file.write((json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n").encode())

    def _criterion_first(self, measures: Mapping[str, float]) -> dict[str, float]:
        first = [name for name in (self.criterion, f"{self.criterion}_floor") if name in measures]
        return {name: measures[name] for name in (*first, *measures)}

    def _with_curve(self, entrant: Candidate, result: Result) -> Result:
        """Return the result with best value and spread from the run's records."""
        curve = curves.read_curve(entrant.run.metrics, self.criterion, title=str(entrant.entry))
        best = curve.best()
        return dataclasses.replace(
            result,
            rounds_per_second=round(result.rounds / result.seconds, 3) if result.seconds else None,
            best=None if best is None else best.value,
            best_step=None if best is None else best.step,
            spread=curve.spread(),
            evaluations=len(curve.regular),
        )


class _Last:
    """Keeps the last step of a run during training."""

    def __init__(self, run: RunFolder, on_record: OnRecord | None) -> None:
        at = saved_progress(run)
        self.step, self.seconds = (0, 0.0) if at is None else (at.step, at.seconds)
        self._on_record = on_record

    def __call__(self, record: Record, domain: Domain) -> None:
        self.step, self.seconds = record.step, record.seconds
        if self._on_record is not None:
            self._on_record(record, domain)


def differences(before: Config, after: Config) -> dict[str, object]:
    """Return the settings that differ and affect training: dotted name -> new value."""
    return {name: value for name, value in configs.changes(before, after).items() if name not in _REMARKS}


def read_file(out: Path) -> tuple[dict[str, Any], dict[str, Result | None]]:
    """Return the common entries of a comparison's file, and recipe -> result.

    Raises CheckpointError when the file cannot be read, is incomplete, or has a newer format.
    """
    path = out / FILE
    facts = read_json(path, _RESTORE)
    try:
        version = checked_value(int, facts.pop("format_version"), "format_version")
        check_version(path, version)
        rows = checked_value(Annotated[list[dict[str, Any]], Between(0, 10_000)], facts.pop("recipes"), "recipes")
        results = {checked_value(Name, row["recipe"], "recipe"): _result(row) for row in rows}
        missing = {"data", "sha256", "criterion"} - facts.keys()
    except (SchemaError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})", _RESTORE) from None
    if missing:
        raise CheckpointError(f"{path}: {min(missing)} is missing", _RESTORE)
    return facts, results


def _result(row: Mapping[str, Any]) -> Result | None:
    if row["ended"] is None:
        return None
    return from_json(Result, row)
