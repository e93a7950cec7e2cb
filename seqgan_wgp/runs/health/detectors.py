"""What goes wrong in a training, as its records tell it: a rule for each illness, a function of the numbers so far.

Each rule returns what to tell the user, or None, and knows no kinds of data: it is silent where the records lack what
it looks at. `health` asks them all. The thresholds are here, with their reasons.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...config import Config
from ...config.schema import ObjectiveSettings
from ...registry import NORMALIZATIONS

VARIETY_EVALUATIONS = 5
"""Evaluations in a row that show too little variety before it is called a collapse: untrained networks have little too,
and the clipped critics of published recipes take three or four evaluations until they have more."""

UNIQUE_SHARE = 0.5
"""Of the share of different strings that lines have: below it, most strings are repeats that lines would not have."""

ENTROPY_BITS = 1.0
"""Bits of entropy missing: as if n-grams came from half as many. On names `fast` lacks half a bit after 200 rounds, .2
after 400; without a constraint, where the log loss collapses, 1.2 to 2.6 over 1,500."""

KINDS_BITS = 1.0
"""Divergence of the shares of kinds, digits or modes: that of equal shares of half of them, the others missing."""

GAP_DIAGNOSES, GAP_ERRORS, GAP_SHARE = 12, 8.0, 1 / 3
"""Diagnoses looked at; standard errors that the mean gap between training and held-out scores must exceed, which chance
does once in 300,000 times; and the share of the way to the generated ones at which held-out items then stand. Of 32,000
names that stays below a tenth; of 400 it is a third after 1,100 rounds of `fast`, and two thirds after 2,500."""

DEAD_GRADIENT, DEAD_RECORDS = 1e-5, 3
"""A norm of the generator's gradient, and records in a row with less. Spread over a million weights it is 1e-8 each,
Adam's epsilon: smaller gradients make smaller steps, though Adam else undoes their size. Clipped critics that learn
have norms of .005 and more."""

SURE_SHARE, SURE_RECORDS = 0.005, 2
"""Share of the loss of a critic that cannot tell at all, and records in a row with less: then it errs with next to none
of its items. Where the log loss works without a constraint, it has 18 to 80 % of that on digits, and on names for a
moment 2 %; where it dies, .2 % and less."""

SWING, SWINGS, SWING_EVALUATIONS = 1.3, 6, 12
"""Factor that a measure must rise or fall by to count as a swing, the swings against each other that make an
oscillation, and the evaluations looked at: three times there and back. Sound runs have no factor above 1.14 at once."""


class History:
    """The numbers of a run's records, in their order.

    Args:
        config: of the run.
        criterion: name of the measure of quality, the lower the better.
    """

    def __init__(self, config: Config, criterion: str) -> None:
        self.config, self.criterion = config, criterion
        self._records: list[dict[str, float]] = []

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in the numbers of a record; its lists and dictionaries are left out."""
        self._records.append({name: value for name, value in record.items() if isinstance(value, int | float)})

    def last(self, count: int, *names: str) -> list[tuple[float, ...]]:
        """Return numbers of the last `count` records that have all of `names`, oldest first.

        An empty list where they are fewer, or where the newest record of all is not one of them: then there is nothing
        new to say.
        """
        found: list[tuple[float, ...]] = []
        for record in reversed(self._records):
            if all(name in record for name in names):
                found.append(tuple(record[name] for name in names))
            if len(found) == count or not found:
                break
        return found[::-1] if len(found) == count else []


# Collapse


def few_strings(history: History) -> str | None:
    """Say that strings repeat far more than lines do, and no less than they did."""
    numbers = history.last(VARIETY_EVALUATIONS, "unique", "unique_floor")
    if not numbers or any(unique >= UNIQUE_SHARE * floor for unique, floor in numbers):
        return None
    unique, floor = numbers[-1]
    if unique > numbers[0][0]:
        return None
    return f"the generator repeats itself: {unique:.1%} of its strings are different, and {floor:.1%} of as many lines"


def few_ngrams(history: History) -> str | None:
    """Say that strings are made of far fewer n-grams than lines are, and of no more than they were."""
    numbers = history.last(VARIETY_EVALUATIONS, "ngram_entropy", "ngram_entropy_floor")
    if not numbers or any(bits > floor - ENTROPY_BITS for bits, floor in numbers):
        return None
    bits, floor = numbers[-1]
    if bits > numbers[0][0]:
        return None
    return f"the generator uses few n-grams: their entropy is {bits:.1f} bits, and {floor:.1f} that of as many lines"


def _few_kinds(measure: str, message: str) -> Callable[[History], str | None]:
    """Return a rule on a divergence of shares, in bits."""

    def rule(history: History) -> str | None:
        numbers = [bits for (bits,) in history.last(VARIETY_EVALUATIONS, measure)]
        if not numbers or min(numbers) < KINDS_BITS or numbers[-1] < numbers[0]:
            return None
        return f"{message}: {measure} is {numbers[-1]:.2f} bits, as if half of them or more were missing"

    return rule


VARIETIES: tuple[Callable[[History], str | None], ...] = (
    few_strings,
    few_ngrams,
    _few_kinds("class_kl", "the generator makes few of the digits"),
    _few_kinds("mode_kl", "the generator has found few of the modes"),
)
"""Ways to see a collapse; which of them can be asked is a matter of what an evaluation measures."""


def collapse(history: History) -> str | None:
    """Say that what is generated has lost its variety, by the first rule of VARIETIES that sees it."""
    return next((message for rule in VARIETIES if (message := rule(history)) is not None), None)


# The critic


def critic_overfitting(history: History) -> str | None:
    """Say that the critic scores held-out items like generated ones: it knows the training items by heart.

    Gulrajani et al. 2017, figure 5b, see it in the loss; here it is in the scores, so that it holds for every
    objective.
    """
    scores = history.last(GAP_DIAGNOSES, "score_real", "score_held_out", "score_fake")
    if not scores:
        return None
    gaps = [real - held_out for real, held_out, _ in scores]
    gap, lead = statistics.fmean(gaps), statistics.fmean(real - fake for real, _, fake in scores)
    error = statistics.stdev(gaps) / math.sqrt(len(gaps))
    if lead <= 0 or gap <= GAP_ERRORS * error or gap < GAP_SHARE * lead:
        return None
    way = f"{gap / lead:.0%} of the way from training items to generated ones"
    return f"the critic learns the training items by heart: it scores held-out items {way}"


def dead_critic(history: History) -> str | None:
    """Say that the critic gives the generator nothing to descend."""
    norms = [norm for (norm,) in history.last(DEAD_RECORDS, "generator_gradient")]
    if not norms or max(norms) >= DEAD_GRADIENT:
        return None
    return f"the critic is flat, so the generator has stopped: the norm of its gradient is {norms[-1]:.1e}"


def chance_loss(objective: ObjectiveSettings) -> float | None:
    """Return the loss of the best critic that cannot tell real from generated; None where losses have no lower bound.

    Scores are then 0, of lsgan (a + b) / 2; see `training.losses`.
    """
    if objective.loss == "lsgan":
        a, b, _ = objective.target_numbers()
        return ((b - a) / 2) ** 2
    return {"gan": 2 * math.log(2), "gan-ns": 2 * math.log(2), "hinge": 2.0}.get(objective.loss)


def saturated_critic(history: History) -> str | None:
    """Say that the critic is sure of everything, where that is the end of what its objective can teach."""
    chance = chance_loss(history.config.objective)
    numbers = history.last(SURE_RECORDS, "step", "critic_loss", "penalty")
    # The first round comes right after a warm-up, whose aim is a critic that is sure.
    if not chance or not numbers or numbers[0][0] <= 1:
        return None
    losses = [loss - penalty for _, loss, penalty in numbers]
    if max(losses) >= SURE_SHARE * chance:
        return None
    sure = f"its loss is {losses[-1]:.2g}, that of a guess is {chance:.2g}"
    return f"the critic tells all that is generated from real with certainty, which gives no direction: {sure}"


# The game


def oscillation(history: History) -> str | None:
    """Say that quality comes and goes."""
    values = [value for (value,) in history.last(SWING_EVALUATIONS, history.criterion)]
    if not values or min(values) <= 0 or swings(values, SWING) < SWINGS:
        return None
    between = f"{history.criterion} went up and down between {min(values):.3g} and {max(values):.3g}"
    return f"quality comes and goes: {between} over the last {len(values)} evaluations"


def swings(values: Sequence[float], factor: float) -> int:
    """Return how often positive values, at least one, rose or fell by `factor`, each time against the time before."""
    count, rising, low, high = 0, None, values[0], values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
        if rising is not True and value >= factor * low:
            count, rising, high = count + 1, True, value
        elif rising is not False and value <= high / factor:
            count, rising, low = count + 1, False, value
    return count


DETECTORS: dict[str, Callable[[History], str | None]] = {
    "collapse": collapse,
    "critic-overfitting": critic_overfitting,
    "dead-critic": dead_critic,
    "saturated-critic": saturated_critic,
    "oscillation": oscillation,
}
"""Name -> what says, after each record that is kept, what is wrong, or None."""

REMEDIES: dict[str, str] = {
    "collapse": "train anew with lower learning rates or larger batches",
    "critic-overfitting": "more data helps most; else train anew with a smaller critic (critic.width), or stop here: "
    "best.safetensors is the best so far by held-out data",
    "dead-critic": "train anew with a lower optimizer.critic.learning_rate",
    "saturated-critic": "train anew with a lower optimizer.critic.learning_rate or fewer critic steps in a round",
    "oscillation": "train anew with lower learning rates, with beta1=0 in both optimizers, or with samples from "
    "averaged weights (model.weights=average); best.safetensors is the best so far",
}
"""Name -> what would help. Settings stay as they are when a run goes on, so most of it takes a new one."""

HELPED_BY_A_BOUND = ("collapse", "dead-critic", "saturated-critic")
"""What a bound on the critic's slope helps against more than anything else, where there is none yet."""


def remedy(name: str, config: Config) -> str:
    """Return what would help against a finding, with the options to give."""
    objective = config.objective
    if name not in HELPED_BY_A_BOUND or objective.constraint not in ("none", "clip"):
        return REMEDIES[name]
    options = ["objective.constraint=lp", "objective.penalty_weight=10"]
    options += ["objective.clip=none"] if objective.clip is not None else []
    # Penalties are on the slope at each sample, which a critic that mixes them has not.
    options += ["critic.normalization=layer"] if NORMALIZATIONS[config.critic.normalization].mixes_samples else []
    return f"train anew with a critic whose slope is bounded: {' '.join(f'--set {option}' for option in options)}"
