"""Measures of a classifier's logits, and the temperature that calibrates them. NumPy only.

Shape suffixes: N strings.
"""

from __future__ import annotations

import numpy as np

from ...utils.arrays import Floats

SHARPEST, FLATTEST = 0.05, 100.0
"""Bounds of the temperature."""

_HALVINGS = 60


def cross_entropy(logit_real_N: Floats, logit_fake_N: Floats) -> float:
    """Return the mean binary cross-entropy in nats, with both kinds weighted equally; log 2 = 0.693 by chance."""
    real, fake = np.logaddexp(0, -logit_real_N).mean(), np.logaddexp(0, logit_fake_N).mean()
    return float(real + fake) / 2


def accuracy(logit_real_N: Floats, logit_fake_N: Floats) -> float:
    """Return the balanced accuracy: real if the logit is above 0; a logit of 0 counts half."""
    right_real = (logit_real_N > 0).mean() + (logit_real_N == 0).mean() / 2
    right_fake = (logit_fake_N < 0).mean() + (logit_fake_N == 0).mean() / 2
    return float(right_real + right_fake) / 2


def area_under_curve(logit_real_N: Floats, logit_fake_N: Floats) -> float:
    """Return the probability that a real string has a higher logit than a generated one (AUC); ties count half."""
    ordered = np.sort(logit_fake_N)
    below = np.searchsorted(ordered, logit_real_N, side="left")
    not_above = np.searchsorted(ordered, logit_real_N, side="right")
    return float((below + not_above).mean() / (2 * len(ordered)))


def calibrated_temperature(logit_real_N: Floats, logit_fake_N: Floats) -> float:
    """Return the T in SHARPEST..FLATTEST with the least cross-entropy of logits / T (Guo et al. 2017).

    The cross-entropy is convex in 1 / T, so its minimum is found by bisection of its slope.
    """
    signed_N = np.concatenate([logit_real_N, -logit_fake_N])
    weight_N = np.repeat([0.5 / len(logit_real_N), 0.5 / len(logit_fake_N)], [len(logit_real_N), len(logit_fake_N)])

    def slope(inverse: float) -> float:
        # d/da of log(1 + exp(-a s)) = -s sigmoid(-a s)
        return float((weight_N * -signed_N * 0.5 * (1 - np.tanh(inverse * signed_N / 2))).sum())

    low, high = 1 / FLATTEST, 1 / SHARPEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)
