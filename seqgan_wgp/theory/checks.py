"""Check the results of the theory experiments against what theory predicts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .depth import Depth
from .gradients import GradientResults
from .loss_vs_quality import QualityCourse
from .parallel_lines import WEIGHT, Line
from .surfaces import Surface
from .tables import TheoryTable


@dataclass(frozen=True, kw_only=True)
class Check:
    """A prediction of theory, the measured value, and whether it meets the prediction."""

    claim: str
    found: str
    met: bool


def checks_table(checks: Iterable[Check]) -> TheoryTable:
    """Return the checks as a table."""
    rows = tuple((one.claim, one.found, "yes" if one.met else "NO") for one in checks)
    return TheoryTable(title="Claims of theory", head=("claim", "found", "met"), rows=rows)


def _at_most(claim: str, value: float, most: float, shown: str = ".2%") -> Check:
    return Check(claim=f"{claim}, at most {most:g}", found=format(value, shown), met=value <= most)


def _at_least(claim: str, value: float, least: float, shown: str = ".2f") -> Check:
    return Check(claim=f"{claim}, at least {least:g}", found=format(value, shown), met=value >= least)


def check_lines(found: tuple[Line, ...]) -> tuple[Check, ...]:
    """Compare the estimates with theory: the largest relative errors over all theta except 0."""
    apart = [line for line in found if line.theta]

    def pull(line: Line) -> float:
        """Return the relative error of the generator's gradient against sign(theta) times the optimal slope."""
        expected = math.copysign(1 + line.w1 / (2 * WEIGHT), line.theta)
        return abs(line.wgan_gradient / expected - 1)

    off_formula = max(abs(one.wgan_estimate / one.penalised - 1) for one in apart)
    off_js = max(abs(one.js_estimate / one.js - 1) for one in apart)
    off_distance = max(abs(one.wgan_estimate / one.slope / one.w1 - 1) for one in apart)
    return (
        _at_most("relative error of the critic's estimate against the formula", off_formula, 0.03),
        _at_most("relative error of estimate / slope against W1", off_distance, 0.03),
        _at_most("relative error of the discriminator's JS against log 2", off_js, 0.05),
        _at_most(
            "relative error of the WGAN derivative against sign(theta) times the slope", max(map(pull, apart)), 0.1
        ),
        _at_most("size of the minimax derivative", max(abs(one.gan_gradient) for one in apart), 1e-3, ".1e"),
    )


def check_gradients(found: GradientResults) -> tuple[Check, ...]:
    """Check how the generator's gradient changes while its critic is trained, and check the identities."""

    def grown(case: str, objective: str, what: str) -> float:
        values: tuple[float, ...] = getattr(found.course(case, objective), what)
        return values[-1] / values[0]

    def healed(objective: str, what: str) -> float:
        with_noise: tuple[float, ...] = getattr(found.course("with noise", objective), what)
        without: tuple[float, ...] = getattr(found.course("discriminator", objective), what)
        return with_noise[-1] / without[-1]

    differing = max(one.difference for one in found.identities)
    return (
        _at_most("log(1 - D): gradient norm, after / before", grown("discriminator", "gan", "norm"), 1e-2, ".1e"),
        _at_least(
            "-log D: gradient variance, after / before", grown("discriminator", "gan-ns", "variance"), 100, ",.0f"
        ),
        _at_least("log(1 - D): gradient norm after training, with noise / without", healed("gan", "norm"), 100, ".1e"),
        _at_most("-log D: gradient variance after training, with noise / without", healed("gan-ns", "variance"), 0.05),
        _at_least("WGAN-GP: gradient norm, after / before", grown("WGAN-GP critic", "wgan", "norm"), 0.1),
        _at_most("theorem 2.5: relative difference of the two gradients", differing, 1e-6, ".0e"),
    )


def check_surfaces(found: tuple[Surface, ...]) -> tuple[Check, ...]:
    """Check that critics with the penalty separate points better than clipped ones, on each distribution."""
    clipped = {one.distribution: one for one in found if one.constraint == "clip"}
    penalised = {one.distribution: one for one in found if one.constraint == "gp"}
    ranked = min(penalised[name].ranked - clipped[name].ranked for name in clipped)
    reach = min(_normalised(penalised[name]) / _normalised(clipped[name]) for name in clipped)
    return (
        _at_least("correctly ranked pairs: gp minus clip", ranked, 0.02, ".1%"),
        _at_least("estimate / slope: gp divided by clip", reach, 1.1),
    )


def _normalised(surface: Surface) -> float:
    return surface.estimate / surface.slope


def check_depth(found: tuple[Depth, ...]) -> tuple[Check, ...]:
    """Compare clipped critics with the one that has the gradient penalty."""
    penalised = next(one for one in found if one.clip is None)
    steeper = tuple(
        _at_least(f"change per layer: {one.name}, divided by gp", abs(one.steepness / penalised.steepness), 5, ".1f")
        for one in found
        if one.clip in (0.1, 0.001)
    )
    least = min(one.at_bounds for one in found if one.clip is not None)
    return (*steeper, _at_least("share of weights at the clipping bounds", least, 0.5, ".1%"))


def check_meaning(found: tuple[QualityCourse, ...]) -> tuple[Check, ...]:
    """Check that the loss of wgan-gp follows the distance, and more closely than the loss of gan-ns."""
    wgan, other = (course.correlation or 0.0 for course in found)
    return (
        _at_least("rank correlation of loss and W1, wgan-gp", wgan, 0.5, "+.3f"),
        _at_least("this correlation minus that of gan-ns", wgan - other, 0.0, "+.3f"),
    )
