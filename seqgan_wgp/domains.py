"""DOMAINS: the one place that maps the name of a mode to its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .config import Config
from .images import report_data as image_exhibits
from .images.animation import write_film
from .images.dataset import open_collection
from .images.domain import ImageDomain, ImageSpec
from .images.pictures import write_samples
from .text import report_data as text_exhibits
from .text.corpus.dataset import open_corpus
from .text.domain import TextDomain, TextSpec
from .text.generation.formats import write_lines
from .toy import report_data as toy_exhibits
from .toy.domain import ToyDomain, ToySpec
from .toy.output import write_scatter
from .toy.spec import open_facts
from .training.domain import DataSpec, Domain, Items
from .training.report_data import ReportDataReader


@dataclass(frozen=True, kw_only=True)
class DomainAdapter:
    """How the data of a mode is opened."""

    domain: Callable[[Path, Config, torch.device], Domain]
    """From a run's folder, where the data was prepared."""

    spec: Callable[[Mapping[str, Any]], DataSpec]
    """From the facts in a model file."""

    write_samples: Callable[[Config, DataSpec, Items, Path], None]
    """Write the first of an evaluation's compact items to a file for people; its ending is the mode's own."""

    exhibit: ReportDataReader
    """What a run of the mode has to show in its report."""

    write_film: Callable[[Mapping[int, Path], Path], None] | None = None
    """From step -> file of samples, make a film; None: samples are no pictures."""


def _text(folder: Path, config: Config, device: torch.device) -> Domain:
    return TextDomain(open_corpus(folder), config, device)


def _image(folder: Path, config: Config, device: torch.device) -> Domain:
    return ImageDomain(open_collection(folder), config, device)


def _toy(folder: Path, config: Config, device: torch.device) -> Domain:
    return ToyDomain(open_facts(folder), config, device)


DOMAINS: dict[str, DomainAdapter] = {
    "image": DomainAdapter(
        domain=_image,
        spec=ImageSpec.from_facts,
        write_samples=write_samples,
        exhibit=image_exhibits.exhibit,
        write_film=write_film,
    ),
    "text": DomainAdapter(
        domain=_text, spec=TextSpec.from_facts, write_samples=write_lines, exhibit=text_exhibits.exhibit
    ),
    "toy": DomainAdapter(
        domain=_toy, spec=ToySpec.from_facts, write_samples=write_scatter, exhibit=toy_exhibits.exhibit
    ),
}
