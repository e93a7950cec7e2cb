"""Models stand next to real lines and Markov chains of their corpus, each corpus once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.runs.evaluate import evaluate
from seqgan_wgp.studio import comparison
from seqgan_wgp.studio.catalogue import Catalogue
from seqgan_wgp.studio.comparison import MAX_MODELS, SAMPLES, STRINGS, side_by_side
from seqgan_wgp.utils.bundled_models import bundled_models


def test_every_model_has_a_row_and_strings_and_each_corpus_its_baselines(runs: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(runs / "tiny", tmp_path / name)
    catalogue = Catalogue(tmp_path)
    found = side_by_side(catalogue, ["one", "two"])
    names = [row[0] for row in found.rows]
    assert names[:3] == ["one", "two", "real lines of tiny"]
    assert names[3:] == [f"Markov chain of order {order}" for order in range(1, 6)]
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert list(found.strings) == ["one", "two", "Markov chain of order 3 (tiny)"]
    assert found.strings["one"] == found.strings["two"] == catalogue.model("one").generate(STRINGS)
    assert {len(strings) for strings in found.strings.values()} == {STRINGS}
    js = {row[0]: float(row[1]) for row in found.rows}
    assert js["one"] > js["Markov chain of order 3"] and js["real lines of tiny"] == 0


def test_the_autoregressive_baseline_has_a_row_and_strings(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "BASELINE_SECONDS", 0.2)
    steps: list[str] = []
    found = side_by_side(
        Catalogue(runs), ["tiny"], autoregressive=True, on_step=lambda what, _share: steps.append(what)
    )
    row = found.rows[-1]
    assert row[0] == "autoregressive baseline" and len(row) == len(found.columns)
    asked: dict[str, Any] = {
        "samples": SAMPLES,
        "guesses": [SAMPLES],
        "orders": 4,
        "c2st_steps": 0,
        "baseline_seconds": 0.2,
    }
    measured = evaluate(runs / "tiny", **asked).to_json()
    assert row[1] == f"{measured['js_autoregressive'][-1] - measured['js_floor'][-1]:.4f}"
    strings = found.strings["autoregressive baseline (tiny)"]
    assert len(strings) == STRINGS and "training the autoregressive baseline" in steps


def test_a_bundled_model_is_compared_on_its_bundled_corpus(runs: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path, model=runs / "tiny" / "model.safetensors")
    assert {"words", "identifiers"} <= set(catalogue.comparable())
    assert not {"names", "model.safetensors"} & set(catalogue.comparable())
    assert not catalogue.has_comparable()
    assert Catalogue(tmp_path, model=bundled_models()["words"].path).has_comparable()
    assert Catalogue(runs).has_comparable()
    found = side_by_side(catalogue, ["words"])
    assert [row[0] for row in found.rows][:2] == ["words", "real lines of words"]


def test_what_cannot_be_compared_is_refused(runs: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path, model=runs / "tiny" / "model.safetensors")
    with pytest.raises(ConfigError, match="bare model file"):
        side_by_side(catalogue, ["model.safetensors"])
    for names in ([], ["x"] * (MAX_MODELS + 1)):
        with pytest.raises(ConfigError, match="models are chosen"):
            side_by_side(catalogue, names)
