"""Data for an image run's report: real images, digit frequencies and brightness.

Shape suffixes: N images, C channels, H height, W width, K classes or bins.
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..config import Config
from ..training.domain import Items
from ..training.report_data import ITEMS, Histogram, ReportData, Shares
from .dataset import open_collection
from .features import CLASSES, class_counts
from .pictures import SIDE_IMAGES, legible

BINS = 20
"""Number of bins of the brightness chart."""


def image_report_data(folder: Path, config: Config, samples: Items | None) -> ReportData:
    """Return the report data of an image run. Raises CheckpointError when its images cannot be opened.

    Args:
        folder: the run folder with the images.
        config: of the run.
        samples: generated (N, C, H, W) bytes; None when there is no model yet, so that only real images are shown.
    """
    collection = open_collection(folder)
    facts = collection.facts
    columns, rows = config.images.columns or SIDE_IMAGES, config.images.rows or SIDE_IMAGES
    shown = ReportData(
        name=facts.name,
        facts=facts.summary(),
        origin=f"The SHA-256 of the training images' pixels is {facts.sha256}",
        criterion="fcd",
        command="mnist" if facts.is_mnist else "mnist --data DIR",
        real=_png(np.asarray(collection.validation_NCHW[: columns * rows]), columns),
    )
    if samples is None:
        return shown
    generated_NCHW = samples.astype(np.uint8, copy=False)
    # The held-out images are in no particular order, so the first ones are representative.
    held_out_NCHW = np.asarray(collection.validation_NCHW[:ITEMS])
    return dataclasses.replace(
        shown,
        shares=(digit_shares(generated_NCHW, held_out_NCHW),) if facts.is_mnist else (),
        histograms=(brightness_histogram(generated_NCHW, held_out_NCHW),),
    )


def digit_shares(generated_NCHW: npt.NDArray[np.uint8], held_out_NCHW: npt.NDArray[np.uint8]) -> Shares:
    """Return the share of images predicted as each digit."""
    generated_K, held_out_K = (class_counts(images) / len(images) for images in (generated_NCHW, held_out_NCHW))
    return Shares(
        title="Digits",
        names=tuple(map(str, range(CLASSES))),
        generated=tuple(generated_K.tolist()),
        held_out=tuple(held_out_K.tolist()),
        note=f"Predictions of a small classifier for {len(generated_NCHW):,} generated and {len(held_out_NCHW):,} "
        "held-out images.",
    )


def brightness_histogram(generated_NCHW: npt.NDArray[np.uint8], held_out_NCHW: npt.NDArray[np.uint8]) -> Histogram:
    """Return the histogram of the images' mean brightness, from black to white."""
    generated_N, held_out_N = (images.mean(axis=(1, 2, 3)) / 2.55 for images in (generated_NCHW, held_out_NCHW))
    edges_K = np.linspace(0, 100, BINS + 1)
    return Histogram(
        title="Brightness",
        axis="mean pixel value (% of white)",
        edges=tuple(edges_K.tolist()),
        generated=tuple((np.histogram(generated_N, edges_K)[0] / len(generated_N)).tolist()),
        held_out=tuple((np.histogram(held_out_N, edges_K)[0] / len(held_out_N)).tolist()),
        note=f"Distribution over {len(generated_N):,} generated and {len(held_out_N):,} held-out images.",
    )


def _png(images_NCHW: npt.NDArray[np.uint8], columns: int) -> bytes:
    file = io.BytesIO()
    legible(images_NCHW, columns).save(file, format="PNG")
    return file.getvalue()
