"""DomainAdapter: everything outside the trainer that depends on the kind of data, such as reading and evaluation.

Training, evaluation, reports, export and commands call the adapter and never ask which kind of data they have. To add a
kind of data, write a subclass, register it in `seqgan_wgp.domains.DOMAINS`, and add an entry to
`config.kinds.DATA_KINDS`. tests/fourth_domain.py is a complete example.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from ..config import Config
from ..config.kinds import DATA_KINDS
from ..errors import ConfigError, did_you_mean
from ..utils.progress import OnBytes, OnStep, Watch, unwatched
from .domain import DataSpec, Domain, Items, StoredSpec
from .report_data import ReportData
from .trial import TrialData

MAX_ORDERS = 8
"""Largest n of the n-gram measures."""

WriteItems: TypeAlias = Callable[[Iterable[Items]], None]
"""Writes compact items, which are given in parts, to its destination."""


class DataFiles(Protocol):
    """Data that can be written to a run's folder."""

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write the data to a run's folder, where `DomainAdapter.open` finds it."""


class PreparedData(DataFiles, Protocol):
    """Scanned data: its description, and how it is written to a run's folder."""

    @property
    def name(self) -> str:
        """Short name of the data, also used in folder names."""

    @property
    def label(self) -> str:
        """Name of the data in messages, as the user gave it."""

    @property
    def size(self) -> int | None:
        """Number of bytes that `write` will read; None if unknown, or small."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, as hexadecimal digits."""

    def summary(self) -> str:
        """Return a description of the data in one line."""

    def warnings(self) -> list[str]:
        """Return warnings about the data that a user should read before training."""

    def decide(self, config: Config) -> Config:
        """Return the config with every "auto" that depends on the data resolved. Raises ConfigError if that fails."""

    def trial(self, config: Config) -> TrialData:
        """Return what timing trials need to know about the data; the config is the result of `decide`."""


class TrainedModel(Protocol):
    """The parts of a trained model that an evaluation uses."""

    config: Config
    facts: dict[str, Any]
    generator: nn.Module
    critic: nn.Module
    device: torch.device

    @property
    def spec(self) -> DataSpec:
        """The kind of data."""

    def refined(self) -> TrainedModel:
        """Return the model restricted to items that its refiner accepts. Raises ConfigError if it has no refiner."""

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Items]:
        """Yield n generated items in blocks; item k is a function of the model, the seed and k."""

    def tables(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Tensor]:
        """Yield the same items before decoding, as points of critic space."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A loaded model, and where it came from."""

    model: TrainedModel
    label: str
    """Name of the model in messages."""

    run: Path | None
    """Run folder; None if the model was given as a file or by name."""


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options of an evaluation. None stands for the default of the kind of data."""

    corpus: Any = None
    data: Path | None = None
    weights: str | None = None
    """For text: name of the column with counts."""

    samples: int | None = None
    legacy: bool = False
    guesses: tuple[int, ...] | None = None
    orders: int | None = None
    c2st_steps: int | None = None
    """Training steps of the classifier two-sample test; 0 leaves it out."""

    refine: bool = False
    """Whether to evaluate only strings that the refiner accepts."""

    seed: int = 0
    baseline_seconds: float | None = None
    temperatures: tuple[float, ...] | None = None
    valid: str | None = None
    log_probability: bool = False
    """Whether to measure the probability of test lines under the model."""

    def check(self) -> None:
        """Raise ConfigError for an invalid number, or options that exclude each other."""
        if self.samples is not None and self.samples < 1:
            raise ConfigError(f"--samples is {self.samples}, but it must be at least 1")
        if self.samples is not None and self.legacy:
            raise ConfigError("--samples cannot be used with --legacy, which always uses 640", "leave one of them out")
        if self.orders is not None and not 1 <= self.orders <= MAX_ORDERS:
            raise ConfigError(f"--orders is {self.orders}, but it must be 1 to {MAX_ORDERS}")
        for number in self.guesses or ():
            if number < 1:
                raise ConfigError(f"--guesses is {number}, but it must be at least 1")
        if self.baseline_seconds is not None and not 0 <= self.baseline_seconds < math.inf:
            raise ConfigError(
                f"--baseline-seconds is {self.baseline_seconds:g}, but it must be 0, for no baseline, or more"
            )
        if self.c2st_steps is not None and self.c2st_steps < 0:
            raise ConfigError(f"--c2st-steps is {self.c2st_steps}, but it must be at least 1, or 0 to leave it out")
        if self.weights is not None and self.corpus is None:
            raise ConfigError(
                "--weights names a column of CORPUS, but no CORPUS is given", "give it, or leave --weights out"
            )
        if self.seed < 0:
            raise ConfigError(f"--seed is {self.seed}, but it must not be negative")
        self._check_temperatures()

    def _check_temperatures(self) -> None:
        for temperature in self.temperatures or ():
            if not 0 < temperature < math.inf:
                raise ConfigError(f"--temperatures has {temperature:g}, but each must be above 0, and finite")
        if self.temperatures and self.baseline_seconds == 0:
            raise ConfigError(
                "--temperatures needs the autoregressive baseline, which --baseline-seconds 0 leaves out",
                "give --baseline-seconds a number above 0, or leave it out",
            )
        if self.temperatures and self.refine:
            raise ConfigError(
                "--temperatures does not go with --refine: the refiner learnt from strings decoded by argmax",
                "leave one of the two out",
            )

    def refuse(self, kind: str, *names: str) -> None:
        """Raise ConfigError if one of the named options is given, which do not apply to this kind of data."""
        for name in names:
            if getattr(self, name):
                option = "CORPUS" if name == "corpus" else f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option} does not apply to a model of {kind}", "leave it out")


MeasureRow: TypeAlias = tuple[str, str, str, str]
"""A row of the table of measures: name, value, what to compare it with, and what it means here."""


@dataclass(frozen=True, kw_only=True)
class EvalTable:
    """A further table of an evaluation."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells may contain strings of a corpus."""

    numbers: int = 0
    """Number of columns at the end that contain numbers."""

    empty: str = ""
    """Text to show if there are no rows."""


class Evaluation(Protocol):
    """The result of an evaluation; each kind of data has its own class."""

    @property
    def summary(self) -> tuple[str, ...]:
        """The result in a few sentences."""

    @property
    def method(self) -> str:
        """How the result was measured, in one line."""

    @property
    def rows(self) -> list[MeasureRow]:
        """The table of measures, one row each."""

    @property
    def tables(self) -> tuple[EvalTable, ...]:
        """Further tables."""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values; docs/metrics.md describes the keys."""


@dataclass(frozen=True, kw_only=True)
class CardData:
    """The parts of a model card that depend on the kind of data."""

    name: str
    """Name of the training data."""

    rows: Sequence[tuple[str, str]]
    """(label, value) of further facts about the data."""

    limits: Sequence[str]
    """Paragraphs about intended use and limits, in Markdown."""


class DomainAdapter(ABC):
    """One kind of data: how it is read, evaluated, reported and written, and what commands call it."""

    name: ClassVar[str]
    """The value of the setting `domain`, and the key in DOMAINS and in `config.kinds.DATA_KINDS`."""

    spec_type: ClassVar[type[StoredSpec]]
    """Class of the spec that a model file stores."""

    items: ClassVar[str]
    """Plural of a generated item, e.g. "images"."""

    description: ClassVar[str]
    """Description of both networks for a model card: "A generator of images, and a critic that scores images"."""

    recipe: ClassVar[str]
    """The default recipe."""

    recipe_hint: ClassVar[str]
    """Remedy in the message for a recipe of another kind of data."""

    generate_hint: ClassVar[str] = "-n 1000"
    """Options of `generate` that `train` suggests at its end."""

    hub_task: ClassVar[str] = "other"
    """Name of the task on the Hugging Face Hub."""

    hub_tags: ClassVar[tuple[str, ...]] = ()
    output_name: ClassVar[str] = "points"
    """Name of an exported graph's output, which is a point of critic space for each latent."""

    formats: ClassVar[tuple[str, ...]] = ("txt", "jsonl", "csv")
    """Allowed values of `generate --format`."""

    files: ClassVar[frozenset[str]]
    """Names of the files that `PreparedData.write` writes to a run's folder."""

    has_strings: ClassVar[bool] = False
    """Whether items are strings, which can be scored, filtered and constrained. Then the spec is a `TextSpec`."""

    is_readable: ClassVar[bool] = True
    """Whether `DataSpec.to_text` shows an item completely, which it does not for an image."""

    @property
    def has_rules(self) -> bool:
        """Whether `PreparedData.decide` chooses some settings by rules."""
        return DATA_KINDS[self.name].has_rules

    def claims(self, inputs: Sequence[str]) -> bool:
        """Return whether the arguments of `train` or `compare` name data of this kind."""
        del inputs
        return False

    def open_inputs(self, inputs: Sequence[str], data: Path | None = None) -> Any:
        """Return the source for `scan`, given the arguments of a command and the value of `--data`.

        Raises:
            ConfigError, CorpusError: there is nothing of this name that can be opened.
        """
        if data is not None:
            raise ConfigError("--data is for images only", "leave it out, or use: compare mnist --data DIR")
        return inputs[0] if len(inputs) == 1 else list(inputs)

    def settings(self, source: Any) -> dict[str, object]:
        """Return the settings that follow from the choice of data, dotted name -> value.

        Args:
            source: a source for `scan`, or the result of `open_inputs`.
        """
        del source
        return {}

    def improvements(self, config: Config, run: Path) -> Sequence[str]:  # noqa: ARG002 (others need both)
        """Return commands, without the program's name, that improve the samples of a finished run."""
        return ()

    @abstractmethod
    def scan(self, source: Any, config: Config, watch: Watch = unwatched) -> PreparedData:
        """Read data once, and return it with what was found.

        Args:
            source: the data, as an argument of `seqgan_wgp.train`.
            config: settings of how it is read.
            watch: called as bytes are read or downloaded.

        Raises:
            CorpusError: the data cannot be read, or is not suitable for training.
        """

    @abstractmethod
    def open(self, folder: Path, config: Config, device: torch.device) -> Domain:
        """Open the data in a run's folder. Raises CheckpointError when it is missing or damaged."""

    @abstractmethod
    def evaluate(self, loaded: LoadedModel, options: EvalOptions, on_step: OnStep, on_bytes: OnBytes) -> Evaluation:
        """Measure a model against the test split of its data; see `seqgan_wgp.evaluate`."""

    @abstractmethod
    def report_data(self, folder: Path, config: Config, samples: Items | None) -> ReportData:
        """Return the report's comparison of the data with generated items (None: there is no model yet)."""

    @abstractmethod
    def card_data(self, facts: Mapping[str, Any]) -> CardData:
        """Return data for a model card from a model file's facts. Raises KeyError or TypeError if one is missing."""

    @abstractmethod
    def write_samples(self, config: Config, spec: DataSpec, samples: Items, stem: Path) -> None:
        """Write the first samples of an evaluation to a readable file, whose extension is added to `stem`."""

    def write_film(self, pictures: Mapping[int, Path], path: Path) -> None:
        """Write an animation from step -> sample picture, if samples are pictures."""
        del pictures, path

    def lines(self, spec: DataSpec, parts: Iterable[Items], format_: str) -> Iterator[str]:
        """Yield generated items as text in a format, with line feeds, after the format's header."""
        del format_
        return (line + "\n" for part in parts for line in spec.to_text(part))

    def items_writer(
        self, output: str | None, count: int, *, columns: int | None = None, overwrite: bool = False
    ) -> WriteItems | None:
        """Return a writer of `count` generated items to files; None if items are lines of text.

        Raises ConfigError when they cannot be written there, or not in this form.
        """
        del output, count, overwrite
        if columns is not None:
            raise ConfigError(
                "--columns is for image grids only, and this model does not generate images", "leave it out"
            )
        return None

    def interpolation_writer(self, output: str | None, *, overwrite: bool = False) -> WriteItems | None:
        """Return the writer of an interpolation; None if items are lines of text. Errors as `items_writer`."""
        del output, overwrite
        return None

    def check_format(self, format_: str) -> None:
        """Raise ConfigError unless `generate` supports the format."""
        if format_ not in self.formats:
            known = f"choose one of: {', '.join(self.formats)}"
            raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, self.formats)}", known)
