"""Extras: each has a name that messages give, and its absence is one clear line."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.config import override, recipe
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import SeqganError
from seqgan_wgp.registry import VALIDATORS
from seqgan_wgp.runs.export.hub import find_pretrained
from seqgan_wgp.runs.export.onnx import check_onnx
from seqgan_wgp.runs.trackers import check_log_packages
from seqgan_wgp.studio.app import load_gradio
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.readers.reader import Reader

ROOT = Path(__file__).parents[1]
FOR_DEVELOPERS = {"dev", "release"}


def extras() -> dict[str, list[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = settings["project"]["optional-dependencies"]
    return found


def read_parquet() -> None:
    Path("x.parquet").write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    list(Reader(open_source("x.parquet:text"), CorpusSettings()))


def log_to(name: str) -> None:
    check_log_packages(override(recipe("fast"), {f"log.{name}": True}))


USES: dict[str, tuple[str, Callable[[], object]]] = {
    "arrow": ("pyarrow", read_parquet),
    "chem": ("rdkit", lambda: VALIDATORS["rdkit"].check("rdkit")),
    "hub": ("huggingface_hub", lambda: find_pretrained("owner/name")),
    "onnx": ("onnx", check_onnx),
    "studio": ("gradio", load_gradio),
    **{name: (name, partial(log_to, name)) for name in ("mlflow", "tensorboard", "wandb")},
}
"""Extra -> a package of it, and what needs that package."""


@pytest.mark.parametrize("extra", USES)
def test_the_absence_of_an_extra_is_one_line_that_names_it(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, use = USES[extra]
    find = importlib.util.find_spec
    absent: Callable[..., Any] = lambda name, *rest: None if name == package else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", absent)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeqganError) as caught:
        use()
    assert caught.value.remedy == f'pip install "seqgan-wgp[{extra}]"'
    assert "\n" not in caught.value.message
    assert package in caught.value.message or extra in caught.value.message.lower()


def test_every_extra_that_is_named_exists() -> None:
    files = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("cli/**/*.py"),
        *ROOT.glob("seqgan_wgp/**/*.py"),
    ]
    texts = [file.read_text(encoding="utf-8") for file in files if file.name != "CHANGELOG.md"]
    named = {
        name for text in texts for found in re.findall(r"seqgan-wgp\[([\w,]+)\]", text) for name in found.split(",")
    }
    assert named >= set(USES)
    assert named <= set(extras())
