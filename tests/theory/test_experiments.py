"""Every experiment passes the same contract: tables of a shape, checks that can fail, a figure that shows something."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seqgan_wgp.theory import checks
from seqgan_wgp.theory.experiments import EXPERIMENTS
from seqgan_wgp.theory.figures import DOTS, WIDTH, png
from seqgan_wgp.theory.tables import TheoryTable, markdown

Short = Callable[[str], tuple[Any, list[str]]]

every = pytest.mark.parametrize("name", EXPERIMENTS)


@every
def test_figures_are_written_and_not_blank(name: str, short: Short) -> None:
    written = png(EXPERIMENTS[name].figure(short(name)[0]))
    picture = np.asarray(Image.open(io.BytesIO(written)).convert("RGB")).astype(float)
    assert picture.shape[1] == round(WIDTH * DOTS)
    assert len(written) < 150_000
    # Every quarter of it shows something, and there are colours.
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    parts = [picture[y * height :, x * width :][:height, :width] for y in range(2) for x in range(2)]
    assert all(part.std() > 10 for part in parts)
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 100


@every
def test_tables_have_as_many_cells_as_heads(name: str, short: Short) -> None:
    for table in EXPERIMENTS[name].tables(short(name)[0]):
        rows = markdown(table).splitlines()
        assert len(rows) == len(table.rows) + 2
        assert {row.count("|") for row in rows} == {len(table.head) + 1}
        assert len({len(row) for row in rows}) == 1


@every
def test_checks_of_a_training_too_short_are_not_all_met(name: str, short: Short) -> None:
    found = EXPERIMENTS[name].checks(short(name)[0])
    assert not all(check.met for check in found)
    assert [row[2] for row in checks.checks_table(found).rows] == ["yes" if check.met else "NO" for check in found]


def test_checks_of_what_theory_says_are_met(short: Short) -> None:
    right = tuple(
        dataclasses.replace(
            line,
            js_estimate=line.js,
            wgan_estimate=line.penalised,
            slope=1 + line.w1 / 20,
            wgan_gradient=math.copysign(1 + line.w1 / 20, line.theta),
            gan_gradient=0.0,
        )
        for line in short("lines")[0]
    )
    assert all(check.met for check in EXPERIMENTS["lines"].checks(right))


def test_numbers_that_are_not_there_meet_no_check(short: Short) -> None:
    wrong = tuple(dataclasses.replace(line, wgan_estimate=math.nan) for line in short("lines")[0])
    assert not EXPERIMENTS["lines"].checks(wrong)[0].met


@every
def test_running_tells_what_it_does(name: str, short: Short) -> None:
    _, told = short(name)
    assert len(set(told)) == len(told) >= 2


def test_a_table_lines_up() -> None:
    table = TheoryTable(title="", head=("a", "long head"), rows=(("longer", "b"),))
    assert markdown(table).splitlines() == [
        "| a      | long head |",
        "|--------|-----------|",
        "| longer | b         |",
    ]
