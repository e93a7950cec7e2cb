"""Compare recipes: train them one after the other on the same data, resumably, in one folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from ... import config as configs
from ...config import FORMAT_VERSION, Config
from ...errors import CheckpointError, Diverged
from ...training.domain import Domain
from ...training.record import Record
from ...utils.atomic_files import new_file
from ...utils.tensor_file import read_facts
from ..folder import RunFolder, check_version, read_config
from ..session import OnRecord
from ..train import run_training
from . import curves
from .curves import Curve
from .plan import Entry

FILE, PLOT = "compare.json", "compare.png"

_REMARKS = ("recipe", "description", "source")
"""Settings that only say what others are."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a recipe did; its keys in JSON."""

    ended: str
    """"steps", "minutes", "patience" or "diverged"."""

    rounds: int
    seconds: float
    """Of training, evaluations counted, over every interruption."""

    rounds_per_second: float | None = None
    test: dict[str, float] = field(default_factory=dict)
    """Measures of the final generator against the test half, the criterion and its floor first; empty if diverged."""

    best: float | None = None
    """The criterion's lowest value against the validation half, at the evaluations while it was trained."""

    best_step: int | None = None
    spread: float | None = None
    """Standard deviation of the criterion over the second half of those evaluations: how unsteady training was."""

    evaluations: int = 0
    diverged_step: int | None = None
    message: str = ""
    """What was not finite, where it diverged."""


@dataclass(kw_only=True)
class Candidate:
    """A recipe in a comparison."""

    entry: Entry
    config: Config
    run: RunFolder
    result: Result | None = None


class Comparison:
    """A comparison's folder: a run for each recipe, and a file with what they came to.

    Args:
        path: the folder.
        entrants: in the order in which they are trained.
        facts: what the file says besides: the data, the criterion, what was asked for.
    """

    def __init__(self, path: Path, entrants: Sequence[Candidate], facts: Mapping[str, Any]) -> None:
        self.path, self.entrants, self.facts = path, list(entrants), dict(facts)

    @property
    def criterion(self) -> str:
        """Name of the measure that recipes are compared by: the lower, the better."""
        return str(self.facts["criterion"])

    def done(self, entrant: Candidate) -> bool:
        """Say whether there is nothing left to do: at the end that is asked for, or diverged."""
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
        """Train a recipe to its end and return how it did; None when it was told to stop, and is saved.

        A run that diverges is a result like others. Other errors are those of `run_training`.
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
        """Return the criterion over the runs that have a result."""
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
        """The picture of the curves."""
        return self.path / PLOT

    def draw(self) -> None:
        """Draw the curves of the runs that have a result."""
        title = f"{PurePath(str(self.facts['data'])).name} (lower is better)"
        curves.save_figure(curves.draw(self.curves(), criterion=self.criterion, title=title), self.plot)

    def to_json(self) -> dict[str, Any]:
        """Return what the comparison's file says, as JSON values."""
        rows = [
            {"recipe": str(entrant.entry), "folder": entrant.entry.folder}
            | ({"ended": None} if entrant.result is None else dataclasses.asdict(entrant.result))
            for entrant in self.entrants
        ]
        return {"format_version": FORMAT_VERSION, **self.facts, "recipes": rows}

    def save(self) -> None:
        """Write the comparison's file, at once or not at all."""
        with new_file(self.path / FILE) as file:
            file.write((json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n").encode())

    def _criterion_first(self, measures: Mapping[str, float]) -> dict[str, float]:
        first = [name for name in (self.criterion, f"{self.criterion}_floor") if name in measures]
        return {name: measures[name] for name in (*first, *measures)}

    def _with_curve(self, entrant: Candidate, result: Result) -> Result:
        """Return a result with what the run's records say of the way to it."""
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
    """The last step that a run has done, kept while it goes on."""

    def __init__(self, run: RunFolder, on_record: OnRecord | None) -> None:
        facts = read_facts(run.checkpoint) if run.checkpoint.is_file() else {}
        self.step, self.seconds = int(facts.get("step", 0)), float(facts.get("seconds", 0.0))
        self._on_record = on_record

    def __call__(self, record: Record, domain: Domain) -> None:
        self.step, self.seconds = record.step, record.seconds
        if self._on_record is not None:
            self._on_record(record, domain)


def differences(before: Config, after: Config) -> dict[str, object]:
    """Return the settings that differ and that training depends on: dotted name -> what it is afterwards."""
    return {name: value for name, value in configs.changes(before, after).items() if name not in _REMARKS}


def read_file(out: Path) -> tuple[dict[str, Any], dict[str, Result | None]]:
    """Return what a comparison's file says of all recipes, and recipe -> its result.

    Raises CheckpointError when it cannot be read, is not whole, or is of a newer format.
    """
    path = out / FILE
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, rows = int(facts.pop("format_version")), facts.pop("recipes")
        check_version(path, version)
        results = {str(row["recipe"]): _result(row) for row in rows}
        missing = {"data", "sha256", "criterion"} - facts.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error})", "restore the file, or start a new comparison"
        ) from None
    if missing:
        raise CheckpointError(f"{path}: {min(missing)} is missing", "restore the file, or start a new comparison")
    return facts, results


def _result(row: Mapping[str, Any]) -> Result | None:
    if row["ended"] is None:
        return None
    return Result(**{name: value for name, value in row.items() if name not in ("recipe", "folder")})
