"""docs/theory.md names what there is, shows figures that there are, and reads DRAGAN on text rightly."""

from __future__ import annotations

import functools
import importlib
import operator
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seqgan_wgp.theory.experiments import EXPERIMENTS
from seqgan_wgp.training.penalties import CONSTRAINTS, around_real
from seqgan_wgp.utils.counter_rng import Stream, uniform

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
# In the text, and beside the lines of the algorithm.
NAMED = re.findall(r"`([a-z_/]+)\.py`,\s+`([A-Za-z_.]+)`", DOCUMENT) + [
    (file, name)
    for file, names in re.findall(r"  ([a-z]+)\.py +([A-Za-z_., ]+)$", DOCUMENT, flags=re.MULTILINE)
    for name in names.split(", ")
]


@pytest.mark.parametrize(("file", "name"), NAMED, ids=" ".join)
def test_what_is_named_is_there(file: str, name: str) -> None:
    path = file if "/" in file and (ROOT / "seqgan_wgp" / f"{file}.py").is_file() else f"training/{file}"
    module = importlib.import_module(f"seqgan_wgp.{path.replace('/', '.')}")
    assert callable(functools.reduce(getattr, name.split("."), module)) or name.isupper()


def test_enough_is_named() -> None:
    assert len(NAMED) > 25
    table = DOCUMENT.partition("| constraint | where")[2].partition("\n\n")[0]
    in_table = re.findall(r"^\| `([a-z0-9-]+)` \|", table, flags=re.MULTILINE)
    assert set(in_table) == {name for name, constraint in CONSTRAINTS.items() if constraint.slopes is not None}


def test_figures_are_those_of_the_experiments_and_small() -> None:
    shown = re.findall(r"!\[.+\]\((.+)\)", DOCUMENT)
    assert sorted(shown) == sorted(f"theory/{name}.png" for name in EXPERIMENTS)
    for path in shown:
        assert (ROOT / "docs" / path).stat().st_size < 150_000


def test_no_check_of_the_document_is_missed() -> None:
    rows = re.findall(r"^\| .* \| (yes|NO) \|$", DOCUMENT, flags=re.MULTILINE)
    assert len(rows) > 15
    assert set(rows) == {"yes"}


class Recorder:
    """A view that keeps the points that slopes are asked for."""

    def __init__(self, real: Tensor) -> None:
        self.real = self.fake = real
        self.looked_at = real

    def both(self) -> Tensor:
        return torch.cat([self.real, self.fake])

    def score(self, x: Tensor) -> Tensor:
        return x.flatten(1).sum(dim=1)

    def slopes(self, x: Tensor) -> Tensor:
        self.looked_at = x
        return self.score(x)


def test_dragan_takes_text_off_the_simplex() -> None:
    ids_BL = torch.randint(0, 28, (64, 16), generator=torch.Generator().manual_seed(0))
    real_BLV = torch.nn.functional.one_hot(ids_BL, 28).float()
    view = Recorder(real_BLV)
    around_real(view, lambda columns: uniform(0, Stream.EPSILON, torch.arange(64), columns))
    kept_BL = view.looked_at.amax(dim=2)
    added_BL = view.looked_at.sum(dim=2) - kept_BL
    whole_B = (kept_BL == 1).all(dim=1)
    assert 0.3 < whole_B.float().mean() < 0.7
    assert (added_BL[whole_B] > 0).all()
    assert (kept_BL[~whole_B] < 1).all()
    assert (added_BL[~whole_B] == 0).all()
    # Never near another character: what is added at a place is at most half a standard deviation.
    assert operator.eq(*(x.argmax(dim=2) for x in (view.looked_at, real_BLV))).all()
    assert view.looked_at.sub(real_BLV).abs().max() <= 0.5 * real_BLV.std()
