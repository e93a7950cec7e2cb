"""Evaluate a text model on the test split of a corpus: all measures, each with a reference value to compare with.

All baselines and thresholds are fixed in advance; the test split is not used for any choice.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, cast, final

from ...training.adapter import EvalTable, MeasureRow
from ...utils.arrays import Ints
from ...utils.progress import OnStep, ignore_step
from ..corpus.dataset import Corpus
from ..metrics.markov import MarkovChain
from ..metrics.memorization import Copies
from ..vocabulary import mask_after_pad
from . import verdicts
from .baselines import MARKOV_ORDERS, Bench
from .frontier import Frontier, TemperatureSampler
from .options import Generator, TextEvalOptions
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
from .two_sample_test import TwoSampleTest, two_sample_test
from .verdicts import BASELINE_ORDER

ORDERS_SHOWN = 1, 2, 3, 4, 6, 8
"""n of the JS-n shown in the table; the JSON has all."""


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
    """The critic's scores of "train", "test" and "generated" strings."""

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
        frontier = () if self.frontier is None else (_frontier_table(self.frontier),)
        return _profiles_table(self.profiles), *frontier, _pairs_table(self.nearest)

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
    strings_NL = mask_after_pad(ids_NL)
    on_step("fitting Markov models", 0.0)
    chain = MarkovChain.fit([bench.fitted_RL], corpus.vocabulary.size, max(MARKOV_ORDERS))
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
        protocol=bench.protocol(chain.smoothing),
        profiles=bench.profiles(ids_NL, chain),
        hits=bench.hits(model, ids_NL, chain),
        makeup=bench.makeup(strings_NL),
        copies=bench.copies(strings_NL),
        nearest=bench.nearest(strings_NL),
        scores=bench.scores(model, strings_NL),
        autoregressive=None if bench.autoregressive is None else bench.autoregressive.facts,
        critic_trained=asked.critic_trained,
        nll=bench.nll(strings_NL),
        c2st=_two_sample_test(model, bench, strings_NL),
        frontier=bench.frontier(cast(TemperatureSampler, model), strings_NL),
        valid=bench.validity(strings_NL),
    )


def _two_sample_test(model: Generator, bench: Bench, strings_NL: Ints) -> TwoSampleTest | None:
    asked = bench.asked
    if not asked.c2st_steps:
        return None
    steps, on_step = asked.c2st_steps, bench.on_step
    return two_sample_test(model, bench.corpus, strings_NL, steps=steps, seed=asked.seed, on_step=on_step)


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
    return tuple(sentences)


def _rows(found: TextEvaluation) -> list[MeasureRow]:
    """Return for each measure its name, its value, the value to compare it with, and what it means."""
    copies, nearest = found.copies, found.nearest
    means = {kind: f"{spread.mean:.3g}" for kind, spread in found.scores.items()}
    real = f"train {means['train']}, test {means['test']}"
    chance, lines = f"by chance {copies.expected:.2%}", f"test lines {nearest.test:.3f}"
    copied = f"share of the distinct strings that are training lines: {verdicts.copied(copies)}"
    neared = f"median edit distance per character to the nearest training line: {verdicts.neared(nearest)}"
    told = verdicts.trusted(found.scores) if found.critic_trained else "it was not trained, so they mean nothing"
    trusted = f"mean score of the critic: {told}"
    return [
        *_profile(found.profiles, _fellows(found)),
        *_hits(found.hits),
        *_nll(found.nll),
        *_valid(found.valid),
        *_makeup(found.makeup),
        ("copies", f"{copies.share:.2%}", chance, copied),
        ("nearest", f"{nearest.generated:.3f}", lines, neared),
        ("critic", means["generated"], real, trusted),
        *_c2st(found.c2st),
    ]


def _c2st(found: TwoSampleTest | None) -> list[MeasureRow]:
    if found is None:
        return []
    own, floor = found.generated, found.floor
    what = f"accuracy of a new classifier, 50% by chance: {verdicts.told_apart(own.accuracy, found.error)}"
    curve = "probability that it rates a real string above a generated one"
    return [
        ("C2ST", f"{own.accuracy:.1%}", f"real lines {floor.accuracy:.1%}", what),
        ("C2ST AUC", f"{own.auc:.3f}", f"real lines {floor.auc:.3f}", curve),
    ]


def _profile(profiles: Profiles, fellows: Profile) -> list[MeasureRow]:
    own, yardstick = profiles.model, f"Markov {BASELINE_ORDER}"
    order = min(verdicts.ORDER, len(own.js))
    beside = "real lines" if fellows is profiles.floor else yardstick
    standing = f"Jensen-Shannon divergence of {order}-grams in bits, 0 to 1: {verdicts.standing(profiles)}"
    variety = f"share of distinct strings: {verdicts.variety(own, fellows)}"
    novel = f"{yardstick} {profiles.markov[BASELINE_ORDER].novel:.1%}"
    return [
        (f"JS-{order}", f"{own.js[order - 1]:.4f}", f"floor {profiles.floor.js[order - 1]:.4f}", standing),
        ("unique", f"{own.unique:.1%}", f"{beside} {fellows.unique:.1%}", variety),
        ("novel", f"{own.novel:.1%}", novel, "share of strings that are not training lines"),
    ]


def _hits(hits: Hits) -> list[MeasureRow]:
    what = "share of the distinct test lines, never trained on, that occur among these strings"
    rows = []
    for guesses, share in hits.model.items():
        beside = f"Markov {BASELINE_ORDER} {hits.markov[guesses]:.2%}"
        if hits.autoregressive is not None:
            beside += f", autoregressive {hits.autoregressive[guesses]:.2%}"
        said = f"{what}: {verdicts.reached(share, hits.markov[guesses])}"
        rows.append((f"hits in {guesses:,}", f"{share:.2%}", beside, said))
    return rows


def _nll(nll: GenerativeNll | None) -> list[MeasureRow]:
    if nll is None:
        return []
    words = f"nats per symbol under the autoregressive baseline: {verdicts.likely(nll)}"
    return [("NLL", f"{nll.generated:.3f}", f"test lines {nll.test:.3f}", words)]


def _valid(valid: Validity | None) -> list[MeasureRow]:
    if valid is None:
        return []
    what = f"share of strings that the validator {valid.validator} calls valid"
    return [("valid", f"{valid.generated:.1%}", f"test lines {valid.test:.1%}", what)]


def _makeup(makeup: Composition) -> list[MeasureRow]:
    rows = []
    for k, one in enumerate(makeup.words or (), 1):
        what = f"share of distinct {'words' if k == 1 else f'word {k}-grams'} that also occur in the test split"
        rows.append((f"in-test-{k}", f"{one.generated:.1%}", f"real lines {one.floor:.1%}", what))
    means = f"mean {makeup.length_mean:.1f}, of test lines {makeup.length_mean_test:.1f}"
    for name, one, what in (
        ("lengths", makeup.length, f"total variation distance of string lengths ({means})"),
        ("characters", makeup.character, "total variation distance of character frequencies"),
    ):
        words = f"{what}: {verdicts.likeness(one.generated, one.floor)}"
        rows.append((name, f"{one.generated:.2%}", f"floor {one.floor:.2%}", words))
    bits, bits_test = (sum(values) / len(values) for values in (makeup.entropy_bits, makeup.entropy_bits_test))
    words = f"mean entropy per position in bits: {verdicts.freedom(bits, bits_test)}"
    return [*rows, ("entropy", f"{bits:.3f}", f"test lines {bits_test:.3f}", words)]


def _fellows(found: TextEvaluation) -> Profile:
    """Return the profile for comparison of the unique share: N real lines or, if there are fewer, a Markov chain."""
    enough = found.protocol.floor_n == found.protocol.n
    return found.profiles.floor if enough else found.profiles.markov[BASELINE_ORDER]


def _profiles_table(profiles: Profiles) -> EvalTable:
    """Return JS-n, unique and novel for the model, real lines and simple models."""
    named: dict[str, Profile] = {
        "floor": profiles.floor,
        "this model": profiles.model,
        **{f"Markov order {order}": profile for order, profile in profiles.markov.items()},
        **({} if profiles.autoregressive is None else {"autoregressive": profiles.autoregressive}),
        "uniform": profiles.uniform,
    }
    # For real lines, novel depends only on the split they come from.
    novel = {name: "" if profile is profiles.floor else f"{profile.novel:.1%}" for name, profile in named.items()}
    orders = [n for n, _ in enumerate(profiles.model.js, 1) if n in ORDERS_SHOWN]
    head = ("", *(f"JS-{n}" for n in orders), "unique", "novel")
    rows = tuple(
        (name, *(f"{profile.js[n - 1]:.4f}" for n in orders), f"{profile.unique:.1%}", novel[name])
        for name, profile in named.items()
    )
    return EvalTable(head=head, rows=rows, numbers=len(head) - 1)


def _frontier_table(frontier: Frontier) -> EvalTable:
    """Return nats per symbol under the baseline beside entropy and variety, for real lines and each temperature."""
    named = {"test lines": frontier.test, "as in use": frontier.in_use}
    named |= {f"temperature {point.temperature:g}": point for point in frontier.drawn}
    rows = tuple(
        (name, f"{point.nll:.3f}", f"{point.entropy_bits:.3f}", f"{point.unique:.1%}") for name, point in named.items()
    )
    return EvalTable(head=("drawn", "NLL", "4-gram entropy", "unique"), rows=rows, numbers=3)


def _pairs_table(nearest: NearestLines) -> EvalTable:
    """Return the generated strings that are nearest to a training line, without copies."""
    rows = tuple((pair.string, pair.line, str(pair.edits)) for pair in nearest.pairs)
    empty = "no generated string is close to a training line without being a copy"
    return EvalTable(head=("closest generated", "training line", "edits"), rows=rows, numbers=1, empty=empty)
