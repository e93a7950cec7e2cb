"""DomainAdapter: the interface between one kind of data and the rest of the package outside the trainer.

What trains, evaluates, reports, exports and commands asks the adapter of the data, and never which kind it has. A new
kind of data is a subclass, registered in `seqgan_wgp.domains.DOMAINS`, and an entry of `config.kinds.DATA_KINDS`;
tests/fourth_domain.py is a whole one.
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

ORDERS_MOST = 8
"""N-grams are measured for n = 1 .. so many at most."""

WriteItems: TypeAlias = Callable[[Iterable[Items]], None]
"""Writes compact items, given some at a time, to where it was made for."""


class DataFiles(Protocol):
    """Data that can be written to a run's folder."""

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write the data to a run's folder, as `DomainAdapter.open` finds it."""


class PreparedData(DataFiles, Protocol):
    """Data that has been scanned: what it is, and how it gets into a run's folder."""

    @property
    def name(self) -> str:
        """What the data is called, in names of folders too."""

    @property
    def label(self) -> str:
        """What messages call it: as the user named it."""

    @property
    def size(self) -> int | None:
        """Bytes that `write` reads; None where that is not known, or little."""

    @property
    def sha256(self) -> str:
        """Hash of the content, in hexadecimal digits."""

    def summary(self) -> str:
        """Return what the data is, in one line."""

    def warnings(self) -> list[str]:
        """Return what a user should know about it before training."""

    def decide(self, config: Config) -> Config:
        """Return the config with all that depends on the data decided. Raises ConfigError where that cannot be."""

    def trial(self, config: Config) -> TrialData:
        """Return what trials of the machine need to know of the data; the config is a decided one."""


class TrainedModel(Protocol):
    """What an evaluation sees of a trained model."""

    config: Config
    facts: dict[str, Any]
    generator: nn.Module
    critic: nn.Module
    device: torch.device

    @property
    def spec(self) -> DataSpec:
        """The kind of data."""

    def refined(self) -> TrainedModel:
        """Return the model with only the items that its refiner accepts. Raises ConfigError where it has none."""

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Items]:
        """Yield n generated items, some at a time; item k is a function of the seed and k alone."""

    def tables(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Tensor]:
        """Yield the points of critic space that the items are decoded from."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A trained model that has been loaded."""

    model: TrainedModel
    label: str
    """What messages call it."""

    run: Path | None
    """Its run's folder, where it was named by that."""


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options of an evaluation; None: the kind of data decides."""

    corpus: Any = None
    data: Path | None = None
    weights: str | None = None
    """Column of the counts in a corpus of text."""

    samples: int | None = None
    legacy: bool = False
    guesses: tuple[int, ...] | None = None
    orders: int | None = None
    c2st_steps: int | None = None
    """Of the classifier two-sample test; 0 leaves it out."""

    refine: bool = False
    """Whether the model is one whose strings its refiner accepts."""

    seed: int = 0
    baseline_seconds: float | None = None
    temperatures: tuple[float, ...] | None = None
    valid: str | None = None
    log_probability: bool = False
    """Whether to measure the probability of test lines under the model."""

    def check(self) -> None:
        """Raise ConfigError for a number out of bounds, or options that do not go together."""
        if self.samples is not None and self.samples < 1:
            raise ConfigError(f"--samples is {self.samples}, but it must be at least 1")
        if self.samples is not None and self.legacy:
            raise ConfigError("--samples cannot be used with --legacy, which always uses 640", "leave one of them out")
        if self.orders is not None and not 1 <= self.orders <= ORDERS_MOST:
            raise ConfigError(f"--orders is {self.orders}, but it must be 1 to {ORDERS_MOST}")
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
        """Raise ConfigError when one of the named options is given, which a model of this kind has no use for."""
        for name in names:
            if getattr(self, name):
                option = "CORPUS" if name == "corpus" else f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option} does not apply to a model of {kind}", "leave it out")


MeasureRow: TypeAlias = tuple[str, str, str, str]
"""A measure: its name, its value, what to hold it against, and what it means here."""


@dataclass(frozen=True, kw_only=True)
class EvalTable:
    """A table that an evaluation has besides its measures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """May hold strings of a corpus."""

    numbers: int = 0
    """The last so many columns are numbers."""

    empty: str = ""
    """What is said where there are no rows."""


class Evaluation(Protocol):
    """What an evaluation found; each kind of data has its own."""

    @property
    def summary(self) -> tuple[str, ...]:
        """The result in a few sentences."""

    @property
    def method(self) -> str:
        """How it was measured, in one line."""

    @property
    def rows(self) -> list[MeasureRow]:
        """One for each measure."""

    @property
    def tables(self) -> tuple[EvalTable, ...]:
        """What else there is to show."""

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; docs/metrics.md says what each key is."""


@dataclass(frozen=True, kw_only=True)
class CardData:
    """What a model card says that depends on the kind of data."""

    name: str
    """Of the data that was trained on."""

    rows: Sequence[tuple[str, str]]
    """Label and value of what else there is to say of the data."""

    limits: Sequence[str]
    """Intended use and limits, a sentence or a few each; Markdown."""


class DomainAdapter(ABC):
    """One kind of data: how it is prepared, opened, evaluated, shown and written, and how commands speak of it."""

    name: ClassVar[str]
    """The setting `domain`, and the key in DOMAINS and in `config.kinds.DATA_KINDS`."""

    spec_type: ClassVar[type[StoredSpec]]
    """What a model file stores about its data."""

    items: ClassVar[str]
    """What several generated items are called: "images"."""

    description: ClassVar[str]
    """What the two networks are, for a model card: "A generator of images, and a critic that scores images"."""

    recipe: ClassVar[str]
    """The recipe that training starts from unless another one is named."""

    recipe_hint: ClassVar[str]
    """What to do where a recipe for another kind of data was named with this kind of data."""

    generate_hint: ClassVar[str] = "-n 1000"
    """Options of `generate` that are a good next step after training."""

    hub_task: ClassVar[str] = "other"
    """What the Hugging Face Hub calls the task."""

    hub_tags: ClassVar[tuple[str, ...]] = ()
    output_name: ClassVar[str] = "points"
    """Name of the output of an exported graph: a point of critic space for each latent."""

    formats: ClassVar[tuple[str, ...]] = ("txt", "jsonl", "csv")
    """What `generate --format` accepts."""

    files: ClassVar[frozenset[str]]
    """Names of the files that `PreparedData.write` writes to a run's folder."""

    has_strings: ClassVar[bool] = False
    """Whether items are strings of a vocabulary, which can be scored, filtered and constrained; the spec has both."""

    is_readable: ClassVar[bool] = True
    """Whether `DataSpec.to_text` says all there is to an item, as it does not of a picture."""

    @property
    def has_rules(self) -> bool:
        """Whether `PreparedData.decide` decides settings by rule."""
        return DATA_KINDS[self.name].has_rules

    def claims(self, inputs: Sequence[str]) -> bool:
        """Say whether the words that `train` or `compare` was given name data of this kind."""
        del inputs
        return False

    def open_inputs(self, inputs: Sequence[str], data: Path | None = None) -> Any:
        """Return what `scan` takes, given the words of a command line and the value of `--data`.

        Raises:
            ConfigError, CorpusError: they name nothing that can be opened.
        """
        if data is not None:
            raise ConfigError("--data is for images only", "leave it out, or use: compare mnist --data DIR")
        return inputs[0] if len(inputs) == 1 else list(inputs)

    def settings(self, source: Any) -> dict[str, object]:
        """Return the settings that naming the data decides, dotted name -> value.

        Args:
            source: what `scan` or `open_inputs` takes.
        """
        del source
        return {}

    def improvements(self, config: Config, run: Path) -> Sequence[str]:  # noqa: ARG002 (others need both)
        """Return the commands, without the program's name, that make the items of a run with these settings better."""
        return ()

    @abstractmethod
    def scan(self, source: Any, config: Config, watch: Watch = unwatched) -> PreparedData:
        """Look at data once.

        Args:
            source: the data, as `seqgan_wgp.train` takes it.
            config: says how it is read.
            watch: told of bytes that are read or downloaded.

        Raises:
            CorpusError: it cannot be read or learnt from.
        """

    @abstractmethod
    def open(self, folder: Path, config: Config, device: torch.device) -> Domain:
        """Open the data that was prepared in a run's folder. Raises CheckpointError when it is not there or damaged."""

    @abstractmethod
    def evaluate(self, loaded: LoadedModel, options: EvalOptions, on_step: OnStep, on_bytes: OnBytes) -> Evaluation:
        """Measure a model against the test half of its data; see `seqgan_wgp.evaluate`."""

    @abstractmethod
    def report_data(self, folder: Path, config: Config, samples: Items | None) -> ReportData:
        """Return what a run's report shows of the data beside generated items (None: there is no model yet)."""

    @abstractmethod
    def card_data(self, facts: Mapping[str, Any]) -> CardData:
        """Return what a model card says of a model file's facts. Raises KeyError or TypeError where one is missing."""

    @abstractmethod
    def write_samples(self, config: Config, spec: DataSpec, samples: Items, stem: Path) -> None:
        """Write the first items of an evaluation to a file for people; the kind adds the ending to `stem`."""

    def write_film(self, pictures: Mapping[int, Path], path: Path) -> None:
        """Make a film of step -> file of samples, where samples are pictures."""
        del pictures, path

    def lines(self, spec: DataSpec, parts: Iterable[Items], format_: str) -> Iterator[str]:
        """Yield generated items as text of a format, line feeds included; first what the file begins with."""
        del format_
        return (line + "\n" for part in parts for line in spec.to_text(part))

    def items_writer(
        self, output: str | None, count: int, *, columns: int | None = None, overwrite: bool = False
    ) -> WriteItems | None:
        """Return what writes `count` generated items to files of their own; None where items are lines of text.

        Raises ConfigError when they cannot be written there, or not in this form.
        """
        del output, count, overwrite
        if columns is not None:
            raise ConfigError(
                "--columns is for image grids only, and this model does not generate images", "leave it out"
            )
        return None

    def interpolation_writer(self, output: str | None, *, overwrite: bool = False) -> WriteItems | None:
        """Return what writes the items between two latents; None where they are lines of text. Raises ConfigError."""
        del output, overwrite
        return None

    def check_format(self, format_: str) -> None:
        """Raise ConfigError unless `generate` has such a format."""
        if format_ not in self.formats:
            known = f"choose one of: {', '.join(self.formats)}"
            raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, self.formats)}", known)
