"""Explain the numbers of an evaluation in words. All thresholds are below, with their reasons."""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics.memorization import Copies
from .result import GenerativeNll, NearestLines, Profile, Profiles
from .scores import ScoreSpread

BASELINE_ORDER = 3
"""Order of the Markov model for comparison of hits and unique; fixed, so that the test split does not choose it."""

ORDER = 4
"""n of the JS-n that the summary tells."""

AT_FLOOR = 1.1
"""JS-4 up to this many times its floor counts as real: floors of different samples vary by a few hundredths."""

RANDOM = 0.95
"""Share of a uniform model's JS from which nothing about the order of characters was learnt."""

VARIED, COLLAPSED = 0.95, 0.5
"""Number of distinct strings relative to the comparison, from which strings are as varied, and below which they have
collapsed."""

SIGMAS = 3.0
"""Standard deviations above the expected share from which copies are significant: by chance once in 700."""

EXCESS = 1.25
"""Least ratio to the expected share of copies, since with many strings even a tiny excess is significant."""

NEARER = 0.1
"""Least difference of the edit distances per character by which generated strings are closer than test lines."""

BY_HEART = 0.5
"""Relative position of test scores between training (0) and generated scores (1) from which the critic has memorised
its training lines."""

CLOSE = 2.0
"""Total variation up to this many times its floor counts as real: floors of different samples vary that much."""


FEW_TOLD, MOST_TOLD = 0.6, 0.75
"""Accuracies of a classifier: below the first it recognises at most one generated string in five, from the second every
other one, if it guesses the rest."""

FREE = 0.05
"""Relative difference of the entropy that can be due to the number of strings."""

USUAL = 0.02
"""Relative difference of nats per symbol from test lines that training lines also have."""


def likely(nll: GenerativeNll) -> str:
    """Compare the likelihood of strings and test lines, by nats per symbol."""
    if nll.generated > (1 + USUAL) * nll.test:
        return "less likely than real lines"
    return "more likely than real lines, so less varied" if nll.generated < (1 - USUAL) * nll.test else "as real lines"


def standing(profiles: Profiles) -> str:
    """Compare a model's n-grams with real lines and simple models."""
    place = min(ORDER, len(profiles.model.js)) - 1
    js, floor = profiles.model.js[place], profiles.floor.js[place]
    if js <= AT_FLOOR * floor:
        return "as close to the reference as real lines are"
    if js >= RANDOM * profiles.uniform.js[place]:
        return "no better than random characters"
    beaten = [order for order, other in profiles.markov.items() if js < other.js[place]]
    others = [order for order in profiles.markov if order not in beaten]
    if not beaten:
        return f"worse than Markov models of every order from {min(others)} to {max(others)}"
    if not others:
        return f"better than Markov models of every order from {min(beaten)} to {max(beaten)}"
    if max(beaten) < min(others):
        return f"between Markov models of order {max(beaten)} and {min(others)}"
    return f"better than Markov models of order {_listed(beaten)}, worse than of order {_listed(others)}"


def variety(own: Profile, other: Profile) -> str:
    """Describe the variety of strings, compared with about as many others."""
    share = own.unique / other.unique
    if share >= VARIED:
        return "hardly any repeats"
    return "mode collapse: the generator produces few distinct strings" if share < COLLAPSED else "many repeats"


def too_many(copies: Copies) -> bool:
    """Return whether there are more copies than without memorisation."""
    excess = copies.share - copies.expected
    return excess > SIGMAS * copies.expected_error and copies.share > EXCESS * copies.expected


def copied(copies: Copies) -> str:
    """Describe the copies."""
    if too_many(copies):
        times = f"{copies.share / copies.expected:.1f} times as many as" if copies.expected else "far more than"
        return f"{times} expected by chance, so some lines are memorised"
    if not copies.share:
        return "no copies of training lines"
    return "no more than expected by chance"


def neared(nearest: NearestLines) -> str:
    """Describe how close strings that are not copies are to training lines."""
    if not nearest.generated:
        return "all strings are copies"
    if nearest.margin < -NEARER:
        return "closer than test lines are: some are near copies"
    if nearest.margin > NEARER:
        return "farther than test lines are: less realistic than text"
    return "about as far as test lines are"


def memory(copies: Copies, nearest: NearestLines) -> str:
    """Return whether there are signs of memorisation."""
    found = []
    if too_many(copies):
        found.append(copied(copies))
    if nearest.generated and nearest.margin < -NEARER:
        found.append(f"the other strings are {neared(nearest)}")
    if found:
        return f"signs of memorisation: {'; '.join(found)}"
    chance = f"{copies.share:.1%} of the distinct strings are training lines, {copies.expected:.1%} expected by chance"
    return f"no sign of memorisation ({chance})"


def trusted(scores: Mapping[str, ScoreSpread]) -> str:
    """Describe what the scores say about the critic."""
    train, test, generated = (scores[kind].mean for kind in ("train", "test", "generated"))
    if train <= generated:
        return "it rates generated strings at least as high as real ones"
    if train - test > BY_HEART * (train - generated):
        return "test lines score lower than training lines, so the critic has memorised the training lines"
    return "test lines score like training lines, as they should"


def likeness(generated: float, floor: float) -> str:
    """Describe how close lengths or characters are to the test split, by total variation."""
    if generated <= CLOSE * floor:
        return "about as close to the test split as real lines"
    return (
        f"{generated / floor:.1f} times as far from the test split as real lines" if floor else "unlike the test split"
    )


def freedom(bits: float, bits_test: float) -> str:
    """Compare the entropy per position with that of the test split."""
    if bits < (1 - FREE) * bits_test:
        return "less varied than text"
    return "less regular than text" if bits > (1 + FREE) * bits_test else "as varied as text"


def reached(share: float, yardstick: float) -> str:
    """Compare the hits with those of the Markov model of order BASELINE_ORDER."""
    if not share:
        return "none"
    return (
        f"more than a Markov model of order {BASELINE_ORDER}"
        if share > yardstick
        else f"no more than a Markov model of order {BASELINE_ORDER}"
    )


def told_apart(accuracy: float, error: float) -> str:
    """Describe a classifier's accuracy, given its standard error."""
    if accuracy - 0.5 <= SIGMAS * error:
        return "it finds no difference"
    if accuracy < FEW_TOLD:
        return "it recognises few generated strings"
    return "it recognises most generated strings" if accuracy >= MOST_TOLD else "it recognises some generated strings"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
