"""DOMAINS: the one place that maps the name of a mode to its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .adversarial.domain import Domain, Form
from .config import Config
from .text.corpus import open_corpus
from .text.domain import TextDomain, TextForm


@dataclass(frozen=True, kw_only=True)
class Mode:
    """How the data of a mode is opened."""

    domain: Callable[[Path, Config, torch.device], Domain]
    """From a run's folder, where the data was prepared."""

    form: Callable[[Mapping[str, Any]], Form]
    """From the facts in a model file."""

    samples_suffix: str
    """Ending of the files of samples that a run writes."""


def _text(folder: Path, config: Config, device: torch.device) -> Domain:
    return TextDomain(open_corpus(folder), config, device)


DOMAINS: dict[str, Mode] = {
    "text": Mode(domain=_text, form=TextForm.from_facts, samples_suffix=".txt"),
}
