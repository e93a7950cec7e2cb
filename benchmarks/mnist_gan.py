"""Measure how single changes to the recipe `mnist-gan` affect its mode collapse.

    python -m benchmarks.mnist_gan --data ../shared/data/mnist --json mnist_gan.json --pictures pictures

Trains the recipe and its variants on the same ten images, from the same seed: for so many rounds each, and for more
where a round has a single generator step. Measures the images of the ten latents that each was trained with (of `fresh
latents`, ten that are new to it):

* distinct: generated images no two of which are nearer to each other than DISTINCT times the smallest distance between
  two of the real images.
* between: mean distance between two generated images. A pixel is in [0, 1], the distance is Euclidean.
* nearest: mean distance from a generated image to the nearest real one.
* reached: real images that are the nearest of some generated image.

Seconds are processor time of training, the warm-up included. Rounds differ in length, since a round repeats its
generator steps while their loss is above 1. Prints a Markdown table; `--json FILE` writes the rows after each variant,
and a variant that is in FILE already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.factors import Entry
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import Diverged
from seqgan_wgp.images.adapter import scan_images
from seqgan_wgp.images.domain import ImageDomain
from seqgan_wgp.images.pictures import legible, write_png
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.malloc import keep_memory

CPU = torch.device("cpu")

DISTINCT = 0.5
"""Two images are different from this share of the smallest distance between two of the real images on."""

NO_NORM: Entry = {"critic.normalization": "none"}
"""A critic with a penalty cannot have batch norm."""

GP: Entry = NO_NORM | {"objective.constraint": "gp", "objective.penalty_weight": 10.0}

ONE_STEP: Entry = {
    "training.generator_steps": 1,
    "training.generator_steps_more": 0,
    "training.extra_steps_above": None,
}

R1: Entry = NO_NORM | {"objective.constraint": "r1", "objective.penalty_weight": 1.0}

CURED: Entry = {"recipe": "mnist-gan-cured"}

RATES: Entry = {f"optimizer.{part}.learning_rate": 1e-4 for part in ("generator", "critic")}

VARIANTS: dict[str, Entry] = {
    "none": {},
    "WGAN loss and gradient penalty (weight 10) in place of the critic's batch norm": GP
    | {"objective.loss": "wgan", "training.extra_steps_above": None},
    "one generator step in a round": ONE_STEP | {"training.steps": 150},
    "fresh latents": {"training.fixed_latents": False},
    "no batch norm in the generator": {"generator.normalization": "none"},
    "R1 (weight 1) in place of the critic's batch norm": R1 | {"training.steps": 30},
    "the same, and one generator step in a round": R1 | ONE_STEP | {"training.steps": 381},
    "gradient penalty (weight 10) in place of the critic's batch norm": GP,
    "no batch norm in the critic": NO_NORM,
    "mnist-gan-cured": CURED | {"training.steps": 295},
    "mnist-gan-cured, learning rates of mnist-gan": CURED | RATES | {"training.steps": 182},
    "mnist-gan-cured, one critic step in a round": CURED | {"training.steps": 295, "training.critic_steps": 1},
    "mnist-gan-cured, log loss": CURED | {"training.steps": 295, "objective.loss": "gan-ns"},
}
"""Change to `mnist-gan`, or another recipe -> settings; those with one generator step in a round have more rounds."""


def pixels(images_NCHW: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Return images of bytes as rows of pixels in [0, 1], (N, C H W)."""
    rows_NP: npt.NDArray[np.float64] = images_NCHW.reshape(len(images_NCHW), -1) / 255
    return rows_NP


def distances(a_NP: npt.NDArray[np.float64], b_MP: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the (N, M) Euclidean distances between rows."""
    found_NM: npt.NDArray[np.float64] = np.linalg.norm(a_NP[:, None] - b_MP[None], axis=2)
    return found_NM


def apart(distance_NN: npt.NDArray[np.float64], least: float) -> int:
    """Return how many items are left when each is dropped that is nearer than `least` to one that was kept before."""
    kept: list[int] = []
    for place, row_N in enumerate(distance_NN):
        if (row_N[kept] >= least).all():
            kept.append(place)
    return len(kept)


def measure(fake_NCHW: npt.NDArray[np.integer], real_NCHW: npt.NDArray[np.integer]) -> dict[str, float]:
    """Return the measures of generated images beside the real ones that they were trained on."""
    fake_NP, real_MP = pixels(fake_NCHW), pixels(real_NCHW)
    off_diagonal = ~np.eye(len(fake_NP), dtype=bool)
    among_fake_NN, to_real_NM = distances(fake_NP, fake_NP), distances(fake_NP, real_MP)
    among_real_MM = distances(real_MP, real_MP)
    smallest = float(among_real_MM[~np.eye(len(real_MP), dtype=bool)].min())
    return {
        "distinct": apart(among_fake_NN, DISTINCT * smallest),
        "between": float(among_fake_NN[off_diagonal].mean()),
        "nearest": float(to_real_NM.min(axis=1).mean()),
        "reached": len(set(to_real_NM.argmin(axis=1).tolist())),
    }


def config_of(name: str, *, rounds: int, seed: int) -> Config:
    """Return the config of a variant, for so many rounds unless it has a number of its own."""
    settings = {"training.steps": rounds, "training.seed": seed, "training.device": "cpu"} | VARIANTS[name]
    return recipe(str(settings.pop("recipe", "mnist-gan")), settings)


def run(config: Config, data: Path, picture: Path | None) -> dict[str, Any]:
    """Train by a config; return what is measured at its end, and why it diverged, or None."""
    collection = scan_images(data, config).collection
    trainer = Trainer.from_config(ImageDomain(collection, config, CPU), config, CPU)
    began, diverged = time.process_time(), None
    assert config.training.steps is not None
    try:
        while trainer.step < config.training.steps:
            trainer.round()
    except Diverged as error:
        diverged = error.message
    seconds = time.process_time() - began
    fake_NCHW, batch = trainer.samples(), config.training.batch_size
    if picture is not None:
        columns = config.images.columns
        write_png(legible(fake_NCHW[:batch].astype(np.uint8), columns), picture)
    numbers = measure(fake_NCHW[:batch], collection.train_NCHW[:batch])
    return {"rounds": trainer.step, "seconds": seconds, "diverged": diverged, **numbers}


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table."""
    lines = [
        "| change | rounds | seconds | distinct images | distance between them | to the nearest real | reached |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['name']} | {row['rounds']:,} | {row['seconds']:.0f} | {row['distinct']} | {row['between']:.2f} "
        f"| {row['nearest']:.2f} | {row['reached']} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mnist"), help="folder with MNIST's files")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", metavar="TEXT", help="variants with this in their name")
    parser.add_argument("--json", type=Path, help="file of the rows")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="folder for the ten images of each variant")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    kept: dict[str, dict[str, Any]] = {}
    if options.json is not None and options.json.exists():
        kept = {row["name"]: row for row in json.loads(options.json.read_text(encoding="utf-8"))["rows"]}
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(VARIANTS):
        if name in kept or options.only not in name:
            continue
        picture = None if options.pictures is None else options.pictures / f"{number:02d}.png"
        config = config_of(name, rounds=options.rounds, seed=options.seed)
        kept[name] = {"name": name, **run(config, options.data, picture)}
        if options.json is not None:
            rows = [kept[each] for each in VARIANTS if each in kept]
            options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    print(table([kept[name] for name in VARIANTS if name in kept]))


if __name__ == "__main__":
    main()
