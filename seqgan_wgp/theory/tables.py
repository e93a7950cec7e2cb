"""Format the results of the theory experiments as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .depth import Depth
from .gradients import GradientCourse, GradientResults
from .loss_vs_quality import QualityCourse
from .parallel_lines import Line
from .surfaces import Surface


@dataclass(frozen=True, kw_only=True)
class TheoryTable:
    """A header and rows of equally many cells."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def markdown(table: TheoryTable) -> str:
    """Return the table as Markdown with aligned columns, without its title."""
    widths = [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(table.head), rule, *map(line, table.rows)])


def tabulate_lines(found: tuple[Line, ...]) -> tuple[TheoryTable, ...]:
    """Return divergences and their estimates, and the generator's gradients."""
    estimates = tuple(
        (
            f"{line.theta:g}",
            f"{line.kl:g}",
            f"{line.js:.4f}",
            f"{line.js_estimate:z.4f}",
            f"{line.w1:g}",
            f"{line.penalised:.4f}",
            f"{line.wgan_estimate:z.4f}",
            f"{line.slope:.4f}",
            f"{line.wgan_estimate / line.slope:z.4f}",
        )
        for line in found
    )
    # At 0 the lines coincide: W1 has a kink, and the critic is undetermined outside the line.
    pulls = tuple(
        (f"{line.theta:g}", f"{line.gan_gradient:.1e}", f"{line.wgan_gradient:.4f}") for line in found if line.theta
    )
    return (
        TheoryTable(
            title="Two parallel lines at distance theta: exact divergences (JS in nats) and what networks estimate",
            head=(
                "theta",
                "KL",
                "JS",
                "JS by the discriminator",
                "W1",
                "W1 expected with the penalty",
                "W1 by the critic",
                "slope of the critic",
                "estimate / slope",
            ),
            rows=estimates,
        ),
        TheoryTable(
            title="Gradient of the generator loss with respect to theta",
            head=("theta", "minimax, E[log(1 - D)]", "WGAN, -E[f]"),
            rows=pulls,
        ),
    )


_OBJECTIVES = {"gan": "log(1 - D)", "gan-ns": "-log D", "wgan": "-f"}


def tabulate_gradients(found: GradientResults) -> tuple[TheoryTable, ...]:
    """Return the gradient before and after the critic's training, and both sides of the identities."""
    identities = tuple(
        (
            one.objective,
            one.divergence,
            f"{one.mean:g}, {one.deviation:g}",
            f"{one.found[0]:.6f}, {one.found[1]:.6f}",
            f"{one.expected[0]:.6f}, {one.expected[1]:.6f}",
            f"{one.difference:.0e}",
        )
        for one in found.identities
    )
    return (
        TheoryTable(
            title="Gradient of a fixed generator before and after training its critic",
            head=("critic", "objective", "steps", "norm before", "norm after", "variance before", "variance after"),
            rows=tuple(_course(course) for course in found.courses),
        ),
        TheoryTable(
            title="Gradient in (m, s) of a generator N(m, s^2) under the optimal discriminator; real data N(0, 1)",
            head=(
                "loss",
                "divergence",
                "m, s",
                "gradient of the loss in m, s",
                "gradient of the divergence",
                "relative difference",
            ),
            rows=identities,
        ),
    )


def _course(course: GradientCourse) -> tuple[str, ...]:
    ends = (course.norm[0], course.norm[-1], course.variance[0], course.variance[-1])
    return course.case, _OBJECTIVES[course.objective], f"{course.steps[-1]:,}", *(f"{value:.2e}" for value in ends)


def tabulate_surfaces(found: tuple[Surface, ...]) -> tuple[TheoryTable, ...]:
    """Return how well each critic separates real points from generated ones."""
    rows = tuple(
        (
            one.distribution,
            one.constraint,
            f"{one.estimate:.3f}",
            f"{one.slope:.3f}",
            f"{one.estimate / one.slope:.3f}",
            f"{one.w1:.3f}",
            f"{one.ranked:.1%}",
        )
        for one in found
    )
    head = ("points", "constraint", "estimate", "slope", "estimate / slope", "exact W1", "correctly ranked pairs")
    return (TheoryTable(title="Critics of real points against the same points plus unit noise", head=head, rows=rows),)


def tabulate_depth(found: tuple[Depth, ...]) -> tuple[TheoryTable, ...]:
    """Return how gradients change with depth, and the share of weights at the bounds."""
    rows = tuple(
        (
            one.name,
            f"{one.norms[0]:.1e}",
            f"{one.norms[-1]:.1e}",
            f"{one.steepness_before:+.3f}",
            f"{one.steepness:+.3f}",
            f"{one.at_bounds_before:.1%}",
            f"{one.at_bounds:.1%}",
        )
        for one in found
    )
    head = (
        "critic",
        "gradient norm, first layer",
        "gradient norm, last layer",
        "change per layer, before",
        "change per layer, after",
        "at bounds, before",
        "at bounds, after",
    )
    title = "Twelve-layer critics: gradient norm, its log10 change per layer, and share of weights at the clip bounds"
    return (TheoryTable(title=title, head=head, rows=rows),)


def tabulate_meaning(found: tuple[QualityCourse, ...]) -> tuple[TheoryTable, ...]:
    """Return the loss and the quality of the samples at five moments, and their rank correlation."""
    rows = []
    for course in found:
        last = len(course.rounds) - 1
        for place in sorted({round(last * part / 4) for part in range(5)}):
            numbers = (course.estimates[place], course.w1[place])
            rows.append((course.method, f"{course.rounds[place]:,}", *(f"{value:.3f}" for value in numbers)))
    correlations = tuple(
        (
            course.method,
            str(len(course.rounds)),
            f"{course.w1[-1]:.3f}",
            f"{course.floor:.3f}",
            _signed(course.correlation),
        )
        for course in found
    )
    return (
        TheoryTable(
            title="Negative critic loss and exact W1 of the samples during training",
            head=("method", "round", "estimate", "W1 of samples"),
            rows=tuple(rows),
        ),
        TheoryTable(
            title="Rank correlation of negative critic loss and W1 over training",
            head=("method", "measurements", "last W1", "floor of W1", "Spearman correlation"),
            rows=correlations,
        ),
    )


def _signed(value: float | None) -> str:
    return "none" if value is None else f"{value:+.3f}"
