"""Evaluate a text model on the test split of a corpus: all measures, each with a reference value to compare with.

All baselines and thresholds are fixed in advance; the test split is not used for any choice.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast, final

import numpy as np
import numpy.typing as npt

from ...training.adapter import EvalTable, MeasureRow
from ...utils.arrays import Ints
from ...utils.progress import OnStep, ignore_step
from ..corpus.dataset import Corpus
from ..metrics.memorization import Copies
from ..vocabulary import mask_after_pad
from . import verdicts
from .baselines import Bench
from .by_label import ByLabel, measured_by_label
from .frontier import Frontier, TemperatureSampler
from .log_probability import GivesProbabilities, LogProbability, log_probability_of_lines
from .options import Generator, LabelSource, TextEvalOptions
from .prepare_corpus import unknown_share
from .result import (
    Autoregressive,
    Composition,
    GenerativeNll,
    Hits,
    NearestLines,
    Profile,
    Profiles,
    Protocol,
    Text,
    Validity,
)
from .scores import ScoreSpread
from .tables import (
    c2st_rows,
    critic_rows,
    frontier_table,
    hits_rows,
    label_rows,
    labels_table,
    log_probability_rows,
    makeup_rows,
    nll_rows,
    pairs_table,
    profile_rows,
    profiles_table,
    valid_rows,
)
from .two_sample_test import TwoSampleTest
from .verdicts import BASELINE_ORDER


@final
@dataclass(frozen=True, kw_only=True)
class TextEvaluation:
    """Result of evaluating a text model; `to_json` has the keys."""

    text: Text
    protocol: Protocol
    profiles: Profiles
    hits: Hits
    makeup: Composition
    copies: Copies
    nearest: NearestLines
    scores: dict[str, ScoreSpread]
    """The critic's scores of "train", "test" and "generated" strings; empty where there is no critic."""

    subject: str = "this model"
    """What the table calls the measured strings."""

    remarks: tuple[str, ...] = ()
    """What else the summary says, each one sentence."""

    autoregressive: Autoregressive | None = None
    """The autoregressive baseline, if any."""

    critic_trained: bool = True
    """Whether the critic was trained."""

    nll: GenerativeNll | None = None
    """Nats per symbol under the baseline."""

    c2st: TwoSampleTest | None = None
    """The classifier two-sample test; None if it was left out."""

    frontier: Frontier | None = None
    """Likelihood against variety over temperature; None where it was not asked for."""

    valid: Validity | None = None
    """Share of valid strings; None where no validator was named."""

    by_label: ByLabel | None = None
    """Measures by label; None for a model or a corpus without labels."""

    log_probability: LogProbability | None = None
    """What the model says of test lines; None where it was not asked for."""

    @property
    def summary(self) -> tuple[str, ...]:
        """The main results in a few sentences."""
        return _summary(self)

    @property
    def method(self) -> str:
        """How it was measured, in one line."""
        how, items = self.protocol, self.text.layout
        against = f"{how.reference:,} {'training' if how.legacy else 'test'} {items}"
        floor = f"{how.floor_n:,} {'test' if how.legacy else 'training'} {items}"
        return (
            f"{how.n:,} generated strings against {against} of {self.text.name}; floor: {floor}; Markov models: of "
            f"{how.fitted:,} training {items}, {how.smoothing} smoothing; {self._baseline_method}seed {how.seed}"
        )

    @property
    def _baseline_method(self) -> str:
        base = self.autoregressive
        if base is None:
            return ""
        cut = f"symbols of p < {base.epsilon:g} not drawn" if base.epsilon else "all symbols drawn"
        return (
            f"autoregressive baseline: causal convolutions of {base.weights:,} weights, {base.steps:,} steps for "
            f"{base.budget_seconds:g} nominal seconds, {cut}; "
        )

    @property
    def rows(self) -> list[MeasureRow]:
        """For each measure: its name, its value, the value to compare it with, and what it means."""
        return _rows(self)

    @property
    def tables(self) -> tuple[EvalTable, ...]:
        """Tables of the model, real lines and simple models, and of the generated strings nearest to training lines."""
        frontier = () if self.frontier is None else (frontier_table(self.frontier),)
        labels = () if self.by_label is None else (labels_table(self.by_label),)
        return profiles_table(self.profiles, self.subject), *labels, *frontier, pairs_table(self.nearest)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; docs/metrics.md explains the keys."""
        tree = dataclasses.asdict(self)
        profiles, hits, makeup = tree["profiles"], tree["hits"], tree["makeup"]
        found = {"domain": "text", "corpus": tree["text"], **tree["protocol"]}
        for name in ("js", "unique", "novel"):
            found[name] = profiles["model"][name]
            found |= {f"{name}_{other}": profiles[other][name] for other in ("floor", "uniform")}
            found[f"{name}_markov"] = {str(order): one[name] for order, one in profiles["markov"].items()}
        found["hits"], found["hits_markov"] = (
            {str(guesses): share for guesses, share in hits[of].items()} for of in ("model", "markov")
        )
        if self.autoregressive is not None:
            own = profiles["autoregressive"]
            found |= {f"{name}_autoregressive": own[name] for name in ("js", "unique", "novel")}
            found["hits_autoregressive"] = {str(guesses): share for guesses, share in hits["autoregressive"].items()}
            found |= {name: tree[name] for name in ("autoregressive", "nll")}
        found["words"] = makeup["words"]
        means = {"mean": makeup["length_mean"], "mean_test": makeup["length_mean_test"]}
        found["lengths"] = makeup["length"] | means
        found["characters"] = makeup["character"]
        found["entropy_bits"] = {"generated": makeup["entropy_bits"], "test": makeup["entropy_bits_test"]}
        found |= {name: tree[name] for name in ("copies", "nearest", "scores", "c2st", "frontier", "valid")}
        if self.by_label is not None:
            found["by_label"] = tree["by_label"]
        if self.log_probability is not None:
            found["log_probability"] = tree["log_probability"]
        return found | {"summary": self.summary}


def evaluate_text(
    model: Generator,
    corpus: Corpus,
    asked: TextEvalOptions,
    *,
    same_corpus: bool = True,
    on_step: OnStep = ignore_step,
) -> TextEvaluation:
    """Evaluate a text model on the test split of a corpus.

    Args:
        model: a model with the corpus's vocabulary and length.
        corpus: the prepared corpus.
        asked: what to measure.
        same_corpus: whether the model was trained on this corpus; "training lines" are those of this corpus in any
            case.
        on_step: called with a description of the current step and the share of it that is done.
    """
    bench = Bench(corpus=corpus, asked=asked, on_step=on_step)
    ids_NL = bench.generated(model)
    strings_NL, label_N = mask_after_pad(ids_NL), None
    if isinstance(model, LabelSource):
        label_N = model.label_numbers(len(ids_NL), seed=asked.seed)
    measured = MeasuredStrings(
        ids_NL=ids_NL,
        guesses=itertools.chain([ids_NL], bench.drawn(model, bench.n, max(asked.guesses) - bench.n)),
        scores=lambda: bench.scores(model, strings_NL, label_N),
        label_N=label_N,
        c2st=lambda: bench.two_sample_test(model, strings_NL),
        frontier=lambda: bench.frontier(cast(TemperatureSampler, model), strings_NL),
        log_probability=lambda: _log_probability(bench, model),
    )
    return measure_strings(bench, measured, same_corpus=same_corpus)


@final
@dataclass(frozen=True, kw_only=True)
class MeasuredStrings:
    """Strings to measure, and what depends on where they come from; N strings of L ids."""

    ids_NL: Ints
    guesses: Iterable[Ints]
    """At least as many strings, in order, as the largest number of guesses."""

    label_N: npt.NDArray[np.int64] | None = None
    """Labels that they were generated by; None: they have none."""

    at: tuple[int, ...] | None = None
    """Numbers of guesses, some of those that are asked for; None: all."""

    scores: Callable[[], dict[str, ScoreSpread]] = dict
    """Gives the critic's scores; those of strings without a critic are empty."""

    c2st: Callable[[], TwoSampleTest | None] = lambda: None
    frontier: Callable[[], Frontier | None] = lambda: None
    log_probability: Callable[[], LogProbability | None] = lambda: None
    subject: str = "this model"
    remarks: tuple[str, ...] = ()


def measure_strings(bench: Bench, measured: MeasuredStrings, *, same_corpus: bool = True) -> TextEvaluation:
    """Return all measures of N strings; see `evaluate_text`."""
    corpus, asked = bench.corpus, bench.asked
    strings_NL = mask_after_pad(measured.ids_NL)
    return TextEvaluation(
        text=Text(
            name=corpus.facts.name,
            sha256=corpus.facts.sha256,
            layout=corpus.facts.layout,
            same=same_corpus,
            train=len(corpus.train),
            test=len(bench.test_RL),
            unknown=unknown_share(corpus),
            told=corpus.told,
        ),
        protocol=bench.protocol(),
        profiles=bench.profiles(measured.ids_NL),
        hits=bench.hits(measured.guesses, measured.at),
        makeup=bench.makeup(strings_NL),
        copies=bench.copies(strings_NL),
        nearest=bench.nearest(strings_NL),
        scores=measured.scores(),
        subject=measured.subject,
        remarks=measured.remarks,
        autoregressive=None if bench.autoregressive is None else bench.autoregressive.facts,
        critic_trained=asked.critic_trained,
        nll=bench.nll(strings_NL),
        c2st=measured.c2st(),
        frontier=measured.frontier(),
        valid=bench.validity(strings_NL),
        by_label=_by_label(bench, strings_NL, measured.label_N),
        log_probability=measured.log_probability(),
    )


def _log_probability(bench: Bench, model: object) -> LogProbability | None:
    if not bench.asked.log_probability or not isinstance(model, GivesProbabilities):
        return None
    bench.on_step("measuring the probability of test lines", 0.0)
    return log_probability_of_lines(model, bench.corpus, bench.test_RL, bench.asked.seed)


def _by_label(bench: Bench, strings_NL: Ints, label_N: npt.NDArray[np.int64] | None) -> ByLabel | None:
    if label_N is None:
        return None
    bench.on_step("measuring by label", 0.0)
    return measured_by_label(bench.corpus, strings_NL, label_N, bench.asked.seed)


def _summary(found: TextEvaluation) -> tuple[str, ...]:
    """Return the summary: n-grams, memorisation, and caveats."""
    profiles, text = found.profiles, found.text
    order = min(verdicts.ORDER, len(profiles.model.js))
    above = max(0.0, profiles.model.js[order - 1] - profiles.floor.js[order - 1])
    variety = verdicts.variety(profiles.model, _fellows(found))
    sentences = [
        f"n-grams: JS-{order} is {above:.3f} bits above real lines, {verdicts.standing(profiles)}; strings: {variety}",
        f"memory: {verdicts.memory(found.copies, found.nearest)}",
    ]
    sentences += [f"corpus: {told}" for told in text.told]
    if not text.same:
        other = "is not the corpus that the model was trained on; training lines here are those of this corpus"
        sentences.append(f"corpus: {text.name} {other}")
    if text.unknown:
        sentences.append(f"corpus: {text.unknown:.2%} of the characters in the test split are unknown to the model")
    return *sentences, *found.remarks


def _rows(found: TextEvaluation) -> list[MeasureRow]:
    """Return for each measure its name, its value, the value to compare it with, and what it means."""
    copies, nearest = found.copies, found.nearest
    chance, lines = f"by chance {copies.expected:.2%}", f"test lines {nearest.test:.3f}"
    copied = f"share of the distinct strings that are training lines: {verdicts.copied(copies)}"
    neared = f"median edit distance per character to the nearest training line: {verdicts.neared(nearest)}"
    return [
        *profile_rows(found.profiles, _fellows(found)),
        *hits_rows(found.hits),
        *nll_rows(found.nll),
        *log_probability_rows(found.log_probability),
        *valid_rows(found.valid),
        *label_rows(found.by_label),
        *makeup_rows(found.makeup),
        ("copies", f"{copies.share:.2%}", chance, copied),
        ("nearest", f"{nearest.generated:.3f}", lines, neared),
        *critic_rows(found.scores, trained=found.critic_trained),
        *c2st_rows(found.c2st),
    ]


def _fellows(found: TextEvaluation) -> Profile:
    """Return the profile for comparison of the unique share: N real lines or, if there are fewer, a Markov chain."""
    enough = found.protocol.floor_n == found.protocol.n
    return found.profiles.floor if enough else found.profiles.markov[BASELINE_ORDER]
