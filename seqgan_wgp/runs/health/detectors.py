"""Detect training problems from the metrics so far: one rule each, for example for mode collapse or a dead critic.

Each rule returns a message for the user, or None. It does not depend on the kind of data: it returns None if the
records lack the numbers it needs. All thresholds are here, with their reasons.
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
"""Number of consecutive evaluations with too little variety that count as a collapse. Untrained generators also have
little variety, and published recipes with weight clipping need three or four evaluations to gain more."""

UNIQUE_SHARE = 0.5
"""Share of distinct strings, relative to that of real lines, below which most strings are excess repeats."""

ENTROPY_BITS = 1.0
"""Missing bits of entropy; one bit means half as many effective n-grams. On names, `fast` lacks 0.5 bits after 200
rounds and 0.2 after 400; the log loss without a constraint, which collapses, lacks 1.2 to 2.6 bits over 1,500
rounds."""

KINDS_BITS = 1.0
"""KL divergence, in bits, of the shares of digits or modes. With half of them missing it is 1 bit."""

GAP_DIAGNOSES, GAP_ERRORS, GAP_SHARE = 12, 8.0, 1 / 3
"""Number of diagnoses; number of standard errors that the mean gap between training and held-out scores must exceed (by
chance once in 300,000 times); and least size of the gap relative to that between training and generated scores. With
32,000 names the share stays below 0.1; with 400 it is 1/3 after 1,100 rounds of `fast`, and 2/3 after 2,500."""

DEAD_GRADIENT, DEAD_RECORDS = 1e-5, 3
"""Norm of the generator's gradient, and number of consecutive records below it. Spread over a million weights it is
1e-8 per weight, Adam's epsilon. Adam's step shrinks only with gradients below that. Clipped critics that learn have
norms of 0.005 and more."""

SURE_SHARE, SURE_RECORDS = 0.005, 2
"""Share of the loss at chance level, and number of consecutive records below it: the critic then hardly makes an error.
Where the log loss works without a constraint, the share is 18 to 80 % on digits, and on names briefly 2 %; where it
fails, 0.2 % and less."""

SWING, SWINGS, SWING_EVALUATIONS = 1.3, 6, 12
"""Factor by which a measure must rise or fall to count as a swing; number of alternating swings that count as an
oscillation (three times up and down); and number of evaluations. Healthy runs have no factor above 1.14."""

WORSE, WORSE_EVALUATIONS = 1.3, 5
"""Factor above the best value of a run, and number of consecutive evaluations that are so much worse. In runs on text
that learn, the factor stays below 1.05, also in 40,000 rounds. With attention in the critic, `fast` on molecules is
beyond 1.3 after 1,500 rounds, and reaches 3.5."""


class History:
    """The numbers of a run's records, in order.

    Args:
        config: of the run.
        criterion: name of the measure of quality; lower is better.
    """

    def __init__(self, config: Config, criterion: str) -> None:
        self.config, self.criterion = config, criterion
        self._records: list[dict[str, float]] = []

    def add(self, record: Mapping[str, Any]) -> None:
        """Add the numbers of a record; lists and dictionaries are left out."""
        self._records.append({name: value for name, value in record.items() if isinstance(value, int | float)})

    def last(self, count: int, *names: str) -> list[tuple[float, ...]]:
        """Return numbers of the last `count` records that have all of `names`, oldest first.

        The list is empty when there are fewer, or when the newest record lacks one of them, so that there is no news.
        """
        found: list[tuple[float, ...]] = []
        for record in reversed(self._records):
            if all(name in record for name in names):
                found.append(tuple(record[name] for name in names))
            if len(found) == count or not found:
                break
        return found[::-1] if len(found) == count else []

    def best(self, name: str) -> tuple[float, float]:
        """Return the lowest number under `name` and its step. Raises ValueError if there is none."""
        return min((record[name], record["step"]) for record in self._records if name in record and "step" in record)


# Collapse


def few_strings(history: History) -> str | None:
    """Detect mode collapse: strings repeat far more often than real lines, without getting better."""
    numbers = history.last(VARIETY_EVALUATIONS, "unique", "unique_floor")
    if not numbers or any(unique >= UNIQUE_SHARE * floor for unique, floor in numbers):
        return None
    unique, floor = numbers[-1]
    if unique > numbers[0][0]:
        return None
    return f"mode collapse: only {unique:.1%} of the generated strings are distinct, {floor:.1%} of as many real lines"


def few_ngrams(history: History) -> str | None:
    """Detect mode collapse: n-grams are far less varied than in real lines, without getting better."""
    numbers = history.last(VARIETY_EVALUATIONS, "ngram_entropy", "ngram_entropy_floor")
    if not numbers or any(bits > floor - ENTROPY_BITS for bits, floor in numbers):
        return None
    bits, floor = numbers[-1]
    if bits > numbers[0][0]:
        return None
    return f"mode collapse: few n-grams; their entropy is {bits:.1f} bits, {floor:.1f} bits for as many real lines"


def _few_kinds(measure: str, message: str) -> Callable[[History], str | None]:
    """Return a rule for a divergence of shares, in bits."""

    def rule(history: History) -> str | None:
        numbers = [bits for (bits,) in history.last(VARIETY_EVALUATIONS, measure)]
        if not numbers or min(numbers) < KINDS_BITS or numbers[-1] < numbers[0]:
            return None
        return f"mode collapse: {message}; {measure} is {numbers[-1]:.2f} bits, as if at least half were missing"

    return rule


VARIETIES: tuple[Callable[[History], str | None], ...] = (
    few_strings,
    few_ngrams,
    _few_kinds("class_kl", "the generator produces few of the digits"),
    _few_kinds("mode_kl", "the generator covers few of the modes"),
)
"""Rules for mode collapse; which of them apply depends on the measures of the evaluations."""


def collapse(history: History) -> str | None:
    """Detect mode collapse by the first rule of VARIETIES that applies."""
    return next((message for rule in VARIETIES if (message := rule(history)) is not None), None)


# The critic


def critic_overfitting(history: History) -> str | None:
    """Detect an overfitting critic: it scores held-out items like generated ones.

    Gulrajani et al. 2017, figure 5b, show it in the loss. Scores work for every objective.
    """
    scores = history.last(GAP_DIAGNOSES, "score_real", "score_held_out", "score_fake")
    if not scores:
        return None
    gaps = [real - held_out for real, held_out, _ in scores]
    gap, lead = statistics.fmean(gaps), statistics.fmean(real - fake for real, _, fake in scores)
    error = statistics.stdev(gaps) / math.sqrt(len(gaps))
    if lead <= 0 or gap <= GAP_ERRORS * error or gap < GAP_SHARE * lead:
        return None
    way = f"{gap / lead:.0%} of the way from training to generated items"
    return f"the critic overfits the training items: its scores of held-out items are {way}"


def dead_critic(history: History) -> str | None:
    """Detect a dead critic: the generator's gradient has vanished."""
    norms = [norm for (norm,) in history.last(DEAD_RECORDS, "generator_gradient")]
    if not norms or max(norms) >= DEAD_GRADIENT:
        return None
    return f"vanishing gradient: the generator no longer learns; the norm of its gradient is {norms[-1]:.1e}"


def chance_loss(objective: ObjectiveSettings) -> float | None:
    """Return the least loss of a critic that guesses; None for losses without a lower bound.

    Its scores are 0, or (a + b) / 2 for lsgan; see `training.losses`.
    """
    if objective.loss == "lsgan":
        a, b, _ = objective.target_numbers()
        return ((b - a) / 2) ** 2
    return {"gan": 2 * math.log(2), "gan-ns": 2 * math.log(2), "hinge": 2.0}.get(objective.loss)


def saturated_critic(history: History) -> str | None:
    """Detect a saturated critic: it is certain of every sample, so its loss gives no direction to the generator."""
    chance = chance_loss(history.config.objective)
    numbers = history.last(SURE_RECORDS, "step", "critic_loss", "penalty")
    # The first round follows the warm-up, which aims at a critic that is certain.
    if not chance or not numbers or numbers[0][0] <= 1:
        return None
    losses = [loss - penalty for _, loss, penalty in numbers]
    if max(losses) >= SURE_SHARE * chance:
        return None
    sure = f"its loss is {losses[-1]:.2g}, {chance:.2g} for a random guess"
    return f"the critic is saturated: it separates real from generated with certainty, so gradients vanish; {sure}"


# The game


def oscillation(history: History) -> str | None:
    """Detect oscillation: quality goes up and down."""
    values = [value for (value,) in history.last(SWING_EVALUATIONS, history.criterion)]
    if not values or min(values) <= 0 or swings(values, SWING) < SWINGS:
        return None
    between = f"{history.criterion} swung between {min(values):.3g} and {max(values):.3g}"
    return f"training oscillates: {between} over the last {len(values)} evaluations"


def worsening(history: History) -> str | None:
    """Detect a game that the critic has won: quality was much better before, and stays worse."""
    values = [value for value, _ in history.last(WORSE_EVALUATIONS, history.criterion, "step")]
    if not values:
        return None
    best, step = history.best(history.criterion)
    if best <= 0 or min(values) < WORSE * best:
        return None
    were = f"{history.criterion} was {best:.3g} at step {step:,}, and at least {min(values):.3g}"
    return f"the items are getting worse: {were} in the last {len(values)} evaluations"


def swings(values: Sequence[float], factor: float) -> int:
    """Return how often positive values, at least one, alternately rose and fell by `factor`."""
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
    "worsening": worsening,
}
"""Name -> rule that is applied after each stored record; it returns a message or None."""

REMEDIES: dict[str, str] = {
    "collapse": "start a new run with lower learning rates or a larger batch size",
    "critic-overfitting": "use more data; or start a new run with a smaller critic (critic.width), or stop now and "
    "use best.safetensors, the best so far on held-out data",
    "dead-critic": "start a new run with a lower optimizer.critic.learning_rate",
    "saturated-critic": "start a new run with a lower optimizer.critic.learning_rate or fewer training.critic_steps",
    "oscillation": "start a new run with lower learning rates, with beta1=0 in both optimizers, or with averaged "
    "weights (model.weights=average); best.safetensors has the best model so far",
    "worsening": "stop now and use best.safetensors, the best so far; or start a new run with lower learning rates",
}
"""Name -> remedy. Resuming a run keeps its settings, so most remedies need a new run."""

HELPED_BY_A_BOUND = ("collapse", "dead-critic", "saturated-critic")
"""Problems that a bound on the critic's slope solves best, when there is none yet."""


def remedy(name: str, config: Config) -> str:
    """Return the remedy for a finding, with the options to give."""
    objective = config.objective
    if name == "worsening" and config.critic.context != "none":
        slower = f"with a critic.context_rate below {config.critic.context_rate:g}"
        return f"{REMEDIES[name]}, {slower}, or without critic.context={config.critic.context}"
    if name not in HELPED_BY_A_BOUND or objective.constraint not in ("none", "clip"):
        return REMEDIES[name]
    options = ["objective.constraint=lp", "objective.penalty_weight=10"]
    options += ["objective.clip=none"] if objective.clip is not None else []
    # A penalty needs the slope of each sample, which does not exist for a critic that mixes samples.
    options += ["critic.normalization=layer"] if NORMALIZATIONS[config.critic.normalization].mixes_samples else []
    return f"start a new run with a gradient penalty: {' '.join(f'--set {option}' for option in options)}"
