"""A whole kind of data in one file: sequences of real numbers, (N, L) rows of a .npy file.

It shows what another kind of data takes: a spec, a domain, prepared data, what an evaluation finds, and the adapter
that ties them together. `registered()` makes it known; then `train`, `generate`, `evaluate`, `report` and the rest do.

Shape suffixes: B batch, N sequences, L length, Z latent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config
from seqgan_wgp.config.kinds import DATA_KINDS, DataKind
from seqgan_wgp.domains import DOMAINS, DomainAdapter
from seqgan_wgp.errors import CheckpointError, CorpusError
from seqgan_wgp.registry import CRITICS, GENERATORS, Network, Registry
from seqgan_wgp.training.adapter import CardData, EvalOptions, EvalTable, LoadedModel, MeasureRow
from seqgan_wgp.training.domain import DataSpec, Items
from seqgan_wgp.training.report_data import Histogram, ReportData
from seqgan_wgp.training.trial import TrialData
from seqgan_wgp.utils.counter_rng import Stream, shuffled
from seqgan_wgp.utils.progress import OnBytes, OnStep, Watch, unwatched

ROWS, FACTS = "series.npy", "series.json"
PREFIX = "series:"
HELD_OUT = 0.25
"""Share of the sequences for each of both halves that are never trained on."""

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SeriesFacts:
    """What the sequences were; written beside a run and into the model."""

    name: str
    sha256: str
    count: int
    length: int

    @property
    def held_out(self) -> int:
        """Sequences in each half that is never trained on."""
        return int(HELD_OUT * self.count)

    def summary(self) -> str:
        """Return what the sequences are, in one line."""
        return f"{self.name}: {self.count:,} sequences of {self.length} numbers"


class SeriesSpec:
    """What a model of sequences is without its data: a length."""

    def __init__(self, facts: SeriesFacts) -> None:
        self.facts = facts
        self.event_shape: tuple[int, ...] = (facts.length,)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> SeriesSpec:
        """Return the length, as a model file has it."""
        if "series" not in facts:
            raise CheckpointError("the model file lacks what its sequences were")
        return cls(SeriesFacts(**facts["series"]))

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a fresh generator, (B, Z) -> (B, L), and critic, (B, L) -> (B,)."""
        generator = nn.Sequential(
            nn.Linear(config.generator.latent, config.generator.width),
            nn.ReLU(),
            nn.Linear(config.generator.width, self.facts.length),
        )
        critic = nn.Sequential(
            nn.Linear(self.facts.length, config.critic.width),
            nn.LeakyReLU(0.2),
            nn.Linear(config.critic.width, 1),
            nn.Flatten(0),
        )
        return generator, critic

    def embed(self, ids: Tensor) -> Tensor:
        """Return the sequences: they are points of critic space already."""
        return ids

    def decode(self, fake: Tensor) -> Rows:
        """Return generated sequences on the host."""
        rows_NL: Rows = fake.detach().cpu().numpy()
        return rows_NL

    def to_text(self, samples: Items) -> list[str]:
        """Return the numbers with three places, blanks between."""
        return [" ".join(f"{value:.3f}" for value in row) for row in samples.tolist()]

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to write into a model file."""
        return {"series": dataclasses.asdict(self.facts)}


class SeriesDomain:
    """Sequences, as the trainer's Domain: measured by how far sorted values are from those of held-out sequences."""

    criterion = "w1"

    def __init__(self, rows_NL: Rows, facts: SeriesFacts, config: Config, device: torch.device) -> None:
        self.spec, self.config, self.device = SeriesSpec(facts), config, device
        self.rows_NL = rows_NL
        self.size = facts.count - 2 * facts.held_out
        self.held_out_size = facts.held_out
        self.samples = config.evaluation.samples or facts.held_out

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return training sequences, float32 (B, L), on the device."""
        return torch.from_numpy(self.rows_NL[indices_B]).to(self.device)

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return validation sequences, float32 (B, L), on the device."""
        return torch.from_numpy(self.half("validation")[indices_B]).to(self.device)

    def half(self, name: str) -> Rows:
        """Return the sequences of a half."""
        first = self.size + (self.held_out_size if name == "test" else 0)
        return self.rows_NL[first : first + self.held_out_size]

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        """Return w1 of all values, and its floor: training sequences in the samples' stead."""
        chosen_N = shuffled(self.config.training.seed, Stream.FLOOR, np.arange(len(samples)), self.size)
        real_NL = self.half(half)
        floor = _distance(self.rows_NL[chosen_N], real_NL)
        return {"w1": _distance(samples, real_NL), "w1_floor": floor}


def _distance(one_NL: Rows, other_NL: Rows) -> float:
    """Return the Wasserstein distance of the values of two sets, by 101 quantiles."""
    levels = np.linspace(0, 1, 101)
    return float(np.abs(np.quantile(one_NL, levels) - np.quantile(other_NL, levels)).mean())


@dataclass(frozen=True, kw_only=True)
class PreparedSeries:
    """Sequences that have been read."""

    rows_NL: Rows
    facts: SeriesFacts
    label: str
    size: int | None = None

    @property
    def name(self) -> str:
        """Of the file."""
        return self.facts.name

    @property
    def sha256(self) -> str:
        """Of the numbers."""
        return self.facts.sha256

    def summary(self) -> str:
        """Return what the sequences are, in one line."""
        return self.facts.summary()

    def warnings(self) -> list[str]:
        """Warn of few sequences."""
        return ["fewer than 100 sequences teach little"] if self.facts.count < 100 else []

    def decide(self, config: Config) -> Config:
        """Return the config as it is."""
        return config

    def trial(self, config: Config) -> TrialData:
        """Return what trials of the machine need to know of the sequences."""
        samples = config.evaluation.samples or self.facts.held_out
        return TrialData(spec=SeriesSpec(self.facts), size=self.facts.count - 2 * self.facts.held_out, samples=samples)

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write numbers and facts to a run's folder."""
        np.save(folder / ROWS, self.rows_NL)
        on_bytes(self.rows_NL.nbytes)
        (folder / FACTS).write_text(json.dumps(dataclasses.asdict(self.facts)))


@dataclass(frozen=True, kw_only=True)
class SeriesEvaluation:
    """What an evaluation found."""

    n: int
    measures: dict[str, float]
    tables: tuple[EvalTable, ...] = ()

    @property
    def summary(self) -> tuple[str, ...]:
        """How far it is, in a sentence."""
        return (f"distance: {self.measures['w1']:.3f}, real sequences {self.measures['w1_floor']:.3f}",)

    @property
    def method(self) -> str:
        """How it was measured."""
        return f"{self.n:,} generated sequences against the test half"

    @property
    def rows(self) -> list[MeasureRow]:
        """The one measure."""
        floor = f"floor {self.measures['w1_floor']:.4f}"
        return [("w1", f"{self.measures['w1']:.4f}", floor, "distance of all values")]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"domain": "series", "n": self.n, **self.measures}


def _open(folder: Path) -> tuple[Rows, SeriesFacts]:
    try:
        facts = SeriesFacts(**json.loads((folder / FACTS).read_text()))
        return np.load(folder / ROWS), facts
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: the sequences cannot be read ({error})") from None


class SeriesAdapter(DomainAdapter):
    """Sequences of numbers."""

    name = "series"
    spec_type = SeriesSpec
    items = "sequences"
    description = "A generator of sequences of numbers, and a critic that scores them"
    recipe = "toy"
    recipe_hint = "take toy"
    files = frozenset({ROWS, FACTS})
    formats = ("txt",)

    def claims(self, inputs: Sequence[str]) -> bool:
        """Say whether the word begins with series: as in series:waves.npy."""
        return len(inputs) == 1 and inputs[0].startswith(PREFIX)

    def settings(self, source: Any) -> dict[str, object]:
        """Return that this is the kind of data, whatever the recipe says."""
        del source
        return {"domain": self.name}

    def scan(self, source: Any, config: Config, watch: Watch = unwatched) -> PreparedSeries:
        """Read a .npy file, as series:FILE or as a path, or take an array."""
        del config, watch
        name, label = "numbers", "the given numbers"
        if isinstance(source, str | Path):
            path = Path(str(source).removeprefix(PREFIX))
            name, label = path.stem, str(source)
            try:
                source = np.load(path)
            except (OSError, ValueError) as error:
                raise CorpusError(f"{label}: cannot be read ({error})") from None
        rows_NL = np.ascontiguousarray(source, dtype=np.float32)
        if rows_NL.ndim != 2 or len(rows_NL) < 8:
            raise CorpusError(f"{label}: is {rows_NL.shape}, not (N, L) with N of 8 or more")
        sha256 = hashlib.sha256(rows_NL.tobytes()).hexdigest()
        facts = SeriesFacts(name=name, sha256=sha256, count=len(rows_NL), length=rows_NL.shape[1])
        return PreparedSeries(rows_NL=rows_NL, facts=facts, label=label)

    def open(self, folder: Path, config: Config, device: torch.device) -> SeriesDomain:
        """Open the sequences of a run's folder."""
        return SeriesDomain(*_open(folder), config, device)

    def evaluate(
        self, loaded: LoadedModel, options: EvalOptions, on_step: OnStep, on_bytes: OnBytes
    ) -> SeriesEvaluation:
        """Measure a model against the test half of its run's sequences."""
        del on_bytes
        options.refuse(self.items, "corpus", "data", "legacy", "guesses", "orders")
        if loaded.run is None:
            raise CheckpointError(f"{loaded.label}: a model without its run has no sequences", "name the run's folder")
        domain = self.open(loaded.run, loaded.model.config, loaded.model.device)
        count = options.samples or domain.held_out_size
        on_step(f"generating {count:,} sequences", 0.0)
        samples = np.concatenate(list(loaded.model.samples(count, seed=options.seed)))
        return SeriesEvaluation(n=count, measures=domain.score(samples, half="test"))

    def report_data(self, folder: Path, config: Config, samples: Items | None) -> ReportData:
        """Return real sequences, and how values are spread."""
        rows_NL, facts = _open(folder)
        domain = SeriesDomain(rows_NL, facts, config, torch.device("cpu"))
        real_NL = domain.half("validation")
        shown = ReportData(
            name=facts.name,
            facts=facts.summary(),
            origin=f"The SHA-256 of the numbers is {facts.sha256}",
            criterion=domain.criterion,
            command=f"train {PREFIX}{facts.name}.npy",
            real=tuple(domain.spec.to_text(real_NL[:5])),
        )
        if samples is None:
            return shown
        edges_K = np.linspace(float(rows_NL.min()), float(rows_NL.max()), 21)
        shares = [np.histogram(values, edges_K)[0] / values.size for values in (samples, real_NL)]
        histogram = Histogram(
            title="Values",
            axis="value",
            edges=tuple(edges_K.tolist()),
            generated=tuple(shares[0].tolist()),
            held_out=tuple(shares[1].tolist()),
            note="Shares of all values.",
        )
        return dataclasses.replace(shown, histograms=(histogram,))

    def card_data(self, facts: Mapping[str, Any]) -> CardData:
        """Return what the sequences were."""
        found = SeriesFacts(**facts["series"])
        return CardData(name=found.name, rows=[("sequences", f"{found.count:,}")], limits=["For tests alone."])

    def write_samples(self, config: Config, spec: DataSpec, samples: Items, stem: Path) -> None:
        """Write the first sequences as lines."""
        del config
        stem.with_suffix(".txt").write_text("".join(line + "\n" for line in spec.to_text(samples[:10])))

    def lines(self, spec: DataSpec, parts: Iterable[Items], format_: str) -> Iterator[str]:
        """Yield a line each: the numbers, as many digits as say a float32 exactly."""
        del spec, format_
        for rows_NL in parts:
            yield from (" ".join(str(value) for value in row) + "\n" for row in rows_NL)


@contextlib.contextmanager
def registered() -> Iterator[SeriesAdapter]:
    """Make the kind of data known while the context lasts; a plugin would do it for good."""
    adapter = SeriesAdapter()
    DATA_KINDS[adapter.name] = DataKind()
    for registries in (GENERATORS, CRITICS):
        registries[adapter.name] = Registry(f"network of {adapter.name}")
        registries[adapter.name].add("perceptron", Network(build=nn.Sequential))
    DOMAINS[adapter.name] = adapter
    try:
        yield adapter
    finally:
        del DOMAINS[adapter.name], DATA_KINDS[adapter.name], GENERATORS[adapter.name], CRITICS[adapter.name]
