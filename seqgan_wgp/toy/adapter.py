"""DomainAdapter for toy distributions of points: `train toy:NAME`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .. import config as configs
from ..config import Config
from ..errors import ConfigError
from ..training.adapter import CardData, DomainAdapter, EvalOptions, LoadedModel
from ..training.domain import DataSpec, Items
from ..training.report_data import ReportData
from ..training.trial import TrialData
from ..utils.progress import OnBytes, OnStep, Watch, unwatched
from .domain import SAMPLES, SIZE, ToyDomain, ToySpec
from .evaluation import ToyEvaluation, evaluate_points
from .output import points_as_text, write_scatter
from .report_data import toy_report_data
from .spec import FACTS, ToyFacts, check_name, chosen, open_facts, write_distribution

PREFIX = "toy:"
"""Prefix that tells the name of a distribution from the name of a file."""


@dataclass(frozen=True, kw_only=True)
class PreparedToy:
    """A toy distribution, ready for training. Points are drawn during training, so nothing is read."""

    facts: ToyFacts

    @property
    def name(self) -> str:
        """Name of the distribution."""
        return self.facts.name

    @property
    def label(self) -> str:
        """The distribution as the user names it."""
        return f"{PREFIX}{self.facts.name}"

    @property
    def size(self) -> int | None:
        """None, since nothing is read."""
        return None

    @property
    def sha256(self) -> str:
        """SHA-256 of the distribution's parameters."""
        content = json.dumps(dataclasses.asdict(self.facts), sort_keys=True).encode()
        return hashlib.sha256(content).hexdigest()

    def summary(self) -> str:
        """Describe the distribution in one line."""
        return self.facts.summary()

    def warnings(self) -> list[str]:
        """Return no warnings."""
        return []

    def decide(self, config: Config) -> Config:
        """Return the config with this distribution's parameters filled in."""
        parameters = dataclasses.asdict(self.facts)
        return configs.override(config, {f"toy.{name}": value for name, value in parameters.items()})

    def trial(self, config: Config) -> TrialData:
        """Return what trials of the machine need to know of the points."""
        return TrialData(spec=ToySpec(self.facts), size=SIZE, samples=config.evaluation.samples or SAMPLES)

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write the name and parameters of the distribution to a run folder."""
        del on_bytes
        write_distribution(self.facts, folder)


def scan_toy(config: Config) -> PreparedToy:
    """Return the distribution named in the settings."""
    return PreparedToy(facts=chosen(config.toy))


class ToyAdapter(DomainAdapter):
    """2-d points, drawn from a known distribution."""

    name = "toy"
    spec_type = ToySpec
    items = "points"
    description = "A generator of 2-d points, and a critic that scores points"
    recipe = "toy"
    recipe_hint = "for text use: seqgan-wgp train CORPUS"
    files = frozenset({FACTS})

    def claims(self, inputs: Sequence[str]) -> bool:
        """Return whether the input is toy:NAME. Raises ConfigError when it is combined with other inputs."""
        toys = [word for word in inputs if word.startswith(PREFIX)]
        if toys and len(inputs) > 1:
            raise ConfigError(f"{toys[0]} cannot be combined with other inputs", "give it alone")
        return bool(toys)

    def settings(self, source: str | Sequence[str]) -> dict[str, object]:
        """Return the setting with the distribution's name. Raises CorpusError for an unknown name."""
        name = (source if isinstance(source, str) else source[0]).removeprefix(PREFIX)
        check_name(name)
        return {"toy.name": name}

    def scan(self, source: str, config: Config, watch: Watch = unwatched) -> PreparedToy:
        """Return the distribution named in the settings, which include those of `settings(source)`."""
        del source, watch
        return scan_toy(config)

    def open(self, folder: Path, config: Config, device: torch.device) -> ToyDomain:
        """Open the distribution stored in a run folder."""
        return ToyDomain(open_facts(folder), config, device)

    def evaluate(self, loaded: LoadedModel, options: EvalOptions, on_step: OnStep, on_bytes: OnBytes) -> ToyEvaluation:
        """Measure a model against points that were not used in training."""
        del on_bytes
        others = ("baseline_seconds", "c2st_steps", "refine", "temperatures", "valid", "log_probability")
        options.refuse(self.items, "corpus", "data", "legacy", "guesses", "orders", *others)
        model, spec = loaded.model, loaded.model.spec
        assert isinstance(spec, ToySpec)
        return evaluate_points(
            ToyDomain(spec.facts, model.config, model.device),
            lambda count: model.samples(count, seed=options.seed),
            samples=options.samples,
            on_step=on_step,
        )

    def report_data(self, folder: Path, config: Config, samples: Items | None) -> ReportData:
        """Return how points are distributed over the modes of a mixture."""
        return toy_report_data(folder, config, samples)

    def card_data(self, facts: Mapping[str, Any]) -> CardData:
        """Return the distribution and the limitations for the model card."""
        found = ToyFacts.read(facts["toy"])
        limits = ["Only for studying training on a known distribution."]
        return CardData(name=found.name, rows=[("distribution", found.summary())], limits=limits)

    def write_samples(self, config: Config, spec: DataSpec, samples: Items, stem: Path) -> None:
        """Write a scatter plot of generated and real points as .png."""
        write_scatter(config, spec, samples, stem)

    def lines(self, spec: DataSpec, parts: Iterable[Items], format_: str) -> Iterator[str]:
        """Yield one line per point, in the given format."""
        del spec
        return points_as_text(parts, format_)
