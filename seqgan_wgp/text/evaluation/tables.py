"""Rows and tables that show an evaluation of text: one function for each group of measures."""

from __future__ import annotations

from collections.abc import Mapping

from ...training.adapter import EvalTable, MeasureRow
from . import verdicts
from .by_label import ByLabel
from .frontier import Frontier
from .log_probability import LogProbability
from .result import Composition, GenerativeNll, Hits, NearestLines, Profile, Profiles, Validity
from .scores import ScoreSpread
from .two_sample_test import TwoSampleTest
from .verdicts import BASELINE_ORDER

ORDERS_SHOWN = 1, 2, 3, 4, 6, 8
"""n of the JS-n shown in the table; the JSON has all."""


def c2st_rows(found: TwoSampleTest | None) -> list[MeasureRow]:
    """Return accuracy and area under the curve of the classifier; none where it was left out."""
    if found is None:
        return []
    own, floor = found.generated, found.floor
    what = f"accuracy of a new classifier, 50% by chance: {verdicts.told_apart(own.accuracy, found.error)}"
    curve = "probability that it rates a real string above a generated one"
    return [
        ("C2ST", f"{own.accuracy:.1%}", f"real lines {floor.accuracy:.1%}", what),
        ("C2ST AUC", f"{own.auc:.3f}", f"real lines {floor.auc:.3f}", curve),
    ]


def critic_rows(scores: Mapping[str, ScoreSpread], *, trained: bool) -> list[MeasureRow]:
    """Return the row of the critic's mean scores; none where there is no critic."""
    if not scores:
        return []
    means = {kind: f"{spread.mean:.3g}" for kind, spread in scores.items()}
    told = verdicts.trusted(scores) if trained else "it was not trained, so they mean nothing"
    real = f"train {means['train']}, test {means['test']}"
    return [("critic", means["generated"], real, f"mean score of the critic: {told}")]


def profile_rows(profiles: Profiles, fellows: Profile) -> list[MeasureRow]:
    """Return JS-4, unique and novel; `fellows` is the profile that unique is compared with."""
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


def hits_rows(hits: Hits) -> list[MeasureRow]:
    """Return the coverage of test lines, a row for each number of guesses."""
    what = "share of the distinct test lines, never trained on, that occur among these strings"
    rows = []
    for guesses, share in hits.model.items():
        beside = f"Markov {BASELINE_ORDER} {hits.markov[guesses]:.2%}"
        if hits.autoregressive is not None:
            beside += f", autoregressive {hits.autoregressive[guesses]:.2%}"
        said = f"{what}: {verdicts.reached(share, hits.markov[guesses])}"
        rows.append((f"hits in {guesses:,}", f"{share:.2%}", beside, said))
    return rows


def nll_rows(nll: GenerativeNll | None) -> list[MeasureRow]:
    """Return the likelihood under the autoregressive baseline, if any."""
    if nll is None:
        return []
    words = f"nats per symbol under the autoregressive baseline: {verdicts.likely(nll)}"
    return [("NLL", f"{nll.generated:.3f}", f"test lines {nll.test:.3f}", words)]


def log_probability_rows(found: LogProbability | None) -> list[MeasureRow]:
    """Return the log probability of test lines under the model, where it was asked for."""
    if found is None:
        return []
    error = f", standard error {found.error:.2f}" if found.error else ""
    left_out = f"; {found.impossible:.1%} left out, which it cannot draw" if found.impossible else ""
    words = f"mean log probability of test lines in nats, {found.bits_per_character:.2f} bits per character"
    return [("log p", f"{found.test:.2f}", f"training lines {found.train:.2f}", f"{words}{error}{left_out}")]


def valid_rows(valid: Validity | None) -> list[MeasureRow]:
    """Return the share of valid strings, where a validator was named."""
    if valid is None:
        return []
    what = f"share of strings that the validator {valid.validator} calls valid"
    return [("valid", f"{valid.generated:.1%}", f"test lines {valid.test:.1%}", what)]


def label_rows(by_label: ByLabel | None) -> list[MeasureRow]:
    """Return how many strings have the label that was asked for, where the model has labels."""
    if by_label is None:
        return []
    what = "share of strings that a classifier of training lines takes for the label that was asked for"
    return [("label accuracy", f"{by_label.accuracy:.1%}", f"test lines {by_label.accuracy_test:.1%}", what)]


def labels_table(by_label: ByLabel) -> EvalTable:
    """Return the measures of each label beside those of real lines."""

    def shown(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    rows = tuple(
        (
            one.label,
            f"{one.generated:,}",
            shown(one.js3, ".4f"),
            shown(one.js3_floor, ".4f"),
            shown(one.unique, ".1%"),
            shown(one.accuracy, ".1%"),
            shown(one.accuracy_test, ".1%"),
        )
        for one in by_label.labels
    )
    head = ("label", "strings", "JS-3", "floor", "unique", "accuracy", "test lines")
    return EvalTable(head=head, rows=rows, numbers=len(head) - 1)


def makeup_rows(makeup: Composition) -> list[MeasureRow]:
    """Return words, lengths, characters and entropy."""
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


def profiles_table(profiles: Profiles, subject: str = "this model", others: Mapping[str, Profile] = {}) -> EvalTable:
    """Return JS-n, unique and novel for the measured strings, real lines and simple models.

    Args:
        profiles: of the measured strings.
        subject: what these are called.
        others: profiles of other strings that stand below them.
    """
    named: dict[str, Profile] = {
        "floor": profiles.floor,
        subject: profiles.model,
        **others,
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


def frontier_table(frontier: Frontier) -> EvalTable:
    """Return nats per symbol under the baseline beside entropy and variety, for real lines and each temperature."""
    named = {"test lines": frontier.test, "as in use": frontier.in_use}
    named |= {f"temperature {point.temperature:g}": point for point in frontier.drawn}
    rows = tuple(
        (name, f"{point.nll:.3f}", f"{point.entropy_bits:.3f}", f"{point.unique:.1%}") for name, point in named.items()
    )
    return EvalTable(head=("drawn", "NLL", "4-gram entropy", "unique"), rows=rows, numbers=3)


def pairs_table(nearest: NearestLines) -> EvalTable:
    """Return the generated strings that are nearest to a training line, without copies."""
    rows = tuple((pair.string, pair.line, str(pair.edits)) for pair in nearest.pairs)
    empty = "no generated string is close to a training line without being a copy"
    return EvalTable(head=("closest generated", "training line", "edits"), rows=rows, numbers=1, empty=empty)
