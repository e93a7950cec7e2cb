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
from ..corpus.scan import LENGTH_MOST, LENGTH_MULTIPLE, LENGTH_SHARE, UNBROKEN_SIZE, Scan
from .counter import Census

if TYPE_CHECKING:
    from .timing import Measure, Pace

BATCH_BYTES_MOST = 1 << 31
"""A batch that takes more memory is not tried out."""


@dataclass(frozen=True, kw_only=True)
class Long:
    """What one way with long lines makes of the lines."""

    lines: int
    """Lines that are longer than a row: cropped, dropped or cut in pieces."""

    rows: int
    """Rows in all."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long training takes on this machine, about."""

    device: str
    milliseconds: float
    """Of one round."""

    rounds: int | None
    """Rounds of the run: all of `training.steps`, or what fits in `training.minutes`."""

    minutes: float | None
    """What they take."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What training would make of a corpus."""

    layout: str
    """lines or windows."""

    why: str
    """Why this layout."""

    length: int
    """L, positions in an item."""

    rule: str
    """Why this length."""

    rows: int
    """Rows on disk."""

    way: str
    """What is done with lines that are longer: crop, drop or chunk."""

    long: dict[str, Long] | None
    """crop, drop and chunk -> what each makes of the lines at this length; None for running text."""

    train: int
    validation: int
    test: int
    """Items of each part, about."""

    settings: dict[str, object]
    """Settings that were left open -> what the corpus makes of them."""

    vocabulary: int
    """V: the alphabet, the pad and the unknown."""

    ids_bytes: int
    """Of the rows on disk."""

    batch_bytes: int
    """Of one batch of strings as 32-bit probabilities, B * L * V * 4; training holds a few of them."""

    generator_weights: int
    critic_weights: int

    timing: Timing | None


def outlook(found: Scan, given: Config, census: Census, measure: Measure | None = None) -> Outlook:
    """Return what training would make of a corpus.

    Args:
        found: by the scan.
        given: the config that the scan's settings are part of.
        census: of the same text.
        measure: how the pace is measured; None: it is not.
    """
    facts, settings = found.facts, found.settings
    decided = by_rule(given, facts)
    config = configs.override(given, decided)
    size, length, vocabulary = sizes(facts, settings), facts.length, found.vocabulary.size
    longer = {"crop": facts.cropped, "drop": facts.dropped, "chunk": facts.chunked}
    long = {way: Long(lines=_longer(census, length), rows=count(census, length)) for way, count in ROWS.items()}
    long[settings.overflow] = Long(lines=longer[settings.overflow], rows=facts.rows)
    batch_bytes = 4 * config.training.batch_size * length * vocabulary
    pace = measure(config, found.vocabulary, length) if measure and batch_bytes <= BATCH_BYTES_MOST else None
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
"""What becomes of long lines -> (census, length) -> rows."""


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
        return f"{LENGTH_MOST} for running text"
    return f"{LENGTH_SHARE:.0%} of the lines fit, rounded up to a multiple of {LENGTH_MULTIPLE}, at most {LENGTH_MOST}"


def count_weights(config: Config, length: int, vocabulary: int) -> tuple[int, int]:
    """Return the numbers of weights of the generator and of the critic, which are built without memory for them.

    Args:
        config: with widths decided.
        length: L.
        vocabulary: V.
    """
    import torch  # here, since it takes a second to import, and what else is found out needs none of it

    from ...nn.build import apply_weight_norm
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
