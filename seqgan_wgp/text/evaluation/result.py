"""The parts of what an evaluation of text finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Text:
    """What a model was measured against."""

    name: str
    sha256: str
    layout: str
    """What an item is: one of the "lines", or one of the "windows" of running text."""

    same: bool
    """Whether this is what it was trained on."""

    train: int
    """Items that are trained on, and in the test half."""

    test: int
    unknown: float
    """Share of the test half's characters that the model does not know."""


@final
@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How much was measured, and how."""

    n: int
    """N, strings measured."""

    floor_n: int
    """Real lines that stand for them in floors: N, or as many as there are."""

    legacy: bool
    """Whether n-grams were measured as published."""

    reference: int
    """Items that n-grams are held against: the test half or, as published, training lines."""

    fitted: int
    """Training items that the Markov models were fitted to."""

    smoothing: str
    """Of these."""

    seed: int


@final
@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is measured of any N strings: generated ones, real ones, or those of a plain model."""

    js: tuple[float, ...]
    """JS-1 and on: bits by which n-grams differ from the reference's, pads counted."""

    unique: float
    """Share of different strings."""

    novel: float
    """Share of strings that are not among the training lines."""


@final
@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Generated strings beside others."""

    model: Profile
    floor: Profile
    """Of real lines in the generated ones' stead."""

    markov: dict[int, Profile]
    """By order."""

    uniform: Profile

    autoregressive: Profile | None = None
    """Of the autoregressive baseline; None where there is none."""


@final
@dataclass(frozen=True, kw_only=True)
class Hits:
    """Number of generated strings -> share of the different test strings that are among them."""

    model: dict[int, float]
    markov: dict[int, float]
    """Of the Markov model of order verdicts.BASELINE_ORDER."""

    autoregressive: dict[int, float] | None = None
    """Of the autoregressive baseline; None where there is none."""


@final
@dataclass(frozen=True, kw_only=True)
class Autoregressive:
    """The autoregressive baseline: a causal network trained by maximum likelihood on the training half."""

    steps: int
    """Training steps, which follow from the budget and the corpus."""

    budget_seconds: float
    """Seconds of one nominal core that the steps are sized for."""

    weights: int
    validation_nll: float
    """Nats per symbol of validation lines."""

    epsilon: float
    """Symbols less likely than this are not drawn; chosen on the validation half."""


@final
@dataclass(frozen=True, kw_only=True)
class GenerativeNll:
    """Mean nats per symbol under the autoregressive baseline; each string's end counts as a symbol."""

    generated: float
    test: float
    train: float


@final
@dataclass(frozen=True, kw_only=True)
class Against:
    """A number for the generated strings, and the same for real lines in their stead."""

    generated: float
    floor: float


@final
@dataclass(frozen=True, kw_only=True)
class Composition:
    """What strings are made of."""

    words: tuple[Against, ...] | None
    """Share of different runs of 1.. words that the test half has too; None where the text has no words."""

    length: Against
    """Total variation of the lengths from those of the test half."""

    length_mean: float
    length_mean_test: float
    character: Against
    """Total variation of the shares of characters from those of the test half."""

    entropy_bits: tuple[float, ...]
    """By position, pads counted."""

    entropy_bits_test: tuple[float, ...]


@final
@dataclass(frozen=True, kw_only=True)
class NearPair:
    """A generated string that is no copy, and the training line next to it."""

    string: str
    line: str
    edits: int
    distance: float
    """Edits by the length of the longer one."""


@final
@dataclass(frozen=True, kw_only=True)
class NearestLines:
    """How far strings are from their nearest training line: medians of edits by length, copies left out."""

    generated: float
    test: float
    margin: float
    """The first less the second."""

    sample: int
    """Generated strings looked at."""

    train: int
    """Training lines that they were compared with."""

    pairs: tuple[NearPair, ...]
    """The closest, nearest first."""
