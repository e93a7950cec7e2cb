"""Say in words what the numbers of an evaluation mean. All thresholds are below, with their reasons."""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics.memorization import Copies
from .result import GenerativeNll, NearestLines, Profile, Profiles
from .scores import ScoreSpread

BASELINE_ORDER = 3
"""Order of the Markov model that stands beside hits and unique strings: fixed, so that the test half chooses none."""

ORDER = 4
"""n of the JS-n that the summary tells."""

AT_FLOOR = 1.1
"""Up to this many times its floor JS-4 is as good as real: floors of other draws differ by a few hundredths."""

RANDOM = 0.95
"""From this share of a uniform model's JS on, nothing of the order of characters has been learnt."""

VARIED, COLLAPSED = 0.95, 0.5
"""Share of the different strings that others have, from which on strings are as various as those, and below which most
of what there was to say is gone."""

SIGMAS = 3.0
"""Standard deviations above the expected share from which on copies are no chance: one in 700 sets of strings."""

EXCESS = 1.25
"""How many times the expected share of copies it takes, too: of many strings, an excess of no weight is significant."""

NEARER = 0.1
"""By how much of a string's characters generated ones must lie nearer to training lines than test lines do."""

BY_HEART = 0.5
"""Share of the way from training lines to generated ones that test lines lie on, from which on the critic knows its
training lines rather than what they have in common."""

CLOSE = 2.0
"""Up to this many times its floor a total variation is as of real lines: floors of other draws come to nearly that."""


FEW_TOLD, MOST_TOLD = 0.6, 0.75
"""Accuracies of a classifier: below the first it tells at most one generated string in five for sure, from the second
on every other one, if it guesses at the rest."""

FREE = 0.05
"""By which share the entropy may differ from that of text: so much comes of the numbers of strings alone."""

USUAL = 0.02
"""By which share the nats per symbol may differ from test lines': as much as training lines' do."""


def likely(nll: GenerativeNll) -> str:
    """Return how likely strings are held against test lines, by the nats per symbol of both."""
    if nll.generated > (1 + USUAL) * nll.test:
        return "less likely than real lines"
    return "likelier than real lines, so less various" if nll.generated < (1 - USUAL) * nll.test else "as real lines"


def standing(profiles: Profiles) -> str:
    """Return where a model's n-grams stand among those of real lines and of plain models."""
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
    """Return how various strings are, held against others of about as many."""
    share = own.unique / other.unique
    if share >= VARIED:
        return "hardly any repeats"
    return "mode collapse: the generator produces few distinct strings" if share < COLLAPSED else "many repeats"


def too_many(copies: Copies) -> bool:
    """Return whether there are more copies than a model makes that has learnt nothing by heart."""
    excess = copies.share - copies.expected
    return excess > SIGMAS * copies.expected_error and copies.share > EXCESS * copies.expected


def copied(copies: Copies) -> str:
    """Return what to think of the copies."""
    if too_many(copies):
        times = f"{copies.share / copies.expected:.1f} times as many as" if copies.expected else "far more than"
        return f"{times} expected by chance, so some lines are memorised"
    if not copies.share:
        return "no copies of training lines"
    return "no more than expected by chance"


def neared(nearest: NearestLines) -> str:
    """Return whether strings that are no copies lie near training lines."""
    if not nearest.generated:
        return "all strings are copies"
    if nearest.margin < -NEARER:
        return "closer than test lines are: some are near copies"
    if nearest.margin > NEARER:
        return "farther than test lines are: less realistic than text"
    return "about as far as test lines are"


def memory(copies: Copies, nearest: NearestLines) -> str:
    """Return whether there is a sign of learning by heart."""
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
    """Return what the critic's scores tell of the critic."""
    train, test, generated = (scores[kind].mean for kind in ("train", "test", "generated"))
    if train <= generated:
        return "it rates generated strings at least as high as real ones"
    if train - test > BY_HEART * (train - generated):
        return "test lines score lower than training lines, so the critic has memorised the training lines"
    return "test lines score like training lines, as they should"


def likeness(generated: float, floor: float) -> str:
    """Return how near the shares of lengths or characters, by total variation, are to those of the test half."""
    if generated <= CLOSE * floor:
        return "about as close to the test split as real lines"
    return (
        f"{generated / floor:.1f} times as far from the test split as real lines" if floor else "unlike the test split"
    )


def freedom(bits: float, bits_test: float) -> str:
    """Return how much choice strings have at a position, held against the test half's."""
    if bits < (1 - FREE) * bits_test:
        return "less varied than text"
    return "less regular than text" if bits > (1 + FREE) * bits_test else "as varied as text"


def reached(share: float, yardstick: float) -> str:
    """Return how many test lines are come upon, held against the Markov model of order BASELINE_ORDER."""
    if not share:
        return "none"
    return (
        f"more than a Markov model of order {BASELINE_ORDER}"
        if share > yardstick
        else f"no more than a Markov model of order {BASELINE_ORDER}"
    )


def told_apart(accuracy: float, error: float) -> str:
    """Return what a classifier's accuracy on as many real as generated strings means, given its standard error."""
    if accuracy - 0.5 <= SIGMAS * error:
        return "it finds no difference"
    if accuracy < FEW_TOLD:
        return "it tells few generated strings"
    return "it tells most generated strings" if accuracy >= MOST_TOLD else "it tells some generated strings"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
