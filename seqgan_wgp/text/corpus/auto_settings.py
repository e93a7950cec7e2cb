"""Choose the automatic settings of a corpus by its sizes, one rule each; see docs/defaults.md."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from ...config import Config
from ...config.fields import AUTO
from ...config.schema import CorpusSettings
from ...registry import CONSTRAINTS, CRITICS
from ...training.schedule import penalty_every
from .stats import Facts

WIDTH, WIDTH_LARGE, ALPHABET_LARGE = 64, 48, 2_000
ALPHABET_MANY = 500
NGRAMS, NGRAMS_ALPHABET, NGRAMS_LENGTH = 3, 21, 24
BATCH = 64
MAX_SAMPLES = 10_000
"""Default limit of the number of strings that an evaluation generates."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes on which the rules depend."""

    length: int
    alphabet: int
    train: int
    """Approximate number of training items, before the split."""

    held_out: int
    """Approximate number of items in the validation or test half."""


def sizes(facts: Facts, settings: CorpusSettings) -> Sizes:
    """Return the sizes of a scanned corpus, given how much of it is held out."""
    items = facts.items(facts.rows)
    held_out = min(settings.held_out * items, settings.held_out_max)
    return Sizes(
        length=facts.length, alphabet=facts.alphabet, train=round(items - held_out), held_out=round(held_out / 2)
    )


def width(size: Sizes) -> int:
    """Return the number of channels of both networks. Narrow networks are faster, especially with a large alphabet."""
    return WIDTH_LARGE if size.alphabet >= ALPHABET_LARGE else WIDTH


def batch_size(size: Sizes) -> int:
    """Return the batch size: 64, but at most half of the training items."""
    return max(1, min(BATCH, size.train // 2))


def evaluation_every(size: Sizes) -> int:
    """Return the number of steps between evaluations, at least 100.

    An evaluation generates up to 10,000 strings, a step processes a few hundred. With this interval evaluations take a
    twentieth of the time.
    """
    samples = min(size.held_out, MAX_SAMPLES)
    return max(100, 50 * round(samples / 32 / 50))


def relaxation(size: Sizes) -> str:
    """Return the relaxation: sampled characters, but straight-through for a large alphabet.

    With a large alphabet, sampling noise decides what the latent vector should decide: with 3,000 characters, a hundred
    latent vectors gave one word.
    """
    return "straight-through" if size.alphabet >= ALPHABET_MANY else "sampled"


def latent(size: Sizes) -> int:
    """Return the latent dimension: one number for each position, as a causal network needs."""
    return size.length


def ngrams(size: Sizes) -> int:
    """Return the length of the longest n-grams in the critic: 3 for short strings of a language's alphabet, else 1."""
    return NGRAMS if NGRAMS_ALPHABET <= size.alphabet < ALPHABET_MANY and size.length <= NGRAMS_LENGTH else 1


RULES: dict[str, Callable[[Sizes], int | str]] = {
    "generator.latent": latent,
    "generator.relaxation": relaxation,
    "generator.width": width,
    "critic.width": width,
    "critic.ngrams": ngrams,
    "training.batch_size": batch_size,
    "evaluation.every": evaluation_every,
}
"""Setting -> its rule, which depends only on the corpus."""


def by_rule(config: Config, facts: Facts) -> dict[str, object]:
    """Return the automatic settings for a scanned corpus: dotted name -> value."""
    size = sizes(facts, config.corpus)
    decided: dict[str, object] = {"corpus.layout": facts.layout, "corpus.length": facts.length}
    decided |= {name: rule(size) for name, rule in RULES.items()}
    batch = batch_size(size) if config.training.batch_size == AUTO else config.training.batch_size
    decided["objective.penalty_every"] = penalty_every(config.objective, batch)
    if not _has_ngrams(config):
        decided["critic.ngrams"] = 1
    return {name: value for name, value in decided.items() if operator.attrgetter(name)(config) in (None, "auto", AUTO)}


def _has_ngrams(config: Config) -> bool:
    """Return whether the critic and the constraint of the settings allow `critic.ngrams` above 1."""
    critic, constraint = CRITICS["text"][config.critic.network], CONSTRAINTS[config.objective.constraint]
    return critic.chooses_ngrams and not constraint.bounds_layers
