"""The parts of the result of an evaluation of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Text:
    """The text with which a model was compared."""

    name: str
    sha256: str
    layout: str
    """Layout: "lines", or "windows" of running text."""

    same: bool
    """Whether the model was trained on it."""

    train: int
    """Number of items in the training and the test split."""

    test: int
    unknown: float
    """Share of unknown characters in the test split."""

    told: tuple[str, ...] = ()
    """What kinds of files it was read from, where they are not plain lists."""


@final
@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What was measured, and how."""

    n: int
    """N, number of measured strings."""

    floor_n: int
    """Number of real lines for floors: N, or all."""

    legacy: bool
    """Whether n-grams were measured by the published protocol."""

    reference: int
    """Number of reference items for n-grams: the test split or, with the published protocol, training lines."""

    fitted: int
    """Number of training items for the Markov models."""

    smoothing: str
    """Smoothing of the Markov models."""

    seed: int


@final
@dataclass(frozen=True, kw_only=True)
class Profile:
    """Measures of N strings: generated, real, or from a simple model."""

    js: tuple[float, ...]
    """JS-1, JS-2, ...: divergence of n-grams from the reference in bits, including padding."""

    unique: float
    """Share of distinct strings."""

    novel: float
    """Share of strings that are not training lines."""


@final
@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Profiles of generated strings and of others for comparison."""

    model: Profile
    floor: Profile
    """Profile of real lines in place of generated ones."""

    markov: dict[int, Profile]
    """Profiles of Markov models by order."""

    uniform: Profile

    autoregressive: Profile | None = None
    """The same for the autoregressive baseline, if any."""


@final
@dataclass(frozen=True, kw_only=True)
class Hits:
    """Number of generated strings -> share of the distinct test strings among them."""

    model: dict[int, float]
    markov: dict[int, float]
    """Hits of the Markov model of order verdicts.BASELINE_ORDER."""

    autoregressive: dict[int, float] | None = None
    """The same for the autoregressive baseline, if any."""


@final
@dataclass(frozen=True, kw_only=True)
class Autoregressive:
    """The autoregressive baseline: a causal network trained by maximum likelihood on the training split."""

    steps: int
    """Number of training steps, which follows from budget and corpus."""

    budget_seconds: float
    """Budget in seconds of one nominal core."""

    weights: int
    validation_nll: float
    """Validation loss in nats per symbol."""

    epsilon: float
    """Less likely symbols are not drawn; chosen on the validation split."""


@final
@dataclass(frozen=True, kw_only=True)
class GenerativeNll:
    """Mean negative log-likelihood per symbol under the autoregressive baseline, in nats; the end is a symbol."""

    generated: float
    test: float
    train: float


@final
@dataclass(frozen=True, kw_only=True)
class Against:
    """A value for generated strings, and the same for real lines."""

    generated: float
    floor: float


@final
@dataclass(frozen=True, kw_only=True)
class Validity:
    """Share of strings that a validator calls valid."""

    validator: str
    generated: float
    test: float
    """Of test lines."""


@final
@dataclass(frozen=True, kw_only=True)
class Composition:
    """Words, lengths and characters of strings."""

    words: tuple[Against, ...] | None
    """Share of distinct word k-grams, k = 1.., that occur in the test split; None if the text has no words."""

    length: Against
    """Total variation distance of the lengths from those of the test split."""

    length_mean: float
    length_mean_test: float
    character: Against
    """Total variation distance of the character frequencies from those of the test split."""

    entropy_bits: tuple[float, ...]
    """Entropy by position, including padding."""

    entropy_bits_test: tuple[float, ...]


@final
@dataclass(frozen=True, kw_only=True)
class NearPair:
    """A generated string that is not a copy, and its nearest training line."""

    string: str
    line: str
    edits: int
    distance: float
    """Edit distance divided by the length of the longer string."""


@final
@dataclass(frozen=True, kw_only=True)
class NearestLines:
    """Median edit distance per character to the nearest training line, without copies."""

    generated: float
    test: float
    margin: float
    """Difference of the two medians."""

    sample: int
    """Number of generated strings."""

    train: int
    """Number of training lines compared with."""

    pairs: tuple[NearPair, ...]
    """The closest pairs, nearest first."""
