"""Groups of measures of generated strings, each with the same measure for real lines or simple models.

Shape suffixes: N strings, R test or training items, L length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np

from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, sampled_indices
from ...utils.progress import OnStep
from ..corpus.dataset import Corpus, CorpusItems
from ..generation.filters import validity
from ..metrics.coverage import hits, words_in_test
from ..metrics.distances import character_distance, entropy_by_position, length_distance, lengths_N
from ..metrics.markov import MarkovChain, uniform_rows
from ..metrics.memorization import Copies, Pair, copies, nearest
from ..metrics.ngrams import NgramReference, unique_fraction
from ..vocabulary import mask_after_pad
from .autoregressive import Baseline, baseline
from .frontier import Frontier, FrontierPoint, TemperatureSampler
from .kept import kept
from .options import Generator, TextEvalOptions
from .result import (
    Against,
    Composition,
    GenerativeNll,
    Hits,
    NearestLines,
    NearPair,
    Profile,
    Profiles,
    Protocol,
    Validity,
)
from .scores import Scorer, ScoreSpread, one_hot_scores
from .two_sample_test import StringSource, TwoSampleTest, two_sample_test
from .verdicts import BASELINE_ORDER

MARKOV_ORDERS = 1, 2, 3, 4, 5

MAX_ROWS, MAX_IDS = 1_000_000, 1 << 25
"""Largest number of training items, and of their ids, for Markov models; more are subsampled evenly."""

SCORED = 2_000
"""Number of strings of each kind that the critic scores."""

GUESSED = 1 << 14
"""Number of strings of a Markov model drawn at a time."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """A corpus with which strings are compared.

    JS is measured on whole rows, including ids after the first pad, as in training and in the published protocol. All
    other measures use strings, which end at the first pad.
    """

    corpus: Corpus
    asked: TextEvalOptions
    on_step: OnStep

    @property
    def n(self) -> int:
        """N, number of measured strings."""
        return self.asked.count(len(self.test_RL))

    @cached_property
    def test_RL(self) -> Ints:
        """The items of the test split."""
        return np.asarray(self.corpus.test_NL)

    @cached_property
    def real_NL(self) -> Ints:
        """N training items, or all: real lines in place of generated ones."""
        train = self.corpus.train
        return train[sampled_indices(self.asked.seed, Stream.FLOOR, len(train), self.n)]

    @cached_property
    def floor_NL(self) -> Ints:
        """Real lines for the floor of n-grams: training lines, or test lines with the published protocol."""
        return some(self.test_RL, self.n, self.asked.seed) if self.asked.legacy else self.real_NL

    @cached_property
    def fitted_RL(self) -> Ints:
        """The training items to which Markov models are fitted: all, or an even subsample."""
        train_RL = self.corpus.train.apart()
        most = max(1, min(MAX_ROWS, MAX_IDS // train_RL.shape[1]))
        if len(train_RL) <= most:
            return train_RL
        spaced_RL: Ints = train_RL[np.arange(most) * len(train_RL) // most]
        return spaced_RL

    @cached_property
    def reference(self) -> NgramReference:
        """The reference of n-grams."""
        rows_RL = self.fitted_RL if self.asked.legacy else self.test_RL
        orders = min(self.asked.orders, self.corpus.facts.length)
        return NgramReference(rows_RL, self.corpus.vocabulary.size, orders)

    @cached_property
    def autoregressive(self) -> Baseline | None:
        """The autoregressive baseline; None if the budget is 0."""
        if not self.asked.baseline_seconds:
            return None
        what = "training the autoregressive baseline"
        self.on_step(what, 0.0)
        return baseline(self.corpus, self.asked.baseline_seconds, lambda share: self.on_step(what, share))

    def _autoregressive(self, count: int) -> Iterator[Ints]:
        """Yield the first strings of the baseline, a block at a time, in constant memory."""
        assert self.autoregressive is not None
        done = 0
        for block_NL in self.autoregressive.samples(count, self.asked.seed):
            done += len(block_NL)
            self.on_step("drawing from the autoregressive baseline", done / count)
            yield block_NL.astype(self.corpus.vocabulary.dtype)

    @cached_property
    def chain(self) -> MarkovChain:
        """The Markov model of the highest order; `of_order` gives the others."""
        self.on_step("fitting Markov models", 0.0)
        return MarkovChain.fit([self.fitted_RL], self.corpus.vocabulary.size, max(MARKOV_ORDERS))

    def protocol(self) -> Protocol:
        """Return the amounts that are measured."""
        return Protocol(
            n=self.n,
            floor_n=len(self.floor_NL),
            legacy=self.asked.legacy,
            reference=len(self.fitted_RL if self.asked.legacy else self.test_RL),
            fitted=len(self.fitted_RL),
            smoothing=self.chain.smoothing,
            seed=self.asked.seed,
        )

    def generated(self, model: Generator) -> Ints:
        """Return the (N, L) ids of the first strings."""
        ids_NL: Ints = np.concatenate(list(self.drawn(model, 0, self.n)))
        return ids_NL

    def profile(self, ids_NL: Ints) -> Profile:
        """Return the JS divergences of (N, L) ids from the reference, and their distinct and novel shares."""
        strings_NL = mask_after_pad(ids_NL)
        return Profile(
            js=tuple(self.reference.divergences(ids_NL)),
            unique=unique_fraction(strings_NL),
            novel=self.corpus.novel(strings_NL),
        )

    def profiles(self, ids_NL: Ints) -> Profiles:
        """Return the profiles of (N, L) ids, of as many rows of simple models, and of real lines."""
        return replace(self._simple_profiles, model=self.profile(ids_NL))

    @cached_property
    def _simple_profiles(self) -> Profiles:
        """Profiles of real lines, which stand as those of the model too, and of simple models."""
        what, length, seed = "comparing with plain models", self.corpus.facts.length, self.asked.seed
        self.on_step(what, 0.0)
        markov = {}
        for place, order in enumerate(MARKOV_ORDERS, 1):
            markov[order] = self.profile(self.chain.of_order(order).sample(self.n, length, seed=seed))
            self.on_step(what, place / (len(MARKOV_ORDERS) + 1))
        floor = self.profile(self.floor_NL)
        return Profiles(
            model=floor,
            floor=floor,
            markov=markov,
            uniform=self.profile(uniform_rows(self.n, length, self.corpus.vocabulary.size, seed)),
            autoregressive=self._autoregressive_profile(),
        )

    def hits(self, guesses: Iterable[Ints], at: tuple[int, ...] | None = None) -> Hits:
        """Return the share of test strings among the first of some strings, and of those of simple models.

        Args:
            guesses: arrays of (N, L) ids.
            at: numbers of guesses, some of those that are asked for; None: all.
        """
        at, simple = self.asked.guesses if at is None else at, self._simple_hits
        baseline = simple.autoregressive
        return Hits(
            model=hits(guesses, self.test_RL, at),
            markov={number: simple.markov[number] for number in at},
            autoregressive=None if baseline is None else {number: baseline[number] for number in at},
        )

    @cached_property
    def _simple_hits(self) -> Hits:
        """Hits of simple models; those of the Markov model stand as those of the measured strings too."""
        at, seed, length = self.asked.guesses, self.asked.seed, self.corpus.facts.length
        most, yardstick = max(at), self.chain.of_order(BASELINE_ORDER)
        drawn = (
            yardstick.sample(min(GUESSED, most - start), length, seed=seed, start=start)
            for start in range(0, most, GUESSED)
        )
        markov = hits(drawn, self.test_RL, at)
        return Hits(model=markov, markov=markov, autoregressive=self._autoregressive_hits())

    def _autoregressive_profile(self) -> Profile | None:
        """Return the profile of the baseline's strings, which is kept from one evaluation to the next."""
        if self.autoregressive is None:
            return None
        asked = {name: getattr(self.asked, name) for name in ("orders", "legacy")} | {"of": "profile", "n": self.n}
        found = self._kept(asked, lambda: asdict(self.profile(np.concatenate(list(self._autoregressive(self.n))))))
        return Profile(js=tuple(found["js"]), unique=found["unique"], novel=found["novel"])

    def _autoregressive_hits(self) -> dict[int, float] | None:
        """Return the hits of the baseline's strings, which are kept too."""
        if self.autoregressive is None:
            return None
        at = self.asked.guesses
        asked = {"of": "hits", "guesses": list(at)}
        found = self._kept(
            asked, lambda: {str(k): v for k, v in hits(self._autoregressive(max(at)), self.test_RL, at).items()}
        )
        return {guesses: found[str(guesses)] for guesses in at}

    def _kept(self, asked: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        assert self.autoregressive is not None
        return kept("baseline-results", self.autoregressive.key | asked | {"seed": self.asked.seed}, make)

    def nll(self, strings_NL: Ints) -> GenerativeNll | None:
        """Return the likelihood of the strings, and of as many real lines, under the baseline, if any."""
        if self.autoregressive is None:
            return None
        self.on_step("likelihoods under the autoregressive baseline", 0.0)
        scored = {
            "generated": strings_NL,
            "test": some(self.test_RL, self.n, self.asked.seed),
            "train": self.real_NL,
        }
        return GenerativeNll(**{of: self.autoregressive.nll(rows_NL) for of, rows_NL in scored.items()})

    def frontier(self, model: TemperatureSampler, strings_NL: Ints) -> Frontier | None:
        """Return likelihood against variety over temperature; None where no temperatures are asked for."""
        temperatures, base, seed = sorted(set(self.asked.temperatures)), self.autoregressive, self.asked.seed
        if not temperatures or base is None:
            return None
        size = self.corpus.vocabulary.size

        def drawn(temperature: float) -> FrontierPoint:
            self.on_step(f"drawing at temperature {temperature:g}", 0.0)
            parts = model.samples(self.n, seed=seed, decode="sample", temperature=temperature)
            return FrontierPoint.of(np.concatenate(list(parts)), base, size, temperature)

        return Frontier(
            in_use=FrontierPoint.of(strings_NL, base, size, None),
            test=FrontierPoint.of(some(self.test_RL, self.n, seed), base, size, None),
            drawn=tuple(map(drawn, temperatures)),
        )

    def validity(self, strings_NL: Ints) -> Validity | None:
        """Return which share of the strings, and of test lines, a validator calls valid; None where none is named."""
        name = self.asked.valid
        if name is None:
            return None
        self.on_step(f"validating by {name}", 0.0)
        is_valid = validity(name, self.corpus.vocabulary)
        test_NL = some(self.test_RL, self.n, self.asked.seed)
        generated, test = (float(is_valid(rows_NL).mean()) for rows_NL in (strings_NL, test_NL))
        return Validity(validator=name, generated=generated, test=test)

    def makeup(self, strings_NL: Ints) -> Composition:
        """Compare words, lengths and characters with the test split."""
        self.on_step("words, lengths and characters", 0.0)
        size, test_RL = self.corpus.vocabulary.size, self.test_RL
        rows = {"generated": strings_NL, "floor": self.real_NL}
        show = self.corpus.vocabulary.decode
        shares = {of: words_in_test(show(rows_NL), show(test_RL)) for of, rows_NL in rows.items()}
        pairs = zip(shares["generated"] or (), shares["floor"] or (), strict=True)
        return Composition(
            words=tuple(Against(generated=one, floor=other) for one, other in pairs) or None,
            length=Against(**{of: length_distance(rows_NL, test_RL) for of, rows_NL in rows.items()}),
            length_mean=float(lengths_N(strings_NL).mean()),
            length_mean_test=float(lengths_N(test_RL).mean()),
            character=Against(**{of: character_distance(rows_NL, test_RL, size) for of, rows_NL in rows.items()}),
            entropy_bits=tuple(entropy_by_position(strings_NL, size).tolist()),
            entropy_bits_test=tuple(entropy_by_position(test_RL, size).tolist()),
        )

    def copies(self, strings_NL: Ints) -> Copies:
        """Return the share of strings that are training lines, and the share expected by chance from held-out lines."""
        self.on_step("looking for copies", 0.0)
        held_out_RL = np.concatenate([self.corpus.validation_NL, self.test_RL])
        return copies(strings_NL, self.corpus.fingerprints or self.corpus.train.blocks(), held_out_RL)

    def nearest(self, strings_NL: Ints) -> NearestLines:
        """Return the distances of some strings, and of test lines, to training lines."""
        self.on_step("looking for the nearest training lines", 0.0)
        found = nearest(strings_NL, self.corpus.train, self.test_RL, seed=self.asked.seed)
        return NearestLines(
            generated=found.generated.median,
            test=found.held_out.median,
            margin=found.margin,
            sample=len(found.generated.edits_N),
            train=found.train,
            pairs=tuple(self._shown(pair) for pair in found.pairs),
        )

    def scores(self, model: Scorer, strings_NL: Ints, label_N: Ints | None = None) -> dict[str, ScoreSpread]:
        """Return the critic's scores of some training, test and generated strings, by their labels if it takes such.

        There are none where it takes labels and the corpus has none.
        """
        parts = self.corpus.label_parts
        if label_N is not None and not parts:
            return {}
        self.on_step("scoring", 0.0)
        rows: dict[str, CorpusItems | Ints] = {"train": self.corpus.train, "test": self.test_RL}
        own_N = None if label_N is None else label_N[:SCORED]
        found = {"generated": ScoreSpread.of(one_hot_scores(model, strings_NL[:SCORED], own_N))}
        for kind, items in rows.items():
            chosen_N = sampled_indices(self.asked.seed, Stream.FLOOR, len(items), SCORED)
            labels_N = None if label_N is None else parts[kind][chosen_N]
            found[kind] = ScoreSpread.of(one_hot_scores(model, items[chosen_N], labels_N))
        return {kind: found[kind] for kind in ("train", "test", "generated")}

    def two_sample_test(self, model: StringSource, strings_NL: Ints) -> TwoSampleTest | None:
        """Return the classifier two-sample test of some strings, trained on others of the model; None if left out."""
        steps = self.asked.c2st_steps
        if not steps:
            return None
        return two_sample_test(model, self.corpus, strings_NL, steps=steps, seed=self.asked.seed, on_step=self.on_step)

    def drawn(self, model: Generator, start: int, count: int) -> Iterator[Ints]:
        """Yield the strings start .. start + count - 1 of a model; none for a negative count."""
        done = 0
        for block_NL in model.samples(max(0, count), seed=self.asked.seed, start=start):
            done += len(block_NL)
            self.on_step(f"generating {count:,} strings", done / count)
            yield block_NL

    def _shown(self, pair: Pair) -> NearPair:
        string, line = self.corpus.vocabulary.decode(np.stack([pair.string_L, pair.line_L]))
        return NearPair(string=string, line=line, edits=pair.edits, distance=pair.normalised)


def some(rows_RL: Ints, most: int, seed: int) -> Ints:
    """Return `most` rows sampled without replacement, or all."""
    return rows_RL[sampled_indices(seed, Stream.FLOOR, len(rows_RL), most)]
