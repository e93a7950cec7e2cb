"""TextDomain: text for the trainer, measured by n-grams.

Real rows are one-hot, generated rows are probabilities.

Shape suffixes: B batch, N strings, L length, V vocabulary.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import Config
from ..errors import CheckpointError, ConfigError, did_you_mean
from ..training.labels import LabelShares, with_label
from ..utils.counter_rng import Stream, shuffled
from ..utils.devices import resident, to_device
from ..utils.file_schema import SchemaError, from_json
from .conditioning import split_points, with_label_row
from .corpus.auto_settings import MAX_SAMPLES
from .corpus.dataset import Corpus
from .corpus.stats import Facts
from .criteria import CRITERIA, orders_of
from .metrics.ngrams import NgramReference, ngram_entropy, unique_fraction
from .metrics.peakedness import peakedness
from .networks import CRITICS, GENERATORS
from .readers.column_spec import listed
from .vocabulary import Vocabulary

ENTROPY_ORDER = 4
"""n of the n-grams whose entropy is measured, at most the length of a row."""

MAX_PLACES = 64
"""Largest number of entries in lists by position."""


LabelPairs: TypeAlias = tuple[tuple[str, float], ...]
"""Labels with their shares, as a request has them; empty: the shares of the training lines."""


def networks(config: Config, length: int, vocabulary_size: int, labels: int = 0) -> tuple[nn.Module, nn.Module]:
    """Return a new generator and critic, as they are constructed; with `labels` such as are given one of so many."""
    shape = (length, vocabulary_size, labels) if labels else (length, vocabulary_size)
    generator = GENERATORS[config.generator.network](config.generator, *shape)
    critic = CRITICS[config.critic.network](config.critic, *shape)
    return generator, critic


def criterion(config: Config, length: int) -> str:
    """Return the name of the measure that selects the best model."""
    chosen = CRITERIA[config.evaluation.criterion]
    return chosen.measure(orders_of(chosen, config.evaluation.orders, length))


class TextSpec:
    """What a model file stores about its text: vocabulary, length and facts.

    Args:
        vocabulary: the vocabulary.
        length: L, number of positions in a row.
        facts: facts about the corpus, as JSON values.

    Attributes:
        event_shape: (L, V). With labels, a compact item has L + 1 numbers, the last of them its label, and a point of
            critic space is (L + 1, V); see `conditioning`.
        label_names: the labels in the order of their numbers; empty: lines have no labels.
        labels: their shares of the training lines.
    """

    def __init__(self, vocabulary: Vocabulary, length: int, facts: dict[str, Any]) -> None:
        self.vocabulary, self.length, self.facts = vocabulary, length, facts
        self.event_shape: tuple[int, ...] = (length, vocabulary.size)
        counts: Mapping[str, int] = facts.get("labels", {})
        self.label_names = sorted(counts)
        self.labels = LabelShares([counts[name] for name in self.label_names]) if counts else None

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> TextSpec:
        """Build the spec from the result of `to_facts`. Raises CheckpointError when it is incomplete."""
        try:
            corpus = from_json(Facts, facts["corpus"], "corpus")
            vocabulary = Vocabulary.from_json(facts["tokenizer"], corpus.unit)
        except (KeyError, TypeError):
            raise CheckpointError("the model file lacks its tokenizer or the facts about its corpus") from None
        except SchemaError as error:
            raise CheckpointError(f"the facts about its corpus are not readable: {error}") from None
        if corpus.labels and not any(corpus.labels.values()):
            raise CheckpointError("the facts about its corpus are not readable: no label has lines")
        known = {field.name for field in dataclasses.fields(Facts)}
        return cls(
            vocabulary, corpus.length, {name: facts["corpus"][name] for name in facts["corpus"] if name in known}
        )

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to store in a model file."""
        return {"tokenizer": self.vocabulary.to_json(self.length), "corpus": self.facts}

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a new generator and critic."""
        return networks(config, self.length, self.vocabulary.size, len(self.label_names))

    def embed(self, ids: Tensor) -> Tensor:
        """Return (B, L) ids as one-hot rows, float32 (B, L, V); with labels (B, L + 1) as (B, L + 1, V)."""
        if self.labels is not None:
            rows, label_B = split_points(ids)
            return with_label_row(self._one_hot(rows), label_B)
        return self._one_hot(ids)

    def _one_hot(self, ids: Tensor) -> Tensor:
        one_hot_BLV = torch.zeros(*ids.shape, self.vocabulary.size, device=ids.device)
        return one_hot_BLV.scatter_(2, ids.long()[..., None], 1.0)

    def decode(self, fake: Tensor) -> npt.NDArray[np.integer]:
        """Return the (N, L) ids of the most likely character at each position of (N, L, V) probabilities."""
        # On the CPU NumPy's argmax is faster, especially for large vocabularies; the ids are the same.
        likeliest_NL = fake.detach().numpy().argmax(-1) if fake.device.type == "cpu" else fake.argmax(-1).cpu().numpy()
        ids: npt.NDArray[np.integer] = likeliest_NL.astype(self.vocabulary.dtype)
        return ids

    def to_text(self, samples: npt.NDArray[np.integer]) -> list[str]:
        """Return (N, L) ids as strings, also where labels stand behind them."""
        return self.vocabulary.decode(samples if self.labels is None else samples[:, : self.length])

    def shares(self, pairs: LabelPairs) -> LabelShares | None:
        """Return how labels are drawn that are asked for; None: the model has none."""
        if not pairs:
            return self.labels
        weights = dict.fromkeys(self.label_names, 0.0) | dict(pairs)
        return LabelShares([weights[name] for name in self.label_names])

    def label_number(self, name: str) -> int:
        """Return the number of a label. Raises ConfigError for one that the model does not know."""
        if name in self.label_names:
            return self.label_names.index(name)
        if not self.label_names:
            raise ConfigError(
                f"the label {name!r} is asked for, but the model has no labels",
                "train one with --label, or leave it out",
            )
        raise ConfigError(
            f"the model does not know the label {name!r}{did_you_mean(name, self.label_names)}",
            f"it knows: {listed(self.label_names)}",
        )

    def diagnostics(self, fake: Tensor) -> dict[str, Any]:
        """Return how close (B, L, V) probabilities are to one-hot: peak_mean, entropy_bits, and both by position.

        For more than MAX_PLACES positions, the lists have means over MAX_PLACES groups of positions.
        """
        seen = peakedness(fake)
        return {
            "peak_mean": seen.peak_L.mean().item(),
            "entropy_bits": seen.entropy_bits_L.mean().item(),
            "peaks_by_position": _condensed(seen.peak_L),
            "entropy_bits_by_position": _condensed(seen.entropy_bits_L),
        }


class TextDomain:
    """The trainer's Domain for a prepared corpus.

    Args:
        corpus: rows of ids: training, validation and test.
        config: of the run; the section `evaluation` determines how much is measured.
        device: device of the batches. The ids are kept there if they take a small part of its free memory; otherwise
            they stay memory-mapped on disk and batches are copied.
    """

    def __init__(self, corpus: Corpus, config: Config, device: torch.device) -> None:
        self.corpus, self.config, self.device = corpus, config, device
        self.spec = TextSpec(corpus.vocabulary, corpus.facts.length, dataclasses.asdict(corpus.facts))
        self.size = len(corpus.train)
        self.samples = config.evaluation.samples or min(len(corpus.validation_NL), MAX_SAMPLES)
        self.criterion = criterion(config, self.spec.length)
        self._floors: dict[tuple[str, int], list[float]] = {}
        self._variety_floors: dict[int, dict[str, float]] = {}
        self._windows = corpus.train.windows
        self._rows_NS = resident(corpus.train.rows_NS, device)
        self._labels = corpus.label_parts

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return training items as (B, L) ids, int64 as look-ups want them, on the device; with labels (B, L + 1)."""
        rows_BL = self._rows(indices_B)
        return self._with_labels(rows_BL, "train", indices_B) if self._labels else rows_BL

    def _with_labels(self, rows_BL: Tensor, part: str, indices_B: npt.NDArray[np.int64]) -> Tensor:
        return with_label(rows_BL, to_device(self._labels[part][indices_B], self.device))

    def _rows(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        if self._rows_NS is None:
            return to_device(self.corpus.train[indices_B], self.device).long()
        index_B = to_device(indices_B, self.device)
        place_L = torch.arange(self.spec.length, device=self.device)
        return self._rows_NS[(index_B // self._windows)[:, None], (index_B % self._windows)[:, None] + place_L].long()

    @property
    def held_out_size(self) -> int:
        """Number of validation items."""
        return len(self._validation_NL)

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return validation items as (B, L) ids, int64, on the device; with labels (B, L + 1)."""
        rows_BL = to_device(self._validation_NL[indices_B], self.device).long()
        return self._with_labels(rows_BL, "validation", indices_B) if self._labels else rows_BL

    def score(self, samples: npt.NDArray[np.integer], *, half: str = "validation") -> dict[str, float]:
        """Return js1.., unique and ngram_entropy, each with its floor, novel, and what the criterion adds.

        js-n: Jensen-Shannon divergence, in bits, between the n-grams of the (N, L) samples and of all lines of the
        validation or test half; padding counts. unique: share of distinct strings. ngram_entropy: entropy of the
        n-grams with n = ENTROPY_ORDER, in bits; padding counts; samples below the floor are less varied than lines.
        novel: share of strings that are not training lines. Floors: the same with N training lines instead of samples.
        """
        js, floor = self._references[half].divergences(samples), self._floor(half, len(samples))
        most = self.config.evaluation.orders
        numbers = {f"js{n}": value for n, value in enumerate(js[:most], 1)}
        numbers |= {f"js{n}_floor": value for n, value in enumerate(floor[:most], 1)}
        numbers |= self._variety(samples)
        numbers |= {f"{name}_floor": value for name, value in self._variety_floor(len(samples)).items()}
        numbers["novel"] = self.corpus.novel(samples)
        orders = self._criterion_orders
        own, real = ([values[n - 1] for n in orders] for values in (js, floor))
        return numbers | CRITERIA[self.config.evaluation.criterion].derived(own, real, numbers)

    @cached_property
    def _validation_NL(self) -> npt.NDArray[np.integer]:
        return np.asarray(self.corpus.validation_NL)

    @property
    def _criterion_orders(self) -> tuple[int, ...]:
        evaluation = self.config.evaluation
        return orders_of(CRITERIA[evaluation.criterion], evaluation.orders, self.spec.length)

    @cached_property
    def _references(self) -> dict[str, NgramReference]:
        orders = max(min(self.config.evaluation.orders, self.spec.length), *self._criterion_orders)
        halves = {"validation": self.corpus.validation_NL, "test": self.corpus.test_NL}
        return {half: NgramReference(rows, self.spec.vocabulary.size, orders) for half, rows in halves.items()}

    def _floor(self, half: str, samples: int) -> list[float]:
        if (half, samples) not in self._floors:
            self._floors[half, samples] = self._references[half].divergences(self._floor_rows(samples))
        return self._floors[half, samples]

    def _variety_floor(self, samples: int) -> dict[str, float]:
        if samples not in self._variety_floors:
            self._variety_floors[samples] = self._variety(self._floor_rows(samples))
        return self._variety_floors[samples]

    def _variety(self, ids_NL: npt.NDArray[np.integer]) -> dict[str, float]:
        entropy = ngram_entropy(ids_NL, self.spec.vocabulary.size, min(ENTROPY_ORDER, self.spec.length))
        return {"unique": unique_fraction(ids_NL), "ngram_entropy": entropy}

    def _floor_rows(self, samples: int) -> npt.NDArray[np.integer]:
        chosen_N = shuffled(self.config.training.seed, Stream.FLOOR, np.arange(samples), self.size)
        return self.corpus.train[chosen_N]


def _condensed(values_L: Tensor) -> list[float]:
    if len(values_L) > MAX_PLACES:
        values_L = functional.adaptive_avg_pool1d(values_L[None], MAX_PLACES)[0]
    numbers: list[float] = values_L.tolist()
    return numbers
