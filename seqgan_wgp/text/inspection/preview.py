"""Preview training on a corpus: rows, split, automatic settings, network sizes and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ... import config as configs
from ...config import Config
from ...config.schema import CorpusSettings
from ..corpus.auto_settings import by_rule, sizes
from ..corpus.scan import LENGTH_MULTIPLE, LENGTH_SHARE, MAX_LENGTH, UNBROKEN_SIZE, Scan
from .counter import Census

if TYPE_CHECKING:
    from .timing import Measure, Pace

MAX_BATCH_BYTES = 1 << 31
"""Memory of a batch above which training is not timed."""


@dataclass(frozen=True, kw_only=True)
class Long:
    """The effect of one treatment of long lines."""

    lines: int
    """Number of lines that are longer than a row: cropped, dropped or split."""

    rows: int
    """Total number of rows."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Estimated training time on this machine."""

    device: str
    milliseconds: float
    """Time of one round."""

    rounds: int | None
    """Number of rounds: `training.steps`, or as many as fit into `training.minutes`."""

    minutes: float | None
    """Time for all rounds."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How training would prepare a corpus."""

    layout: str
    """lines or windows."""

    why: str
    """Why this layout."""

    length: int
    """L, number of positions in an item."""

    rule: str
    """Why this length."""

    rows: int
    """Number of rows on disk."""

    way: str
    """Treatment of longer lines: crop, drop or chunk."""

    long: dict[str, Long] | None
    """crop, drop and chunk -> their effect at this length; None for running text."""

    train: int
    validation: int
    test: int
    """Approximate number of items of each part."""

    settings: dict[str, object]
    """Automatic settings and their values for this corpus."""

    vocabulary: int
    """V: the alphabet, padding and unknown."""

    ids_bytes: int
    """Size of the rows on disk."""

    batch_bytes: int
    """Size of one batch of strings as 32-bit probabilities, B * L * V * 4; training needs several of them."""

    generator_weights: int
    critic_weights: int

    timing: Timing | None


def outlook(found: Scan, given: Config, census: Census, measure: Measure | None = None) -> Outlook:
    """Return how training would prepare a corpus.

    Args:
        found: the result of the scan.
        given: the config, including the settings of the scan.
        census: counts of the same text.
        measure: measures the speed of training; None: it is not measured.
    """
    facts, settings = found.facts, found.settings
    decided = by_rule(given, facts)
    config = configs.override(given, decided)
    size, length, vocabulary = sizes(facts, settings), facts.length, found.vocabulary.size
    longer = {"crop": facts.cropped, "drop": facts.dropped, "chunk": facts.chunked}
    long = {way: Long(lines=_longer(census, length), rows=count(census, length)) for way, count in ROWS.items()}
    long[settings.overflow] = Long(lines=longer[settings.overflow], rows=facts.rows)
    batch_bytes = 4 * config.training.batch_size * length * vocabulary
    pace = measure(config, found.vocabulary, length) if measure and batch_bytes <= MAX_BATCH_BYTES else None
    generator_weights, critic_weights = count_weights(config, length, vocabulary)
    return Outlook(
        layout=settings.layout,
        why=_why_layout(given.corpus, settings.layout, census),
        length=length,
        rule=_why_length(given.corpus, settings.layout),
        rows=facts.rows,
        way=settings.overflow,
        long=long if settings.layout == "lines" else None,
        train=size.train,
        validation=size.held_out,
        test=size.held_out,
        settings=decided,
        vocabulary=vocabulary,
        ids_bytes=facts.rows * facts.span * found.vocabulary.dtype.itemsize,
        batch_bytes=batch_bytes,
        generator_weights=generator_weights,
        critic_weights=critic_weights,
        timing=_timing(config, pace) if pace else None,
    )


def _longer(census: Census, length: int) -> int:
    return int(census.sizes[length + 1 :].sum())


def _pieces(census: Census, length: int) -> int:
    short = int((census.sizes[:-1] * -(-np.arange(len(census.sizes) - 1) // length)).sum())
    return short + sum(-(-size // length) for size in census.longer)


ROWS: dict[str, Callable[[Census, int], int]] = {
    "crop": lambda census, _length: int(census.sizes[1:].sum()),
    "drop": lambda census, length: int(census.sizes[1 : length + 1].sum()),
    "chunk": _pieces,
}
"""Treatment of long lines -> function (census, length) -> number of rows."""


def _why_layout(settings: CorpusSettings, layout: str, census: Census) -> str:
    if settings.layout != "auto":
        return "corpus.layout is set"
    if layout == "lines":
        return "one string per line" if settings.overflow == "crop" else "corpus.overflow is set"
    empty, filled = int(census.sizes[0]), int(census.sizes[1:].sum())
    mean = sum(size * int(count) for size, count in enumerate(census.sizes[:-1])) + sum(census.longer)
    if mean >= UNBROKEN_SIZE * filled:
        return f"running text: lines have {mean / filled:,.0f} characters on average"
    return f"running text in paragraphs: {empty / (empty + filled):.0%} of the lines are empty"


def _why_length(settings: CorpusSettings, layout: str) -> str:
    if settings.length is not None:
        return "corpus.length is set"
    if layout == "windows":
        return f"{MAX_LENGTH} for running text"
    return f"{LENGTH_SHARE:.0%} of the lines fit, rounded up to a multiple of {LENGTH_MULTIPLE}, at most {MAX_LENGTH}"


def count_weights(config: Config, length: int, vocabulary: int) -> tuple[int, int]:
    """Return the number of weights of generator and critic, which are built on the meta device.

    Args:
        config: a config with automatic widths decided.
        length: L.
        vocabulary: V.
    """
    import torch  # here, since its import takes a second, and the rest does not need it

    from ...nn.layers import apply_weight_norm
    from ..networks import CRITICS, GENERATORS

    counts = []
    for settings, networks in ((config.generator, GENERATORS), (config.critic, CRITICS)):
        with torch.device("meta"):
            network = networks[settings.network](settings, length, vocabulary)
            if settings.normalization == "weight":
                apply_weight_norm(network)
        counts.append(sum(parameter.numel() for parameter in network.parameters()))
    return counts[0], counts[1]


def _timing(config: Config, pace: Pace) -> Timing:
    steps, minutes = config.training.steps, config.training.minutes
    if minutes is not None:
        fit = round(60 * minutes / pace.seconds)
        steps = fit if steps is None else min(steps, fit)
    return Timing(
        device=pace.device,
        milliseconds=1000 * pace.seconds,
        rounds=steps,
        minutes=None if steps is None else steps * pace.seconds / 60,
    )
