"""Data for a toy run's report: how the points are distributed over the modes of a mixture.

Shape suffixes: N points, K centres.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..config import Config
from ..training.domain import Items
from ..training.report_data import ReportData, Shares
from ..utils.counter_rng import Stream
from .distributions import Centre
from .domain import ToyDomain
from .spec import open_facts


def toy_report_data(folder: Path, config: Config, samples: Items | None) -> ReportData:
    """Return the report data of a toy run. Its sample pictures already show real points.

    Args:
        folder: the run folder.
        config: of the run.
        samples: generated (N, 2) points; None when there is no model yet.

    Raises:
        CheckpointError: the stored description of the distribution cannot be read.
    """
    facts = open_facts(folder)
    distribution = facts.distribution
    shown = ReportData(
        name=facts.name,
        facts=facts.summary(),
        origin="The points are generated from the seed",
        criterion=ToyDomain.criterion,
        command=f"train toy:{facts.name}",
    )
    if samples is None or not distribution.centres:
        return shown
    real_N2 = distribution.sample(config.training.seed, Stream.TOY_VALIDATION, np.arange(len(samples)))
    return dataclasses.replace(shown, shares=(centre_shares(samples, real_N2, distribution.centres),))


def centre_shares(
    generated_N2: npt.NDArray[np.floating], real_N2: npt.NDArray[np.floating], centres: tuple[Centre, ...]
) -> Shares:
    """Return the share of points whose nearest centre is each centre of a mixture, at any distance."""
    centre_K2 = np.array(centres)

    def shares(points_N2: npt.NDArray[np.floating]) -> tuple[float, ...]:
        distance_NK = np.linalg.norm(points_N2[:, None].astype(np.float64) - centre_K2, axis=2)
        counts_K = np.bincount(distance_NK.argmin(axis=1), minlength=len(centre_K2))
        return tuple((counts_K / len(points_N2)).tolist())

    return Shares(
        title="Modes",
        names=tuple(f"({x:.2f}, {y:.2f})" for x, y in centres),
        generated=shares(generated_N2),
        held_out=shares(real_N2),
        note=f"Share of {len(generated_N2):,} generated points, and of as many real points, whose nearest mode is this "
        "one.",
    )
