"""How a generated set is spread over the centres of a mixture.

Shape suffixes: N points, K centres.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .distributions import Distribution

NEAR = 3.0
"""Standard deviations within which a point is taken for one of a centre's own: 98.9 % of real points are."""

HELD_SHARE = 20 / 2_500
"""Share of all points that a mode must have near its centre to count as held: of 25 equal modes, a fifth of its own."""


def mode_measures(points_N2: npt.NDArray[np.floating], mixture: Distribution) -> dict[str, float]:
    """Return modes, high_quality and mode_kl, nearly as Lin et al. 2018, "PacGAN", table 1, have them.

    modes: centres with at least HELD_SHARE of the points, and at least one, within NEAR deviations; the share is ours,
    there one point is enough. high_quality: share of the points that lie so near to any centre. mode_kl: divergence, in
    bits, of the shares of points nearest to each centre from equal shares: 0 to log2 K.

    Args:
        points_N2: at least one.
        mixture: with centres.
    """
    centre_K2 = np.array(mixture.centres)
    distance_NK = np.linalg.norm(points_N2[:, None].astype(np.float64) - centre_K2, axis=2)
    nearest_N = distance_NK.argmin(axis=1)
    near_N = distance_NK.min(axis=1) <= NEAR * mixture.deviation
    held_K = np.bincount(nearest_N[near_N], minlength=len(centre_K2))
    share_K = np.bincount(nearest_N, minlength=len(centre_K2)) / len(points_N2)
    taken_K = share_K[share_K > 0]
    return {
        "modes": float((held_K >= max(1.0, HELD_SHARE * len(points_N2))).sum()),
        "high_quality": float(near_N.mean()),
        "mode_kl": float((taken_K * np.log2(taken_K)).sum() + math.log2(len(centre_K2))),
    }
