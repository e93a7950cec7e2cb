"""Points as lines and as pictures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seqgan_wgp.config import Config
from seqgan_wgp.toy.domain import ToySpec
from seqgan_wgp.toy.output import FORMATS, HEADERS, write_scatter
from seqgan_wgp.toy.spec import chosen

ROOT = Path(__file__).parents[2]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(NUMBERS, NUMBERS)
def test_lines_are_exact(x: float, y: float) -> None:
    for name in ("txt", "csv"):
        assert [np.float32(field) for field in FORMATS[name](x, y).split(",")] == [np.float32(x), np.float32(y)]
    assert [np.float32(number) for number in json.loads(FORMATS["jsonl"](x, y))] == [np.float32(x), np.float32(y)]


def test_lines_are_short() -> None:
    x, y = np.array([0.1, -1.0], np.float32).tolist()
    assert {name: line(x, y) for name, line in FORMATS.items()} == {
        "txt": "0.1,-1.0",
        "csv": "0.1,-1.0",
        "jsonl": "[0.1, -1.0]",
    }
    assert HEADERS == {"csv": "x,y\n"}


@pytest.mark.parametrize("name", ["25-gaussians", "parallel-lines"])
def test_a_picture_shows_real_and_generated_points(
    name: str, tmp_path: Path, toy_config: Callable[..., Config]
) -> None:
    config = toy_config(**{"toy.name": name})
    spec = ToySpec(chosen(config.toy))
    points_N2 = np.random.default_rng(0).normal(0, 0.3, (400, 2)).astype(np.float32)
    for folder, points in (("one", points_N2), ("two", points_N2), ("far", points_N2 + 1_000)):
        (tmp_path / folder).mkdir()
        write_scatter(config, spec, points, tmp_path / folder / "00000500")
    one, two, far = (tmp_path / folder / "00000500.png" for folder in ("one", "two", "far"))
    assert one.read_bytes() == two.read_bytes()
    with Image.open(one) as near, Image.open(far) as away:
        assert near.size == away.size  # the frame is that of the real points, wherever the others are
        dark = [(np.asarray(image.convert("L")) < 60).sum() for image in (near, away)]
    assert dark[0] > dark[1] + 1_000
    assert [file.name for file in one.parent.iterdir()] == ["00000500.png"]


def test_a_picture_needs_no_screen_and_no_state(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
import numpy as np
from seqgan_wgp.config import recipe
from seqgan_wgp.domains import DOMAINS
assert "matplotlib" not in sys.modules and "scipy" not in sys.modules, "only what draws points waits for them"
DOMAINS["toy"].write_samples(recipe("toy"), None, np.zeros((3, 2), np.float32), Path({str(tmp_path / "00000001")!r}))
assert "matplotlib.figure" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
