"""Titles, meanings and number formats of the measures, for tables and reports."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHARES = ("unique", "novel", "confidence", "high_quality")
"""Measures that are shares, shown in percent."""

COUNTS = ("modes",)
"""Measures that are whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Title, unit and meaning of a measure."""

    title: str
    unit: str = ""
    meaning: str = ""
    """One sentence."""


WORDS: dict[str, Wording] = {
    "unique": Wording(title="unique", unit="%", meaning="Share of distinct strings among the generated ones."),
    "ngram_entropy": Wording(
        title="n-gram entropy",
        unit="bits",
        meaning="Entropy of the n-grams of the generated strings; well below its floor means mode collapse.",
    ),
    "novel": Wording(title="novel", unit="%", meaning="Share of strings that are not training lines."),
    "composite": Wording(
        title="composite",
        unit="bits",
        meaning="Mean of JS-4, JS-6 and JS-8, plus a penalty for repetition; it selects the best model.",
    ),
    "nll": Wording(
        title="NLL",
        unit="nats",
        meaning="Negative log-likelihood of held-out lines per character; lower is better.",
    ),
    "fcd": Wording(
        title="fcd",
        meaning="Frechet distance in the features of a small digit classifier; lower is better.",
    ),
    "nearest": Wording(
        title="nearest",
        meaning="Mean distance to the nearest training image; well below its floor means copies.",
    ),
    "class_kl": Wording(
        title="class_kl", unit="bits", meaning="KL divergence of the digit frequencies from those of held-out images."
    ),
    "confidence": Wording(title="confidence", unit="%", meaning="Mean confidence of the digit classifier."),
    "w1": Wording(title="W1", meaning="Wasserstein distance to held-out points; lower is better."),
    "modes": Wording(title="modes", meaning="Number of modes of the mixture that have generated points near them."),
    "high_quality": Wording(
        title="high_quality", unit="%", meaning="Share of points within three standard deviations of a mode."
    ),
    "mode_kl": Wording(title="mode_kl", unit="bits", meaning="KL divergence of the mode frequencies from uniform."),
}
"""Name of a measure -> its wording; for n-gram measures see `wording`."""


def wording(name: str) -> Wording:
    """Return the wording of a measure. The title of an unknown measure is its name."""
    if re.fullmatch(r"js\d+", name):
        n = int(name[2:])
        first = "Jensen-Shannon divergence of characters from held-out lines; at its floor, as good as real lines."
        meaning = first if n == 1 else f"The same for {n}-grams (runs of {n} characters)."
        return Wording(title=f"JS-{n}", unit="bits", meaning=meaning)
    return WORDS.get(name, Wording(title=name))


def measures_in(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the measures in a record and their floors: finite numbers that have a wording or a floor."""
    names = {name.removesuffix("_floor") for name in record if name.endswith("_floor")}
    names |= {name for name in record if wording(name).meaning}
    found = {name: record[name] for name in record if name.removesuffix("_floor") in names}
    return {name: value for name, value in found.items() if isinstance(value, int | float) and math.isfinite(value)}


def selection_value(measures: Mapping[str, Any], criterion: str) -> float:
    """Return the value that selects the best model: nll if measured, otherwise the criterion; lower is better.

    A generator with a likelihood that memorises its training lines still gets better in n-grams.
    """
    return float(measures["nll"] if "nll" in measures else measures[criterion])


def value_text(name: str, value: float, digits: int = 4) -> str:
    """Return the value of a measure as readable text."""
    name = name.removesuffix("_floor")
    if name in COUNTS:
        return f"{value:.0f}"
    return f"{value:.1%}" if name in SHARES else f"{value:.{digits}f}" if value < 10 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """Return a duration as readable text in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
