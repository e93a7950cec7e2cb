"""Draw the results of the experiments, in the colour-blind safe palette of Okabe and Ito."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from PIL import Image

from .depth import Depth
from .gradients import GradientResults
from .loss_vs_quality import METHODS, QualityCourse
from .parallel_lines import WEIGHT, Line, jensen_shannon, penalised_estimate
from .surfaces import REACH, Surface

P = ParamSpec("P")

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)

WIDTH = 6.5
"""Width in inches. Fonts have at least 9 points, so a figure can be read at half its size."""

DOTS = 120
"""Dots per inch."""

_STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "figure.titlesize": 11.0,
    "legend.fontsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.0,
}


def _styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return styled


def _figure(height: float, title: str) -> Figure:
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS, layout="constrained")
    figure.suptitle(title)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG with 256 colours: a third of the size of full colour, with no visible difference."""
    drawn, written = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS)
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(written, format="png", optimize=True)
    return written.getvalue()


@_styled
def draw_lines(found: tuple[Line, ...]) -> Figure:
    """Draw JS and W1 over theta, formulas as lines and trained estimates as markers, and the generator's gradients."""
    figure = _figure(3.1, "JS is flat and gives no gradient; W1 gives distance and direction")
    value, pull = figure.subplots(1, 2)
    dense = np.linspace(-1.25, 2.25, 351)
    thetas = [line.theta for line in found]
    apart = [line for line in found if line.theta]
    value.plot(dense, np.abs(dense), color=BLUE, label=r"$W_1 = |\theta|$")
    value.plot(dense, [penalised_estimate(t, WEIGHT) for t in dense], "--", color=BLUE, label="with the penalty")
    value.plot(thetas, [line.wgan_estimate for line in found], "o", color=BLUE, label="WGAN-GP critic")
    divergence = [jensen_shannon(t) for t in dense[dense != 0]]
    value.plot(dense[dense != 0], divergence, color=VERMILION, label=r"JS $= \log 2$, nats")
    value.plot(0, divergence[0], "s", color=VERMILION, markerfacecolor="white")  # an open marker: JS jumps to 0 here
    value.plot(thetas, [line.js_estimate for line in found], "s", color=VERMILION, label="discriminator")
    value.set(xlabel=r"distance of the lines, $\theta$", ylabel="distance; divergence in nats", ylim=(-0.1, 2.9))
    value.legend(loc="upper left", ncols=1, handlelength=1.6)
    for side in (-1.0, 1.0):
        there = dense[dense * side > 0]
        pull.plot(there, np.sign(there) * (1 + np.abs(there) / (2 * WEIGHT)), "--", color=BLUE)
    pull.plot(
        [line.theta for line in apart], [line.wgan_gradient for line in apart], "o", color=BLUE, label=r"WGAN, $-E[f]$"
    )
    pull.plot(
        [line.theta for line in apart],
        [line.gan_gradient for line in apart],
        "s",
        color=VERMILION,
        label=r"minimax, $E[\log(1-D)]$",
    )
    pull.axhline(0, color=BLACK, linewidth=0.8)
    pull.set(xlabel=r"distance of the lines, $\theta$", ylabel=r"d/d$\theta$ of generator's loss", ylim=(-1.6, 1.6))
    pull.legend(loc="center right", bbox_to_anchor=(1.0, 0.66))
    return figure


_CASES = {
    "discriminator": (VERMILION, "s-"),
    "with noise": (GREEN, "^-"),
    "with fading noise": (ORANGE, "v--"),
    "WGAN-GP critic": (BLUE, "o-"),
}
_SAID = {"WGAN-GP critic": r"WGAN-GP critic, $-f$"}


@_styled
def draw_gradients(found: GradientResults) -> Figure:
    """Draw norm and variance of the generator's gradient over the steps of its critic."""
    figure = _figure(3.6, "A better discriminator gives a worse gradient; a better WGAN critic does not")
    norm, variance = figure.subplots(1, 2)
    for axes, objective, what in ((norm, "gan", "norm"), (variance, "gan-ns", "variance")):
        for case, (color, style) in _CASES.items():
            course = found.course(case, "wgan" if case == "WGAN-GP critic" else objective)
            axes.plot(
                course.steps, getattr(course, what), style, color=color, label=_SAID.get(case, case), markersize=4
            )
        axes.set(xlabel="steps of the critic", yscale="log")
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])
        axes.minorticks_off()
        axes.set_xlim(-0.2, 1.5 * max(found.courses[0].steps))
    norm.set(title=r"$\log(1-D)$ vanishes", ylabel="norm of the generator's gradient")
    variance.set(title=r"variance of $-\log D$ grows", ylabel="variance over batches")
    figure.legend(*norm.get_legend_handles_labels(), loc="outside lower center", ncols=4, columnspacing=1.2)
    return figure


@_styled
def draw_surfaces(found: tuple[Surface, ...]) -> Figure:
    """Draw contours of each critic with real points on top, one row for each constraint."""
    figure = _figure(4.9, "Clipped critics miss the modes; penalised critics follow them (lighter: higher)")
    rows = list(dict.fromkeys(one.constraint for one in found))
    names = list(dict.fromkeys(one.distribution for one in found))
    grid = figure.subplots(len(rows), len(names), sharex=True, sharey=True, squeeze=False)
    said = {"clip": "weight clipping", "gp": "gradient penalty"}
    for one in found:
        row, column = rows.index(one.constraint), names.index(one.distribution)
        axes: Axes = grid[row, column]
        # Evenly spaced levels, without the featureless slope towards the corners.
        levels = np.linspace(np.quantile(one.values_GG, 0.3), one.values_GG.max(), 13)
        axes.contour(one.axis_G, one.axis_G, one.values_GG, levels=levels, cmap="viridis", linewidths=0.8)
        axes.plot(*one.points_N2[:400].T, ".", color=VERMILION, markersize=2)
        axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xticks=(-2, 0, 2), yticks=(-2, 0, 2))
        if row == 0:
            axes.set_title(one.distribution)
        else:
            axes.set_xlabel("x")
        if column == 0:
            axes.set_ylabel(f"{said[one.constraint]}\ny")
    return figure


_CRITICS = {
    None: (BLUE, "o-"),
    0.1: (VERMILION, "s--"),
    0.01: (ORANGE, "^-."),
    0.001: (PURPLE, "v:"),
}


@_styled
def draw_depth(found: tuple[Depth, ...]) -> Figure:
    """Draw the gradient's norm by layer, and the distribution of the weights."""
    figure = _figure(3.6, "Clipping: gradients explode or vanish, weights move to the bounds")
    norm, spread = figure.subplots(1, 2)
    for one in found:
        color, style = _CRITICS[one.clip]
        norm.plot(range(1, len(one.norms) + 1), one.norms, style, color=color, label=one.name, markersize=4)
        edges = np.linspace(-1, 1, len(one.weights.counts) + 1)
        shares = np.array(one.weights.counts) / sum(one.weights.counts)
        spread.stairs(shares, edges, color=color, linestyle=style.lstrip("os^v"), linewidth=1.6)
    norm.set(yscale="log", xlabel="hidden layer, 1 at the input", ylabel="gradient norm of activations")
    norm.set_xticks([1, 4, 8, 12])
    spread.set(xlabel="weight / c, or weight / largest weight", ylabel="share of the weights")
    spread.set_xticks([-1, 0, 1])
    figure.legend(*norm.get_legend_handles_labels(), loc="outside lower center", ncols=4, columnspacing=1.2)
    return figure


@_styled
def draw_meaning(found: tuple[QualityCourse, ...]) -> Figure:
    """Draw exact W1, and below it the estimate from the loss, for both trainings."""
    figure = _figure(4.2, "The WGAN-GP loss falls as samples get better; the GAN's need not")
    grid = figure.subplots(2, len(found), sharex="col", squeeze=False)
    for column, course in enumerate(found):
        above, below = grid[0, column], grid[1, column]
        correlation = (
            "none" if course.correlation is None else f"{course.correlation:+.2f}".replace("-", "\N{MINUS SIGN}")
        )
        above.plot(course.rounds, course.w1, "o-", color=BLACK, markersize=3, label="samples")
        above.axhline(course.floor, color=GREEN, linestyle="--", label="floor: real points")
        above.set(title=f"{course.method}: rank correlation {correlation}", ylim=(0, None))
        below.plot(course.rounds, course.estimates, "s-", color=BLUE, markersize=3)
        below.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        below.set(xlabel="round", ylim=(0, None), ylabel=f"critic's\n{METHODS[course.method].estimate}")
    grid[0, 0].set_ylabel("exact $W_1$ of samples")
    grid[0, 0].legend()
    return figure
